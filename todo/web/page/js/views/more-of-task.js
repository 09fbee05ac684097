/** Rarely needed details: the time zone of a task, and when it was created and changed. */

import { instantOf, instantText, isDay, local } from "../dates.js";
import { h } from "../h.js";
import { languages, t } from "../texts.js";
import { Field, selfSaving } from "./field.js";

/** @typedef {import("./field.js").Editing} Editing */

export class More {
    #editing;
    #input = h("input", {
        list: "task-zones",
        autocomplete: "off",
        autocapitalize: "none",
        spellcheck: "false",
    });
    #zones = h("datalist", { id: "task-zones" });
    #text;
    #dates = h("p", { class: "hint" });
    field = new Field("timezone", t("field.timezone"), [this.#input, this.#zones]);
    element = h(
        "details",
        {},
        h("summary", {}, t("task.more")),
        this.field.element,
        h("p", { class: "hint" }, t("task.zone.hint")),
        this.#dates,
    );

    /** @param {Editing} editing */
    constructor(editing) {
        this.#editing = editing;
        this.#text = selfSaving(this.#input, editing, (text) => this.#save(text.trim()));
        this.element.addEventListener("toggle", () => {
            const zones = this.#zones.firstChild ? [] : Intl.supportedValuesOf("timeZone");
            this.#zones.append(...zones.map((value) => h("option", { value })));
        });
    }

    /** @param {string} zone @returns {boolean} */
    #save(zone) {
        const { task, accountZone } = this.#editing;
        const next = zone || accountZone;
        if (!isZone(next)) {
            this.field.fault(t("task.zone.unknown"));
            return false;
        }
        this.field.fault("");
        if (task) {
            // The server keeps local times; the dates show it at once.
            const moved = (/** @type {string | null} */ date) => {
                const { day, time } = local(date ?? 0, this.#editing.zone);
                return date === null || isDay(date) ? date : instantOf(day, time, next);
            };
            const { start_date: start, due_date: due } = task;
            this.#editing.save({
                timezone: zone || null,
                ...(zone && { start_date: moved(start), due_date: moved(due) }),
            });
        }
        return true;
    }

    leave() {
        this.#text.leave();
    }

    render() {
        const { task, accountZone } = this.#editing;
        if (!task) {
            return;
        }
        this.#input.placeholder = accountZone;
        this.#text.show(task.timezone ?? "");
        const text = (/** @type {string} */ date) =>
            instantText(date, accountZone, languages.dates);
        this.#dates.textContent = t("task.created", {
            created: text(task.creation_date),
            changed: text(task.modification_date),
        });
    }
}

/** @param {string} name */
function isZone(name) {
    try {
        return Boolean(new Intl.DateTimeFormat("en", { timeZone: name })) && !/^[+-]/.test(name);
    } catch {
        return false;
    }
}
