/** The tasks of each view, in groups. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { copyOf, list, task } from "../support/data.js";

// Older versions of Node have no navigator, and newer ones that of the machine.
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-GB"] } });
const { nameOfDay, nested, openTasks, select } =
    await import("../../../todo/web/page/js/select.js");
const { overlay } = await import("../../../todo/web/page/js/overlay.js");

const NOW = Date.parse("2030-01-10T12:00:00Z");

/**
 * @param {string} path such as "list/3"
 * @param {any[]} objects
 * @param {{ query?: string, zone?: string, now?: number }} [options]
 */
function show(path, objects, { query = "", zone = "UTC", now = NOW } = {}) {
    const [name, value = ""] = path.split("/");
    const route = { name, value, query: new URLSearchParams(query) };
    return select(route, overlay(copyOf(...objects), []), zone, now);
}

/** @param {ReturnType<typeof show>} selection @returns {Record<string, any[]>} ids by group */
const ids = (selection) =>
    Object.fromEntries(
        (selection?.groups ?? []).map(({ key, tasks }) => [key, tasks.map(({ id }) => id)]),
    );

test("today: what is overdue, then what is due, each by date, priority and place", () => {
    const selection = show("today", [
        task(1, { due_date: "2030-01-10" }),
        task(2, { due_date: "2030-01-10T23:00:00Z" }),
        task(3, { due_date: "2030-01-10T11:00:00Z" }),
        task(4, { due_date: "2030-01-09" }),
        task(5, { due_date: "2030-01-11" }),
        task(6, { due_date: "2030-01-10", priority: 1 }),
        task(7),
        task(8, { due_date: "2030-01-01", completed: true }),
    ]);
    assert.deepEqual(ids(selection), { overdue: [4, 3], today: [6, 1, 2] });
    assert.deepEqual(selection?.defaults, { due_date: "2030-01-10" });
});

test("today is a matter of the account's time zone", () => {
    const tasks = [
        task(1, { due_date: "2030-01-11T01:00:00Z" }),
        task(2, { due_date: "2030-01-10" }),
    ];
    assert.deepEqual(ids(show("today", tasks)).today, [2]);
    assert.deepEqual(ids(show("today", tasks, { zone: "America/New_York" })).today, [2, 1]);
    const late = Date.parse("2030-01-10T23:30:00Z");
    assert.deepEqual(ids(show("today", tasks, { zone: "Asia/Tokyo", now: late })).overdue, [2]);
});

test("upcoming: the days after today, in order", () => {
    const selection = show("upcoming", [
        task(1, { due_date: "2030-01-12" }),
        task(2, { due_date: "2030-01-11T09:00:00Z" }),
        task(3, { due_date: "2030-01-10" }),
        task(4, { due_date: "2030-01-12", priority: 1 }),
    ]);
    assert.deepEqual(ids(selection), { "2030-01-11": [2], "2030-01-12": [4, 1] });
    assert.equal(selection?.groups[0].title, "Tomorrow");
    assert.deepEqual(selection?.defaults, { due_date: "2030-01-11" });
});

test("tasks in archived lists are in no view by date or label", () => {
    const objects = [
        list(7, { archived: true }),
        task(1, { list_id: 7, due_date: "2030-01-10", labels: ["a"] }),
    ];
    assert.deepEqual(ids(show("today", objects)), { overdue: [], today: [] });
    assert.deepEqual(ids(show("upcoming", objects)), {});
    assert.deepEqual(ids(show("label/a", objects)), { label: [] });
    assert.deepEqual(ids(show("list/7", objects)), { open: [1] });
    assert.deepEqual(openTasks(overlay(copyOf(...objects), [])), []);
});

test("inbox and lists: their open tasks in order, the completed ones on request", () => {
    const objects = [
        list(7),
        task(1, { position: "3" }),
        task(2, { position: "2" }),
        task(3, { list_id: 7 }),
        task(4, { completed: true, completion_date: "2030-01-01T00:00:00Z" }),
        task(5, { completed: true, completion_date: "2030-01-02T00:00:00Z" }),
    ];
    assert.deepEqual(ids(show("inbox", objects)), { open: [2, 1] });
    assert.deepEqual(ids(show("list/7", objects)), { open: [3] });
    const query = "completed=1";
    assert.deepEqual(ids(show("inbox", objects, { query })), { open: [2, 1], completed: [5, 4] });
    assert.deepEqual(show("list/7", objects)?.defaults, { list_id: 7 });
    assert.equal(show("list/7", objects)?.list, 7);
    assert.equal(show("inbox", objects)?.list, null);
});

test("a list that is gone has no tasks, and takes none", () => {
    const selection = show("list/9", [task(1)]);
    assert.deepEqual(ids(selection), {});
    assert.equal(selection?.defaults, null);
});

test("subtasks follow their parents; those of a completed one stand alone", () => {
    const tasks = [
        task(1, { position: "5" }),
        task(2, { position: "4", parent_id: 1 }),
        task(3, { position: "3", parent_id: 2 }),
        task(4, { position: "6", parent_id: 1 }),
        task(5, { position: "7", parent_id: 99 }),
    ];
    const { order, depths } = nested(tasks);
    assert.deepEqual(
        order.map(({ id }) => id),
        [1, 2, 3, 4, 5],
    );
    assert.deepEqual(depths, { 1: 0, 2: 1, 3: 2, 4: 1, 5: 0 });
});

test("labels: open tasks that have it; new ones get it", () => {
    const selection = show("label/a b", [
        task(1, { labels: ["a b"] }),
        task(2, { labels: ["a"] }),
        task(3, { labels: ["a b"], completed: true }),
    ]);
    assert.deepEqual(ids(selection), { label: [1] });
    assert.deepEqual(selection?.defaults, { labels: ["a b"] });
});

test("completed: by day, newest first", () => {
    const done = (/** @type {number} */ id, /** @type {string} */ date) =>
        task(id, { completed: true, completion_date: date });
    const selection = show("completed", [
        done(1, "2030-01-09T10:00:00Z"),
        done(2, "2030-01-10T10:00:00Z"),
        done(3, "2030-01-09T11:00:00Z"),
        task(4),
    ]);
    assert.deepEqual(ids(selection), { "2030-01-10": [2], "2030-01-09": [3, 1] });
    assert.deepEqual(
        selection?.groups.map(({ title }) => title),
        ["Today", "Yesterday"],
    );
});

test("a route without tasks selects nothing", () => {
    assert.equal(show("settings", []), null);
});

test("days are named in the person's language, with the year if it is another one", () => {
    assert.equal(nameOfDay("2030-01-10", "2030-01-10"), "Today");
    assert.equal(nameOfDay("2030-01-09", "2030-01-10"), "Yesterday");
    assert.match(nameOfDay("2030-02-01", "2030-01-10"), /^Fri,? 1 February$/);
    assert.match(nameOfDay("2031-02-01", "2030-01-10"), /^Sat,? 1 February 2031$/);
});
