/** The order of tasks, changed by drag and drop. */

import { move } from "../actions.js";
import { placeOf } from "../elements/tasks.js";
import { makeSortable } from "./drag.js";

/** @typedef {import("../elements/row.js").TaskRow} TaskRow */

makeSortable(document.body, "todo-tasks todo-row", (dragged, target, where) => {
    const task = /** @type {TaskRow} */ (dragged).task;
    const other = /** @type {TaskRow} */ (target).task;
    if (task && other) {
        void move("task", task, { ...placeOf(other), [where]: other.id });
    }
});
