/** The form of a custom rule: how often, on which days, and until when. */

import { addDays } from "../dates.js";
import { h } from "../h.js";
import { ordinal, positionName, weekdayName } from "./rule-text.js";
import {
    FREQUENCIES,
    NUMBER_MAX,
    POSITIONS,
    WEEKDAYS,
    monthDayOf,
    rule as ruleOf,
    weekdayOf,
} from "./rule.js";
import { t } from "../texts.js";

/** @typedef {import("./rule.js").Rule} Rule */

export class RuleForm {
    #interval = h("input", {
        type: "number",
        min: 1,
        max: NUMBER_MAX,
        "aria-label": t("rule.form.interval"),
    });
    #freq = h(
        "select",
        { "aria-label": t("rule.form.unit") },
        FREQUENCIES.map((value) =>
            h(
                "option",
                { value },
                t(/** @type {import("../texts.js").Key} */ (`unit.${value.toLowerCase()}`)),
            ),
        ),
    );
    #weekdays = WEEKDAYS.map((value, index) =>
        h("input", { type: "checkbox", value, "aria-label": weekdayName(index) }),
    );
    #week = h(
        "div",
        { class: "weekdays", role: "group", "aria-label": t("rule.form.weekdays") },
        this.#weekdays.map((box, index) =>
            h("label", {}, box, h("span", { "aria-hidden": "true" }, weekdayName(index, "short"))),
        ),
    );
    #month = h("select", { "aria-label": t("rule.form.monthday") });
    #ends = h(
        "select",
        { "aria-label": t("rule.form.end") },
        h("option", { value: "never" }, t("rule.end.never")),
        h("option", { value: "until" }, t("rule.end.until")),
        h("option", { value: "count" }, t("rule.end.count")),
    );
    #until = h("input", { type: "date", "aria-label": t("rule.end.day"), max: "9999-12-31" });
    #count = h("input", {
        type: "number",
        min: 1,
        max: NUMBER_MAX,
        "aria-label": t("rule.end.times"),
    });
    #day = "";
    /** @type {Rule | null} */
    #rule = null;
    #shown = "";
    #types = false;

    element = h(
        "div",
        { class: "rule-form" },
        h("div", { class: "row" }, h("span", {}, t("rule.form.every")), this.#interval, this.#freq),
        this.#week,
        this.#month,
        h("div", { class: "row" }, this.#ends, this.#until, this.#count),
    );

    /** @param {(rule: Rule) => void} changed called when a part has been chosen or left */
    constructor(changed) {
        const save = () => {
            const rule = this.#read();
            if (rule && JSON.stringify(rule) !== JSON.stringify(this.#rule)) {
                this.#rule = rule;
                this.#arrange(rule);
                changed(rule);
            }
        };
        this.element.addEventListener("pointerdown", () => (this.#types = false));
        this.element.addEventListener("keydown", (event) => {
            const input = /** @type {HTMLInputElement} */ (event.target);
            this.#types = input.type === "date" && event.key !== "Enter";
            if (event.key === "Enter" && input.type !== "checkbox") {
                event.preventDefault();
                save();
            } else if (event.key === "Escape" && this.#rule && this.#isTyped(input)) {
                event.preventDefault();
                event.stopPropagation();
                this.#fill(this.#rule);
            }
        });
        this.element.addEventListener("change", () => {
            if (!this.#types) {
                save();
            }
        });
        this.element.addEventListener("focusout", save);
    }

    /** @param {HTMLInputElement} input */
    #isTyped(input) {
        const stored = { number: "", date: this.#rule?.until ?? "" };
        if (input === this.#interval || input === this.#count) {
            const number = input === this.#count ? this.#rule?.count : this.#rule?.interval;
            return input.value !== String(number ?? "");
        }
        return input === this.#until && input.value !== stored.date;
    }

    /** @returns {Rule | null} null while a part is missing */
    #read() {
        const freq = /** @type {Rule["freq"]} */ (this.#freq.value);
        const interval = Number(this.#interval.value);
        if (!Number.isInteger(interval) || interval < 1) {
            return null;
        }
        const weekdays = this.#weekdays.flatMap((box, index) => (box.checked ? [index] : []));
        const rule = ruleOf({ freq, interval });
        if (freq === "WEEKLY") {
            rule.weekdays = weekdays;
        } else if (freq === "MONTHLY" && this.#month.value) {
            Object.assign(rule, JSON.parse(this.#month.value));
        }
        if (this.#ends.value === "until") {
            rule.until = this.#until.value || addDays(this.#day, 28);
            rule.untilTime = rule.until === this.#rule?.until ? this.#rule.untilTime : "";
        } else if (this.#ends.value === "count") {
            rule.count = Math.trunc(Number(this.#count.value || 10));
        }
        return rule;
    }

    /**
     * Show a rule; null hides the form.
     *
     * @param {Rule | null} rule
     * @param {string} day the due day
     */
    show(rule, day) {
        this.element.hidden = rule === null;
        const shown = JSON.stringify([rule, day]);
        if (rule === null || shown === this.#shown) {
            return;
        }
        this.#shown = shown;
        this.#day = day;
        this.#rule = rule;
        this.#fill(rule);
    }

    /** @param {Rule} rule */
    #fill(rule) {
        this.#interval.value = String(rule.interval);
        this.#freq.value = rule.freq;
        const weekdays = rule.weekdays.length ? rule.weekdays : [weekdayOf(this.#day)];
        this.#weekdays.forEach((box, index) => (box.checked = weekdays.includes(index)));
        const options = monthOptions(rule, this.#day);
        this.#month.replaceChildren(
            ...options.map(({ parts, text }) =>
                h("option", { value: JSON.stringify(parts) }, text),
            ),
        );
        this.#month.value = JSON.stringify(partsOf(rule));
        this.#ends.value = rule.until !== null ? "until" : rule.count !== null ? "count" : "never";
        this.#until.value = rule.until ?? "";
        this.#count.value = rule.count === null ? "" : String(rule.count);
        this.#arrange(rule);
    }

    /** Show the controls that a rule has. @param {Rule} rule */
    #arrange(rule) {
        this.#week.hidden = rule.freq !== "WEEKLY";
        this.#month.hidden = rule.freq !== "MONTHLY";
        this.#until.hidden = rule.until === null;
        this.#count.hidden = rule.count === null;
        this.#until.value ||= rule.until ?? "";
        this.#count.value ||= String(rule.count ?? "");
    }
}

/** @param {Rule} rule */
const partsOf = ({ monthDay, nth }) => ({ monthDay, nth });

/**
 * @param {Rule} rule
 * @param {string} day
 */
function monthOptions(rule, day) {
    const weekday = rule.nth?.weekday ?? weekdayOf(day);
    const number = monthDayOf(day);
    const options = [
        { parts: { monthDay: null, nth: null }, text: t("rule.on", { day: ordinal(number) }) },
        { parts: { monthDay: -1, nth: null }, text: t("rule.on.last") },
        ...POSITIONS.map((position) => ({
            parts: { monthDay: null, nth: { position, weekday } },
            text: t("rule.on.nth", {
                position: positionName(position),
                weekday: weekdayName(weekday),
            }),
        })),
    ];
    if (rule.monthDay !== null && rule.monthDay > 0) {
        const text = t("rule.on", { day: ordinal(rule.monthDay) });
        options.splice(1, 0, { parts: /** @type {any} */ (partsOf(rule)), text });
    }
    return options;
}
