/** The account as the person sees it: the copy with the writes that wait. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { extended, overlay } from "../../../todo/web/page/js/overlay.js";
import { siblings } from "../../../todo/web/page/js/places.js";
import { copyOf, entry, list, names, task } from "../support/data.js";

/** @param {any} copy @param {...any} outbox */
const view = (copy, ...outbox) => overlay(copy, outbox);

test("without writes, the maps are those of the copy", () => {
    const copy = copyOf(task(1), list(1));
    const { tasks, lists, unsaved } = view(copy);
    assert.equal(tasks, copy.tasks);
    assert.equal(lists, copy.lists);
    assert.equal(unsaved.size, 0);
});

test("the copy stays as it is under all writes", () => {
    const copy = copyOf(task(1, { labels: ["a"] }), task(2, { parent_id: 1 }), list(1));
    const before = structuredClone([...copy.tasks.values(), ...copy.lists.values()]);
    view(
        copy,
        entry("update", 1, { name: "B", list_id: 1 }),
        entry("move", 2, { list_id: null, first: true }),
        entry("update", "a", { name: "b" }, { noun: "label" }),
        entry("delete", 1, {}, { noun: "list" }),
    );
    assert.deepEqual([...copy.tasks.values(), ...copy.lists.values()], before);
});

test("a new task has all fields, and comes last", () => {
    const { tasks, unsaved } = view(copyOf(task(1)), entry("create", "new:k", { name: "N" }));
    const found = tasks.get("new:k");
    assert.deepEqual(Object.keys(found ?? {}).sort(), Object.keys(task(1)).sort());
    assert.equal(found?.uid, "k");
    assert.equal(found?.creation_date, "2030-01-01T00:00:00Z");
    assert.equal(found?.revision, 0);
    assert.deepEqual(names(tasks), ["Task 1", "N"]);
    assert.equal(unsaved.get("new:k")?.kind, "create");
});

test("a new subtask is in the list of its parent", () => {
    const copy = copyOf(list(7), task(1, { list_id: 7 }));
    const { tasks } = view(copy, entry("create", "new:k", { name: "N", parent_id: 1 }));
    assert.equal(tasks.get("new:k")?.list_id, 7);
});

test("lines show the fields that the server has read, or else the text", () => {
    const { tasks } = view(
        copyOf(),
        entry("quick", "new:a", { text: "A !1", guess: { name: "A", priority: 1 } }),
        entry("quick", "new:b", { text: "B !1" }),
    );
    assert.deepEqual(names(tasks), ["A", "B !1"]);
    assert.equal(tasks.get("new:a")?.priority, 1);
});

test("a new list and a new filter are shown, the list last", () => {
    const { lists, filters } = view(
        copyOf(list(1)),
        entry("create", "new:l", { name: "L" }, { noun: "list" }),
        entry("create", "new:f", { name: "F", query: "" }, { noun: "filter" }),
    );
    assert.deepEqual(names(lists), ["List 1", "L"]);
    assert.equal(lists.get("new:l")?.archived, false);
    assert.equal(filters.get("new:f")?.name, "F");
});

test("updates apply in their order", () => {
    const { tasks } = view(
        copyOf(task(1)),
        entry("update", 1, { name: "A", note: "n" }),
        entry("update", 1, { name: "B" }),
    );
    const { name, note, modification_date } = /** @type {any} */ (tasks.get(1));
    assert.deepEqual([name, note, modification_date], ["B", "n", "2030-01-01T00:00:00Z"]);
});

test("a completion has a date, and a reopening has none", () => {
    const copy = copyOf(task(1));
    const completed = entry("update", 1, { completed: true });
    const done = view(copy, completed).tasks.get(1);
    assert.equal(done?.completion_date, "2030-01-01T00:00:00Z");
    const open = view(copy, completed, entry("update", 1, { completed: false })).tasks.get(1);
    assert.equal(open?.completion_date, null);
});

test("writes to what is gone show nothing", () => {
    const { tasks } = view(
        copyOf(),
        entry("update", 1, { name: "A" }),
        entry("move", 1, { first: true }),
        entry("delete", 1),
        entry("skip", 1),
        entry("undo", 1, {}, { undoes: entry("update", 1, {}, { before: { name: "A" } }) }),
    );
    assert.equal(tasks.size, 0);
});

test("moves: first, last, before, after, and beside what is gone", () => {
    const copy = copyOf(task(1), task(2), task(3));
    const moved = (/** @type {number} */ id, /** @type {any} */ place) =>
        names(view(copy, entry("move", id, place)).tasks);
    assert.deepEqual(moved(3, { first: true }), ["Task 3", "Task 1", "Task 2"]);
    assert.deepEqual(moved(1, { last: true }), ["Task 2", "Task 3", "Task 1"]);
    assert.deepEqual(moved(3, { before: 2 }), ["Task 1", "Task 3", "Task 2"]);
    assert.deepEqual(moved(1, { after: 2 }), ["Task 2", "Task 1", "Task 3"]);
    assert.deepEqual(moved(1, { after: 99 }), ["Task 2", "Task 3", "Task 1"]);
});

test("a move to the place of a move", () => {
    const copy = copyOf(task(1), task(2), task(3));
    const { tasks } = view(
        copy,
        entry("move", 3, { first: true }),
        entry("move", 2, { after: 3 }),
        entry("move", 1, { before: 2 }),
    );
    assert.deepEqual(names(tasks), ["Task 3", "Task 1", "Task 2"]);
});

test("a task that moves to a list takes its subtasks along", () => {
    const copy = copyOf(
        list(7),
        task(1),
        task(2, { parent_id: 1 }),
        task(3, { parent_id: 2 }),
        task(4),
    );
    for (const write of [
        entry("move", 1, { list_id: 7, last: true }),
        entry("update", 1, { list_id: 7 }),
    ]) {
        const { tasks } = view(copy, write);
        assert.deepEqual(
            [1, 2, 3, 4].map((id) => tasks.get(id)?.list_id),
            [7, 7, 7, null],
        );
        assert.equal(tasks.get(1)?.parent_id, null);
    }
});

test("a subtask that moves to a list leaves its parent; one that moves among its siblings stays", () => {
    const copy = copyOf(list(7), task(1), task(2, { parent_id: 1 }), task(3, { parent_id: 1 }));
    const left = view(copy, entry("move", 2, { list_id: 7 })).tasks.get(2);
    assert.deepEqual([left?.parent_id, left?.list_id], [null, 7]);
    const { tasks } = view(copy, entry("move", 3, { before: 2 }));
    assert.equal(tasks.get(3)?.parent_id, 1);
    assert.deepEqual(
        siblings({ tasks }, null, 1).map(({ id }) => id),
        [3, 2],
    );
});

test("a task that becomes a subtask is in the list of its parent, after its siblings", () => {
    const copy = copyOf(list(7), task(1, { list_id: 7 }), task(2, { parent_id: 1, list_id: 7 }));
    copy.tasks.set(3, task(3));
    const { tasks } = view(copy, entry("move", 3, { parent_id: 1 }));
    assert.equal(tasks.get(3)?.list_id, 7);
    assert.deepEqual(
        siblings({ tasks }, 7, 1).map(({ id }) => id),
        [2, 3],
    );
});

test("a deleted task takes its subtasks along; a deleted list its tasks", () => {
    const copy = copyOf(
        list(7),
        task(1),
        task(2, { parent_id: 1 }),
        task(3, { parent_id: 2 }),
        task(4, { list_id: 7 }),
    );
    assert.deepEqual([...view(copy, entry("delete", 1)).tasks.keys()], [4]);
    const { tasks, lists } = view(copy, entry("delete", 7, {}, { noun: "list" }));
    assert.deepEqual([...tasks.keys()], [1, 2, 3]);
    assert.equal(lists.size, 0);
});

test("a new subtask goes with its new parent", () => {
    const { tasks } = view(
        copyOf(),
        entry("create", "new:a", { name: "A" }),
        entry("create", "new:b", { name: "B", parent_id: "new:a" }),
        entry("delete", "new:a"),
    );
    assert.equal(tasks.size, 0);
});

test("labels are renamed, merged and removed everywhere", () => {
    const copy = copyOf(task(1, { labels: ["a", "b"] }), task(2, { labels: ["c"] }));
    const rename = entry("update", "a", { name: "b" }, { noun: "label" });
    assert.deepEqual(view(copy, rename).tasks.get(1)?.labels, ["b"]);
    assert.deepEqual(view(copy, rename).tasks.get(2)?.labels, ["c"]);
    const remove = entry("delete", "a", {}, { noun: "label" });
    assert.deepEqual(view(copy, remove).tasks.get(1)?.labels, ["b"]);
});

test("lists move among each other", () => {
    const { lists } = view(
        copyOf(list(1), list(2), list(3)),
        entry("move", 3, { before: 2 }, { noun: "list" }),
    );
    assert.deepEqual(names(lists), ["List 1", "List 3", "List 2"]);
});

test("reminders are dismissed and snoozed", () => {
    const copy = copyOf();
    copy.reminders.set(5, /** @type {any} */ ({ id: 5, dismissed_date: null }));
    const dismissed = view(copy, entry("dismiss", 5, {}, { noun: "reminder" })).reminders.get(5);
    assert.equal(dismissed?.dismissed_date, "2030-01-01T00:00:00Z");
    const until = "2030-01-02T00:00:00Z";
    const snoozed = view(copy, entry("snooze", 5, { until }, { noun: "reminder" }));
    assert.equal(snoozed.reminders.get(5)?.snoozed_until, until);
});

test("an undo shows the state before: of a creation, a change, a deletion", () => {
    const copy = copyOf(task(1));
    const undo = (/** @type {any} */ undoes) => entry("undo", undoes.id, {}, { undoes });
    const created = entry("create", "new:k", { name: "N" });
    assert.equal(view(copy, created, undo(created)).tasks.has("new:k"), false);
    const changed = entry("update", 1, { name: "B" }, { before: { name: "Task 1" } });
    assert.equal(view(copy, changed, undo(changed)).tasks.get(1)?.name, "Task 1");
    const deleted = entry("delete", 1, {}, { before: task(1) });
    assert.deepEqual(view(copy, deleted, undo(deleted)).tasks.get(1), task(1));
    assert.deepEqual(
        view(copy, entry("undo", "", {}, { revision: 5 })).tasks.get(1),
        task(1),
        "an undo of the history is shown when it is done",
    );
});

test("an object is marked by the write that needs the person, else by its last one", () => {
    const first = entry("update", 1, { name: "A" }, { state: "conflict" });
    const second = entry("update", 1, { note: "n" });
    const third = entry("update", 1, { note: "m" });
    assert.equal(view(copyOf(task(1)), first, second).unsaved.get(1), first);
    assert.equal(view(copyOf(task(1)), second, third).unsaved.get(1), third);
});

test("a further write on a view gives what all writes give", () => {
    const copy = copyOf(
        ...Array.from({ length: 9 }, (_, index) =>
            task(
                index + 1,
                index > 5 ? { parent_id: index - 4, list_id: index % 2 ? 7 : null } : {},
            ),
        ),
        list(7),
    );
    const outbox = [
        entry("create", "new:a", { name: "A", list_id: 7 }),
        entry("move", 1, { list_id: 7, first: true }),
        entry("move", 2, { parent_id: 1, last: true }),
        entry("move", 3, { list_id: 7, before: 1 }),
        entry("update", 4, { list_id: 7 }),
        entry("delete", 1),
        entry("move", 5, { after: 6 }),
        entry("create", "new:b", { name: "B", parent_id: 5 }),
        entry("move", 5, { list_id: 7, last: true }),
        entry("delete", 7, {}, { noun: "list" }),
    ];
    let step = overlay(copy, []);
    outbox.forEach((_, index) => {
        const known = outbox.slice(0, index + 1);
        step = extended(step, known, index);
        const whole = overlay(copy, known);
        assert.deepEqual([...step.tasks].sort(), [...whole.tasks].sort());
        assert.deepEqual(step.lists, whole.lists);
        assert.deepEqual(step.unsaved, whole.unsaved);
    });
});
