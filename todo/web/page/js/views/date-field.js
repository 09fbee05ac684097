/** The start or the due date of a task: a day, an optional time, and quick choices. */

import { addDays, compareDates, instantOf, isDay, local } from "../dates.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { weekdayOf } from "./rule.js";
import { t } from "../texts.js";
import { dateText } from "./values.js";
import { Field } from "./field.js";

/** @typedef {import("./field.js").Editing} Editing */

export class DateField extends Field {
    #editing;
    #day;
    #time;
    #clear;
    #hint = h("p", { class: "hint" });
    /** The stored date. @type {string | null} */
    #stored = null;
    /** Whether the keyboard was used last: then the date is saved when the field is left. */
    #types = false;

    /**
     * @param {"start_date" | "due_date"} name
     * @param {Editing} editing
     */
    constructor(name, editing) {
        const label = t(name === "due_date" ? "field.due_date" : "field.start_date");
        const day = h("input", { type: "date", "aria-label": label, max: "9999-12-31" });
        const time = h("input", { type: "time", "aria-label": t("task.time", { field: label }) });
        const clear = h(
            "button",
            {
                type: "button",
                class: "small",
                "aria-label": t("task.clear", { field: label }),
                onclick: () => this.#choose(null),
            },
            symbol("close"),
        );
        const quick = QUICK.map(({ key, dayFrom }) =>
            h(
                "button",
                {
                    type: "button",
                    class: "small",
                    onclick: () => this.#choose(dayFrom(editing.today)),
                },
                t(key),
            ),
        );
        const inputs = h("div", { class: "date-inputs" }, day, time, clear);
        const group = h("div", {}, inputs, h("div", { class: "quick" }, quick));
        super(name, label, [group], { group: true });
        group.append(this.#hint);
        this.#editing = editing;
        this.#day = day;
        this.#time = time;
        this.#clear = clear;
        this.#listen(inputs);
    }

    /** @param {HTMLElement} inputs */
    #listen(inputs) {
        const both = [this.#day, this.#time];
        inputs.addEventListener("focusin", (event) => {
            const from = /** @type {Node | null} */ (event.relatedTarget);
            if (!both.some((input) => input === from)) {
                this.#editing.begin();
                this.#types = false;
            }
        });
        inputs.addEventListener("focusout", (event) => {
            if (!both.some((input) => input === event.relatedTarget)) {
                this.leave();
            }
        });
        inputs.addEventListener("pointerdown", () => (this.#types = false));
        inputs.addEventListener("input", () => (this.#time.disabled = !this.#day.value));
        inputs.addEventListener("change", () => {
            if (!this.#types) {
                this.leave();
            }
        });
        inputs.addEventListener("keydown", (event) => {
            if (event.key === "Escape" && this.#isChanged()) {
                event.stopPropagation();
                event.preventDefault();
                this.#fill();
                this.fault("");
            } else if (event.key === "Enter" && event.target !== this.#clear) {
                event.preventDefault();
                this.leave();
            } else if (event.key !== "Tab") {
                this.#types = true;
            }
        });
    }

    /** The present content as a date of the API; undefined if it is half a date. */
    #typed() {
        if (this.#day.validity.badInput || this.#time.validity.badInput) {
            return undefined;
        }
        const [day, time] = [this.#day.value, this.#time.value.slice(0, 5)];
        if (!day) {
            return null;
        }
        const stored = this.#stored && !isDay(this.#stored) && this.#parts(this.#stored);
        if (stored && stored.day === day && stored.time === time) {
            return this.#stored; // with its seconds, and the same one of two equal times
        }
        return time ? instantOf(day, time, this.#editing.zone) : day;
    }

    #isChanged() {
        return this.#typed() !== this.#stored;
    }

    /** Save what has been typed. */
    leave() {
        const date = this.#typed();
        if (date === undefined || (date && date < "0001-01-02")) {
            this.fault(t("task.date.half"));
        } else if (date !== this.#stored) {
            this.#save(date);
        }
    }

    /** @param {string | null} day */
    #choose(day) {
        const { task, zone } = this.#editing;
        const old = task && /** @type {any} */ (task)[this.name];
        const time = old && !isDay(old) ? local(old, zone).time : "";
        this.#save(day && time ? instantOf(day, time, zone) : day);
        this.#fill();
    }

    /** @param {string | null} date */
    #save(date) {
        const fault = this.#faultOf(date);
        this.fault(fault);
        if (!fault) {
            this.#stored = date;
            this.#editing.save({ [this.name]: date });
        }
    }

    /** @param {string | null} date */
    #faultOf(date) {
        const { task, zone } = this.#editing;
        if (!task) {
            return "";
        }
        const needsDue =
            task.recurrence !== null || task.reminders.some(({ before }) => before !== undefined);
        if (this.name === "due_date" && date === null && needsDue) {
            return t("task.due.needed");
        }
        const start = this.name === "start_date" ? date : task.start_date;
        const due = this.name === "due_date" ? date : task.due_date;
        if (start === null || due === null) {
            return "";
        }
        // A time on the due day itself is not after a whole day.
        const isLate = isDay(due)
            ? this.#parts(start).day > due
            : compareDates(start, due, zone) > 0;
        return isLate ? t(this.name === "due_date" ? "task.due.early" : "task.start.late") : "";
    }

    /** @param {string} date */
    #parts(date) {
        return isDay(date) ? { day: date, time: "" } : local(date, this.#editing.zone);
    }

    #fill() {
        const parts = this.#stored === null ? { day: "", time: "" } : this.#parts(this.#stored);
        this.#day.value = parts.day;
        this.#time.value = parts.time;
        this.#time.disabled = !parts.day;
        this.#clear.hidden = !parts.day;
    }

    /** Show the stored date. @param {string | null} date */
    show(date) {
        const { zone, accountZone } = this.#editing;
        const hasFocus = [this.#day, this.#time].some((input) => input === document.activeElement);
        if (!this.#isChanged() || !(hasFocus || this.#typed() === undefined)) {
            if (date !== this.#stored || this.#shownZone !== zone) {
                this.#stored = date;
                this.#shownZone = zone;
                this.#fill();
                this.fault("");
            }
        }
        const isElsewhere = date !== null && !isDay(date) && zone !== accountZone;
        this.#hint.hidden = !isElsewhere;
        this.#hint.textContent = isElsewhere
            ? t("task.zone.differs", { zone, date: dateText(date, accountZone) })
            : "";
    }

    #shownZone = "";
}

/** @type {{ key: import("../texts.js").Key, dayFrom: (today: string) => string }[]} */
const QUICK = [
    { key: "today", dayFrom: (today) => today },
    { key: "tomorrow", dayFrom: (today) => addDays(today, 1) },
    { key: "task.nextweek", dayFrom: (today) => addDays(today, 7 - weekdayOf(today)) },
];
