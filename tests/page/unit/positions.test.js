/** Places between others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { between, byPosition } from "../../../todo/web/page/js/positions.js";

test("a place is between its neighbours", () => {
    for (const [before, after] of [
        ["", "120i"],
        ["120i", "130i"],
        ["120i", "121i"],
        ["120i", "120ii"],
        ["1", "11"],
        ["az", "b"],
        ["azzz", "b"],
        ["a", "a1"],
        ["", "01"],
        ["120z", "1210"],
    ]) {
        const place = between(before, after);
        assert.ok(before < place && place < after, `${before} < ${place} < ${after}`);
    }
});

test("there is always a place at the end and at the beginning", () => {
    let last = "";
    for (let count = 0; count < 300; count += 1) {
        const next = between(last, null);
        assert.ok(next > last);
        last = next;
    }
    let first = "120i";
    for (let count = 0; count < 300; count += 1) {
        const next = between("", first);
        assert.ok(next < first && next > "" && !next.endsWith("0"), `${next} < ${first}`);
        first = next;
    }
});

test("a thousand places between two, each beside the one before", () => {
    let [low, high] = ["120i", "130i"];
    for (let count = 0; count < 1000; count += 1) {
        const place = between(low, high);
        assert.ok(low < place && place < high, `${low} < ${place} < ${high}`);
        count % 3 ? (high = place) : (low = place);
    }
});

test("equal places have something after them, instead of no end", () => {
    assert.ok(between("120i", "120i") > "120i");
});

test("the order is by bytes, then by id", () => {
    const objects = [
        { position: "2", id: 1 },
        { position: "1z", id: 5 },
        { position: "1z", id: 3 },
        { position: "1", id: 9 },
    ];
    assert.deepEqual(
        objects.sort(byPosition).map(({ id }) => id),
        [9, 3, 5, 1],
    );
});
