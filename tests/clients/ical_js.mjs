// Reads [{rule, first, until}] and writes the dates of each rule, by ical.js, up to `until`.
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import ICAL from "ical.js";

function datesOf({ rule, first, until }) {
  const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromDateString(first));
  const dates = [];
  for (let next = iterator.next(); next && String(next) <= until; next = iterator.next()) {
    dates.push(String(next));
  }
  return dates;
}

const timeout = Number(process.argv[2]); // milliseconds: ical.js never ends on some rules
const answers = JSON.parse(readFileSync(0, "utf8")).map((each) => {
  try {
    return runInNewContext("run()", { run: () => datesOf(each) }, { timeout });
  } catch (error) {
    return String(error);
  }
});
console.log(JSON.stringify(answers));
