/** The actions of a person on a write that the server has refused. */

import { creates, entryOf, valuesOf } from "../actions.js";
import { commit, commitEntry } from "../copy.js";
import { withoutObject } from "../dependents.js";
import { account } from "../state.js";

/** @typedef {import("../types.d.ts").Entry} Entry */
/** @typedef {import("../types.d.ts").Fields} Fields */

/**
 * Restore the task of a write from the trash, and make the write then.
 *
 * @param {Entry} entry a write whose task has been deleted elsewhere
 */
export async function bringBack(entry) {
    const { copy, sync } = account();
    const { id, name } = entry;
    const restored = entryOf("task", "restore", { id, name });
    const later = copy.outbox.filter(
        (other) => other.id === id && Number(other.seq) > Number(entry.seq),
    );
    const again = [entry, ...later].map(({ seq, problem, tried, ...rest }) => ({
        ...rest,
        state: /** @type {const} */ ("waiting"),
    }));
    await commit(copy, { remove: [entry, ...later], add: [restored, ...again] });
    void sync();
}

/**
 * Send a refused write again, with other fields. A refused request does not use up its key.
 *
 * @param {Entry} entry
 * @param {Fields} fields
 */
export async function sendAgain(entry, fields) {
    const { copy, sync } = account();
    const state = /** @type {const} */ ("waiting");
    const name = fields.text ?? fields.name ?? entry.name;
    const changes = { name, fields, state, problem: undefined, tried: undefined };
    await commitEntry(copy, entry, (stored) => ({ ...stored, ...changes }));
    void sync();
}

/**
 * Decide about a write that the server has refused.
 *
 * @param {Entry} entry
 * @param {string[] | null} keep the fields to send anyway; null drops the write
 */
export async function decide(entry, keep) {
    const { copy, sync } = account();
    if (keep === null && creates(entry)) {
        await commit(copy, withoutObject(copy.outbox, entry.id));
    }
    await commitEntry(copy, entry, (stored) => {
        if (keep === null) {
            return null;
        }
        const current = stored.problem?.current;
        const fields = Object.fromEntries(
            Object.entries(stored.fields).filter(([name]) => keep.includes(name)),
        );
        const before = current ? valuesOf(current, fields) : stored.before;
        const base = current ? current.revision : stored.base;
        const again = { ...stored, fields, before, base, problem: undefined, tried: undefined };
        return Object.keys(fields).length || stored.kind !== "update"
            ? { ...again, state: /** @type {const} */ ("waiting") }
            : null;
    });
    void sync();
}
