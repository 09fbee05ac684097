/** How a task recurs: in plain words, with the next dates. */

import { skip } from "../actions.js";
import { Problem, send } from "../api.js";
import { dayOf } from "../dates.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { faultText, sentenceOf } from "../problems.js";
import { choiceText, describe } from "./rule-text.js";
import { CHOICES, choiceOf, formatRule, parseRule, ruleOfChoice } from "./rule.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { dateText } from "./values.js";
import { Field } from "./field.js";
import { RuleForm } from "./rule-form.js";

/** @typedef {import("./field.js").Editing} Editing */
/** @typedef {import("./rule.js").Choice} Choice */

const DATES = 5;

export class RecurrenceField extends Field {
    #editing;
    #select;
    #form;
    #text = h("p", { class: "rule-text" });
    #dates = h("ul", { class: "rule-dates" });
    #hint = h("p", { class: "hint" });
    #from = h("select", { "aria-label": t("field.recurrence_from") });
    #skip = h("button", { type: "button", class: "button" }, t("task.skip"));
    #written = h("input", {
        "aria-label": t("choice.written"),
        placeholder: "FREQ=WEEKLY;BYDAY=MO",
        autocapitalize: "characters",
        spellcheck: "false",
        maxlength: 255,
    });
    /** A choice that the rule does not tell: custom or written. @type {Choice | null} */
    #chosen = null;
    #shown = "";
    #options = "";
    #previewed = "";
    #task = "";

    /** @param {Editing} editing */
    constructor(editing) {
        const select = h("select", {});
        super("recurrence", t("field.recurrence"), [select]);
        this.#editing = editing;
        this.#select = select;
        this.#form = new RuleForm((rule) => void this.#check(formatRule(rule)));
        this.#from.append(
            h("option", { value: "due" }, t("recurrence.due")),
            h("option", { value: "completion" }, t("recurrence.completion")),
        );
        this.element.append(
            this.#hint,
            this.#written,
            this.#form.element,
            this.#from,
            this.#text,
            this.#dates,
            this.#skip,
        );
        select.addEventListener("change", () => this.#choose());
        this.#from.addEventListener("change", () =>
            editing.save({ recurrence_from: this.#from.value }),
        );
        this.#skip.addEventListener("click", () => void (editing.task && skip(editing.task)));
        this.#written.addEventListener("blur", () => this.leave());
        this.#written.addEventListener("keydown", (event) => this.#keyInWritten(event));
    }

    get #rule() {
        return this.#editing.task?.recurrence ?? null;
    }

    #dueDay() {
        const { task, zone, today } = this.#editing;
        return dayOf(task?.due_date ?? null, zone) ?? today;
    }

    #choose() {
        const choice = /** @type {Choice} */ (this.#select.value);
        const isOpen = choice === "custom" || choice === "written";
        this.#chosen = isOpen ? choice : null;
        this.fault("");
        let rule = ruleOfChoice(choice, this.#rule);
        if (choice === "custom" && rule !== null && !parseRule(rule)) {
            rule = ruleOfChoice("weekly", null);
        }
        this.#store(rule);
        this.#shown = "";
        this.render();
    }

    /** @param {string | null} rule */
    #store(rule) {
        const { task, today } = this.#editing;
        const needsDue = rule !== null && task?.due_date === null;
        this.#editing.save({ recurrence: rule, ...(needsDue && { due_date: today }) });
    }

    /** @param {KeyboardEvent} event */
    #keyInWritten(event) {
        if (event.key === "Enter") {
            event.preventDefault();
            this.leave();
        } else if (event.key === "Escape" && this.#written.value !== this.#rule) {
            event.preventDefault();
            event.stopPropagation();
            this.#written.value = this.#rule ?? "";
            this.fault("");
        }
    }

    /** Save a rule that has been written. */
    leave() {
        const text = this.#written.value.trim().replace(/^RRULE:/i, "");
        if (!this.#written.hidden && text && text.toUpperCase() !== this.#rule) {
            void this.#check(text);
        }
    }

    /** Save a rule unless the server refuses it. @param {string} rule */
    async #check(rule) {
        const task = this.#editing.task;
        try {
            const { body } = await preview(this.#editing, rule);
            rule = body.recurrence;
        } catch (error) {
            if (error instanceof Problem && error.status === 400) {
                const faults = error.errors.map(faultText);
                const faulty = this.#written.hidden ? this.#form.element : this.#written;
                this.fault(faults.join(" ") || sentenceOf(error), faulty);
                return;
            }
        }
        if (this.#editing.task?.uid === task?.uid) {
            this.fault("");
            this.#store(rule);
        }
    }

    /** Show the rule of the task. */
    render() {
        const { task, zone } = this.#editing;
        if (!task) {
            return;
        }
        if (this.#task !== task.uid) {
            this.#task = task.uid;
            this.#chosen = null;
        }
        const day = this.#dueDay();
        const rule = task.recurrence;
        const natural = choiceOf(rule, day);
        const choice = rule !== null && this.#chosen ? this.#chosen : natural;
        const shown = JSON.stringify([rule, task.due_date, zone, choice, task.recurrence_from]);
        this.#skip.hidden = rule === null || task.due_date === null || task.completed;
        if (shown === this.#shown) {
            this.#preview();
            return;
        }
        this.#shown = shown;
        this.#fillOptions(day, choice);
        const parsed = rule === null ? null : parseRule(rule);
        this.#form.show(choice === "custom" ? parsed : null, day);
        this.#written.hidden = choice !== "written";
        if (document.activeElement !== this.#written) {
            this.#written.value = rule ?? "";
        }
        this.#from.hidden = rule === null;
        this.#from.value = task.recurrence_from;
        this.#hint.textContent = task.due_date === null ? t("task.recurrence.today") : "";
        this.#text.textContent = parsed ? describe(parsed, day) : (rule ?? "");
        this.#text.hidden = this.#dates.hidden = rule === null;
        this.#preview();
    }

    /**
     * @param {string} day
     * @param {Choice} choice
     */
    #fillOptions(day, choice) {
        if (this.#options !== day) {
            this.#options = day;
            this.#select.replaceChildren(
                ...CHOICES.map((value) => h("option", { value }, choiceText(value, day))),
            );
        }
        this.#select.value = choice;
    }

    /** Ask the server for the next dates. */
    #preview() {
        const { task, zone } = this.#editing;
        const { status } = account();
        const rule = task?.recurrence ?? null;
        const offline = status.state === "offline";
        const key = JSON.stringify([rule, task?.due_date, task?.timezone, zone, offline]);
        if (key === this.#previewed) {
            return;
        }
        this.#previewed = key;
        if (rule === null || task?.due_date === null) {
            this.#dates.replaceChildren();
            return;
        }
        preview(this.#editing, rule).then(
            ({ body }) => {
                if (key === this.#previewed) {
                    this.#showDates(body.dates, rule, body.text);
                }
            },
            (error) => {
                if (key === this.#previewed) {
                    const isRefused = error instanceof Problem && error.status === 400;
                    const text = isRefused ? sentenceOf(error) : t("task.dates.offline");
                    this.#dates.replaceChildren(h("li", { class: "hint" }, text));
                }
            },
        );
    }

    /**
     * @param {string[]} dates
     * @param {string} rule
     * @param {string} text in the server's words
     */
    #showDates(dates, rule, text) {
        const { zone } = this.#editing;
        if (!parseRule(rule)) {
            this.#text.textContent = text;
        }
        const items = dates.slice(0, DATES).map((date) => h("li", {}, dateText(date, zone)));
        this.#dates.replaceChildren(h("li", { class: "hint" }, t("task.dates")), ...items);
    }
}

/**
 * @param {Editing} editing
 * @param {string} rule
 */
function preview({ task, today }, rule) {
    const path = `${pathOf(account().copy)}/recurrence/preview`;
    const zone = task?.timezone ? { timezone: task.timezone } : {};
    const body = { recurrence: rule, due_date: task?.due_date ?? today, count: DATES, ...zone };
    return send("POST", path, { body });
}
