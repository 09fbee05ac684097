/** Recurrence rules: choices of the form, and their words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
    CHOICES,
    choiceOf,
    formatRule,
    parseRule,
    rule,
    ruleOfChoice,
    weekdayOf,
} from "../../../todo/web/page/js/views/rule.js";

// texts.js reads the languages of the browser, which Node.js before 21 does not have.
if (!globalThis.navigator) {
    Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-GB"] } });
}
const { beforeText, choiceText, describe, ordinal } =
    await import("../../../todo/web/page/js/views/rule-text.js");

const FRIDAY = "2030-02-01";

test("a rule of the form is read and written as the server does", () => {
    const texts = [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3;COUNT=5",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=20310228;BYDAY=SU",
        "FREQ=WEEKLY;UNTIL=20310228T090000Z",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;COUNT=999;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=YEARLY;INTERVAL=999",
    ];
    for (const text of texts) {
        const parsed = parseRule(text);
        assert.ok(parsed, text);
        assert.equal(formatRule(parsed), text);
    }
});

test("a rule that says more than the form, or is wrong, is not understood", () => {
    const texts = [
        "",
        "FREQ",
        "FREQ=HOURLY",
        "INTERVAL=2",
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1000",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20300201",
        "FREQ=DAILY;UNTIL=2030-02-01",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;WKST=SU",
        "FREQ=MONTHLY;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=1FR",
        "FREQ=YEARLY;BYMONTH=2",
    ];
    for (const text of texts) {
        assert.equal(parseRule(text), null, text);
    }
});

test("a rule is read in any case, with its weekdays in order and once", () => {
    assert.equal(
        formatRule(/** @type {any} */ (parseRule("byday=fr,mo,fr;freq=weekly;interval=1"))),
        "FREQ=WEEKLY;BYDAY=MO,FR",
    );
});

test("a rule has the choice that says the same for the due day", () => {
    /** @type {[string | null, string][]} */
    const table = [
        [null, "none"],
        ["FREQ=DAILY", "daily"],
        ["FREQ=DAILY;INTERVAL=2", "custom"],
        ["FREQ=DAILY;COUNT=3", "daily"],
        ["FREQ=WEEKLY", "weekly"],
        ["FREQ=WEEKLY;BYDAY=FR", "weekly"],
        ["FREQ=WEEKLY;BYDAY=SA", "custom"],
        ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "workdays"],
        ["FREQ=MONTHLY", "monthly"],
        ["FREQ=MONTHLY;BYMONTHDAY=1", "monthly"],
        ["FREQ=MONTHLY;BYMONTHDAY=2", "custom"],
        ["FREQ=MONTHLY;BYMONTHDAY=-1", "monthEnd"],
        ["FREQ=MONTHLY;BYDAY=1FR", "custom"],
        ["FREQ=YEARLY", "yearly"],
        ["FREQ=YEARLY;BYMONTH=2", "written"],
    ];
    for (const [text, choice] of table) {
        assert.equal(choiceOf(text, FRIDAY), choice, String(text));
    }
});

test("the rule of a choice has that choice, and keeps the end", () => {
    for (const choice of CHOICES.filter((name) => !["custom", "written"].includes(name))) {
        assert.equal(choiceOf(ruleOfChoice(choice, null), FRIDAY), choice);
    }
    assert.equal(ruleOfChoice("daily", "FREQ=WEEKLY;COUNT=4"), "FREQ=DAILY;COUNT=4");
    assert.equal(
        ruleOfChoice("monthEnd", "FREQ=WEEKLY;INTERVAL=2;UNTIL=20310228T090000Z"),
        "FREQ=MONTHLY;UNTIL=20310228T090000Z;BYMONTHDAY=-1",
    );
    assert.equal(ruleOfChoice("custom", "FREQ=DAILY"), "FREQ=DAILY");
    assert.equal(ruleOfChoice("custom", null), "FREQ=WEEKLY");
    assert.equal(ruleOfChoice("none", "FREQ=DAILY"), null);
});

test("weekdays begin with Monday", () => {
    assert.equal(weekdayOf("2030-02-01"), 4);
    assert.equal(weekdayOf("2030-02-03"), 6);
    assert.equal(weekdayOf("2030-02-04"), 0);
});

test("a rule is described in words", () => {
    /** @type {[string, string][]} */
    const table = [
        ["FREQ=DAILY", "Every day"],
        ["FREQ=DAILY;INTERVAL=3", "Every 3 days"],
        ["FREQ=WEEKLY", "Every week on Friday"],
        ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday"],
        ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "Every 2 weeks on Monday and Wednesday"],
        ["FREQ=MONTHLY", "Every month on the 1st"],
        ["FREQ=MONTHLY;BYMONTHDAY=22", "Every month on the 22nd"],
        ["FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1", "Every 2 months on the last day"],
        ["FREQ=MONTHLY;BYDAY=-1FR", "Every month on the last Friday"],
        ["FREQ=YEARLY;COUNT=1", "Every year, once"],
        ["FREQ=YEARLY;COUNT=5", "Every year, 5 times"],
        ["FREQ=DAILY;UNTIL=20360229", "Every day, until February 29, 2036"],
    ];
    for (const [text, words] of table) {
        assert.equal(describe(/** @type {any} */ (parseRule(text)), FRIDAY), words);
    }
    assert.equal(describe(rule({ freq: "WEEKLY" }), null), "Every week");
    assert.equal(describe(rule({ freq: "MONTHLY" }), null), "Every month");
});

test("choices name the weekday and the day of the month", () => {
    assert.equal(choiceText("weekly", FRIDAY), "Every week on Friday");
    assert.equal(choiceText("monthly", "2030-02-13"), "Every month on the 13th");
    assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31].map(ordinal), [
        ..."1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 31st".split(" "),
    ]);
});

test("durations before the due date are described in words", () => {
    assert.equal(beforeText("PT0S"), "When it is due");
    assert.equal(beforeText("PT15M"), "15 minutes before it is due");
    assert.equal(beforeText("P1DT2H"), "1 day, 2 hours before it is due");
    assert.equal(beforeText("P2W"), "2 weeks before it is due");
});
