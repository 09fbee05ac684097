/** Register, log in, log out: which account this browser shows. */

import { Problem, Unreachable, send } from "./api.js";
import { closeCopy, openCopy } from "./copy.js";
import { profileOf } from "./feed.js";
import { forgetNotified } from "./notifications.js";
import { deleteDatabase } from "./store.js";

/** @typedef {import("./types.d.ts").Profile} Profile */

const KEY = "todo";

/**
 * The accounts with a copy, as the browser remembers them: without a secret.
 *
 * @typedef {object} Known
 * @property {number} [account] the id of the account that is shown
 * @property {boolean} [locked] its session is dead: the copy is not shown until it logs in again
 * @property {Record<string, string>} names of all accounts with a copy, by id
 * @property {number[]} [removing] accounts whose copies are to be removed
 * @property {boolean} [ending] the logout did not reach the server yet
 */

/** @returns {Known} */
export function known() {
    try {
        return { names: {}, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
    } catch {
        return { names: {} };
    }
}

/** @param {Partial<Known>} change */
function remember(change) {
    localStorage.setItem(KEY, JSON.stringify({ ...known(), ...change }));
}

/** Call a function when another tab logs in or out, or locks. @param {() => void} changed */
export function onOtherTab(changed) {
    window.addEventListener("storage", ({ key }) => void (key === KEY && changed()));
}

/**
 * @typedef {{ username: string, password: string, email?: string, timezone?: string,
 *     invitation?: string }} Credentials
 */

/**
 * @param {"accounts" | "accounts/login"} path to register or log in
 * @param {Credentials} credentials
 * @returns {Promise<Profile>}
 * @throws {Problem | Unreachable} also with the code "cookie_refused"
 */
export async function startSession(path, credentials) {
    await ending; // its answer removes the cookie
    await send("POST", path, { body: { ...credentials, session: "cookie" } });
    const profile = await readProfile();
    if (!profile) {
        // Over plain http, browsers refuse the cookie of a service that is set up for https.
        throw new Problem(401, { code: "cookie_refused" }, null);
    }
    adopt(profile);
    return profile;
}

/** @returns {Promise<Profile | null>} null without a session */
async function readProfile() {
    try {
        return profileOf((await send("GET", "accounts/me")).body);
    } catch (error) {
        if (error instanceof Problem && [401, 403].includes(error.status)) {
            return null;
        }
        throw error;
    }
}

/** Show this account from now on. @param {Profile} profile */
function adopt(profile) {
    const names = { ...known().names, [profile.id]: profile.username };
    const removing = withoutRemoval(profile.id);
    remember({ account: profile.id, names, removing, locked: false, ending: false });
}

/** Remember the new username of an account. @param {Profile | null} profile */
export function keepName(profile) {
    const { names } = known();
    if (profile && profile.id in names && names[profile.id] !== profile.username) {
        remember({ names: { ...names, [profile.id]: profile.username } });
    }
}

/**
 * Show nothing until the account logs in again.
 *
 * @param {number} account its id; another tab may have logged in to another one
 */
export function lock(account) {
    if (known().account === account) {
        remember({ locked: true });
    }
}

/**
 * Log out, and remove the copy and the outbox. Without a network, the session ends later.
 *
 * @param {number} account its id; its copy must be closed
 */
export async function endSession(account) {
    remember({ account: undefined, locked: false, ending: true });
    forgetNotified(account);
    finishLogout(); // at once: a tab that is suspended may hold up the deletion
    await forgetCopy(account);
}

/**
 * Remove the copy of an account. If the page dies in between, the next one does it.
 *
 * @param {number} account
 */
async function forgetCopy(account) {
    const { names } = known();
    delete names[account];
    remember({ names, removing: [...withoutRemoval(account), account] });
    await deleteDatabase(account);
    remember({ removing: withoutRemoval(account) });
}

/** @param {number} account @returns {number[]} the accounts whose copies are to be removed, but this */
const withoutRemoval = (account) => (known().removing ?? []).filter((id) => id !== account);

/** Remove the copies that a page has left which died while it removed them. */
export function finishRemovals() {
    known().removing?.forEach((account) => void forgetCopy(account));
}

/**
 * Remove the copy and the outbox of an account that cannot or will not log in again.
 *
 * @param {number} account its id; no tab shows it
 */
export async function forget(account) {
    if (known().account === account) {
        remember({ account: undefined, locked: false });
    }
    forgetNotified(account);
    await forgetCopy(account);
}

/** The logout that is under way. @type {Promise<void> | null} */
let ending = null;

/** End a session whose logout did not reach the server, if there is one. */
export function finishLogout() {
    if (known().ending) {
        ending ??= logOut().finally(() => (ending = null));
    }
}

async function logOut() {
    try {
        await send("POST", "accounts/logout");
    } catch (error) {
        if (error instanceof Unreachable || (error instanceof Problem && error.isTemporary)) {
            return;
        }
    }
    remember({ ending: false });
}

/**
 * Remove the copies of other accounts that have nothing to send.
 *
 * @param {number} account the one to keep
 */
export async function removeOtherCopies(account) {
    for (const id of Object.keys(known().names).map(Number)) {
        if (id !== account) {
            const other = await openCopy(id, () => {});
            const isEmpty = other.outbox.length === 0;
            closeCopy(other);
            if (isEmpty) {
                await forgetCopy(id);
            }
        }
    }
}
