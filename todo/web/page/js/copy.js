/**
 * The copy of the account: in memory and in IndexedDB, the same in each tab.
 *
 * `copy` has only what the server has acknowledged; overlay.js adds the writes that still wait in
 * the outbox.
 */

import {
    DONE_KEPT,
    OBJECTS,
    changeEntry,
    openDatabase,
    readAll,
    readSome,
    readVersion,
    write,
} from "./store.js";

/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").List} List */
/** @typedef {import("./types.d.ts").Filter} Filter */
/** @typedef {import("./types.d.ts").Reminder} Reminder */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Done} Done */
/** @typedef {import("./types.d.ts").Delta} Delta */
/** @typedef {import("./types.d.ts").Meta} Meta */
/** @typedef {import("./types.d.ts").Id} Id */

/** @typedef {Awaited<ReturnType<typeof openCopy>>} Copy */

/**
 * Open the copy of an account.
 *
 * @param {number} account its id
 * @param {() => void} changed called after each change, also of another tab
 * @param {() => void} [lost] called when the database is gone
 */
export async function openCopy(account, changed, lost = () => {}) {
    const database = await openDatabase(account, lost);
    const copy = {
        account,
        database,
        changed,
        channel: new BroadcastChannel(`todo-${account}`),
        version: 0,
        /** Its channel is closed, too: a write that was on its way tells nobody. */
        isClosed: false,
        /** Raised by each change of the objects. */
        objects: 0,
        /** @type {Map<Id, Task>} */
        tasks: new Map(),
        /** @type {Map<Id, List>} */
        lists: new Map(),
        /** @type {Map<Id, Filter>} */
        filters: new Map(),
        /** @type {Map<Id, Reminder>} */
        reminders: new Map(),
        /** @type {Entry[]} */
        outbox: [],
        /** @type {Done[]} */
        done: [],
        /** @type {Meta} */
        meta: { revision: null, profile: null, synced: null },
    };
    await reload(copy);
    copy.channel.onmessage = ({ data }) => void follow(copy, data);
    return copy;
}

/**
 * Read everything anew, if another tab has written since.
 *
 * @param {Copy} copy
 */
export async function reload(copy) {
    if (copy.version && (await readVersion(copy.database)) <= copy.version) {
        return;
    }
    const stored = await readAll(copy.database);
    if (stored.version <= copy.version && copy.version) {
        return; // nothing new, or a write of this tab came in between
    }
    for (const name of OBJECTS) {
        copy[name] = /** @type {any} */ (
            new Map(stored[name].map((object) => [object.id, object]))
        );
    }
    copy.objects += 1;
    Object.assign(copy, {
        outbox: stored.outbox,
        done: stored.done,
        meta: stored.meta,
        version: stored.version,
    });
    copy.changed();
}

/**
 * Write a change, show it, and tell the other tabs.
 *
 * @param {Copy} copy
 * @param {Delta} delta
 */
export async function commit(copy, delta) {
    await take(copy, delta, await write(copy.database, delta));
}

/**
 * Take over what this tab has written.
 *
 * @param {Copy} copy
 * @param {Delta} delta
 * @param {number} version after the write
 */
async function take(copy, delta, version) {
    if (version !== copy.version + 1) {
        await reload(copy); // another tab has written, and its message is still on its way
    } else {
        apply(copy, delta);
        copy.version = version;
        copy.changed();
    }
    const ids = Object.fromEntries(OBJECTS.map((name) => [name, [...(delta[name]?.keys() ?? [])]]));
    if (!copy.isClosed) {
        copy.channel.postMessage({ version, previous: delta.replace ? null : version - 1, ids });
    }
}

/**
 * Change an entry of the outbox, unless another tab has removed it: see changeEntry in store.js.
 *
 * @param {Copy} copy
 * @param {Entry} entry
 * @param {(entry: Entry) => Entry | null} change
 * @returns {Promise<Entry | null | undefined>} undefined if the entry is gone
 */
export async function commitEntry(copy, entry, change) {
    const changed = await changeEntry(copy.database, /** @type {number} */ (entry.seq), change);
    if (!changed) {
        await reload(copy); // the tab that has removed it may have ended before it told the others
        return undefined;
    }
    const { entry: now, version } = changed;
    await take(copy, now ? { put: [now] } : { remove: [entry] }, version);
    return now;
}

/**
 * Take over what another tab has written.
 *
 * @param {Copy} copy
 * @param {{ version: number, previous: number | null, ids: Record<string, Id[]> }} message
 */
async function follow(copy, { version, previous, ids }) {
    if (version <= copy.version) {
        return;
    }
    if (previous !== copy.version) {
        await reload(copy);
        return;
    }
    const { objects, meta, outbox, done, version: now } = await readSome(copy.database, ids);
    if (now !== version) {
        await reload(copy);
        return;
    }
    for (const name of OBJECTS) {
        merge(copy[name], objects[name]);
        copy.objects += objects[name].size;
    }
    Object.assign(copy, { meta, outbox, done, version });
    copy.changed();
}

/**
 * @param {Copy} copy
 * @param {Delta} delta
 */
function apply(copy, delta) {
    for (const name of OBJECTS) {
        if (delta.replace) {
            copy[name].clear();
        }
        merge(copy[name], delta[name] ?? new Map());
        copy.objects += delta.replace ? 1 : (delta[name]?.size ?? 0);
    }
    const removed = new Set(delta.remove?.map((entry) => entry.seq));
    const put = new Map(delta.put?.map((entry) => [entry.seq, entry]));
    const patches = new Map(delta.patch?.map((patch) => [patch.seq, patch]));
    copy.outbox = copy.outbox
        .filter((entry) => !removed.has(entry.seq))
        .map((entry) => put.get(entry.seq) ?? patched(entry, patches.get(entry.seq)));
    copy.outbox.push(...(delta.add ?? []));
    copy.outbox.sort((a, b) => Number(a.seq) - Number(b.seq)); // an undo follows its write
    copy.done = [...copy.done, ...(delta.done ?? [])].slice(-DONE_KEPT);
    copy.meta = { ...copy.meta, ...delta.meta };
}

/**
 * @param {Entry} entry
 * @param {Partial<Entry> | undefined} patch
 * @returns {Entry}
 */
const patched = (entry, patch) => (patch ? { ...entry, ...patch } : entry);

/**
 * @param {Map<Id, any>} objects
 * @param {Map<Id, any>} patch
 */
function merge(objects, patch) {
    for (const [id, value] of patch) {
        value === null ? objects.delete(id) : objects.set(id, value);
    }
}

/** @param {Copy} copy */
export function closeCopy(copy) {
    copy.isClosed = true;
    copy.channel.close();
    copy.database.close();
}
