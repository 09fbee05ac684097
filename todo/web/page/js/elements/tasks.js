/** A view with tasks: its title, the field to add one, and the groups of rows. */

import { complete, move, remove } from "../actions.js";
import { local } from "../dates.js";
import { more, ofFilter } from "../filtered.js";
import { arrange, h } from "../h.js";
import { presentId } from "../ids.js";
import { onCommand } from "../keys.js";
import { Live } from "../live.js";
import { currentRoute, go, linkTo, linkToTask, replace } from "../router.js";
import { idOf, select } from "../select.js";
import { account, state } from "../state.js";
import { subtaskCounts } from "../subtasks.js";
import { QuickAdd } from "./add.js";
import { TaskRow } from "./row.js";
import { renderTools } from "./tools.js";

/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../types.d.ts").Id} Id */
/** @typedef {import("../select.js").Selection} Selection */
/** @typedef {import("../select.js").Group} Group */

/** Rows that are drawn at first, and each time the end of the list comes into sight. */
const PORTION = 60;

export class TaskList extends Live {
    #title = h("h1", { tabindex: "-1" });
    #tools = h("div", { class: "tools" });
    #add = /** @type {QuickAdd} */ (document.createElement("todo-add"));
    #note = h("p", { class: "notice", role: "status" });
    #body = h("div", { class: "groups" });
    #empty = h("p", { class: "empty" });
    #more = h("div", { class: "more" });
    #limit = PORTION;
    #shown = "";
    /** Rows by the uid, which a new task keeps when it gets its id. @type {Map<string, TaskRow>} */
    #rows = new Map();
    /** @type {Map<string, HTMLElement>} */
    #sections = new Map();
    /** @type {Selection | null} */
    #selection = null;
    /** @type {(() => void)[]} */
    #ends = [];

    connectedCallback() {
        this.replaceChildren(
            h("header", { class: "head" }, this.#title, this.#tools),
            this.#add,
            this.#note,
            this.#body,
            this.#empty,
            this.#more,
        );
        const observer = new IntersectionObserver(
            ([entry]) => {
                if (entry.isIntersecting && this.#limit < this.#count()) {
                    this.#limit += PORTION;
                    this.render();
                } else if (entry.isIntersecting && currentRoute().name === "filter") {
                    void this.#readMore();
                }
            },
            { rootMargin: "600px" },
        );
        observer.observe(this.#more);
        this.#ends = [() => observer.disconnect(), onCommand((name) => this.#obey(name))];
        super.connectedCallback();
    }

    /** Read the next page of a filter, and draw its first rows. */
    async #readMore() {
        if (await more(idOf(currentRoute().value))) {
            this.#limit += PORTION;
            this.render();
        }
    }

    disconnectedCallback() {
        super.disconnectedCallback();
        this.#ends.forEach((end) => end());
    }

    #count() {
        return (this.#selection?.groups ?? []).reduce((sum, { tasks }) => sum + tasks.length, 0);
    }

    render() {
        if (!state.account) {
            return;
        }
        const { copy, view, zone } = account();
        const route = currentRoute();
        const now = Date.now();
        const value = idOf(route.value);
        if (presentId(copy, value) !== value) {
            const query = Object.fromEntries(route.query);
            replace(linkTo(route.name, presentId(copy, value), query));
            return;
        }
        const selection =
            route.name === "filter" ? ofFilter(view, value) : select(route, view, zone, now);
        if (!selection) {
            return;
        }
        const place = `${route.name}/${route.value}`;
        if (place !== this.#shown && route.name !== "search") {
            this.#limit = PORTION;
        }
        this.#shown = place;
        const active = document.activeElement;
        const focusedRow = active?.closest("todo-row");
        const focused = this.#focusedIndex();
        this.#selection = selection;
        this.#title.textContent = selection.title;
        document.title = `${selection.title} – todo`;
        this.#note.textContent = selection.note ?? "";
        renderTools(this.#tools, route, selection.exists !== false);
        this.#add.hidden = selection.defaults === null;
        this.#add.defaults = selection.defaults ?? {};
        this.#renderGroups(selection, now);
        const isEmpty = this.#count() === 0;
        this.#empty.hidden = !isEmpty || account().copy.meta.revision === null;
        this.#empty.textContent = selection.empty;
        this.#keepFocus(focused, focusedRow, active instanceof HTMLInputElement);
    }

    /**
     * @param {Selection} selection
     * @param {number} now
     */
    #renderGroups(selection, now) {
        let left = this.#limit;
        const sections = [];
        const used = new Set();
        const counts = subtaskCounts(account().view.tasks.values());
        for (const group of selection.groups) {
            const tasks = group.tasks.slice(0, left);
            left -= tasks.length;
            if (tasks.length) {
                const rows = tasks.map((task) => this.#row(task, group, selection, now, counts));
                tasks.forEach(({ uid }) => used.add(uid));
                sections.push(this.#section(group, rows));
            }
        }
        arrange(this.#body, sections);
        for (const uid of this.#rows.keys()) {
            if (!used.has(uid)) {
                this.#rows.delete(uid);
            }
        }
    }

    /**
     * @param {Group} group
     * @param {HTMLElement[]} rows
     */
    #section(group, rows) {
        let section = this.#sections.get(group.key);
        if (!section) {
            const list = h("div", { class: "rows", role: "list" });
            section = h("section", {}, h("h2", {}), list);
            this.#sections.set(group.key, section);
        }
        const [title, list] = /** @type {any} */ (section.children);
        title.textContent = group.title;
        title.hidden = !group.title;
        arrange(list, rows);
        return section;
    }

    /**
     * @param {Task} task
     * @param {Group} group
     * @param {Selection} selection
     * @param {number} now
     * @param {Map<Id, { total: number, open: number }>} counts
     */
    #row(task, group, selection, now, counts) {
        const { view, zone } = account();
        let row = this.#rows.get(task.uid);
        if (!row) {
            row = /** @type {TaskRow} */ (document.createElement("todo-row"));
            row.setAttribute("role", "listitem");
            this.#rows.set(task.uid, row);
        }
        const today = local(now, zone).day;
        const route = currentRoute();
        const parent = task.parent_id === null ? null : view.tasks.get(task.parent_id);
        row.update(task, {
            zone,
            now,
            today,
            groupDay: dayOfGroup(group, today),
            depth: group.depths?.[task.id] ?? 0,
            list:
                selection.list === undefined && task.list_id !== null
                    ? (view.lists.get(task.list_id) ?? null)
                    : null,
            parent: parent && !group.depths?.[task.id] ? parent.name : "",
            unsaved: view.unsaved.get(task.id),
            open: linkToTask(task.id),
            selected: idOf(route.query.get("task") ?? "") === task.id,
            draggable: selection.list !== undefined && !task.completed,
            subtasks: counts.get(task.id),
        });
        return row;
    }

    /** @returns {TaskRow[]} the rows in their order on the page */
    rows() {
        return [...this.#body.querySelectorAll("todo-row")].map(
            (row) => /** @type {TaskRow} */ (row),
        );
    }

    #focusedIndex() {
        const row = document.activeElement?.closest("todo-row");
        return row ? this.rows().indexOf(/** @type {TaskRow} */ (row)) : -1;
    }

    /**
     * Focus a row again that was moved; if it has left, the one that took its place.
     *
     * @param {number} index of the row that had the focus
     * @param {Element | null | undefined} row
     * @param {boolean} isBox whether its checkbox had the focus
     */
    #keepFocus(index, row, isBox) {
        if (index < 0 || document.activeElement?.closest("todo-row")) {
            return;
        }
        if (row?.isConnected) {
            const box = isBox ? row.querySelector("input") : null;
            (box ?? /** @type {HTMLElement} */ (row)).focus();
            return;
        }
        const rows = this.rows();
        (rows[Math.min(index, rows.length - 1)] ?? this.#title).focus();
    }

    /** @param {string} name */
    #obey(name) {
        const rows = this.rows();
        const index = this.#focusedIndex();
        const task = rows[index]?.task;
        if (name === "next" || name === "previous") {
            const step = name === "next" ? 1 : -1;
            rows[Math.max(0, Math.min(rows.length - 1, index + step))]?.focus();
        } else if (name === "add" && !this.#add.hidden) {
            this.#add.focus();
        } else if (task) {
            this.#ofTask(name, task);
        }
    }

    /**
     * @param {string} name
     * @param {Task} task
     */
    #ofTask(name, task) {
        if (name === "complete") {
            void complete(task, !task.completed);
        } else if (name === "delete") {
            void remove("task", task);
        } else if (name === "edit") {
            go(linkToTask(task.id));
        } else if ((name === "up" || name === "down") && this.#selection?.list !== undefined) {
            this.#step(task, name);
        }
    }

    /**
     * Move a task among its siblings.
     *
     * @param {Task} task
     * @param {"up" | "down"} direction
     */
    #step(task, direction) {
        const shown = this.#selection?.groups[0].tasks ?? [];
        const siblings = shown.filter((other) => other.parent_id === task.parent_id);
        const other = siblings[siblings.indexOf(task) + (direction === "up" ? -1 : 1)];
        if (other) {
            const place = direction === "up" ? { before: other.id } : { after: other.id };
            void move("task", task, { ...placeOf(task), ...place });
        }
    }
}

/**
 * @param {Group} group
 * @param {string} today
 */
function dayOfGroup({ key }, today) {
    return key === "today" ? today : /^\d{4}-/.test(key) ? key : "";
}

/**
 * Return the place of a task, for a move among its siblings.
 *
 * @param {Task} task
 */
export function placeOf(task) {
    return task.parent_id === null ? { list_id: task.list_id } : { parent_id: task.parent_id };
}

customElements.define("todo-tasks", TaskList);
