/** The details of a task, in the aside of the page: each field is saved by itself. */

import { complete, remove } from "../actions.js";
import { local } from "../dates.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { onCommand } from "../keys.js";
import { Live } from "../live.js";
import { currentRoute, go, linkTo, linkToTask, replace } from "../router.js";
import { idOf } from "../select.js";
import { account, state } from "../state.js";
import { t } from "../texts.js";
import { isNew } from "../writes.js";
import { DateField } from "./date-field.js";
import { Editing } from "./field.js";
import { History } from "./history.js";
import { LabelsField } from "./labels-of-task.js";
import { More } from "./more-of-task.js";
import { NameField } from "./name-field.js";
import { NoteField } from "./note-field.js";
import { RecurrenceField } from "./recurrence.js";
import { RemindersField } from "./reminders-of-task.js";
import { SelectField, listOptions, priorityOptions } from "./select-field.js";
import { Subtasks } from "./subtasks.js";

/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../types.d.ts").Id} Id */

const EDIT_MS = 1000;

/** When the person asked to edit a task, by a key; then the name gets the focus. */
let editAsked = 0;
onCommand((name) => void (name === "edit" && (editAsked = Date.now())));

export class TaskDetails extends Live {
    /** The task that is shown. @type {Id} */
    #id = "";
    #editing = new Editing();
    #title = h("h2", { class: "hidden", tabindex: "-1" });
    #message = h("p", { class: "empty" });
    #up = h("a", { class: "up" });
    #box = h("input", { type: "checkbox" });
    #name = new NameField(this.#editing, () => this.#title.focus());
    #note = new NoteField(this.#editing);
    #start = new DateField("start_date", this.#editing);
    #due = new DateField("due_date", this.#editing);
    #recurrence = new RecurrenceField(this.#editing);
    #reminders = new RemindersField(this.#editing);
    #list = new SelectField("list_id", t("field.list_id"), (value) =>
        this.#editing.save({ list_id: value === "" ? null : idOf(value) }),
    );
    #priority = new SelectField("priority", t("field.priority"), (value) =>
        this.#editing.save({ priority: Number(value) }),
    );
    #labels = new LabelsField(this.#editing);
    #subtasks = new Subtasks(this.#editing);
    #more = new More(this.#editing);
    #history = new History(this.#editing);
    #apart = h("button", { type: "button", class: "link" }, t("task.apart"));
    #body = h(
        "div",
        { class: "task-body" },
        h("div", { class: "task-up" }, this.#up, this.#apart),
        h("div", { class: "task-name" }, this.#box, this.#name.element),
        this.#note.element,
        this.#due.element,
        this.#recurrence.element,
        this.#reminders.element,
        h("div", { class: "two" }, this.#list.element, this.#priority.element),
        this.#labels.element,
        this.#start.element,
        this.#subtasks.element,
        this.#more.element,
        this.#history.element,
    );
    #delete = h(
        "button",
        { type: "button", class: "button danger", onclick: () => this.#remove() },
        symbol("trash"),
        t("task.delete"),
    );
    /** @type {(() => void)[]} */
    #ends = [];

    connectedCallback() {
        this.#id = idOf(currentRoute().query.get("task") ?? "");
        const close = h(
            "button",
            {
                type: "button",
                class: "small close",
                "aria-label": t("task.close"),
                onclick: () => this.#close(),
            },
            symbol("close"),
        );
        const head = h("div", { class: "task-head" }, this.#title, close);
        this.replaceChildren(head, this.#message, this.#body, this.#delete);
        this.#box.addEventListener("change", () => {
            const { task } = this.#editing;
            void (task && complete(task, this.#box.checked));
        });
        this.#apart.addEventListener("click", () => this.#editing.save({ parent_id: null }));
        const escape = (/** @type {KeyboardEvent} */ event) => this.#escape(event);
        const hidden = () => void (document.visibilityState === "hidden" && this.#leave());
        document.addEventListener("keydown", escape);
        document.addEventListener("visibilitychange", hidden);
        this.#ends = [
            onCommand((name) => this.#obey(name)),
            () => document.removeEventListener("keydown", escape),
            () => document.removeEventListener("visibilitychange", hidden),
        ];
        super.connectedCallback();
        const edits = Date.now() - editAsked < EDIT_MS && !this.#body.hidden;
        (edits ? this.#name.control : this.#title).focus({ preventScroll: true });
    }

    disconnectedCallback() {
        this.#leave();
        super.disconnectedCallback();
        this.#ends.forEach((end) => end());
    }

    /** @param {string} id of the URL @returns {boolean} whether this task is shown */
    shows(id) {
        return this.#id === idOf(id);
    }

    /** Save what is being typed. */
    #leave() {
        if (!state.account) {
            return;
        }
        const fields = [
            this.#name,
            this.#note,
            this.#start,
            this.#due,
            this.#labels,
            this.#subtasks,
        ];
        [...fields, this.#recurrence, this.#more].forEach((field) => field.leave());
    }

    #find() {
        const { tasks } = account().view;
        const task = tasks.get(this.#id);
        if (task || !isNew(this.#id)) {
            return task;
        }
        const uid = String(this.#id).slice("new:".length);
        const stored = [...tasks.values()].find((other) => other.uid === uid);
        if (stored) {
            this.#id = stored.id;
            replace(linkToTask(stored.id));
        }
        return stored;
    }

    render() {
        if (!state.account) {
            return;
        }
        const { zone, copy } = account();
        const task = this.#find() ?? null;
        const editing = this.#editing;
        editing.task = task;
        this.#body.hidden = this.#delete.hidden = task === null;
        const missing = t(copy.meta.revision === null ? "status.loading" : "task.missing");
        this.#message.textContent = task ? "" : missing;
        this.#message.hidden = task !== null;
        this.#title.textContent = task ? t("task.title", { name: task.name }) : t("task");
        if (!task) {
            return;
        }
        editing.accountZone = zone;
        editing.zone = task.timezone ?? zone;
        editing.today = local(Date.now(), editing.zone).day;
        this.#renderHead(task);
        this.#note.show(task.note);
        this.#start.show(task.start_date);
        this.#due.show(task.due_date);
        this.#list.show(String(task.list_id ?? ""), listOptions(task), task.parent_id !== null);
        this.#priority.show(String(task.priority), priorityOptions(task.priority));
        this.#labels.show(task.labels);
        const parts = [
            this.#recurrence,
            this.#reminders,
            this.#subtasks,
            this.#more,
            this.#history,
        ];
        parts.forEach((part) => part.render());
        const entries = copy.outbox.filter(
            ({ id, noun, acked }) => id === task.id && noun === "task" && acked === undefined,
        );
        this.#fields().forEach((field) => field.showState(entries));
        this.classList.toggle("completed", task.completed);
    }

    #fields() {
        return [
            this.#name,
            this.#note,
            this.#start,
            this.#due,
            this.#recurrence,
            this.#reminders,
            this.#list,
            this.#priority,
            this.#labels,
            this.#more.field,
        ];
    }

    /** @param {Task} task */
    #renderHead(task) {
        const parent = task.parent_id === null ? null : account().view.tasks.get(task.parent_id);
        this.#up.hidden = !parent;
        this.#apart.hidden = task.parent_id === null;
        if (parent) {
            this.#up.textContent = parent.name;
            this.#up.setAttribute("href", linkToTask(parent.id));
            this.#up.setAttribute("aria-label", t("task.up", { name: parent.name }));
        }
        this.#box.checked = task.completed;
        this.#box.setAttribute("aria-label", t("complete.task", { name: task.name }));
        this.#name.show(task.name);
    }

    #remove() {
        const { task } = this.#editing;
        if (task) {
            void remove("task", task);
            this.#close();
        }
    }

    /** Close the details, and give the focus back to the row of the task. */
    #close() {
        const id = this.#id;
        this.#leave();
        const { name, value, query } = currentRoute();
        const { task, ...rest } = Object.fromEntries(query);
        go(linkTo(name, value, rest));
        requestAnimationFrame(() => {
            const row = document.querySelector(
                `main todo-row[data-id="${CSS.escape(String(id))}"]`,
            );
            const target = row ?? document.querySelector("main todo-row, main h1");
            /** @type {HTMLElement | null} */ (target)?.focus();
        });
    }

    /** @param {KeyboardEvent} event */
    #escape(event) {
        const isElsewhere =
            event.target instanceof HTMLElement &&
            !this.contains(event.target) &&
            event.target.closest("input:not([type=checkbox]), textarea, select");
        const isTaken = event.defaultPrevented || document.querySelector("dialog[open]");
        if (event.key === "Escape" && !isElsewhere && !isTaken) {
            this.#close();
        }
    }

    /** @param {string} name */
    #obey(name) {
        const focus = document.activeElement;
        const row = /** @type {import("../elements/row.js").TaskRow | null} */ (
            focus?.closest("todo-row")
        );
        if (name === "edit" && row?.task?.id === this.#id) {
            this.#name.control.focus();
        }
        if (!this.contains(focus)) {
            return;
        }
        const subtask = this.#subtasks.focused();
        const task = subtask ?? this.#editing.task;
        if (!task) {
            return;
        }
        if (name === "complete") {
            void complete(task, !task.completed);
        } else if (name === "delete") {
            subtask ? void remove("task", subtask) : this.#remove();
        } else if (name === "edit") {
            subtask ? go(linkToTask(subtask.id)) : this.#name.control.focus();
        } else if (subtask && (name === "up" || name === "down")) {
            this.#subtasks.step(subtask, name);
        }
    }
}

customElements.define("todo-task", TaskDetails);
