/** The reminders of a task: at a time, or before it is due. */

import { addDays, instantOf, isDay } from "../dates.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { beforeText } from "./rule-text.js";
import { t } from "../texts.js";
import { reminderText } from "./values.js";
import { Field } from "./field.js";

/** @typedef {import("./field.js").Editing} Editing */
/** @typedef {import("../types.d.ts").Reminding} Reminding */

const REMINDERS_MAX = 10;
const BEFORE = ["PT0S", "PT5M", "PT15M", "PT30M", "PT1H", "P1D", "P7D"];
const AT = "at";

export class RemindersField extends Field {
    #editing;
    #list = h("ul", { class: "reminders" });
    #kind;
    #day = h("input", { type: "date", "aria-label": t("task.reminder.day"), max: "9999-12-31" });
    #time = h("input", { type: "time", "aria-label": t("task.reminder.time") });
    #add = h("button", { type: "button", class: "button" }, t("add"));
    #when = h("div", { class: "date-inputs" }, this.#day, this.#time, this.#add);
    #hint = h("p", { class: "hint" });
    #shown = "";

    /** @param {Editing} editing */
    constructor(editing) {
        const kind = h("select", { "aria-label": t("task.reminder.add") });
        const group = h("div", {});
        super("reminders", t("reminders"), [group], { group: true });
        group.append(this.#list, kind, this.#when, this.#hint);
        this.#editing = editing;
        this.#kind = kind;
        this.#when.hidden = true;
        kind.append(
            h("option", { value: "" }, t("task.reminder.add")),
            h("option", { value: AT }, t("task.reminder.at")),
            ...BEFORE.map((value) => h("option", { value }, beforeText(value))),
        );
        kind.addEventListener("change", () => this.#choose());
        this.#add.addEventListener("click", () => this.#addTime());
        this.#when.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && event.target !== this.#add) {
                event.preventDefault();
                this.#addTime();
            } else if (event.key === "Escape") {
                event.stopPropagation();
                this.#close();
            }
        });
    }

    #choose() {
        const value = this.#kind.value;
        this.fault("");
        if (value === AT) {
            this.#when.hidden = false;
            this.#day.value ||= addDays(this.#editing.today, 1);
            this.#time.value ||= "09:00";
            this.#day.focus();
        } else {
            this.#when.hidden = true;
            if (value) {
                this.#save({ before: value });
            }
            this.#kind.value = "";
        }
    }

    #close() {
        this.#when.hidden = true;
        this.#kind.value = "";
        this.#kind.focus();
    }

    #addTime() {
        if (!this.#day.value || !this.#time.value) {
            this.fault(t("task.date.half"));
            return;
        }
        const time = this.#time.value.slice(0, 5);
        this.#save({ at: instantOf(this.#day.value, time, this.#editing.zone) });
        this.#close();
    }

    /** @param {Reminding} reminder */
    #save(reminder) {
        const { task } = this.#editing;
        if (!task || task.reminders.some((other) => isSame(other, reminder))) {
            return;
        }
        this.#editing.save({ reminders: [...task.reminders, reminder] });
    }

    /** @param {Reminding} reminder */
    #remove(reminder) {
        const { task } = this.#editing;
        if (task) {
            this.#kind.focus();
            const rest = task.reminders.filter((other) => !isSame(other, reminder));
            this.#editing.save({ reminders: rest });
        }
    }

    render() {
        const { task, zone } = this.#editing;
        if (!task) {
            return;
        }
        const { reminders, due_date: due } = task;
        const shown = JSON.stringify([reminders, zone, due]);
        if (shown === this.#shown) {
            return;
        }
        this.#shown = shown;
        this.#list.hidden = reminders.length === 0;
        this.#list.replaceChildren(
            ...reminders.map((reminder) => {
                const text = reminderText(reminder, zone);
                return h(
                    "li",
                    {},
                    symbol("bell"),
                    h("span", {}, text),
                    h(
                        "button",
                        {
                            type: "button",
                            class: "small",
                            "aria-label": t("task.reminder.remove", { text }),
                            onclick: () => this.#remove(reminder),
                        },
                        symbol("close"),
                    ),
                );
            }),
        );
        const isFull = reminders.length >= REMINDERS_MAX;
        this.#kind.disabled = isFull;
        for (const option of [...this.#kind.options].slice(2)) {
            option.disabled =
                due === null || reminders.some(({ before }) => before === option.value);
        }
        const ofDay = due !== null && isDay(due) && reminders.some(({ before }) => before);
        this.#hint.textContent = isFull
            ? t("task.reminder.many", { count: REMINDERS_MAX })
            : due === null
              ? t("task.reminder.undated")
              : ofDay
                ? t("task.reminder.day.hint")
                : "";
    }
}

/** @param {Reminding} a @param {Reminding} b */
const isSame = (a, b) => a.at === b.at && a.before === b.before;
