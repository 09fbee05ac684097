/** The state of the page: one account, the view of it, and how it is in step with the server. */

import { closeCopy, openCopy } from "./copy.js";
import { extended, overlay } from "./overlay.js";
import { keepName } from "./session.js";
import { startSync } from "./sync.js";
import { isEqual } from "./writes.js";

/** @typedef {import("./copy.js").Copy} Copy */
/** @typedef {import("./overlay.js").Overlay} Overlay */
/** @typedef {import("./types.d.ts").Entry} Entry */
/** @typedef {import("./sync.js").Status} Status */

/**
 * @typedef {object} Account
 * @property {Copy} copy
 * @property {Overlay} view
 * @property {{ objects: number, outbox: Entry[] }} shown what the view was made of
 * @property {Status} status
 * @property {string} zone the time zone
 * @property {() => Promise<void>} sync
 * @property {() => void} stop
 */

/** @type {{ account: Account | null }} */
export const state = { account: null };

/** @type {Set<() => void>} */
const listeners = new Set();
let announced = false;

/**
 * Call a function after each change of the state, at most once for all changes of a task.
 *
 * @param {() => void} listener
 * @returns {() => void} a function that ends it
 */
export function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

/** Tell the elements that the state has changed. */
export function announce() {
    if (!announced) {
        announced = true;
        queueMicrotask(() => {
            announced = false;
            // One of them may end others, as those of a view that closes.
            [...listeners].forEach((listener) => listeners.has(listener) && listener());
        });
    }
}

/** Raised when another account is opened, or none is to be shown. */
let turn = 0;

/**
 * Show an account: from its copy at once, then in step with the server. It is not shown if it is
 * closed, or opened again, before its copy has been read.
 *
 * @param {number} id
 * @param {(status: Status) => void} report called with each new status
 * @param {() => void} lost called when the copy is gone
 */
export async function openAccount(id, report, lost) {
    turn += 1;
    const own = turn;
    /** @type {Account | null} */
    let account = null;
    const copy = await openCopy(
        id,
        () => {
            if (account) {
                refresh(account);
                announce();
            }
        },
        () => void (account && state.account === account && lost()),
    );
    if (own !== turn) {
        closeCopy(copy);
        return;
    }
    account = {
        copy,
        view: overlay(copy, []),
        shown: { objects: copy.objects, outbox: [] },
        status: { state: "starting" },
        zone: "UTC",
        sync: async () => {},
        stop: () => {},
    };
    refresh(account);
    state.account = account;
    const opened = account;
    const sync = startSync(copy, (status) => {
        if (status.state === "ok" && opened.status.state === "ok") {
            return; // each poll says so
        }
        opened.status = status;
        report(status);
        announce();
    });
    opened.sync = sync.now;
    opened.stop = sync.stop;
    announce();
}

/** @param {Account} account */
function refresh(account) {
    const { copy } = account;
    keepName(copy.meta.profile);
    const outbox = copy.outbox.filter((entry) => entry.state !== "gone");
    // Of a thousand writes, only the last one has to be shown, mostly.
    const { shown } = account;
    const goesOn =
        shown.objects === copy.objects &&
        shown.outbox.every((entry, index) => hasSameEffect(entry, outbox[index]));
    account.view = goesOn
        ? extended(account.view, outbox, shown.outbox.length)
        : overlay(copy, outbox);
    account.shown = { objects: copy.objects, outbox };
    account.zone = copy.meta.profile?.timezone ?? "UTC";
}

/** @param {Entry} entry @param {Entry | undefined} other */
const hasSameEffect = (entry, other) =>
    entry === other ||
    (entry.key === other?.key &&
        entry.id === other.id &&
        isEqual([entry.fields, entry.undoes], [other.fields, other.undoes]));

/** @returns {Account} the account that is shown */
export function account() {
    if (!state.account) {
        throw new Error("No account is open");
    }
    return state.account;
}

/** Show no account any more. */
export function closeAccount() {
    turn += 1;
    if (state.account) {
        state.account.stop();
        closeCopy(state.account.copy);
    }
    state.account = null;
    announce();
}
