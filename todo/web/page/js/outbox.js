/**
 * Send the writes of the outbox, in their order.
 *
 * A write stays until the copy has its effect from the feed, so the page never shows the state
 * before it again. A write that needs the person's decision stays, too, and lets those pass that
 * do not depend on it.
 */

import { Problem, send, serverNow } from "./api.js";
import { commit, commitEntry } from "./copy.js";
import { readChanges } from "./feed.js";
import {
    clashes,
    dependencies,
    executionOf,
    givenIds,
    isNew,
    requestOf,
    withId,
} from "./writes.js";

/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Id} Id */
/** @typedef {import("./copy.js").Copy} Copy */

/** The server keeps answers for 24 hours; clocks differ. */
const KEY_LIFETIME_MS = 23 * 60 * 60 * 1000;
const MERGES = 5;

/** @param {Copy} copy */
export const pathOf = (copy) =>
    `accounts/${encodeURIComponent(copy.meta.profile?.username ?? "me")}`;

/** @param {Copy} copy @returns {Entry[]} the writes that are not saved yet, oldest first */
export const unsentOf = (copy) => copy.outbox.filter((entry) => entry.acked === undefined);

/**
 * Send all writes that can be sent.
 *
 * @param {Copy} copy
 * @throws {Problem | import("./api.js").Unreachable} if the rest must wait
 */
export async function sendOutbox(copy) {
    for (let entry = next(copy); entry; entry = next(copy)) {
        await sendEntry(copy, entry);
    }
}

/**
 * Return the first write that waits for nothing.
 *
 * @param {Copy} copy
 * @returns {Entry | undefined}
 */
function next(copy) {
    const stuck = new Set();
    for (const entry of copy.outbox) {
        // The undo of a change of the history has no id: it waits for no other.
        const own = entry.id === "" ? entry.key : `${entry.noun} ${entry.id}`;
        const needs = [own, ...dependencies(entry)];
        if (entry.acked !== undefined && isNew(entry.id)) {
            stuck.add(entry.id); // the feed is to tell the id
        } else if (entry.acked === undefined) {
            if (entry.state === "waiting" && !needs.some((id) => stuck.has(id))) {
                return entry;
            }
            stuck.add(own);
            stuck.add(entry.id);
        }
    }
    return undefined;
}

/**
 * @param {Copy} copy
 * @param {Entry} entry
 */
async function sendEntry(copy, entry) {
    const known = [...copy.done.map((done) => done.entry), ...copy.outbox];
    const ids = givenIds(entry, known);
    if (ids.size) {
        // It was made while the answer to the creation came.
        await commitEntry(copy, entry, (stored) =>
            [...ids].reduce((result, [from, to]) => withId(result, from, to), stored),
        );
        return;
    }
    if (entry.kind === "undo" && entry.revision === undefined) {
        await findRevision(copy, entry);
        return;
    }
    if (entry.tried && Date.now() - Date.parse(entry.tried) > KEY_LIFETIME_MS) {
        await lookUp(copy, entry);
        return;
    }
    const tried = entry.tried ?? new Date().toISOString();
    const since = entry.since ?? copy.meta.revision ?? 0;
    const marked = entry.tried
        ? entry // the copy does not change with each try
        : await commitEntry(copy, entry, (stored) => ({ ...stored, tried, since }));
    if (marked) {
        await request(copy, marked, MERGES);
    }
}

/**
 * @param {Copy} copy
 * @param {Entry} entry
 * @param {number} merges how often to send it again after a change of somebody else
 */
async function request(copy, entry, merges) {
    const { method, path, body, etag } = requestOf(entry);
    try {
        const options = { body, etag, key: entry.key };
        const answer = await send(method, `${pathOf(copy)}/${path}`, options);
        await acknowledge(copy, entry, answer.revision, answer.body);
    } catch (error) {
        if (!(error instanceof Problem) || error.isTemporary || isOfSession(error)) {
            throw error;
        }
        const again = await decide(copy, entry, error);
        if (again && merges) {
            await request(copy, again, merges - 1);
        }
    }
}

/** @param {Problem} problem @returns {boolean} whether the login is at fault, not the write */
export const isOfSession = (problem) =>
    problem.status === 401 || ["forbidden", "account_disabled"].includes(problem.code);

/**
 * Mark a write as executed, and give the writes after it the id and the revision of its object.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 * @param {number | null} revision
 * @param {any} [body] of the answer
 */
async function acknowledge(copy, entry, revision, body) {
    const object = body?.[entry.noun];
    const created = isNew(entry.id) && object ? object.id : entry.id;
    const now = { ...withCreatedId(entry, created), acked: revision ?? 0 };
    const later = copy.outbox.filter(({ seq }) => Number(seq) > Number(entry.seq));
    const patch = later.flatMap((other) =>
        patchOf(other, followed(other, entry, created, object?.revision ?? revision)),
    );
    await commit(copy, {
        put: [now],
        patch,
        done: revision ? [{ entry: now, revision }] : [],
    });
}

/**
 * Return what changes in a write; the person may decide about the rest in another tab meanwhile.
 *
 * @param {Entry} before
 * @param {Entry} after
 * @returns {Partial<Entry>[]} none, or one
 */
function patchOf(before, after) {
    const changed = Object.entries(after).filter(
        ([name, value]) => /** @type {any} */ (before)[name] !== value,
    );
    return changed.length ? [{ seq: before.seq, ...Object.fromEntries(changed) }] : [];
}

/** @param {Entry} entry @param {Id} id */
const withCreatedId = (entry, id) => ({ ...entry, id });

/**
 * @param {Entry} other a later write
 * @param {Entry} entry the acknowledged one
 * @param {Id} id of its object
 * @param {number | null | undefined} revision of its object
 */
function followed(other, entry, id, revision) {
    const result = id === entry.id ? other : withId(other, entry.id, id);
    const hasVersion = other.noun === entry.noun && result.id === id && usesVersion(other);
    // A write that was merged, or that has no If-Match, hides what others have changed before it.
    const isNext = isNew(entry.id) || (entry.base !== null && entry.base === other.base);
    return hasVersion && isNext && revision ? { ...result, base: revision } : result;
}

/** @param {Entry} entry */
const usesVersion = (entry) => entry.noun !== "label" && ["update", "delete"].includes(entry.kind);

/**
 * Handle a refused write.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 * @param {Problem} problem
 * @returns {Promise<Entry | null | undefined>} the write to send again
 */
async function decide(copy, entry, problem) {
    const isDone = problem.code === "uid_taken" || (problem.status === 404 && isDeletion(entry));
    if (isDone) {
        await acknowledge(copy, entry, null);
        return null;
    }
    const undoing = copy.outbox.filter(({ undoes }) => undoes?.key === entry.key);
    if (undoing.length) {
        await commit(copy, { remove: [entry, ...undoing] }); // the person wants neither
        return null;
    }
    if (problem.status === 412) {
        return await merge(copy, entry, problem);
    }
    if (problem.errors.some(({ field, code }) => field === "at" && code === "future")) {
        // It was made offline, and the browser's clock is wrong.
        const at = new Date(serverNow()).toISOString().replace(/\.\d+Z$/, "Z");
        return await commitEntry(copy, entry, (stored) => ({ ...stored, at }));
    }
    const state = problem.status === 404 ? "gone" : "refused";
    await park(copy, entry, state, problem);
    return null;
}

/** @param {Entry} entry */
const isDeletion = (entry) =>
    entry.noun === "label" ||
    ["delete", "erase", "restore", "dismiss", "snooze"].includes(entry.kind);

/**
 * Base a write on the present version, or ask the person if both changed the same field.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 * @param {Problem} problem
 */
async function merge(copy, entry, problem) {
    const current = problem.body[entry.noun];
    const fields = entry.kind === "update" ? clashes(entry, current) : [];
    if (fields.length) {
        await park(copy, entry, "conflict", problem, { current, fields });
        return null;
    }
    return await commitEntry(copy, entry, (stored) => ({ ...stored, base: current.revision }));
}

/**
 * Keep a write for the person to decide.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 * @param {Entry["state"]} state
 * @param {{ code: string, message: string, errors: import("./types.d.ts").Fault[] }} problem
 * @param {object} [more]
 */
async function park(copy, entry, state, problem, more = {}) {
    const { code, message: detail, errors } = problem;
    await commitEntry(copy, entry, (stored) => ({
        ...stored,
        state,
        tried: undefined, // a refused write was not executed
        problem: { code, detail, errors, ...more },
    }));
}

/**
 * Give an undo the revision of its write, which has been acknowledged or has ended otherwise.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 */
async function findRevision(copy, entry) {
    const done = copy.done.find((item) => item.entry.key === entry.undoes?.key);
    const still = copy.outbox.find((other) => other.key === entry.undoes?.key);
    if (done) {
        const { revision } = done;
        // Writes that are based on that revision are then based on that of the undo.
        await commitEntry(copy, entry, (stored) => ({ ...stored, revision, base: revision }));
    } else {
        // The write changed nothing, or was refused: there is nothing to undo.
        const removed = still && still.acked === undefined ? [still, entry] : [entry];
        await commit(copy, { remove: removed });
    }
}

/**
 * Look up in the feed whether an old write was executed: its key has expired.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 */
async function lookUp(copy, entry) {
    const executed = await executionSince(copy, entry);
    if (executed) {
        const { id, revision } = executed;
        await acknowledge(copy, entry, revision, { [entry.noun]: { id, revision } });
    } else if (executed === null) {
        await park(copy, entry, "unknown", { code: "unknown", message: "", errors: [] });
    } else {
        await commitEntry(copy, entry, ({ tried, since, ...stored }) => stored);
    }
}

/**
 * @param {Copy} copy
 * @param {Entry} entry
 */
async function executionSince(copy, entry) {
    try {
        const news = await readChanges(pathOf(copy), entry.since ?? 0);
        return executionOf(entry, news?.changes ?? []);
    } catch (error) {
        if (error instanceof Problem && error.status === 410) {
            return null;
        }
        throw error;
    }
}
