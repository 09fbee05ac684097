/** The objects of the view by their place: the subtasks of a task, and the tasks of a list. */

import { byPosition } from "./positions.js";
import { STORES } from "./store.js";

/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Id} Id */
/** @typedef {import("./overlay.js").Overlay} Overlay */

/**
 * @param {Overlay} view
 * @param {Entry} entry
 * @returns {Map<Id, any>}
 */
export const storeOf = (view, entry) =>
    /** @type {any} */ (view)[/** @type {any} */ (STORES)[entry.noun]];

/** @param {Task} task */
export const placeOf = ({ list_id, parent_id }) => parent_id ?? `list ${list_id}`;

/**
 * @param {Overlay} view
 * @param {string} noun
 * @param {any} object
 */
export function put(view, noun, object) {
    const store = /** @type {any} */ (view)[/** @type {any} */ (STORES)[noun]];
    if (noun === "task" && view.places) {
        leave(view, object.id);
        enter(view.places, object);
    }
    store.set(object.id, object);
}

/**
 * @param {Overlay} view
 * @param {Id} id of a task
 */
export function drop(view, id) {
    leave(view, id);
    view.tasks.delete(id);
}

/**
 * @param {Overlay} view
 * @param {Id} id of a task
 */
function leave(view, id) {
    const task = view.tasks.get(id);
    if (task) {
        view.places?.get(placeOf(task))?.delete(id);
    }
}

/**
 * @param {Map<Id, Set<Id>>} places
 * @param {Task} task
 */
function enter(places, task) {
    const place = placeOf(task);
    const ids = places.get(place);
    ids ? ids.add(task.id) : places.set(place, new Set([task.id]));
}

/**
 * @param {{ tasks: Map<Id, Task>, places?: Overlay["places"] }} view
 * @param {Id} place
 * @returns {Task[]}
 */
export function tasksAt(view, place) {
    if (!view.places) {
        view.places = new Map();
        for (const task of view.tasks.values()) {
            enter(view.places, task);
        }
    }
    return [...(view.places.get(place) ?? [])].flatMap((id) => view.tasks.get(id) ?? []);
}

/**
 * Return the tasks with the same list and parent, in their order.
 *
 * @param {{ tasks: Map<Id, Task>, places?: Overlay["places"] }} view
 * @param {Id | null} list
 * @param {Id | null} parent
 */
export function siblings(view, list, parent) {
    const place = placeOf(/** @type {Task} */ ({ list_id: list, parent_id: parent }));
    return tasksAt(view, place).sort(byPosition);
}

/**
 * Return the subtasks of a task, and theirs.
 *
 * @param {Overlay} view
 * @param {Id} id
 * @returns {Task[]}
 */
export function descendants(view, id) {
    return tasksAt(view, id).flatMap((task) => [task, ...descendants(view, task.id)]);
}
