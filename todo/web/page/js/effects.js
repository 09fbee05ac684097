/** The effect of each write on the objects that the person sees, before the server has answered. */

import { descendants, drop, placeOf, put, storeOf, tasksAt } from "./places.js";
import { between, lastPosition, placed } from "./positions.js";

/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Fields} Fields */
/** @typedef {import("./types.d.ts").Id} Id */
/** @typedef {import("./overlay.js").Overlay} Overlay */

/** The fields of a new task. */
export const NEW_TASK = {
    note: null,
    list_id: null,
    parent_id: null,
    priority: 0,
    labels: [],
    start_date: null,
    due_date: null,
    timezone: null,
    recurrence: null,
    recurrence_from: /** @type {const} */ ("due"),
    occurrence_of: null,
    reminders: [],
    completed: false,
    completion_date: null,
};

/**
 * @param {Overlay} view
 * @param {Entry} entry
 */
export function apply(view, entry) {
    const effect = entry.noun === "label" ? LABELS[entry.kind] : EFFECTS[entry.kind];
    effect?.(view, entry);
}

/** @type {Partial<Record<string, (view: Overlay, entry: Entry) => void>>} */
const EFFECTS = {
    create(view, entry) {
        put(view, entry.noun, created(view, entry, entry.fields));
    },
    quick(view, entry) {
        const fields = entry.fields.guess ?? { name: entry.fields.text };
        put(view, "task", created(view, entry, fields));
    },
    update(view, entry) {
        update(view, entry, entry.fields);
    },
    move(view, entry) {
        entry.noun === "list" ? moveList(view, entry) : moveTask(view, entry);
    },
    skip(view, entry) {
        update(view, entry, entry.fields.guess ?? {});
    },
    delete(view, entry) {
        remove(view, entry);
    },
    undo(view, entry) {
        if (entry.undoes) {
            undo(view, entry.undoes);
        }
    },
    dismiss(view, entry) {
        update(view, entry, { dismissed_date: entry.at });
    },
    snooze(view, entry) {
        update(view, entry, { snoozed_until: entry.fields.until });
    },
};

/** @type {Partial<Record<string, (view: Overlay, entry: Entry) => void>>} */
const LABELS = {
    update(view, entry) {
        relabel(view, entry, (labels) => [...new Set(labels.map(renamed(entry)))]);
    },
    delete(view, entry) {
        relabel(view, entry, (labels) => labels.filter((label) => label !== entry.id));
    },
};

/** @param {Entry} entry @returns {(label: string) => string} */
const renamed = (entry) => (label) => (label === entry.id ? entry.fields.name : label);

/**
 * @param {Overlay} view
 * @param {Entry} entry
 * @param {(labels: string[]) => string[]} change
 */
function relabel(view, entry, change) {
    for (const [id, task] of view.tasks) {
        if (task.labels.includes(/** @type {string} */ (entry.id))) {
            view.tasks.set(id, { ...task, labels: change(task.labels) });
        }
    }
}

/**
 * @param {Overlay} view
 * @param {Entry} entry
 * @param {Fields} fields
 * @returns {any}
 */
function created(view, entry, fields) {
    const dates = { creation_date: entry.at, modification_date: entry.at, revision: 0 };
    const object = { ...fields, id: entry.id, ...dates };
    if (entry.noun === "filter") {
        return object;
    }
    if (entry.noun === "list") {
        const last = between(lastPosition(view.lists.values()), null);
        return { note: null, color: null, archived: false, ...object, position: last };
    }
    /** @type {any} */
    const task = { ...NEW_TASK, ...object, uid: entry.key };
    const parent = task.parent_id === null ? null : view.tasks.get(task.parent_id);
    task.list_id = parent ? parent.list_id : task.list_id;
    return { ...task, position: lastOfTasks(view) };
}

/** @param {Overlay} view */
function lastOfTasks(view) {
    view.last = between(view.last ?? lastPosition(view.tasks.values()), null);
    return view.last;
}

/**
 * @param {Overlay} view
 * @param {Entry} entry
 * @param {Fields} fields
 */
function update(view, entry, fields) {
    const store = storeOf(view, entry);
    const object = store.get(entry.id);
    if (!object) {
        return;
    }
    const changed = { ...object, ...fields, modification_date: entry.at };
    if (fields.completed !== undefined && fields.completed !== object.completed) {
        changed.completion_date = fields.completed ? entry.at : null;
    }
    if (moves(object, fields)) {
        changed.position = lastOfTasks(view);
    }
    put(view, entry.noun, changed);
    if (entry.noun === "task" && changed.list_id !== object.list_id) {
        takeAlong(view, changed);
    }
}

/** @param {Fields} object @param {Fields} fields */
function moves(object, fields) {
    return (
        (fields.list_id !== undefined && fields.list_id !== object.list_id) ||
        (fields.parent_id !== undefined && fields.parent_id !== object.parent_id)
    );
}

/**
 * @param {Overlay} view
 * @param {Entry} entry
 */
function moveTask(view, entry) {
    const task = view.tasks.get(entry.id);
    if (!task) {
        return;
    }
    const { list_id, parent_id, ...place } = entry.fields;
    const parent = parent_id === undefined && list_id === undefined ? task.parent_id : parent_id;
    const parentTask = parent ? view.tasks.get(parent) : null;
    const list = parentTask
        ? parentTask.list_id
        : (list_id ?? (list_id === null ? null : task.list_id));
    const others = tasksAt(view, placeOf({ ...task, list_id: list, parent_id: parent ?? null }));
    const position = placed(
        others.filter(({ id }) => id !== task.id),
        place,
    );
    const moved = { ...task, list_id: list, parent_id: parent ?? null, position };
    put(view, "task", moved);
    if (list !== task.list_id) {
        takeAlong(view, moved);
    }
}

/**
 * @param {Overlay} view
 * @param {Entry} entry
 */
function moveList(view, entry) {
    const list = view.lists.get(entry.id);
    if (list) {
        const others = [...view.lists.values()].filter(({ id }) => id !== entry.id);
        const position = placed(others, entry.fields);
        view.lists.set(entry.id, { ...list, position });
    }
}

/**
 * Give the subtasks of a task its list.
 *
 * @param {Overlay} view
 * @param {Task} parent
 */
function takeAlong(view, parent) {
    for (const task of descendants(view, parent.id)) {
        put(view, "task", { ...task, list_id: parent.list_id });
    }
}

/**
 * @param {Overlay} view
 * @param {Entry} entry
 */
function remove(view, entry) {
    const below = entry.noun === "task" ? descendants(view, entry.id) : [];
    entry.noun === "task" ? drop(view, entry.id) : storeOf(view, entry).delete(entry.id);
    below.forEach(({ id }) => drop(view, id));
    if (entry.noun === "list") {
        for (const [id, task] of view.tasks) {
            if (task.list_id === entry.id) {
                drop(view, id);
            }
        }
    }
}

/**
 * Show the state before a write, as far as the page knows it; the answer shows the rest.
 *
 * @param {Overlay} view
 * @param {Entry} entry the write that is undone
 */
function undo(view, entry) {
    const store = storeOf(view, entry);
    if (!store) {
        return;
    }
    if (entry.kind === "create" || entry.kind === "quick") {
        entry.noun === "task" ? drop(view, entry.id) : store.delete(entry.id);
    } else if (entry.kind === "delete" && entry.before) {
        put(view, entry.noun, entry.before);
    } else if (entry.before && store.has(entry.id)) {
        put(view, entry.noun, { ...store.get(entry.id), ...entry.before });
    }
}
