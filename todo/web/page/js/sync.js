/** Keep the copy in step: send the outbox, then read the feed; one tab at a time. */

import { Problem, Unreachable, send } from "./api.js";
import { commit, reload } from "./copy.js";
import { deltaOf, profileOf, readChanges, readSnapshot } from "./feed.js";
import { permission } from "./notifications.js";
import { isOfSession, pathOf, sendOutbox } from "./outbox.js";
import { isNew, withId } from "./writes.js";

/** @typedef {import("./copy.js").Copy} Copy */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./types.d.ts").Delta} Delta */

const POLL_MS = 3_000;
/** Of a page that nobody sees: the notifications of reminders need it, and what is to be sent. */
const HIDDEN_POLL_MS = 60_000;
const LONGEST_WAIT_MS = 60_000;

/**
 * @typedef {object} Status
 * @property {"starting" | "ok" | "offline" | "busy" | "locked"} state
 * @property {string} [code] of the problem
 * @property {string} [detail]
 * @property {number} [until] when the next try is, as Date.now()
 */

/**
 * Start to keep a copy in step.
 *
 * @param {Copy} copy
 * @param {(status: Status) => void} report
 * @returns {{ now: () => Promise<void>, stop: () => void }} `now` ends when the writes made until
 *     then are sent, or must wait
 */
export function startSync(copy, report) {
    let failures = 0;
    /** The server wants no request before. */
    let notBefore = 0;
    let stopped = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    /** @type {Promise<void> | null} */
    let running = null;
    /** @type {Promise<void> | null} */
    let following = null;

    async function run() {
        clearTimeout(timer);
        try {
            await alone(copy, () => cycle(copy));
            failures = 0;
            report({ state: "ok" });
        } catch (error) {
            if (stopped) {
                return; // the database is closed
            }
            failures += 1;
            const wait = waitAfter(error, failures);
            schedule(wait);
            notBefore = isWaitWanted(error) ? Date.now() + wait : 0;
            report({ ...statusOf(error), until: Date.now() + wait });
            return;
        }
        schedule(POLL_MS);
    }

    /** @param {number} wait */
    function schedule(wait) {
        clearTimeout(timer);
        if (!stopped && document.visibilityState === "visible") {
            timer = setTimeout(() => void now(), wait);
        } else if (!stopped && (permission() === "granted" || hasUnsent(copy))) {
            timer = setTimeout(() => void now(), Math.max(wait, HIDDEN_POLL_MS));
        }
    }

    /** @returns {Promise<void>} */
    function now() {
        const wait = notBefore - Date.now();
        if (stopped || wait > 0) {
            schedule(wait);
            return Promise.resolve();
        }
        if (!running) {
            running = run().finally(() => (running = null));
            return running;
        }
        // A write that was made during a run may have come too late for it.
        following ??= running.finally(() => (following = null)).then(now, now);
        return following;
    }

    const wake = () => void ((document.visibilityState === "visible" || hasUnsent(copy)) && now());
    const events = ["online", "focus", "pageshow"];
    events.forEach((name) => window.addEventListener(name, wake));
    document.addEventListener("visibilitychange", wake);
    void now();
    return {
        now,
        stop() {
            stopped = true;
            clearTimeout(timer);
            events.forEach((name) => window.removeEventListener(name, wake));
            document.removeEventListener("visibilitychange", wake);
        },
    };
}

/** @param {Copy} copy @returns {boolean} whether something waits to be sent */
const hasUnsent = (copy) =>
    copy.outbox.some(({ acked, state }) => acked === undefined && state === "waiting");

/**
 * Run while no other tab of the account does. Over plain http, browsers have no locks: then two
 * tabs may send the same write, which its Idempotency-Key makes harmless.
 *
 * @param {Copy} copy
 * @param {() => Promise<unknown>} work
 */
export async function alone(copy, work) {
    await (navigator.locks ? navigator.locks.request(`todo-${copy.account}`, work) : work());
}

/**
 * Do one cycle; if the account has been renamed elsewhere, under its new name.
 *
 * @param {Copy} copy
 */
async function cycle(copy) {
    await reload(copy);
    try {
        await exchange(copy);
    } catch (error) {
        const isForbidden = error instanceof Problem && error.code === "forbidden";
        if (!isForbidden || !(await wasRenamed(copy))) {
            throw error;
        }
        await exchange(copy);
    }
}

/** @param {Copy} copy */
async function exchange(copy) {
    if (copy.meta.revision === null) {
        const snapshot = await readSnapshot(pathOf(copy));
        if (snapshot.meta?.profile?.id !== copy.account) {
            throw new Problem(403, { code: "forbidden" }, null); // another tab has logged in
        }
        await commit(copy, snapshot);
    }
    await sendOutbox(copy);
    await readFeed(copy);
}

/**
 * Read the profile again: the paths have the username, which another device may have changed.
 *
 * @param {Copy} copy
 * @returns {Promise<boolean>} whether the account has another username now
 */
async function wasRenamed(copy) {
    const profile = profileOf((await send("GET", "accounts/me")).body);
    const isSame = profile.username === copy.meta.profile?.username;
    if (profile.id !== copy.account || isSame) {
        return false;
    }
    await commit(copy, { meta: { profile } });
    return true;
}

/**
 * Bring the copy up to date, and drop the writes whose effect it now has.
 *
 * @param {Copy} copy
 */
async function readFeed(copy) {
    const acked = copy.outbox.filter((entry) => entry.acked !== undefined);
    const delta = await readNews(copy);
    const synced = new Date().toISOString();
    if (delta || acked.length) {
        const changed = { ...delta, meta: { ...delta?.meta, synced } };
        await commit(copy, { ...changed, remove: acked, put: identified(copy, changed, acked) });
    } else {
        copy.meta = { ...copy.meta, synced };
    }
}

/**
 * @param {Copy} copy
 * @returns {Promise<Delta | null>}
 */
async function readNews(copy) {
    try {
        const news = await readChanges(pathOf(copy), copy.meta.revision ?? 0);
        if (!news) {
            return null;
        }
        const delta = deltaOf(copy, news.changes);
        return { ...delta, meta: { ...delta.meta, revision: news.revision } };
    } catch (error) {
        if (error instanceof Problem && error.status === 410) {
            return await readSnapshot(pathOf(copy)); // the outbox stays
        }
        throw error;
    }
}

/**
 * Return the writes that depend on a task which turned out to exist: the answer to its creation was
 * lost for longer than its key was kept.
 *
 * @param {Copy} copy
 * @param {Delta} delta
 * @param {Entry[]} acked
 * @returns {Entry[]}
 */
function identified(copy, delta, acked) {
    const lost = acked.filter((entry) => isNew(entry.id) && entry.noun === "task");
    if (!lost.length) {
        return [];
    }
    const tasks = [...copy.tasks.values(), ...(delta.tasks?.values() ?? [])];
    const ids = new Map(tasks.map((task) => [task?.uid, task?.id]));
    const others = copy.outbox.filter((entry) => entry.acked === undefined);
    return others.flatMap((entry) => {
        const known = lost.find(({ id, key }) => ids.has(key) && withId(entry, id, 0) !== entry);
        return known ? [withId(entry, known.id, /** @type {number} */ (ids.get(known.key)))] : [];
    });
}

/**
 * @param {unknown} error
 * @returns {Status}
 */
function statusOf(error) {
    if (error instanceof Unreachable) {
        return { state: "offline" };
    }
    if (error instanceof Problem) {
        const state = isOfSession(error) ? "locked" : "busy";
        return { state, code: error.code, detail: error.message };
    }
    throw error;
}

/** @param {unknown} error @returns {error is Problem} whether it says how long to wait */
const isWaitWanted = (error) => error instanceof Problem && Boolean(error.retryAfter);

/**
 * @param {unknown} error
 * @param {number} failures in a row
 * @returns {number} milliseconds
 */
function waitAfter(error, failures) {
    if (isWaitWanted(error)) {
        return /** @type {number} */ (error.retryAfter) * 1000;
    }
    return Math.min(POLL_MS * 2 ** (failures - 1), LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
}
