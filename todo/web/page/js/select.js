/** The tasks of each view, in groups. */

import { addDays, compareDates, dayOf, dayText, daysBetween, isOverdue, local } from "./dates.js";
import { byPosition } from "./positions.js";
import { search } from "./search.js";
import { languages, t } from "./texts.js";

/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").Id} Id */
/** @typedef {import("./types.d.ts").Fields} Fields */
/** @typedef {import("./overlay.js").Overlay} Overlay */
/** @typedef {import("./router.js").Route} Route */

/**
 * @typedef {object} Group
 * @property {string} key
 * @property {string} title "" for none
 * @property {Task[]} tasks
 * @property {Record<string, number>} [depths] of subtasks, by id
 */

/**
 * @typedef {object} Selection
 * @property {string} title
 * @property {Group[]} groups
 * @property {string} empty what to say without tasks
 * @property {Fields | null} defaults of tasks that are added here; null if none can be
 * @property {Id | null | undefined} list the list whose order the person can change
 * @property {string} [note] what the person should know about the tasks
 * @property {boolean} [exists] false if the list or filter of the view is gone
 */

/**
 * Return what a view shows; null for a view without tasks.
 *
 * @param {Route} route
 * @param {Overlay} view
 * @param {string} zone
 * @param {number} now milliseconds
 * @returns {Selection | null}
 */
export function select(route, view, zone, now) {
    const today = local(now, zone).day;
    switch (route.name) {
        case "today":
            return ofToday(view, zone, now, today);
        case "upcoming":
            return ofUpcoming(view, zone, today);
        case "inbox":
            return ofList(view, null, t("inbox"), t("empty.inbox"), route);
        case "list": {
            const id = idOf(route.value);
            const list = view.lists.get(id);
            return list
                ? ofList(view, id, list.name, t("empty.list"), route)
                : missing(t("missing.list"));
        }
        case "label":
            return ofLabel(view, route.value);
        case "completed":
            return ofCompleted(view, zone, today);
        case "search":
            return ofSearch(view, route.value);
        default:
            return null;
    }
}

/** @param {string} text @returns {Id} */
export const idOf = (text) => (/^\d+$/.test(text) ? Number(text) : text);

/** @param {string} title @returns {Selection} */
export const missing = (title) => ({
    title,
    groups: [],
    empty: "",
    defaults: null,
    list: undefined,
    exists: false,
});

/**
 * Return the open tasks outside archived lists.
 *
 * @param {Overlay} view
 * @returns {Task[]}
 */
export function openTasks(view) {
    const archived = archivedLists(view);
    const found = [];
    for (const task of view.tasks.values()) {
        if (!task.completed && !(task.list_id !== null && archived.has(task.list_id))) {
            found.push(task);
        }
    }
    return found;
}

/** @param {Overlay} view */
function archivedLists(view) {
    return new Set([...view.lists.values()].filter((list) => list.archived).map(({ id }) => id));
}

/** @param {string} zone @returns {(a: Task, b: Task) => number} */
const byDueDate = (zone) => (a, b) =>
    compareDates(/** @type {string} */ (a.due_date), /** @type {string} */ (b.due_date), zone) ||
    rank(a) - rank(b) ||
    byPosition(a, b);

/** @param {Task} task */
const rank = (task) => task.priority || 10;

/**
 * @param {Overlay} view
 * @param {string} zone
 * @param {number} now
 * @param {string} today
 * @returns {Selection}
 */
function ofToday(view, zone, now, today) {
    const due = openTasks(view)
        .filter((task) => task.due_date !== null)
        .sort(byDueDate(zone));
    const late = due.filter((task) => isOverdue(/** @type {string} */ (task.due_date), today, now));
    const isLate = new Set(late);
    const rest = due.filter((task) => dayOf(task.due_date, zone) === today && !isLate.has(task));
    return {
        title: t("today"),
        groups: [
            { key: "overdue", title: t("overdue"), tasks: late },
            { key: "today", title: late.length ? t("today") : "", tasks: rest },
        ],
        empty: t("empty.today"),
        defaults: { due_date: today },
        list: undefined,
    };
}

/**
 * @param {Overlay} view
 * @param {string} zone
 * @param {string} today
 * @returns {Selection}
 */
function ofUpcoming(view, zone, today) {
    /** @type {Map<string, Task[]>} */
    const days = new Map();
    const due = openTasks(view)
        .filter((task) => task.due_date !== null)
        .sort(byDueDate(zone));
    for (const task of due) {
        const day = /** @type {string} */ (dayOf(task.due_date, zone));
        if (day > today) {
            addTo(days, day, task);
        }
    }
    const groups = [...days].map(([day, tasks]) => ({
        key: day,
        title: nameOfDay(day, today),
        tasks,
    }));
    const defaults = { due_date: addDays(today, 1) };
    return { title: t("upcoming"), groups, empty: t("empty.upcoming"), defaults, list: undefined };
}

/**
 * @param {string} day
 * @param {string} today
 * @returns {string} such as "Tomorrow", or "Fri 1 February", with the year if it is another one
 */
export function nameOfDay(day, today) {
    const distance = daysBetween(today, day);
    if (distance >= -1 && distance <= 1) {
        return t(distance === 0 ? "today" : distance === 1 ? "tomorrow" : "yesterday");
    }
    /** @type {Intl.DateTimeFormatOptions} */
    const options = { weekday: "short", day: "numeric", month: "long" };
    const year = day.slice(0, 4) === today.slice(0, 4) ? {} : { year: "numeric" };
    return dayText(day, languages.dates, /** @type {any} */ ({ ...options, ...year }));
}

/**
 * @param {Overlay} view
 * @param {Id | null} list
 * @param {string} title
 * @param {string} empty
 * @param {Route} route `completed=1` shows the completed tasks, too
 * @returns {Selection}
 */
function ofList(view, list, title, empty, route) {
    const tasks = [...view.tasks.values()].filter((task) => task.list_id === list);
    const open = tasks.filter((task) => !task.completed);
    const { order, depths } = nested(open);
    const groups = [{ key: "open", title: "", tasks: order, depths }];
    const completed = tasks.filter((task) => task.completed).sort(byCompletion);
    if (route.query.has("completed")) {
        groups.push({ key: "completed", title: t("completed"), tasks: completed, depths: {} });
    }
    return { title, groups, empty, defaults: { list_id: list }, list };
}

/**
 * Return tasks in their order, each followed by its subtasks.
 *
 * @param {Task[]} tasks
 * @returns {{ order: Task[], depths: Record<string, number> }}
 */
export function nested(tasks) {
    const here = new Set(tasks.map(({ id }) => id));
    /** @type {Map<Id | null, Task[]>} */
    const below = new Map();
    for (const task of tasks) {
        const parent = task.parent_id !== null && here.has(task.parent_id) ? task.parent_id : null;
        addTo(below, parent, task);
    }
    /** @type {Task[]} */
    const order = [];
    /** @type {Record<string, number>} */
    const depths = {};
    const add = (/** @type {Id | null} */ parent, /** @type {number} */ depth) => {
        for (const task of (below.get(parent) ?? []).sort(byPosition)) {
            order.push(task);
            depths[task.id] = depth;
            add(task.id, depth + 1);
        }
    };
    add(null, 0);
    return { order, depths };
}

/**
 * @template K
 * @param {Map<K, Task[]>} groups
 * @param {K} key
 * @param {Task} task
 */
function addTo(groups, key, task) {
    const group = groups.get(key);
    group ? group.push(task) : groups.set(key, [task]);
}

/** @param {Task} a @param {Task} b */
const byCompletion = (a, b) =>
    (a.completion_date ?? "") < (b.completion_date ?? "")
        ? 1
        : a.completion_date === b.completion_date
          ? 0
          : -1;

/**
 * @param {Overlay} view
 * @param {string} label
 * @returns {Selection}
 */
function ofLabel(view, label) {
    const tasks = openTasks(view)
        .filter((task) => task.labels.includes(label))
        .sort(byPosition);
    return {
        title: `@${label}`,
        groups: [{ key: "label", title: "", tasks }],
        empty: t("empty.label"),
        defaults: { labels: [label] },
        list: undefined,
    };
}

/**
 * @param {Overlay} view
 * @param {string} zone
 * @param {string} today
 * @returns {Selection}
 */
function ofCompleted(view, zone, today) {
    const tasks = [...view.tasks.values()].filter((task) => task.completed).sort(byCompletion);
    /** @type {Map<string, Task[]>} */
    const days = new Map();
    for (const task of tasks) {
        addTo(days, dayOf(task.completion_date, zone) ?? "", task);
    }
    const groups = [...days].map(([day, ofDay]) => ({
        key: day,
        title: day && nameOfDay(day, today),
        tasks: ofDay,
    }));
    return {
        title: t("completed"),
        groups,
        empty: t("empty.completed"),
        defaults: null,
        list: undefined,
    };
}

/**
 * @param {Overlay} view
 * @param {string} query
 * @returns {Selection}
 */
function ofSearch(view, query) {
    const tasks = search(view.tasks.values(), query);
    const open = tasks.filter((task) => !task.completed);
    const completed = tasks.filter((task) => task.completed);
    return {
        title: query ? t("search.title", { query }) : t("search"),
        groups: [
            { key: "open", title: "", tasks: open },
            { key: "completed", title: t("completed"), tasks: completed },
        ],
        empty: query ? t("empty.search") : t("search.hint"),
        defaults: null,
        list: undefined,
    };
}
