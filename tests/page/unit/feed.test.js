/** The effect of the feed on the copy. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deltaOf, profileOf } from "../../../todo/web/page/js/feed.js";
import { change, copyOf, list, task } from "../support/data.js";

/** @param {any} copy @param {...any} changes */
const delta = (copy, ...changes) => deltaOf(copy, changes);

const { id, ...NEW } = task(5, { name: "New" });

test("changes of an object add up, in their order", () => {
    const { tasks } = delta(
        copyOf(task(1)),
        change(11, "update", 1, { name: "A", note: "n" }),
        change(12, "update", 1, { name: "B" }),
    );
    const found = tasks?.get(1);
    assert.equal(found?.name, "B");
    assert.equal(found?.note, "n");
    assert.equal(found?.revision, 12);
    assert.equal(found?.modification_date, "2030-01-01T00:00:12Z");
    assert.equal(found?.creation_date, task(1).creation_date);
});

test("the copy itself stays as it is", () => {
    const copy = copyOf(task(1));
    delta(copy, change(11, "update", 1, { name: "A" }), change(12, "delete", 1, null));
    assert.deepEqual(copy.tasks.get(1), task(1));
});

test("a change that the copy has already does nothing", () => {
    const copy = copyOf(task(1, { revision: 12, name: "Newer" }));
    for (const revision of [11, 12]) {
        const { tasks } = delta(copy, change(revision, "update", 1, { name: "Older" }));
        assert.equal(tasks?.size, 0);
    }
    const { tasks } = delta(copy, change(11, "delete", 1, null));
    assert.equal(tasks?.size, 0, "deleted before it was restored");
});

test("the same changes twice are the same as once", () => {
    const changes = [
        change(11, "create", 5, NEW),
        change(12, "update", 5, { name: "B" }),
        change(13, "delete", 1, null),
    ];
    const copy = copyOf(task(1));
    assert.deepEqual(delta(copy, ...changes, ...changes), delta(copy, ...changes));
});

test("a created object is added, a deleted one removed, a restored one is back", () => {
    const copy = copyOf(task(1));
    const created = delta(copy, change(11, "create", 5, NEW)).tasks;
    assert.deepEqual(created?.get(5), {
        ...NEW,
        id: 5,
        revision: 11,
        modification_date: "2030-01-01T00:00:11Z",
    });
    const removed = change(12, "delete", 1, null);
    assert.equal(delta(copy, removed).tasks?.get(1), null);
    const { id: _, ...fields } = task(1);
    const back = delta(copy, removed, change(13, "restore", 1, fields)).tasks?.get(1);
    assert.equal(back?.revision, 13);
    const gone = delta(copy, change(11, "create", 5, NEW), change(12, "delete", 5, null));
    assert.equal(gone.tasks?.get(5), null);
});

test("a change of an object that the copy does not have is ignored", () => {
    assert.equal(delta(copyOf(), change(11, "update", 9, { name: "A" })).tasks?.size, 0);
    const reminder = change(11, "update", 9, { snoozed_until: null }, "reminder");
    assert.equal(delta(copyOf(), reminder).reminders?.size, 0);
});

test("lists, filters and reminders follow too, each in its place", () => {
    const { id: _, ...fields } = list(5);
    const found = delta(
        copyOf(list(1), task(1)),
        change(11, "update", 1, { name: "L" }, "list"),
        change(12, "create", 5, fields, "list"),
        change(13, "create", 2, { ...fields, query: "" }, "filter"),
        change(14, "create", 3, { task_id: 1, dismissed_date: null }, "reminder"),
        change(15, "update", 3, { dismissed_date: "2030" }, "reminder"),
    );
    assert.equal(found.lists?.get(1)?.name, "L");
    assert.equal(found.lists?.get(5)?.name, "List 5");
    assert.equal(found.filters?.get(2)?.name, "List 5");
    assert.equal(found.reminders?.get(3)?.dismissed_date, "2030");
    assert.equal(found.reminders?.get(3)?.task_id, 1);
    assert.equal(found.tasks?.size, 0);
    const gone = delta(copyOf(), change(16, "delete", 3, null, "reminder"));
    assert.equal(gone.reminders?.get(3), null);
});

test("the profile keeps what a change does not name, and takes no secret", () => {
    const copy = copyOf();
    const profile = {
        id: 1,
        username: "alice",
        email: "alice@example.com",
        date_joined: "2029-01-01T00:00:00Z",
        timezone: "UTC",
    };
    copy.meta.profile = /** @type {any} */ (profile);
    const after = { timezone: "Europe/Berlin", password: null };
    const { meta } = delta(copy, change(11, "update", 1, after, "profile"));
    assert.deepEqual(meta?.profile, { ...profile, timezone: "Europe/Berlin" });
    assert.deepEqual(profileOf({ profile: { ...profile, extra: 1 } }), profile);
});

test("kinds of a later version are ignored", () => {
    const found = delta(copyOf(task(1)), change(11, "update", 1, { name: "A" }, "webhook"));
    assert.equal(found.tasks?.size, 0);
});
