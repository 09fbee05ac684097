/** How many subtasks the tasks have. */

/** @typedef {import("./types.d.ts").Task} Task */
/** @typedef {import("./types.d.ts").Id} Id */

/**
 * @param {Iterable<Task>} tasks
 * @returns {Map<Id, { total: number, open: number }>}
 */
export function subtaskCounts(tasks) {
    const counts = new Map();
    for (const { parent_id: parent, completed } of tasks) {
        if (parent !== null) {
            const count = counts.get(parent) ?? { total: 0, open: 0 };
            counts.set(parent, { total: count.total + 1, open: count.open + (completed ? 0 : 1) });
        }
    }
    return counts;
}
