/** The writes that depend on one which is taken back before it was acknowledged. */

import { dependencies } from "./writes.js";

/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Id} Id */

/**
 * Return how the outbox is changed when an object is not created: its own writes leave, and what was
 * put into it goes elsewhere, such as tasks of a list to the inbox.
 *
 * @param {Entry[]} outbox
 * @param {Id} id the new id of the object
 * @returns {{ remove: Entry[], put: Entry[] }}
 */
export function withoutObject(outbox, id) {
    const unsent = outbox.filter((entry) => entry.acked === undefined);
    const isOwn = (/** @type {Entry} */ entry) => entry.id === id || entry.undoes?.id === id;
    const others = unsent.filter((entry) => !isOwn(entry) && dependencies(entry).includes(id));
    return { remove: unsent.filter(isOwn), put: others.map((entry) => without(entry, id)) };
}

/**
 * Return the later writes whose fields had other values before them, when a change is taken back:
 * otherwise the page would take its own change for one of somebody else.
 *
 * @param {Entry[]} outbox
 * @param {Entry} entry the change that is taken back
 * @returns {Entry[]} the writes to put
 */
export function withoutEffect(outbox, entry) {
    if (entry.kind !== "update" || !entry.before) {
        return [];
    }
    const left = new Map(Object.entries(entry.before));
    const changed = [];
    for (const other of outbox) {
        const isLater = Number(other.seq) > Number(entry.seq) && other.acked === undefined;
        const isSame = other.noun === entry.noun && other.id === entry.id;
        if (isLater && isSame && other.kind === "update" && other.before) {
            const names = Object.keys(other.before).filter((name) => left.has(name));
            const values = names.map((name) => [name, left.get(name)]);
            if (names.length) {
                changed.push({
                    ...other,
                    before: { ...other.before, ...Object.fromEntries(values) },
                });
            }
            names.forEach((name) => left.delete(name));
        }
    }
    return changed;
}

/**
 * @param {Entry} entry
 * @param {Id} id
 * @returns {Entry} the write without its references to an object
 */
function without(entry, id) {
    const fields = { ...entry.fields };
    for (const name of ["list_id", "parent_id"]) {
        if (fields[name] === id) {
            fields[name] = null;
        }
        if (fields.guess?.[name] === id) {
            fields.guess = { ...fields.guess, [name]: null };
        }
    }
    for (const name of ["before", "after"]) {
        if (fields[name] === id) {
            delete fields[name];
            fields.last = true;
        }
    }
    const again = entry.state === "refused" ? /** @type {const} */ ("waiting") : entry.state;
    return { ...entry, fields, state: again };
}
