/** The values of a task's fields in words. */

import { dayText, instantText, isDay } from "../dates.js";
import { beforeText, describe } from "./rule-text.js";
import { parseRule } from "./rule.js";
import { account } from "../state.js";
import { languages, t } from "../texts.js";

/** @typedef {import("../texts.js").Key} Key */

/** The fields that people know, in the order of the form. */
export const FIELDS = [
    "name",
    "completed",
    "note",
    "start_date",
    "due_date",
    "timezone",
    "recurrence",
    "recurrence_from",
    "reminders",
    "list_id",
    "parent_id",
    "priority",
    "labels",
];

/** @param {string} field @returns {string} its name, or "" for one that people do not know */
export const fieldName = (field) =>
    FIELDS.includes(field) ? t(/** @type {Key} */ (`field.${field}`)) : "";

/** @type {Record<number, Key>} */
export const PRIORITIES = {
    0: "priority.none",
    1: "priority.high",
    5: "priority.medium",
    9: "priority.low",
};

/** @param {number} priority */
export const priorityText = (priority) =>
    priority in PRIORITIES ? t(PRIORITIES[priority]) : t("priority.number", { priority });

/**
 * @param {string} date of the API
 * @param {string} zone
 */
export function dateText(date, zone) {
    return isDay(date)
        ? dayText(date, languages.dates, { dateStyle: "medium" })
        : instantText(date, zone, languages.dates);
}

/**
 * @param {import("../types.d.ts").Reminding} reminder
 * @param {string} zone
 */
export const reminderText = ({ at, before }, zone) =>
    at ? dateText(at, zone) : beforeText(before ?? "PT0S");

/**
 * Return the value of a field in words.
 *
 * @param {string} field
 * @param {any} value
 * @returns {string} "" for no value
 */
export function valueText(field, value) {
    const { view, zone } = account();
    if (field === "priority") {
        return priorityText(value ?? 0);
    }
    if (field === "completed") {
        return t(value ? "value.completed" : "value.open");
    }
    if (field === "list_id") {
        return value === null ? t("inbox") : (view.lists.get(value)?.name ?? t("value.gone"));
    }
    if (value === null || value === undefined || value === "" || value.length === 0) {
        return "";
    }
    switch (field) {
        case "parent_id":
            return view.tasks.get(value)?.name ?? t("value.gone");
        case "start_date":
        case "due_date":
            return dateText(value, zone);
        case "labels":
            return value.map((/** @type {string} */ label) => `@${label}`).join(" ");
        case "reminders":
            return value
                .map((/** @type {any} */ reminder) => reminderText(reminder, zone))
                .join("; ");
        case "recurrence": {
            const parsed = parseRule(value);
            return parsed ? describe(parsed, null) : value;
        }
        case "recurrence_from":
            return t(value === "completion" ? "recurrence.completion" : "recurrence.due");
        default:
            return String(value);
    }
}
