/** The actions of a person: each is a write in the outbox, shown at once. */

import { serverNow } from "./api.js";
import { commit, commitEntry } from "./copy.js";
import { withoutEffect, withoutObject } from "./dependents.js";
import { account } from "./state.js";
import { isEqual, isNew, randomKey } from "./writes.js";

/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Fields} Fields */
/** @typedef {import("./types.d.ts").Id} Id */
/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").Noun} Noun */
/** @typedef {import("./types.d.ts").Kind} Kind */

/** Calls of each action, for the toast with its undo. @type {Set<(entries: Entry[]) => void>} */
const observers = new Set();

/**
 * Call a function for each action.
 *
 * @param {(entries: Entry[]) => void} observer
 * @returns {() => void} a function that ends it
 */
export function onAction(observer) {
    observers.add(observer);
    return () => void observers.delete(observer);
}

/**
 * @param {Noun} noun
 * @param {Kind} kind
 * @param {Partial<Entry> & { name: string }} rest
 * @returns {Entry}
 */
export function entryOf(noun, kind, rest) {
    return {
        key: randomKey(),
        at: new Date(serverNow()).toISOString().replace(/\.\d+Z$/, "Z"),
        noun,
        kind,
        id: "",
        fields: {},
        before: null,
        base: null,
        state: "waiting",
        ...rest,
    };
}

/**
 * Write to the outbox; the server is told in the background.
 *
 * @param {...Entry} entries
 */
async function enqueue(...entries) {
    const { copy, sync } = account();
    await commit(copy, { add: entries });
    observers.forEach((observer) => observer(entries));
    void sync();
}

/**
 * Return the revision for the If-Match of a write: later than the copy's, if a write of this page
 * has been acknowledged whose effect the copy does not have yet.
 *
 * @param {{ id: Id, revision: number }} object
 * @returns {number | null}
 */
function baseOf(object) {
    let base = isNew(object.id) ? 0 : object.revision;
    for (const { id, acked, base: known } of account().copy.outbox) {
        // After others, the copy lacks what somebody else may have changed in between.
        base = id === object.id && acked && (known ?? 0) === base ? acked : base;
    }
    return base || null;
}

/**
 * @param {Fields} object
 * @param {Fields} fields
 * @returns {Fields} the present values of these fields
 */
export const valuesOf = (object, fields) =>
    Object.fromEntries(
        Object.keys(fields)
            .filter((name) => name in object)
            .map((name) => [name, object[name]]),
    );

/** @param {Fields & { key: string }} entry */
const withNewId = (entry) => ({ ...entry, id: `new:${entry.key}` });

/**
 * Create a task, list or saved filter.
 *
 * @param {"task" | "list" | "filter"} noun
 * @param {Fields} fields with a name
 * @returns {Promise<Id>}
 */
export async function create(noun, fields) {
    const entry = /** @type {Entry} */ (
        withNewId(entryOf(noun, "create", { name: fields.name, fields }))
    );
    await enqueue(entry);
    return entry.id;
}

/**
 * Create tasks from lines, which the server reads (docs/quick.md).
 *
 * @param {string[]} lines
 * @param {Fields} defaults fields for what a line does not say
 * @param {Fields} [guess] how the server has read the only line while it was typed
 */
export async function addLines(lines, defaults, guess) {
    const entries = lines.map((text) =>
        withNewId(
            entryOf("task", "quick", {
                name: guess?.name ?? text,
                fields: { text, ...defaults, guess: guess ?? { name: text, ...defaults } },
            }),
        ),
    );
    await enqueue(.../** @type {Entry[]} */ (entries));
}

/**
 * Change fields of an object. Fields that stay the same are left out.
 *
 * @param {"task" | "list" | "filter"} noun
 * @param {{ id: Id, name: string, revision: number }} object
 * @param {Fields} fields
 */
export async function change(noun, object, fields) {
    const changed = Object.fromEntries(
        Object.entries(fields).filter(
            ([name, value]) => !isEqual(/** @type {Fields} */ (object)[name], value),
        ),
    );
    if (Object.keys(changed).length) {
        const before = valuesOf(object, changed);
        const { id, name } = object;
        await enqueue(
            entryOf(noun, "update", { id, name, fields: changed, before, base: baseOf(object) }),
        );
    }
}

/**
 * Complete a task, or open it again. Of a task that recurs, this occurrence is completed.
 *
 * @param {Task} task
 * @param {boolean} completed
 */
export async function complete(task, completed) {
    const recurs = completed && task.recurrence !== null && task.due_date !== null;
    const fields = recurs ? { completed, occurrence: task.due_date } : { completed };
    const { id, name } = task;
    const before = { completed: task.completed, completion_date: task.completion_date };
    await enqueue(entryOf("task", "update", { id, name, fields, before, base: baseOf(task) }));
}

/** Go on to the next date of a task that recurs. @param {Task} task */
export async function skip(task) {
    const { id, name } = task;
    await enqueue(entryOf("task", "skip", { id, name, fields: { occurrence: task.due_date } }));
}

/**
 * Move a task or a list.
 *
 * @param {"task" | "list"} noun
 * @param {any} object
 * @param {Fields} place list_id, parent_id, and one of before, after, first and last
 */
export async function move(noun, object, place) {
    const { id, name, list_id, parent_id, position } = object;
    const before = noun === "task" ? { list_id, parent_id, position } : { position };
    await enqueue(entryOf(noun, "move", { id, name, fields: place, before }));
}

/**
 * Delete a task, list or saved filter.
 *
 * @param {"task" | "list" | "filter"} noun
 * @param {any} object
 */
export async function remove(noun, object) {
    const { id, name } = object;
    await enqueue(entryOf(noun, "delete", { id, name, before: object, base: baseOf(object) }));
}

/**
 * Restore a task from the trash, or erase it.
 *
 * @param {"restore" | "erase"} kind
 * @param {Task} task
 */
export async function ofTrash(kind, task) {
    await enqueue(entryOf("task", kind, { id: task.id, name: task.name }));
}

/** @param {string} label @param {string} name */
export async function renameLabel(label, name) {
    await enqueue(entryOf("label", "update", { id: label, name: label, fields: { name } }));
}

/** @param {string} label */
export async function removeLabel(label) {
    await enqueue(entryOf("label", "delete", { id: label, name: label }));
}

/** @param {number} id of the reminder @param {string} name of its task */
export async function dismiss(id, name) {
    await enqueue(entryOf("reminder", "dismiss", { id, name }));
}

/** @param {number} id @param {string} name @param {string} until */
export async function snooze(id, name, until) {
    await enqueue(entryOf("reminder", "snooze", { id, name, fields: { until } }));
}

/** Kinds of writes that can be undone. */
const UNDOABLE = ["create", "quick", "update", "skip", "move", "delete", "restore", "undo"];

/**
 * Return the last write of this page that is not undone yet.
 *
 * @returns {Entry | undefined}
 */
export function lastUndoable() {
    const { copy } = account();
    const waiting = copy.outbox.filter((entry) => entry.acked === undefined);
    const all = [...copy.done.map((item) => item.entry), ...waiting];
    const undone = new Set(all.map((entry) => entry.undoes?.key));
    return all
        .filter((entry) => entry.kind !== "undo" && isUndoable(entry) && !undone.has(entry.key))
        .at(-1);
}

/** @param {Entry} entry @returns {boolean} whether it creates an object that is not there yet */
export const creates = ({ kind, id }) => (kind === "create" || kind === "quick") && isNew(id);

/** @param {Entry} entry */
export const isUndoable = (entry) => UNDOABLE.includes(entry.kind);

/**
 * Undo a write: take it out of the outbox, or revert it on the server if it may have been sent.
 *
 * If its answer has not come, nobody can know whether the server has executed it. Then it is sent
 * (again) and undone at once, before the writes that were made after it: none of those that depend
 * on it has been sent, and later ones would be in the way of the undo.
 *
 * @param {Entry} entry
 */
export async function undo(entry) {
    const { copy, sync } = account();
    const waiting = copy.outbox.find(
        (other) => other.key === entry.key && other.acked === undefined,
    );
    const left =
        waiting && (await commitEntry(copy, waiting, (stored) => (stored.tried ? stored : null)));
    const current =
        copy.done.find((item) => item.entry.key === entry.key)?.entry ?? waiting ?? entry;
    const { noun, name } = entry;
    const undoing = entryOf(noun, "undo", { id: current.id, name, undoes: current });
    if (!waiting || left === undefined || left?.acked !== undefined) {
        await enqueue(undoing);
        return;
    }
    const { remove, put } = creates(waiting)
        ? withoutObject(copy.outbox, waiting.id)
        : { remove: [], put: withoutEffect(copy.outbox, waiting) };
    const others = remove.filter(({ key }) => key !== waiting.key);
    const add = left ? [{ ...undoing, seq: seqAfter(copy.outbox, left) }] : [];
    await commit(copy, { remove: others, put, add });
    observers.forEach((observer) => observer(left ? [undoing] : []));
    void sync();
}

/**
 * Return a place between a write and the next one.
 *
 * @param {Entry[]} outbox
 * @param {Entry} entry
 * @returns {number}
 */
function seqAfter(outbox, entry) {
    const seq = Number(entry.seq);
    const next = outbox.map((other) => Number(other.seq)).filter((other) => other > seq);
    return (seq + Math.min(...next, seq + 1)) / 2;
}

/**
 * Undo a change of the history, which may have been made elsewhere.
 *
 * @param {number} revision
 * @param {string} name for messages
 */
export async function undoRevision(revision, name) {
    await enqueue(entryOf("task", "undo", { name, revision }));
}
