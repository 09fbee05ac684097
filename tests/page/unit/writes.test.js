/** The request of each write, and how it is recognized afterwards. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    clashes,
    dependencies,
    executionOf,
    givenIds,
    isNew,
    randomKey,
    requestOf,
    withId,
} from "../../../todo/web/page/js/writes.js";
import { change, entry } from "../support/data.js";

test("keys are UUIDs of version 4, and differ", () => {
    const keys = Array.from({ length: 100 }, randomKey);
    assert.equal(new Set(keys).size, 100);
    for (const key of keys) {
        assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
});

test("only provisional ids are new", () => {
    assert.deepEqual(["new:1", "home", 1, null, undefined].map(isNew), [
        true,
        false,
        false,
        false,
        false,
    ]);
});

/** @type {[string, import("../../../todo/web/page/js/types.d.ts").Entry, object][]} */
const REQUESTS = [
    [
        "a new task has its key as uid",
        entry("create", "new:k", { name: "A" }),
        { method: "POST", path: "tasks", body: { uid: "k", name: "A" } },
    ],
    [
        "a new list has none",
        entry("create", "new:k", { name: "A" }, { noun: "list" }),
        { method: "POST", path: "lists", body: { name: "A" } },
    ],
    [
        "a line is sent with its time, without the guess",
        entry("quick", "new:k", { text: "A !1", guess: { name: "A" } }),
        {
            method: "POST",
            path: "tasks/quick",
            body: { uid: "k", at: "2030-01-01T00:00:00Z", text: "A !1" },
        },
    ],
    [
        "a change has the version",
        entry("update", 1, { name: "B" }, { base: 7 }),
        { method: "PATCH", path: "tasks/1", body: { name: "B" }, etag: '"7"' },
    ],
    [
        "a label is named in the path",
        entry("update", "a/b ü", { name: "b" }, { noun: "label" }),
        { method: "PATCH", path: "labels/a%2Fb%20%C3%BC", body: { name: "b" }, etag: undefined },
    ],
    [
        "a deletion has the version",
        entry("delete", 3, {}, { noun: "filter", base: 7 }),
        { method: "DELETE", path: "filters/3", etag: '"7"' },
    ],
    [
        "a move",
        entry("move", 1, { first: true }),
        { method: "POST", path: "tasks/1/move", body: { first: true } },
    ],
    [
        "a skipped date, without the guess",
        entry("skip", 1, { occurrence: "2030-01-01", guess: { due_date: "2030-01-02" } }),
        { method: "POST", path: "tasks/1/skip", body: { occurrence: "2030-01-01" } },
    ],
    ["a restored task", entry("restore", 1), { method: "POST", path: "trash/1/restore" }],
    ["an erased task", entry("erase", 1), { method: "DELETE", path: "trash/1" }],
    ["an undo", entry("undo", 1, {}, { revision: 9 }), { method: "POST", path: "changes/9/undo" }],
    [
        "a dismissed reminder",
        entry("dismiss", 5, {}, { noun: "reminder" }),
        { method: "POST", path: "reminders/5/dismiss", body: {} },
    ],
];

for (const [name, write, request] of REQUESTS) {
    test(`request: ${name}`, () => assert.deepEqual(requestOf(write), request));
}

test("a write depends on new objects, a creation not on itself", () => {
    assert.deepEqual(dependencies(entry("create", "new:a", { list_id: "new:l" })), ["new:l"]);
    assert.deepEqual(dependencies(entry("update", "new:a", { parent_id: 4 })), ["new:a"]);
    assert.deepEqual(dependencies(entry("move", 1, { after: "new:b", list_id: null })), ["new:b"]);
});

test("the id of a new object is put everywhere, and nowhere else", () => {
    const write = entry("move", "new:a", { after: "new:b", list_id: "new:l" });
    assert.equal(withId(write, "new:x", 1), write);
    const next = withId(withId(write, "new:a", 1), "new:b", 2);
    assert.equal(next.id, 1);
    assert.deepEqual(next.fields, { after: 2, list_id: "new:l" });
    assert.deepEqual(write.fields, { after: "new:b", list_id: "new:l" }, "the write stays");
    const undo = entry("undo", "new:a", {}, { undoes: entry("create", "new:a") });
    assert.equal(withId(undo, "new:a", 1).undoes?.id, 1);
    const text = entry("update", 1, { name: "new:a" });
    assert.equal(withId(text, "new:a", 1), text);
});

test("a creation stays one: its own id is not put", () => {
    const created = entry("create", "new:a", { list_id: "new:l" });
    assert.deepEqual(withId(created, "new:l", 3), {
        ...created,
        fields: { list_id: 3 },
        undoes: undefined,
    });
});

test("ids are known from acknowledged creations alone", () => {
    const write = entry("move", "new:a", { after: "new:b" });
    const known = [
        entry("create", 1, {}, { key: "a", acked: 5 }),
        entry("update", 2, {}, { key: "b", acked: 6 }),
        entry("create", "new:b", {}, { key: "b" }),
    ];
    assert.deepEqual([...givenIds(write, known)], [["new:a", 1]]);
});

test("clashes: what both have changed, to different values", () => {
    const write = entry(
        "update",
        1,
        { name: "B", note: "n", labels: ["x"] },
        { before: { name: "A", note: null, labels: [] } },
    );
    const current = { name: "A", note: null, labels: [] };
    assert.deepEqual(clashes(write, current), []);
    assert.deepEqual(clashes(write, { ...current, priority: 1 }), []);
    assert.deepEqual(clashes(write, { ...current, name: "C" }), ["name"]);
    assert.deepEqual(clashes(write, { ...current, name: "B" }), [], "the same value");
    assert.deepEqual(clashes(write, { name: "C", note: "m", labels: ["x"] }), ["name", "note"]);
    const completion = entry(
        "update",
        1,
        { completed: true },
        { before: { completed: false, completion_date: null } },
    );
    assert.deepEqual(clashes(completion, { completed: false, completion_date: "2030" }), []);
});

test("an executed write is found in the feed", () => {
    const created = change(11, "create", 5, { uid: "k", name: "A" });
    assert.equal(executionOf(entry("create", "new:k", { name: "A" }), [created]), created);
    assert.equal(executionOf(entry("quick", "new:k", { text: "A !1" }), [created]), created);
    assert.equal(executionOf(entry("create", "new:other", { name: "A" }), [created]), false);
    const list = change(12, "create", 6, { name: "L" }, "list");
    const newList = entry("create", "new:l", { name: "L" }, { noun: "list" });
    assert.equal(executionOf(newList, [created, list]), list);
    assert.equal(executionOf(newList, [created]), false);
    const red = entry("create", "new:l", { name: "L", color: "#ff0000" }, { noun: "list" });
    const blue = change(12, "create", 6, { name: "L", color: "#0000ff" }, "list");
    assert.equal(executionOf(red, [blue]), false);
    const updated = change(13, "update", 1, { name: "B", note: "n" });
    assert.equal(executionOf(entry("update", 1, { name: "B" }), [updated]), updated);
    assert.equal(executionOf(entry("update", 2, { name: "B" }), [updated]), false);
    assert.equal(executionOf(entry("update", 1, { name: "C" }), [updated]), false);
    assert.equal(executionOf(entry("update", 1, { name: "B", note: "m" }), [updated]), false);
    const moved = change(14, "update", 1, { position: "2" });
    assert.equal(executionOf(entry("move", 1, { first: true }), [updated]), false);
    // Another device may have moved it.
    assert.equal(executionOf(entry("move", 1, { first: true }), [updated, moved]), null);
    const elsewhere = change(14, "update", 1, { list_id: 3, position: "2" });
    assert.equal(executionOf(entry("move", 1, { list_id: 3 }), [moved, elsewhere]), elsewhere);
    assert.equal(executionOf(entry("move", 1, { list_id: 4 }), [moved, elsewhere]), null);
    const deleted = change(15, "delete", 1, null);
    assert.equal(executionOf(entry("delete", 1), [deleted]), deleted);
    assert.equal(executionOf(entry("delete", 2), [deleted]), false);
});

test("writes that may be repeated are, and of an undo nobody can know", () => {
    for (const kind of /** @type {const} */ (["skip", "restore", "erase", "dismiss", "snooze"])) {
        assert.equal(executionOf(entry(kind, 1), []), false);
    }
    assert.equal(executionOf(entry("update", "a", { name: "b" }, { noun: "label" }), []), false);
    assert.equal(executionOf(entry("undo", 1, {}, { revision: 4 }), []), null);
});
