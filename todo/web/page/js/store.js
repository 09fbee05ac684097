/** The copy of an account in IndexedDB, and the outbox. Each account has a database. */

/** @typedef {import("./types.d.ts").Delta} Delta */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Done} Done */
/** @typedef {import("./types.d.ts").Id} Id */
/** @typedef {import("./types.d.ts").Meta} Meta */

const VERSION = 1;
/** Acknowledged writes that can be undone by a key or a button. */
export const DONE_KEPT = 50;
export const OBJECTS = /** @type {const} */ (["tasks", "lists", "filters", "reminders"]);
/** The store of each kind of object. */
export const STORES = { task: "tasks", list: "lists", filter: "filters", reminder: "reminders" };

/** @param {number} account */
const nameOf = (account) => `todo-${account}`;

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function committed(transaction) {
    return new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
    });
}

/**
 * @param {number} account its id
 * @param {() => void} lost called when somebody else has deleted the database, or the browser has
 * @returns {Promise<IDBDatabase>}
 */
export async function openDatabase(account, lost) {
    const request = indexedDB.open(nameOf(account), VERSION);
    request.onupgradeneeded = () => {
        for (const name of OBJECTS) {
            request.result.createObjectStore(name, { keyPath: "id" });
        }
        request.result.createObjectStore("meta");
        request.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
        request.result.createObjectStore("done", { keyPath: "seq", autoIncrement: true });
    };
    const database = await result(request);
    database.onclose = lost;
    database.onversionchange = ({ newVersion }) => {
        database.close(); // otherwise the other tab would wait
        if (newVersion === null) {
            lost(); // it logs out, or the person has deleted the data
        }
    };
    return database;
}

/** @param {number} account */
export async function deleteDatabase(account) {
    await result(indexedDB.deleteDatabase(nameOf(account)));
}

/**
 * Return the number of writes so far, in all tabs.
 *
 * @param {IDBDatabase} database
 * @returns {Promise<number>}
 */
export async function readVersion(database) {
    return (await result(database.transaction("meta").objectStore("meta").get("version"))) ?? 0;
}

/**
 * @typedef {object} Stored
 * @property {any[]} tasks
 * @property {any[]} lists
 * @property {any[]} filters
 * @property {any[]} reminders
 * @property {Meta} meta
 * @property {Entry[]} outbox
 * @property {Done[]} done
 * @property {number} version raised by each write
 */

/**
 * Return everything, in one transaction.
 *
 * @param {IDBDatabase} database
 * @returns {Promise<Stored>}
 */
export async function readAll(database) {
    const names = [...OBJECTS, "meta", "outbox", "done"];
    const transaction = database.transaction(names);
    const all = names.map((name) => transaction.objectStore(name));
    const values = await Promise.all([
        ...all.filter((store) => store.name !== "meta").map((store) => result(store.getAll())),
        result(transaction.objectStore("meta").get("meta")),
        result(transaction.objectStore("meta").get("version")),
    ]);
    const [tasks, lists, filters, reminders, outbox, done, meta, version] = values;
    const empty = { revision: null, profile: null, synced: null };
    const known = meta ?? empty;
    return { tasks, lists, filters, reminders, outbox, done, meta: known, version: version ?? 0 };
}

/**
 * Return the objects with these ids; a missing one is null.
 *
 * @param {IDBDatabase} database
 * @param {Record<string, Id[]>} ids by the name of the store
 * @returns {Promise<{ objects: Record<string, Map<Id, any>>, meta: Meta, outbox: Entry[],
 *     done: Done[], version: number }>}
 */
export async function readSome(database, ids) {
    const transaction = database.transaction([...OBJECTS, "meta", "outbox", "done"]);
    /** @type {Record<string, Map<Id, any>>} */
    const objects = {};
    for (const name of OBJECTS) {
        const wanted = ids[name] ?? [];
        const store = transaction.objectStore(name);
        const found = await Promise.all(wanted.map((id) => result(store.get(id))));
        objects[name] = new Map(wanted.map((id, index) => [id, found[index] ?? null]));
    }
    const [meta, version, outbox, done] = await Promise.all([
        result(transaction.objectStore("meta").get("meta")),
        result(transaction.objectStore("meta").get("version")),
        result(transaction.objectStore("outbox").getAll()),
        result(transaction.objectStore("done").getAll()),
    ]);
    return { objects, meta, outbox, done, version };
}

/**
 * Write a change in one transaction. Entries of the outbox get their `seq`. An entry that another
 * tab has removed in the meantime is not put back.
 *
 * @param {IDBDatabase} database
 * @param {Delta} delta
 * @returns {Promise<number>} the version after the write
 */
export async function write(database, delta) {
    const transaction = database.transaction([...OBJECTS, "meta", "outbox", "done"], "readwrite");
    const done = committed(transaction);
    for (const name of OBJECTS) {
        const store = transaction.objectStore(name);
        if (delta.replace) {
            store.clear();
        }
        for (const [id, value] of delta[name] ?? []) {
            value === null ? store.delete(id) : store.put(value);
        }
    }
    await writeOutbox(transaction.objectStore("outbox"), delta);
    const log = transaction.objectStore("done");
    for (const item of delta.done ?? []) {
        const seq = /** @type {number} */ (await result(log.put(item)));
        log.delete(IDBKeyRange.upperBound(seq - DONE_KEPT));
    }
    const meta = transaction.objectStore("meta");
    if (delta.meta) {
        meta.put({ ...(await result(meta.get("meta"))), ...delta.meta }, "meta");
    }
    const version = ((await result(meta.get("version"))) ?? 0) + 1;
    meta.put(version, "version");
    await done;
    return version;
}

/**
 * Change an entry of the outbox as it is now, unless another tab has removed it: the answer of
 * `change` is stored, or null removes the entry.
 *
 * @param {IDBDatabase} database
 * @param {number} seq
 * @param {(entry: Entry) => Entry | null} change
 * @returns {Promise<{ entry: Entry | null, version: number } | null>} null if the entry is gone
 */
export async function changeEntry(database, seq, change) {
    const transaction = database.transaction(["meta", "outbox"], "readwrite");
    const done = committed(transaction);
    const outbox = transaction.objectStore("outbox");
    const meta = transaction.objectStore("meta");
    const found = await result(outbox.get(seq));
    if (!found) {
        return null;
    }
    const entry = change(found);
    entry ? outbox.put(entry) : outbox.delete(seq);
    const version = ((await result(meta.get("version"))) ?? 0) + 1;
    meta.put(version, "version");
    await done;
    return { entry, version };
}

/**
 * Return something that the page remembers besides the copy, such as the tasks of a filter.
 *
 * @param {IDBDatabase} database
 * @param {string} name
 * @returns {Promise<any>} undefined if there is nothing
 */
export async function readNote(database, name) {
    return await result(database.transaction("meta").objectStore("meta").get(`note ${name}`));
}

/**
 * @param {IDBDatabase} database
 * @param {string} name
 * @param {unknown} value
 */
export async function writeNote(database, name, value) {
    const transaction = database.transaction("meta", "readwrite");
    transaction.objectStore("meta").put(value, `note ${name}`);
    await committed(transaction);
}

/**
 * @param {IDBObjectStore} outbox
 * @param {Delta} delta
 */
async function writeOutbox(outbox, delta) {
    for (const entry of delta.add ?? []) {
        entry.seq = /** @type {number} */ (await result(outbox.add(entry)));
    }
    for (const patch of delta.patch ?? []) {
        const entry = await result(outbox.get(/** @type {number} */ (patch.seq)));
        if (entry) {
            outbox.put({ ...entry, ...patch });
        }
    }
    for (const entry of delta.put ?? []) {
        if (await result(outbox.getKey(/** @type {number} */ (entry.seq)))) {
            outbox.put(entry);
        }
    }
    for (const entry of delta.remove ?? []) {
        outbox.delete(/** @type {number} */ (entry.seq));
    }
}
