/** Objects and writes for the unit tests. */

import { NEW_TASK } from "../../../todo/web/page/js/effects.js";
import { byPosition } from "../../../todo/web/page/js/positions.js";

/** @typedef {import("../../../todo/web/page/js/types.d.ts").Task} Task */
/** @typedef {import("../../../todo/web/page/js/types.d.ts").List} List */
/** @typedef {import("../../../todo/web/page/js/types.d.ts").Entry} Entry */
/** @typedef {import("../../../todo/web/page/js/types.d.ts").Change} Change */

const DATE = "2029-12-01T00:00:00Z";
const DATES = { creation_date: DATE, modification_date: DATE };

/** @param {any} id @param {object} [fields] @returns {Task} */
export const task = (id, fields) => ({
    id,
    uid: `uid-${id}`,
    name: `Task ${id}`,
    ...NEW_TASK,
    position: `1${id}0i`,
    ...DATES,
    revision: 10,
    ...fields,
});

/** @param {any} id @param {object} [fields] @returns {List} */
export const list = (id, fields) => ({
    id,
    name: `List ${id}`,
    note: null,
    color: null,
    archived: false,
    position: `1${id}0i`,
    ...DATES,
    revision: 10,
    ...fields,
});

/** @param {...(Task | List)} objects */
export function copyOf(...objects) {
    const isTask = (/** @type {any} */ object) => "uid" in object;
    return {
        tasks: /** @type {Map<any, Task>} */ (
            new Map(objects.filter(isTask).map((object) => [object.id, object]))
        ),
        lists: /** @type {Map<any, List>} */ (
            new Map(
                objects.filter((object) => !isTask(object)).map((object) => [object.id, object]),
            )
        ),
        filters: new Map(),
        reminders: new Map(),
        meta: { profile: null },
    };
}

/**
 * @param {Entry["kind"]} kind
 * @param {any} id
 * @param {any} [fields]
 * @param {Partial<Entry>} [rest]
 * @returns {Entry}
 */
export const entry = (kind, id, fields = {}, rest = {}) => ({
    key: typeof id === "string" && id.startsWith("new:") ? id.slice(4) : "key",
    at: "2030-01-01T00:00:00Z",
    noun: "task",
    kind,
    id,
    name: "",
    fields,
    before: null,
    base: null,
    state: "waiting",
    ...rest,
});

/**
 * @param {number} revision
 * @param {string} action
 * @param {any} id
 * @param {any} after
 * @param {string} [kind]
 * @returns {Change}
 */
export const change = (revision, action, id, after, kind = "task") => ({
    revision,
    date: `2030-01-01T00:00:${String(revision % 60).padStart(2, "0")}Z`,
    kind,
    id,
    action,
    token: null,
    before: null,
    after,
});

/** @param {Map<any, any>} objects @returns {string[]} the names, in order */
export const names = (objects) => [...objects.values()].sort(byPosition).map(({ name }) => name);
