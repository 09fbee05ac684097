/** The fields of tasks, lists and filters, and their values, in words. */

import { dayOf, instantText, isDay, local } from "../dates.js";
import { nameOfDay } from "../select.js";
import { languages, t, textOf } from "../texts.js";

/** @typedef {import("../overlay.js").Overlay} Overlay */
/** @typedef {import("../texts.js").Key} Key */

/** Fields that are not shown: the server sets them with others. */
export const SILENT = new Set([
    "completion_date",
    "creation_date",
    "modification_date",
    "occurrence",
    "occurrence_of",
    "revision",
    "uid",
]);

/** Fields with values that are too long for a sentence, or say nothing to people. */
const WITHOUT_VALUE = new Set(["note", "position", "query", "recurrence", "reminders"]);

const LONGEST = 60;

/** @param {string} name @returns {string} such as "due date" */
export const fieldText = (name) => textOf("fieldname.", name, name.replaceAll("_", " "));

/** @param {string[]} names @returns {string} such as "due date and priority" */
export function fieldsText(names) {
    const list = new Intl.ListFormat(languages.texts, { type: "conjunction" });
    return list.format(names.filter((name) => !SILENT.has(name)).map(fieldText));
}

/**
 * @param {string} name of a field
 * @returns {boolean} whether a sentence can have its values
 */
export const hasValueText = (name) => !WITHOUT_VALUE.has(name);

/**
 * Return a value in words.
 *
 * @param {string} name of the field
 * @param {any} value
 * @param {Overlay} view
 * @param {string} zone
 * @returns {string}
 */
export function valueText(name, value, view, zone) {
    if (name === "list_id") {
        return value === null ? t("inbox") : (view.lists.get(value)?.name ?? t("value.other.list"));
    }
    if (
        value === null ||
        value === undefined ||
        value === "" ||
        (Array.isArray(value) && !value.length)
    ) {
        return t("value.none");
    }
    switch (name) {
        case "due_date":
        case "start_date":
            return dateText(value, zone);
        case "completed":
        case "archived":
            return t(value ? "value.yes" : "value.no");
        case "priority":
            return value === 0 ? t("value.none") : String(value);
        case "parent_id":
            return view.tasks.get(value)?.name ?? t("value.other.task");
        case "labels":
            return value.map((/** @type {string} */ label) => `@${label}`).join(", ");
        case "reminders":
            return value
                .map((/** @type {any} */ one) => (one.at ? dateText(one.at, zone) : one.before))
                .join(", ");
        default:
            return typeof value === "string" ? value : JSON.stringify(value);
    }
}

/** @param {string} text @returns {string} its beginning, as a part of a sentence */
export const shortened = (text) =>
    text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;

/** @param {string} date @param {string} zone */
function dateText(date, zone) {
    return isDay(date)
        ? nameOfDay(/** @type {string} */ (dayOf(date, zone)), local(Date.now(), zone).day)
        : instantText(date, zone, languages.dates);
}
