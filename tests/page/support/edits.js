/** Edits of each kind. */

/** @param {any[]} objects @param {string} name */
export const named = (objects, name) => objects.find((object) => object.name === name);

/**
 * Edits of each kind: what is done, and what the service then has. Each raises the revision by one.
 *
 * @type {{ kind: string, edit: [string, ...any[]], isDone: (data: any) => boolean }[]}
 */
export const EDITS = [
    {
        kind: "a new task",
        edit: ["create", "task", { name: "Tea" }],
        isDone: ({ tasks }) => Boolean(named(tasks, "Tea")),
    },
    {
        kind: "a new task in words",
        edit: ["addLines", ["Call tomorrow !2"], {}],
        isDone: ({ tasks }) => named(tasks, "Call")?.priority === 2,
    },
    {
        kind: "a new list",
        edit: ["create", "list", { name: "Work" }],
        isDone: ({ lists }) => Boolean(named(lists, "Work")),
    },
    {
        kind: "a new saved filter",
        edit: ["create", "filter", { name: "Due", query: "priority=low" }],
        isDone: ({ filters }) => Boolean(named(filters, "Due")),
    },
    {
        kind: "a change of fields",
        edit: ["change", "task", { task: "Milk" }, { note: "two", priority: 1, labels: ["cold"] }],
        isDone: ({ tasks }) => named(tasks, "Milk").note === "two",
    },
    {
        kind: "a completion",
        edit: ["complete", { task: "Bread" }, true],
        isDone: ({ tasks }) => named(tasks, "Bread").completed,
    },
    {
        kind: "a reopening",
        edit: ["complete", { task: "Bread" }, false],
        isDone: ({ tasks }) => !named(tasks, "Bread").completed,
    },
    {
        kind: "a skipped date",
        edit: ["skip", { task: "Water" }],
        isDone: ({ tasks }) => named(tasks, "Water").due_date === "2030-01-02",
    },
    {
        kind: "a move to the top",
        edit: ["move", "task", { task: "Salt" }, { first: true }],
        isDone: ({ tasks }) =>
            tasks.every(
                (/** @type {any} */ { name, position }) =>
                    name === "Salt" || position > named(tasks, "Salt").position,
            ),
    },
    {
        kind: "a move to a list",
        edit: ["move", "task", { task: "Rice" }, { list_id: { list: "Home" }, last: true }],
        isDone: ({ tasks, lists }) => named(tasks, "Rice").list_id === named(lists, "Home").id,
    },
    {
        kind: "a deletion",
        edit: ["remove", "task", { task: "Soap" }],
        isDone: ({ tasks }) => !named(tasks, "Soap"),
    },
    {
        kind: "a renamed label",
        edit: ["renameLabel", "house", "home"],
        isDone: ({ tasks }) => named(tasks, "Sweep").labels.includes("home"),
    },
    {
        kind: "a removed label",
        edit: ["removeLabel", "shop"],
        isDone: ({ tasks }) => named(tasks, "Cake").labels.length === 0,
    },
];
