/** The account as the person sees it: the copy, with the writes that wait in the outbox. */

import { apply } from "./effects.js";

/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").List} List */
/** @typedef {import("./types.d.ts").Filter} Filter */
/** @typedef {import("./types.d.ts").Reminder} Reminder */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Id} Id */

/**
 * @typedef {object} Objects
 * @property {Map<Id, Task>} tasks
 * @property {Map<Id, List>} lists
 * @property {Map<Id, Filter>} filters
 * @property {Map<Id, Reminder>} reminders
 */

/**
 * @typedef {object} Waiting
 * @property {Map<Id, Entry>} unsaved the objects with writes
 * @property {string | null} last the last position of a task, once it is needed
 * @property {Map<Id, Set<Id>> | null} places the tasks of each place, once they are needed: the
 *     subtasks of a task, and the other tasks of a list
 */

/** @typedef {Objects & Waiting} Overlay */

/**
 * Return the objects after all writes of the outbox. Maps without a write are those of the copy.
 *
 * @param {Objects} copy
 * @param {Entry[]} outbox in the order in which the writes were made
 * @returns {Overlay}
 */
export function overlay(copy, outbox) {
    const view = {
        tasks: copy.tasks,
        lists: copy.lists,
        filters: copy.filters,
        reminders: copy.reminders,
        unsaved: new Map(),
        last: null,
        places: null,
    };
    return extended(view, outbox, 0);
}

/**
 * Return the objects after further writes; the view before them must not be used afterwards.
 *
 * @param {Overlay} view after the first writes of the outbox
 * @param {Entry[]} outbox
 * @param {number} count of the writes that the view has
 * @returns {Overlay}
 */
export function extended(view, outbox, count) {
    const next = { ...view, unsaved: unsavedOf(outbox) };
    if (outbox.length > count) {
        next.tasks = new Map(view.tasks);
        next.lists = new Map(view.lists);
        next.filters = new Map(view.filters);
        next.reminders = new Map(view.reminders);
    }
    view.places = null; // the next view changes them
    outbox.slice(count).forEach((entry) => apply(next, entry));
    return next;
}

/** @param {Entry[]} outbox @returns {Map<Id, Entry>} the write to tell of each object */
function unsavedOf(outbox) {
    const unsaved = new Map();
    for (const entry of outbox) {
        const known = unsaved.get(entry.id);
        if (!known || known.state === "waiting") {
            unsaved.set(entry.id, entry);
        }
    }
    return unsaved;
}
