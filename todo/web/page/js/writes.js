/** The requests of the outbox: what each write sends, and how to recognize it in the feed. */

/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Change} Change */
/** @typedef {import("./types.d.ts").Fields} Fields */
/** @typedef {import("./types.d.ts").Id} Id */

/** Fields that are ids of other objects. */
const REFERENCES = /** @type {const} */ (["list_id", "parent_id", "before", "after"]);

/** Bytes from a source that is also there over plain http, unlike crypto.randomUUID. */
export function randomKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40; // a UUID of version 4 (RFC 9562, section 5.4)
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @param {Id | null | undefined} id @returns {boolean} whether the server does not know the id */
export const isNew = (id) => typeof id === "string" && id.startsWith("new:");

/**
 * Return the new ids that a write depends on.
 *
 * @param {Entry} entry
 * @returns {Id[]}
 */
export function dependencies(entry) {
    const ids = REFERENCES.map((name) => entry.fields[name]);
    if (entry.kind !== "create" && entry.kind !== "quick") {
        ids.push(entry.id);
    }
    return ids.filter(isNew);
}

/**
 * Return the write with the id that the server has given to a new object.
 *
 * @param {Entry} entry
 * @param {Id} from
 * @param {Id} to
 * @returns {Entry}
 */
export function withId(entry, from, to) {
    if (!dependencies(entry).includes(from) && entry.undoes?.id !== from) {
        return entry;
    }
    const fields = { ...entry.fields };
    for (const name of REFERENCES) {
        if (fields[name] === from) {
            fields[name] = to;
        }
        if (fields.guess?.[name] === from) {
            fields.guess = { ...fields.guess, [name]: to };
        }
    }
    const undoes = entry.undoes && { ...entry.undoes };
    if (undoes?.id === from) {
        undoes.id = to;
    }
    return { ...entry, fields, undoes, id: entry.id === from ? to : entry.id };
}

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} path below the account
 * @property {Fields} [body]
 * @property {string} [etag] the If-Match
 */

/**
 * Return the request of a write.
 *
 * @param {Entry} entry
 * @returns {Request}
 */
export function requestOf(entry) {
    const { noun, kind, id, base } = entry;
    const { guess, ...body } = entry.fields; // the guess is for the overlay only
    const path = `${noun}s/${encodeURIComponent(id)}`;
    const etag = base === null ? undefined : `"${base}"`;
    switch (kind) {
        case "create":
            return {
                method: "POST",
                path: `${noun}s`,
                body: noun === "task" ? { uid: entry.key, ...body } : body,
            };
        case "quick":
            return {
                method: "POST",
                path: "tasks/quick",
                body: { uid: entry.key, at: entry.at, ...body },
            };
        case "update":
            return { method: "PATCH", path, body, etag };
        case "delete":
            return { method: "DELETE", path, etag };
        case "restore":
            return { method: "POST", path: `trash/${id}/restore` };
        case "erase":
            return { method: "DELETE", path: `trash/${id}` };
        case "undo":
            return { method: "POST", path: `changes/${entry.revision}/undo` };
        default: // move, skip, dismiss, snooze
            return { method: "POST", path: `${path}/${kind}`, body };
    }
}

/**
 * Return the ids that the server has given to the new objects a write depends on, as far as known.
 *
 * @param {Entry} entry
 * @param {Iterable<Entry>} acknowledged writes
 * @returns {Map<Id, Id>} by the new id
 */
export function givenIds(entry, acknowledged) {
    const wanted = new Set([...dependencies(entry), ...[entry.undoes?.id ?? 0].filter(isNew)]);
    const found = new Map();
    for (const { key, id, kind } of wanted.size ? acknowledged : []) {
        if (["create", "quick"].includes(kind) && wanted.has(`new:${key}`) && !isNew(id)) {
            found.set(`new:${key}`, id);
        }
    }
    return found;
}

const PLACE = ["list_id", "parent_id"];

/** Kinds that change nothing if they are sent a second time. */
const REPEATABLE = ["skip", "dismiss", "snooze", "restore", "erase"];

/**
 * Return the change of a write whose answer was lost more than a day ago.
 *
 * @param {Entry} entry
 * @param {Change[]} changes all since it was sent
 * @returns {Change | false | null} false if it was not executed, null if nobody can know
 */
export function executionOf(entry, changes) {
    if (REPEATABLE.includes(entry.kind) || entry.noun === "label") {
        return false;
    }
    const { noun, kind, id, fields, key } = entry;
    const find = (/** @type {string} */ action, /** @type {(change: Change) => boolean} */ isIt) =>
        changes.find(
            (change) => change.kind === noun && change.action === action && isIt(change),
        ) ?? false;
    switch (kind) {
        case "create":
        case "quick":
            return find("create", ({ after }) =>
                noun === "task" ? after?.uid === key : has(after, fields),
            );
        case "update":
            return find("update", (change) => change.id === id && has(change.after, fields));
        case "move":
            return executionOfMove(entry, changes);
        case "delete":
            return find("delete", (change) => change.id === id);
        default:
            return null;
    }
}

/**
 * @param {Entry} entry
 * @param {Change[]} changes
 * @returns {Change | false | null}
 */
function executionOfMove({ noun, id, fields }, changes) {
    const moves = changes.filter(
        (change) => change.kind === noun && change.id === id && "position" in (change.after ?? {}),
    );
    const place = Object.entries(fields).filter(([name]) => PLACE.includes(name));
    const there = moves.find(({ after }) => has(after, Object.fromEntries(place)));
    // A move within its place looks like one that another device has made.
    return there ?? (moves.length ? null : false);
}

/**
 * Return whether a change sets fields of a write, and none of them to another value.
 *
 * @param {Fields | null} after
 * @param {Fields} fields
 */
function has(after, fields) {
    const named = Object.keys(fields).filter((name) => after && name in after);
    return named.length > 0 && named.every((name) => isEqual(after?.[name], fields[name]));
}

/** @param {unknown} a @param {unknown} b */
export const isEqual = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Return the fields that somebody else has changed and this write would overwrite.
 *
 * @param {Entry} entry
 * @param {Fields} current the object on the server
 * @returns {string[]}
 */
export function clashes(entry, current) {
    return Object.keys(entry.before ?? {}).filter(
        (name) =>
            name in entry.fields &&
            !isEqual(current[name], entry.before?.[name]) &&
            !isEqual(current[name], entry.fields[name]),
    );
}
