/** The subtasks of a task: rows, and a field that adds one. */

import { create, move } from "../actions.js";
import { local } from "../dates.js";
import { arrange, h } from "../h.js";
import { siblings } from "../places.js";
import { linkToTask } from "../router.js";
import { nested } from "../select.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { TaskRow } from "../elements/row.js";

/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../types.d.ts").Id} Id */
/** @typedef {import("./field.js").Editing} Editing */

/** Levels of tasks, of which the first has no parent. */
const DEPTH_MAX = 5;
const NAME_MAX = 255;

export class Subtasks {
    #editing;
    #title = h("h3", {}, t("task.subtasks"));
    #rows = h("div", { class: "rows", role: "list" });
    #input = h("input", {
        "aria-label": t("task.subtask.add"),
        placeholder: t("task.subtask.add"),
        autocomplete: "off",
        enterkeyhint: "done",
        maxlength: NAME_MAX,
    });
    #hint = h("p", { class: "hint" });
    /** @type {Map<string, TaskRow>} */
    #known = new Map();
    element = h("section", { class: "subtasks" }, this.#title, this.#rows, this.#input, this.#hint);

    /** @param {Editing} editing */
    constructor(editing) {
        this.#editing = editing;
        this.#input.addEventListener("blur", () => this.leave());
        this.#input.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && !event.isComposing) {
                event.preventDefault();
                this.leave();
            } else if (event.key === "Escape" && this.#input.value) {
                event.stopPropagation();
                this.#input.value = "";
            }
        });
    }

    /** Add what has been typed. */
    leave() {
        const name = this.#input.value.trim();
        const { task } = this.#editing;
        if (name && task) {
            this.#input.value = "";
            void create("task", { name, list_id: task.list_id, parent_id: task.id });
        }
    }

    render() {
        const { task } = this.#editing;
        if (!task) {
            return;
        }
        const { view, zone } = account();
        const { order, depths } = nested(descendants(view.tasks, task.id));
        const focused = /** @type {TaskRow | null} */ (
            document.activeElement?.closest(".subtasks todo-row") ?? null
        );
        const isBox = document.activeElement instanceof HTMLInputElement;
        const index = focused ? [...this.#rows.children].indexOf(focused) : -1;
        const used = new Set();
        const rows = order.map((subtask) => {
            used.add(subtask.uid);
            const row = this.#row(subtask.uid);
            row.update(subtask, {
                zone,
                now: Date.now(),
                today: local(Date.now(), zone).day,
                depth: depths[subtask.id],
                list: null,
                groupDay: "",
                parent: "",
                unsaved: view.unsaved.get(subtask.id),
                open: linkToTask(subtask.id),
                selected: false,
                draggable: false,
                subtasks: undefined,
            });
            return row;
        });
        arrange(this.#rows, rows);
        [...this.#known.keys()]
            .filter((uid) => !used.has(uid))
            .forEach((uid) => this.#known.delete(uid));
        if (focused && !focused.contains(document.activeElement)) {
            const row = focused.isConnected ? focused : rows[Math.min(index, rows.length - 1)];
            ((isBox && row?.querySelector("input")) || row || this.#input).focus();
        }
        this.#rows.hidden = rows.length === 0;
        const isDeepest = depthOf(view.tasks, task) >= DEPTH_MAX;
        this.#input.hidden = isDeepest;
        this.#hint.textContent = isDeepest ? t("task.subtask.deep", { count: DEPTH_MAX }) : "";
    }

    /** @param {string} uid which stays when a new task gets its id */
    #row(uid) {
        let row = this.#known.get(uid);
        if (!row) {
            row = /** @type {TaskRow} */ (document.createElement("todo-row"));
            row.setAttribute("role", "listitem");
            this.#known.set(uid, row);
        }
        return row;
    }

    /** @returns {Task | null} the subtask with the focus */
    focused() {
        const row = document.activeElement?.closest(".subtasks todo-row");
        return row ? /** @type {TaskRow} */ (row).task : null;
    }

    /**
     * Move a subtask among its siblings.
     *
     * @param {Task} task
     * @param {"up" | "down"} direction
     */
    step(task, direction) {
        const all = siblings(account().view, task.list_id, task.parent_id);
        const index = all.findIndex(({ id }) => id === task.id);
        const other = all[index + (direction === "up" ? -1 : 1)];
        if (other) {
            const place = direction === "up" ? { before: other.id } : { after: other.id };
            void move("task", task, { parent_id: task.parent_id, ...place });
        }
    }
}

/**
 * @param {Map<Id, Task>} tasks
 * @param {Id} id
 * @returns {Task[]} its subtasks, and theirs
 */
function descendants(tasks, id) {
    /** @type {Map<Id, Task[]>} */
    const below = new Map();
    for (const task of tasks.values()) {
        if (task.parent_id !== null) {
            const known = below.get(task.parent_id);
            known ? known.push(task) : below.set(task.parent_id, [task]);
        }
    }
    const found = [...(below.get(id) ?? [])];
    for (const task of found) {
        found.push(...(below.get(task.id) ?? []));
    }
    return found;
}

/**
 * @param {Map<Id, Task>} tasks
 * @param {Task} task
 */
function depthOf(tasks, task) {
    let depth = 1;
    let parent = task.parent_id === null ? undefined : tasks.get(task.parent_id);
    while (parent && depth < DEPTH_MAX) {
        depth += 1;
        parent = parent.parent_id === null ? undefined : tasks.get(parent.parent_id);
    }
    return depth;
}
