/** Days, instants and time zones. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
    addDays,
    compareDates,
    dayOf,
    dayText,
    daysBetween,
    instantOf,
    instantText,
    isDay,
    isOverdue,
    local,
    timeText,
} from "../../../todo/web/page/js/dates.js";

const BERLIN = "Europe/Berlin";
const NEW_YORK = "America/New_York";

test("a local time is found in winter and in summer, north and south", () => {
    /** @type {[string, string, string, string][]} */
    const table = [
        [BERLIN, "2030-02-01", "09:30", "2030-02-01T08:30:00Z"],
        [BERLIN, "2030-07-01", "09:30", "2030-07-01T07:30:00Z"],
        [NEW_YORK, "2030-02-01", "21:30", "2030-02-02T02:30:00Z"],
        [NEW_YORK, "2030-07-01", "21:30", "2030-07-02T01:30:00Z"],
        ["Australia/Sydney", "2030-01-01", "00:30", "2029-12-31T13:30:00Z"],
        ["Asia/Kathmandu", "2030-02-01", "00:00", "2030-01-31T18:15:00Z"],
        ["Pacific/Kiritimati", "2030-02-01", "13:59", "2030-01-31T23:59:00Z"],
        ["UTC", "2030-02-01", "00:00", "2030-02-01T00:00:00Z"],
    ];
    for (const [zone, day, time, instant] of table) {
        assert.equal(instantOf(day, time, zone), instant, `${day} ${time} ${zone}`);
        assert.deepEqual(local(instant, zone), { day, time });
    }
});

test("a time that clocks skip is read with the offset before", () => {
    // 02:00 becomes 03:00.
    assert.equal(instantOf("2030-03-31", "02:30", BERLIN), "2030-03-31T01:30:00Z");
    assert.equal(instantOf("2030-03-10", "02:30", NEW_YORK), "2030-03-10T07:30:00Z");
    // Half an hour: 02:00 becomes 02:30.
    assert.equal(instantOf("2030-10-06", "02:15", "Australia/Lord_Howe"), "2030-10-05T15:45:00Z");
    assert.equal(instantOf("2030-03-31", "01:59", BERLIN), "2030-03-31T00:59:00Z");
    assert.equal(instantOf("2030-03-31", "03:00", BERLIN), "2030-03-31T01:00:00Z");
});

test("of a time that occurs twice, the first is meant", () => {
    // 03:00 becomes 02:00.
    assert.equal(instantOf("2030-10-27", "02:30", BERLIN), "2030-10-27T00:30:00Z");
    assert.equal(instantOf("2030-11-03", "01:30", NEW_YORK), "2030-11-03T05:30:00Z");
    assert.equal(instantOf("2030-10-27", "01:59", BERLIN), "2030-10-26T23:59:00Z");
    assert.equal(instantOf("2030-10-27", "03:00", BERLIN), "2030-10-27T02:00:00Z");
    assert.equal(local("2030-10-27T01:30:00Z", BERLIN).time, "02:30");
});

test("midnight is 00:00 of the day that begins", () => {
    assert.deepEqual(local("2030-01-31T23:00:00Z", BERLIN), { day: "2030-02-01", time: "00:00" });
});

test("a day that clocks skip altogether does not repeat another", () => {
    // Samoa left out 30 December 2011.
    assert.equal(instantOf("2011-12-30", "12:00", "Pacific/Apia"), "2011-12-30T22:00:00Z");
});

test("the day of a date is that of the zone", () => {
    assert.equal(dayOf("2030-02-01", NEW_YORK), "2030-02-01");
    assert.equal(dayOf("2030-02-01T03:00:00Z", NEW_YORK), "2030-01-31");
    assert.equal(dayOf(null, NEW_YORK), null);
    assert.equal(isDay("2030-02-01"), true);
    assert.equal(isDay("2030-02-01T03:00:00Z"), false);
});

test("days are counted over months, years and changes of clocks", () => {
    assert.equal(addDays("2030-02-28", 1), "2030-03-01");
    assert.equal(addDays("2032-02-28", 1), "2032-02-29");
    assert.equal(addDays("2030-01-01", -1), "2029-12-31");
    assert.equal(addDays("2030-03-30", 2), "2030-04-01");
    assert.equal(daysBetween("2030-03-30", "2030-04-01"), 2);
    assert.equal(daysBetween("2030-04-01", "2030-03-30"), -2);
    assert.equal(daysBetween("2031-12-31", "2033-01-01"), 367);
});

test("a day comes before the times of the day", () => {
    const dates = ["2030-02-02", "2030-02-01T22:30:00Z", "2030-02-01T23:30:00Z", "2030-02-01"];
    const sorted = [...dates].sort((a, b) => compareDates(a, b, BERLIN));
    assert.deepEqual(sorted, [
        "2030-02-01",
        "2030-02-01T22:30:00Z",
        "2030-02-02",
        "2030-02-01T23:30:00Z", // 00:30 on the next day
    ]);
    assert.equal(compareDates("2030-02-01", "2030-02-01", BERLIN), 0);
});

test("a day is late when it is over in the zone, a time when it has passed", () => {
    const now = Date.parse("2030-02-01T23:30:00Z");
    assert.equal(isOverdue("2030-02-01", local(now, BERLIN).day, now), true);
    assert.equal(isOverdue("2030-02-01", local(now, NEW_YORK).day, now), false);
    assert.equal(isOverdue("2030-02-01T23:29:59Z", local(now, BERLIN).day, now), true);
    assert.equal(isOverdue("2030-02-01T23:30:00Z", local(now, BERLIN).day, now), false);
});

test("dates are written in the language", () => {
    assert.equal(dayText("2030-02-01", "de"), "Fr., 1. Februar");
    assert.match(timeText("2030-02-01T08:30:00Z", BERLIN, "en-GB"), /^0?9:30$/);
    assert.match(instantText("2030-02-01T08:30:00Z", NEW_YORK, "en-GB"), /^1 Feb 2030, 03:30/);
});
