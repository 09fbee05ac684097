/** The recent changes of the account, in words. */

import { Problem } from "../api.js";
import { readChanges } from "../feed.js";
import { SILENT, fieldText, fieldsText, hasValueText, shortened, valueText } from "./fields.js";
import { t } from "../texts.js";

/** @typedef {import("../types.d.ts").Change} Change */
/** @typedef {import("../overlay.js").Overlay} Overlay */
/** @typedef {import("../texts.js").Key} Key */

/**
 * The changes of one request.
 *
 * @typedef {object} Revision
 * @property {number} revision
 * @property {string} date
 * @property {Change["token"]} token
 * @property {Change[]} changes
 */

/**
 * @typedef {object} Words
 * @property {Overlay} view
 * @property {string} zone
 * @property {Map<string, string>} names of objects that are gone, too, by kind and id
 */

/** How many revisions are shown; fewer if the journal does not have as many any more. */
const WINDOWS = [100, 30, 10, 3];
const UNDOABLE = ["task", "list", "filter"];

/**
 * Read the recent changes, the last first.
 *
 * @param {string} account the path of the account
 * @param {number} revision of the account
 * @returns {Promise<Revision[]>}
 */
export async function readRecent(account, revision) {
    for (const window of WINDOWS) {
        try {
            const news = await readChanges(account, Math.max(0, revision - window));
            return byRevision(news?.changes ?? []);
        } catch (error) {
            if (!(error instanceof Problem) || error.status !== 410) {
                throw error;
            }
        }
    }
    return [];
}

/** @param {Change[]} changes @returns {Revision[]} */
function byRevision(changes) {
    /** @type {Map<number, Revision>} */
    const revisions = new Map();
    for (const change of changes) {
        const { revision, date, token } = change;
        const group = revisions.get(revision) ?? { revision, date, token, changes: [] };
        group.changes.push(change);
        revisions.set(revision, group);
    }
    return [...revisions.values()].reverse();
}

/** @param {Revision} group @returns {boolean} whether the server can undo it */
export const canUndo = ({ changes }) =>
    changes.every(
        (change) =>
            UNDOABLE.includes(change.kind) && change.action !== "purge" && !wasErased(change),
    );

/** @param {Change} change @returns {boolean} whether its task was deleted permanently later */
const wasErased = ({ action, before, after }) =>
    action !== "purge" && before === null && after === null;

/**
 * Return the last known names of all objects in changes.
 *
 * @param {Revision[]} groups the last first
 * @param {Overlay} view
 */
export function namesOf(groups, view) {
    /** @type {Map<string, string>} */
    const names = new Map();
    for (const { changes } of groups) {
        for (const { kind, id, before, after } of changes) {
            const key = `${kind} ${id}`;
            const name = after?.name ?? before?.name;
            if (name !== undefined && !names.has(key)) {
                names.set(key, name);
            }
        }
    }
    view.tasks.forEach(({ id, name }) => names.set(`task ${id}`, name));
    view.lists.forEach(({ id, name }) => names.set(`list ${id}`, name));
    view.filters.forEach(({ id, name }) => names.set(`filter ${id}`, name));
    return names;
}

/**
 * Return a sentence about the changes of one request.
 *
 * @param {Revision} group
 * @param {Words} words
 * @returns {string}
 */
export function sentenceOfRevision({ changes }, words) {
    if (changes.length === 1) {
        return sentenceOf(changes[0], words);
    }
    const occurrence = changes.find(
        ({ action, after }) => action === "create" && after?.occurrence_of,
    );
    if (occurrence && changes.length === 2) {
        return t("changed.complete", { name: nameOf(occurrence, words) });
    }
    const other = changes.find(({ kind }) => kind === "list");
    const tasks = changes.filter(({ kind }) => kind === "task");
    if (other && tasks.length === changes.length - 1) {
        return `${sentenceOf(other, words)} ${ofMany(tasks)}`;
    }
    return ofMany(changes);
}

/** @param {Change[]} changes @returns {string} such as "3 tasks deleted." */
function ofMany(changes) {
    const count = changes.length;
    const actions = new Set(changes.map(({ action }) => action));
    const kinds = new Set(changes.map(({ kind }) => kind));
    if (kinds.size > 1 || !kinds.has("task")) {
        return t("changed.many.other", { count });
    }
    const [action] = actions;
    if (actions.size === 1 && action === "update") {
        const completed = changes.map(({ after }) => after?.completed);
        const key = completed.every((value) => value === true)
            ? "changed.many.complete"
            : "changed.many.update";
        return t(key, { count });
    }
    const known = ["create", "delete", "restore", "purge"];
    const isPlain = actions.size === 1 && known.includes(action);
    return t(/** @type {Key} */ (isPlain ? `changed.many.${action}` : "changed.many.update"), {
        count,
    });
}

/** @param {Change} change @param {Words} words */
const nameOf = ({ kind, id }, { names }) => names.get(`${kind} ${id}`) ?? t("value.unknown");

/**
 * @param {Change} change
 * @param {Words} words
 * @returns {string}
 */
function sentenceOf(change, words) {
    const { kind, action } = change;
    const name = shortened(nameOf(change, words));
    if (kind === "profile") {
        return t(action === "create" ? "changed.account" : "changed.profile");
    }
    if (kind === "reminder") {
        return t("changed.reminder");
    }
    if (wasErased(change)) {
        return t("changed.erased");
    }
    if (action === "update") {
        return ofUpdate(change, name, words);
    }
    const what = kind === "task" ? "" : `.${kind}`;
    const known = ["create", "delete", "restore", "purge"];
    return t(
        /** @type {Key} */ (known.includes(action) ? `changed.${action}${what}` : "changed.other"),
        { name },
    );
}

/**
 * @param {Change} change
 * @param {string} name
 * @param {Words} words
 */
function ofUpdate({ before, after }, name, { view, zone }) {
    const fields = Object.keys(after ?? {}).filter((field) => !SILENT.has(field));
    const moved = fields.filter((field) => field !== "position");
    if (fields.includes("completed")) {
        return t(after?.completed ? "changed.complete" : "changed.reopen", { name });
    }
    if (fields.length === 1 && fields[0] === "archived") {
        return t(after?.archived ? "changed.archive" : "changed.unarchive", { name });
    }
    if (moved.length === 0) {
        return t(fields.length ? "changed.move" : "changed.other", { name });
    }
    if (moved.length > 1) {
        return t("changed.fields", { name, fields: fieldsText(moved) });
    }
    const [field] = moved;
    const from = valueText(field, before?.[field], view, zone);
    const to = valueText(field, after?.[field], view, zone);
    if (field === "name") {
        return t("changed.name", { from: shortened(from), to: shortened(to) });
    }
    const key = hasValueText(field) ? "changed.field" : "changed.field.only";
    return t(key, { name, field: fieldText(field), from: shortened(from), to: shortened(to) });
}
