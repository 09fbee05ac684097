/** Search in the copy. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fold, search } from "../../../todo/web/page/js/search.js";
import { task } from "../support/data.js";

/** @param {any} fields @param {string} query */
const finds = (fields, query) => search([task(1, fields)], query).length === 1;

test("case, accents and punctuation do not matter", () => {
    assert.equal(fold("  Crème-BRÛLÉE, Straße! "), "creme brulee strasse");
    assert.equal(fold("Ærø & Łódź"), "aero lodz");
    assert.ok(finds({ name: "Crème brûlée" }, "CREME"));
    assert.ok(finds({ name: "creme" }, "crème"));
});

test("every word must be there, in the name, the note or a label", () => {
    const fields = { name: "Buy milk", note: "two litres", labels: ["shop"] };
    assert.ok(finds(fields, "shop litres buy"));
    assert.ok(!finds(fields, "milk bread"));
});

test("the last word may be incomplete while one types it, others not", () => {
    assert.ok(finds({ name: "Buy milk" }, "buy mi"));
    assert.ok(!finds({ name: "Buy milk" }, "bu milk"));
    assert.ok(!finds({ name: "Buy milk" }, "buy mi "), "a space ends the word");
    assert.ok(!finds({ name: "Buy milk" }, "ilk"), "not within a word");
});

test("scripts without spaces match anywhere", () => {
    assert.ok(finds({ name: "明日牛乳を買う" }, "牛乳"));
    assert.ok(finds({ name: "Party🎉today" }, "🎉"));
});

test("nothing is found for nothing", () => {
    for (const query of ["", "  ", "!?"]) {
        assert.ok(!finds({ name: "Milk" }, query));
    }
});

test("the newest come first", () => {
    const tasks = ["2030-01-01", "2030-01-03", "2030-01-02"].map((day, index) =>
        task(index, { name: "Milk", creation_date: `${day}T00:00:00Z` }),
    );
    assert.deepEqual(
        search(tasks, "milk").map(({ id }) => id),
        [1, 2, 0],
    );
});

test("a changed task is found by its new text", () => {
    const old = task(1, { name: "Milk" });
    assert.equal(search([old], "milk").length, 1);
    assert.equal(search([{ ...old, name: "Bread" }], "milk").length, 0);
});
