/** The tasks of saved filters: the server decides which they are, and the page remembers. */

import { Problem, Unreachable, nextQuery, send } from "./api.js";
import { local } from "./dates.js";
import { pathOf } from "./outbox.js";
import { sentenceOf } from "./problems.js";
import { missing } from "./select.js";
import { account, announce } from "./state.js";
import { readNote, writeNote } from "./store.js";
import { t } from "./texts.js";
import { isNew } from "./writes.js";

/** @typedef {import("./types.d.ts").Filter} Filter */
/** @typedef {import("./types.d.ts").Id} Id */

/**
 * @typedef {object} Found
 * @property {number[] | null} ids null before they are known
 * @property {string | null} next the query of the next page
 * @property {string} note what the person should know, such as that there is no network
 * @property {string} version of the account, the filter and the time; "" to read again
 * @property {boolean} reading
 * @property {number | null} failed when it could not be read, in milliseconds
 */

const PAGE = 200;
/** A filter by due dates has other tasks as the time goes by. */
const SLOT_MS = 5 * 60_000;
const PAUSE_MS = 3_000;

/** @type {WeakMap<import("./copy.js").Copy, Map<Id, Found>>} */
const known = new WeakMap();

/** @param {Id} id @returns {Found} what is known of a filter now */
function found(id) {
    const { copy } = account();
    const filters = known.get(copy) ?? new Map();
    known.set(copy, filters);
    const fresh = { ids: null, next: null, note: "", version: "", reading: false, failed: null };
    const present = filters.get(id) ?? fresh;
    filters.set(id, present);
    return present;
}

/**
 * Return what decides about the tasks: when it changes, they are read again.
 *
 * @param {Filter} filter
 */
function versionOf(filter) {
    const { copy, zone } = account();
    const now = Date.now();
    const depends = /\b(due|available)=|_(after|before)=/.test(filter.query);
    const time = depends ? Math.floor(now / SLOT_MS) : local(now, zone).day;
    return JSON.stringify([copy.meta.revision, filter.query, time]);
}

/** Read the tasks of a filter, if they may have changed. @param {Filter} filter */
function follow(filter) {
    const state = found(filter.id);
    if (isNew(filter.id)) {
        state.note = t("filter.unsent");
        return;
    }
    const version = versionOf(filter);
    const { status } = account();
    const isPast = state.failed !== null && Date.now() - state.failed > PAUSE_MS;
    const isBack = isPast && status.state === "ok";
    if (!state.reading && (state.version !== version || isBack)) {
        Object.assign(state, { version, failed: null });
        void readAgain(filter, state);
    }
}

/**
 * @param {Filter} filter
 * @param {Found} state
 */
async function readAgain(filter, state) {
    // The person may log out in the meantime, or another account in.
    const { copy } = account();
    const pages = Math.max(1, Math.ceil((state.ids?.length ?? 0) / PAGE));
    const note = `filter ${filter.id}`;
    state.reading = true;
    try {
        state.ids ??= (await readNote(copy.database, note)) ?? null;
        announce();
        /** @type {number[]} */
        const ids = [];
        /** @type {string | null} */
        let next = `fields=id&limit=${PAGE}`;
        for (let page = 0; page < pages && next !== null; page += 1) {
            next = await readPage(copy, filter, next, ids);
        }
        Object.assign(state, { ids, next, note: "" });
        await writeNote(copy.database, note, ids);
    } catch (error) {
        state.note = noteOf(error, state);
        const isTemporary = !(error instanceof Problem) || error.isTemporary;
        state.failed = isTemporary ? Date.now() : null;
    } finally {
        state.reading = false;
        announce();
    }
}

/**
 * @param {unknown} error
 * @param {Found} state
 */
function noteOf(error, state) {
    if (error instanceof Unreachable) {
        return t(state.ids ? "filter.offline" : "network.needed");
    }
    if (error instanceof Problem && error.code === "filter_outdated") {
        return t("filter.outdated");
    }
    return sentenceOf(error);
}

/**
 * @param {import("./copy.js").Copy} copy
 * @param {Filter} filter
 * @param {string} query
 * @param {number[]} ids to add to
 * @returns {Promise<string | null>} the query of the next page
 */
async function readPage(copy, filter, query, ids) {
    const path = `${pathOf(copy)}/filters/${filter.id}/tasks?${query}`;
    const { body } = await send("GET", path);
    ids.push(...body.tasks.map((/** @type {{ id: number }} */ { id }) => id));
    return nextQuery(body);
}

/**
 * Read one more page.
 *
 * @param {Id} id of a filter
 * @returns {Promise<boolean>} whether there was one
 */
export async function more(id) {
    const { copy } = account();
    const filter = copy.filters.get(id);
    const state = found(id);
    if (!filter || state.next === null || state.reading) {
        return false;
    }
    state.reading = true;
    try {
        const ids = [...(state.ids ?? [])];
        const next = await readPage(copy, filter, state.next, ids);
        Object.assign(state, { ids, next });
        return true;
    } catch (error) {
        state.version = ""; // the cursor may be outdated
        state.note = noteOf(error, state);
        return false;
    } finally {
        state.reading = false;
        announce();
    }
}

/**
 * Return the tasks of a filter, as the view of the tasks shows them.
 *
 * @param {import("./overlay.js").Overlay} view
 * @param {Id} id
 * @returns {import("./select.js").Selection}
 */
export function ofFilter(view, id) {
    const filter = view.filters.get(id);
    if (!filter) {
        return missing(t("missing.filter"));
    }
    follow(filter);
    const { ids, note: told } = found(id);
    const isOffline = account().status.state === "offline" && ids !== null;
    const note = told || (isOffline ? t("filter.offline") : "");
    const completed = new URLSearchParams(filter.query).get("completed");
    const tasks = (ids ?? [])
        .flatMap((taskId) => view.tasks.get(taskId) ?? [])
        // A task that the person completes here leaves at once, before the server knows of it.
        .filter((task) => completed === null || String(task.completed) === completed);
    return {
        title: filter.name,
        groups: [{ key: "filter", title: "", tasks }],
        empty: ids ? t("empty.filter") : note ? "" : t("status.loading"),
        defaults: null,
        list: undefined,
        note,
    };
}
