/** One task in a list. */

import { complete } from "../actions.js";
import { dayOf, isDay, isOverdue, timeText } from "../dates.js";
import { h, setAttributes } from "../h.js";
import { swatch, symbol } from "../icons.js";
import { linkTo } from "../router.js";
import { nameOfDay } from "../select.js";
import { languages, t } from "../texts.js";

/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../types.d.ts").List} List */
/** @typedef {import("../types.d.ts").Entry} Entry */

/**
 * @typedef {object} Context
 * @property {string} zone
 * @property {string} today
 * @property {number} now
 * @property {string} groupDay the day in the title above, or ""
 * @property {number} depth of a subtask
 * @property {List | null} list to name; null where the view has one list
 * @property {string} parent the name of the parent, where it is not above
 * @property {Entry | undefined} unsaved
 * @property {string} open the link to the task's details
 * @property {boolean} selected whether its details are open
 * @property {boolean} draggable
 * @property {{ total: number, open: number } | undefined} subtasks
 */

export class TaskRow extends HTMLElement {
    /** @type {Task | null} */
    task = null;
    #shown = "";

    /**
     * Show a task. Nothing is done if it looks the same as before.
     *
     * @param {Task} task
     * @param {Context} context
     */
    update(task, context) {
        const { revision, modification_date, position, ...seen } = task;
        const { list, now, unsaved, ...rest } = context;
        const late = this.#isLate(task, context);
        const shown = JSON.stringify([seen, rest, list?.name, list?.color, unsaved?.state, late]);
        this.task = task;
        if (shown !== this.#shown) {
            this.#shown = shown;
            this.#draw(task, context, late);
        }
    }

    /** @param {Task} task @param {Context} context */
    #isLate(task, { today, now }) {
        return !task.completed && task.due_date !== null && isOverdue(task.due_date, today, now);
    }

    /**
     * @param {Task} task
     * @param {Context} context
     * @param {boolean} late
     */
    #draw(task, context, late) {
        const focused = this.contains(document.activeElement) ? document.activeElement : null;
        const wasCheckbox = focused instanceof HTMLInputElement;
        const box = h("input", {
            type: "checkbox",
            checked: task.completed,
            "aria-label": t("complete.task", { name: task.name }),
            class: `priority-${priorityClass(task.priority)}`,
            onchange: () => void complete(/** @type {Task} */ (this.task), box.checked),
        });
        const link = h("a", { href: context.open, class: "name" }, task.name);
        this.replaceChildren(
            box,
            h("div", { class: "text" }, link, details(task, context, late)),
            h("span", { class: "mark" }, context.unsaved ? mark(context.unsaved) : null),
        );
        setAttributes(this, {
            class: [task.completed && "completed", context.selected && "selected"]
                .filter(Boolean)
                .join(" "),
            "data-id": task.id,
            draggable: context.draggable ? "true" : null,
        });
        this.style.setProperty("--depth", String(context.depth));
        if (focused) {
            (wasCheckbox ? box : link).focus({ preventScroll: true });
        }
    }

    focus() {
        this.querySelector("a")?.focus();
    }
}

/** @param {number} priority */
const priorityClass = (priority) =>
    priority === 0 ? "none" : priority < 5 ? "high" : priority === 5 ? "medium" : "low";

/** @param {Entry} entry */
function mark(entry) {
    const waits = entry.state === "waiting";
    const text = t(waits ? "unsaved" : "unsaved.decide");
    const sign = symbol(waits ? "clock" : "warning");
    return h(
        "a",
        { class: `unsaved ${entry.state}`, href: linkTo("unsent"), title: text },
        sign,
        hidden(text),
    );
}

/**
 * @param {Task} task
 * @param {Context} context
 * @param {boolean} late
 */
function details(task, context, late) {
    const parts = [];
    const due = dueText(task, context);
    if (due) {
        const text = late ? [hidden(`${t("overdue")}: `), due] : [due];
        parts.push(h("span", { class: late ? "due late" : "due" }, symbol("calendar"), text));
    }
    if (task.recurrence && !task.completed) {
        parts.push(h("span", { title: t("recurs") }, symbol("repeat"), hidden(t("recurs"))));
    }
    if (task.reminders.length) {
        parts.push(h("span", { title: t("reminders") }, symbol("bell"), hidden(t("reminders"))));
    }
    if (task.note) {
        parts.push(h("span", { title: t("note") }, symbol("note"), hidden(t("note"))));
    }
    if (context.subtasks?.total) {
        const { total, open } = context.subtasks;
        parts.push(h("span", {}, t("subtasks.count", { done: total - open, total })));
    }
    if (context.parent) {
        parts.push(h("span", { class: "parent" }, context.parent));
    }
    if (context.list) {
        const { color, name } = context.list;
        parts.push(h("span", { class: "in-list" }, swatch(color), name));
    }
    parts.push(...task.labels.map((label) => h("span", { class: "label" }, `@${label}`)));
    return parts.length ? h("div", { class: "details" }, parts) : null;
}

/**
 * Return the due date, without the day if the title of the group has it.
 *
 * @param {Task} task
 * @param {Context} context
 */
function dueText(task, { zone, today, groupDay }) {
    if (task.due_date === null) {
        return "";
    }
    const day = /** @type {string} */ (dayOf(task.due_date, zone));
    const time = isDay(task.due_date) ? "" : timeText(task.due_date, zone, languages.dates);
    return day === groupDay ? time : `${nameOfDay(day, today)} ${time}`.trim();
}

/** @param {string} text */
const hidden = (text) => h("span", { class: "hidden" }, text);

customElements.define("todo-row", TaskRow);
