/** Writes that depend on one which is taken back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutEffect, withoutObject } from "../../../todo/web/page/js/dependents.js";
import { withId } from "../../../todo/web/page/js/writes.js";
import { entry } from "../support/data.js";

const quick = entry("quick", "new:t", { text: "A", list_id: "new:l", guess: { list_id: "new:l" } });

test("the guess of a quick entry follows its list", () => {
    assert.deepEqual(withId(quick, "new:l", 7).fields.guess, { list_id: 7 });
    const [put] = withoutObject([quick], "new:l").put;
    assert.deepEqual(put.fields, { text: "A", list_id: null, guess: { list_id: null } });
});

test("later changes of the same fields had the values before the one that is taken back", () => {
    const changes = [
        ["x", "y"],
        ["y", "z"],
        ["z", "y"],
        ["y", "w"],
    ].map(([before, name], index) =>
        entry("update", 1, { name }, { seq: index + 1, before: { name: before } }),
    );
    const other = entry("update", 2, { name: "o" }, { seq: 9, before: { name: "y" } });
    const put = withoutEffect([...changes, other], changes[0]);
    assert.deepEqual(
        put.map(({ seq, before }) => [seq, before]),
        [[2, { name: "x" }]],
    );
});
