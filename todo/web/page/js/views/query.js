/** The query of a saved filter (docs/tasks.md) as plain choices. */

import { t } from "../texts.js";

/** @typedef {import("../texts.js").Key} Key */

/** The choices with fixed values: the parameter, and its values with their texts. */
export const CHOICES = /** @type {const} */ ({
    due: ["", "overdue", "today", "tomorrow", "week", "upcoming", "any", "none"],
    completed: ["", "false", "true"],
    sort: [
        "",
        "due_date",
        "priority",
        "name",
        "position",
        "-creation_date",
        "-modification_date",
        "-completion_date",
    ],
});
export const PRIORITIES = /** @type {const} */ (["high", "medium", "low", "none"]);

/** @param {string} text @returns {string} a query without the ? and the line breaks around it */
export const trimQuery = (text) => text.trim().replace(/^\?/, "");

/**
 * Return the value of a parameter, "" if the query does not have it.
 *
 * @param {string} query
 * @param {string} name
 */
export const choiceOf = (query, name) => new URLSearchParams(query).get(name) ?? "";

/**
 * Return the query with another value of a parameter. The others stay as they are.
 *
 * @param {string} query
 * @param {string} name
 * @param {string} value "" to leave it out
 */
export function withChoice(query, name, value) {
    const pairs = new URLSearchParams(query);
    value ? pairs.set(name, value) : pairs.delete(name);
    return pairs.toString().replaceAll("%2C", ",");
}

/** @param {string} text @returns {string[]} its parts between commas */
export const partsOf = (text) =>
    text
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean);

/** @param {keyof typeof CHOICES} name @param {string} value @returns {string} its text */
export function choiceText(name, value) {
    return t(/** @type {Key} */ (`query.${name}.${value || "all"}`));
}

/**
 * Return the query in words, as far as there are plain ones.
 *
 * @param {string} query
 * @param {(id: string) => string} listName
 */
export function queryText(query, listName) {
    const parts = [];
    for (const [name, value] of new URLSearchParams(query)) {
        if (name in CHOICES && /** @type {any} */ (CHOICES)[name].includes(value)) {
            parts.push(choiceText(/** @type {keyof typeof CHOICES} */ (name), value));
        } else if (name === "list") {
            parts.push(value === "inbox" ? t("inbox") : listName(value));
        } else if (name === "label") {
            parts.push(...partsOf(value).map((label) => `@${label}`));
        } else if (name === "priority") {
            const names = partsOf(value).map((part) =>
                PRIORITIES.some((one) => one === part)
                    ? t(/** @type {Key} */ (`query.priority.${part}`))
                    : part,
            );
            parts.push(t("query.priority.text", { text: names.join(", ") }));
        } else if (name === "search") {
            parts.push(t("query.search.text", { text: value }));
        } else {
            parts.push(`${name}=${value}`);
        }
    }
    return parts.join(" · ");
}
