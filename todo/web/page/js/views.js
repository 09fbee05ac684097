/** The element of each route. */

import "./elements/tasks.js";

/** @type {Record<string, string>} */
export const VIEWS = {
    today: "todo-tasks",
    upcoming: "todo-tasks",
    inbox: "todo-tasks",
    list: "todo-tasks",
    label: "todo-tasks",
    completed: "todo-tasks",
    search: "todo-tasks",
    filter: "todo-tasks",
    lists: "todo-lists",
    labels: "todo-labels",
    filters: "todo-filters",
    trash: "todo-trash",
    changes: "todo-changes",
    unsent: "todo-unsent",
    settings: "todo-settings",
};
