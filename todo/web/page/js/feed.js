/** The snapshot and the feed of changes: docs/sync.md. */

import { Problem, nextQuery, send } from "./api.js";
import { STORES } from "./store.js";

/** @typedef {import("./types.d.ts").Change} Change */
/** @typedef {import("./types.d.ts").Delta} Delta */
/** @typedef {import("./types.d.ts").Profile} Profile */
/** @typedef {import("./types.d.ts").Id} Id */

const PAGE = 200;

/**
 * Read a snapshot.
 *
 * @param {string} account the path of the account
 * @returns {Promise<Delta>} a replacement of the copy
 */
export async function readSnapshot(account) {
    const { body: profile } = await send("GET", account);
    /** @type {any[]} */
    const tasks = [];
    let revision = null;
    let query = `archived=any&limit=${PAGE}`;
    while (query) {
        const { body } = await send("GET", `${account}/tasks?${query}`);
        revision ??= body.revision;
        tasks.push(...body.tasks);
        query = nextQuery(body) ?? "";
    }
    const [lists, filters, reminders] = await Promise.all([
        send("GET", `${account}/lists`),
        send("GET", `${account}/filters`),
        readReminders(account, tasks),
    ]);
    return {
        replace: true,
        tasks: byId(tasks.map(({ subtasks, ...task }) => task)),
        lists: byId(lists.body.lists),
        filters: byId(filters.body.filters),
        reminders: byId(reminders),
        meta: { revision, profile: profileOf(profile), synced: new Date().toISOString() },
    };
}

/**
 * Read the reminders. The answers lack the due date for which one has fired, which the feed has, so
 * those that are to be shown now tell it.
 *
 * @param {string} account
 * @param {any[]} tasks
 * @returns {Promise<any[]>}
 */
async function readReminders(account, tasks) {
    const reminders = await readPages(account, "");
    const due = new Set((await readPages(account, "due=now&")).map(({ id }) => id));
    const dates = new Map(tasks.map((task) => [task.id, task.due_date]));
    return reminders.map(({ name, ...reminder }) => {
        const waits = reminder.snoozed_until || reminder.dismissed_date;
        const other = waits ? undefined : ""; // no due date is equal to this
        const due_date = due.has(reminder.id) ? dates.get(reminder.task_id) : other;
        return { ...reminder, due_date };
    });
}

/**
 * @param {string} account
 * @param {string} filter
 * @returns {Promise<any[]>} reminders
 */
async function readPages(account, filter) {
    const reminders = [];
    let query = `${filter}limit=${PAGE}`;
    while (query) {
        const { body } = await send("GET", `${account}/reminders?${query}`);
        reminders.push(...body.reminders);
        query = nextQuery(body) ?? "";
    }
    return reminders;
}

/** @param {any} body @returns {Profile} */
export function profileOf(body) {
    const { id, username, email, date_joined, timezone } = body.profile ?? body;
    return { id, username, email, date_joined, timezone };
}

/** @param {any[]} objects @returns {Map<Id, any>} */
const byId = (objects) => new Map(objects.map((object) => [object.id, object]));

/**
 * Read the changes after a revision.
 *
 * @param {string} account
 * @param {number} since
 * @returns {Promise<{ changes: Change[], revision: number } | null>} null if there are no news
 * @throws {Problem} 410 if the changes are no longer kept
 */
export async function readChanges(account, since) {
    /** @type {Change[]} */
    const changes = [];
    let revision = since;
    for (let more = true; more;) {
        const known = changes.length ? undefined : `"${revision}"`;
        const path = `${account}/changes?since=${revision}&limit=${PAGE}`;
        const { status, body } = await send("GET", path, { known });
        if (status === 304) {
            return null;
        }
        changes.push(...body.changes);
        more = body.next !== null;
        revision = more ? body.changes[body.changes.length - 1].revision : body.revision;
    }
    return { changes, revision };
}

/**
 * Return what changes make of the copy.
 *
 * An object that is newer than a change has it already: the answer to a write of this page came
 * before the feed.
 *
 * @param {{ tasks: Map<Id, any>, lists: Map<Id, any>, filters: Map<Id, any>,
 *     reminders: Map<Id, any>, meta: { profile: Profile | null } }} copy
 * @param {Change[]} changes
 * @returns {Delta}
 */
export function deltaOf(copy, changes) {
    /** @type {any} */
    const delta = { tasks: new Map(), lists: new Map(), filters: new Map(), reminders: new Map() };
    let profile = copy.meta.profile;
    for (const change of changes) {
        const name = /** @type {keyof typeof copy} */ (/** @type {any} */ (STORES)[change.kind]);
        if (change.kind === "profile" && profile) {
            profile = profileOf({ ...profile, ...change.after });
        } else if (name) {
            const patch = delta[name];
            const store = /** @type {Map<Id, any>} */ (copy[name]);
            const known = patch.has(change.id) ? patch.get(change.id) : store.get(change.id);
            const next = after(known ?? null, change);
            if (next !== undefined) {
                patch.set(change.id, next);
            }
        }
    }
    return { ...delta, meta: { profile } };
}

/**
 * Return an object after a change, null if it is gone, or undefined if the change says nothing.
 *
 * @param {any} known
 * @param {Change} change
 */
function after(known, change) {
    if (change.after === null) {
        return known && known.revision > change.revision ? undefined : null;
    }
    if (known && known.revision >= change.revision) {
        return undefined;
    }
    if (!known && !change.after.creation_date && change.kind !== "reminder") {
        return undefined; // deleted while the snapshot was read; a later change says so
    }
    if (!known && change.kind === "reminder" && change.action !== "create") {
        return undefined;
    }
    const dates = change.kind === "reminder" ? {} : { modification_date: change.date };
    return { ...known, ...change.after, id: change.id, ...dates, revision: change.revision };
}
