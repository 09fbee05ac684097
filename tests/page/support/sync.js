/** Act in a tab, and read its data and those of the service, for the tests of synchronisation. */

import assert from "node:assert/strict";

/** @typedef {import("puppeteer-core").Page} Page */
/** @typedef {import("./service.js").Service} Service */

/**
 * Do something as the page's elements do: call a function of actions.js or decisions.js. An argument
 * like `{ task: "Milk" }` stands for the object with this name, `{ entry: "Milk" }` for the write
 * that needs the person.
 *
 * @param {Page} tab
 * @param {string} action
 * @param {...any} args
 * @returns {Promise<any>}
 */
export async function act(tab, action, ...args) {
    await waitForAccount(tab);
    return await tab.evaluate(
        async (name, values) => {
            const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
            const load = (/** @type {string} */ file) => import(new URL(file, main.src).href);
            const { account } = await load("state.js");
            const actions = {
                ...(await load("actions.js")),
                ...(await load("views/decisions.js")),
            };
            const find = (/** @type {any} */ value) => {
                const [kind] = value && typeof value === "object" ? Object.keys(value) : [];
                if (kind === "entry") {
                    const { outbox } = account().copy;
                    return outbox.find((/** @type {any} */ entry) => entry.name === value.entry);
                }
                if (!["task", "list", "filter"].includes(kind)) {
                    return value;
                }
                const objects = [...account().view[`${kind}s`].values()];
                const found = objects.find(({ name: known }) => known === value[kind]);
                if (!found) {
                    throw new Error(`The page has no ${kind} ${value[kind]}`);
                }
                return found;
            };
            const place = (/** @type {any} */ value) =>
                value && typeof value === "object" && !Array.isArray(value)
                    ? Object.fromEntries(
                          Object.entries(value).map(([key, item]) =>
                              item && typeof item === "object" && !Array.isArray(item)
                                  ? [key, find(item).id]
                                  : [key, item],
                          ),
                      )
                    : value;
            const known = values.map((value) => {
                const found = find(value);
                return found === value ? place(value) : found;
            });
            return await actions[name](...known);
        },
        action,
        args,
    );
}

/** @param {Page} tab */
export async function waitForAccount(tab) {
    await tab.waitForSelector("todo-app.in");
}

/**
 * Return what IndexedDB has for the account that the tab shows.
 *
 * @param {Page} tab
 * @returns {Promise<{ tasks: any[], lists: any[], filters: any[], outbox: any[], meta: any }>}
 */
export async function stored(tab) {
    await waitForAccount(tab);
    return await tab.evaluate(async () => {
        const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
        const load = (/** @type {string} */ file) => import(new URL(file, main.src).href);
        const { account } = await load("state.js");
        const { readAll } = await load("store.js");
        return await readAll(account().copy.database);
    });
}

/**
 * Change the writes of the outbox behind the page's back.
 *
 * @param {Page} tab
 * @param {object} fields
 */
export async function age(tab, fields) {
    await tab.evaluate(async (change) => {
        const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
        const load = (/** @type {string} */ file) => import(new URL(file, main.src).href);
        const { account } = await load("state.js");
        const { commit } = await load("copy.js");
        const { copy } = account();
        await commit(copy, {
            put: copy.outbox.map((/** @type {object} */ entry) => ({ ...entry, ...change })),
        });
    }, fields);
}

/**
 * Wait for a condition outside the browser.
 *
 * @template T
 * @param {() => Promise<T | false | null | undefined> | T | false | null | undefined} condition
 * @param {string} what
 * @param {number} [timeout] milliseconds
 * @returns {Promise<T>}
 */
export async function until(condition, what, timeout = 15_000) {
    const end = Date.now() + timeout;
    for (;;) {
        const result = await condition();
        if (result) {
            return result;
        }
        assert.ok(Date.now() < end, `no ${what} within ${timeout} ms`);
        await new Promise((resolve) => setTimeout(resolve, 25));
    }
}

/**
 * Wait until the tab has nothing to send and is in step with the service.
 *
 * @param {Page} tab
 * @param {Service} service
 * @param {string} token
 */
export async function waitForSync(tab, service, token) {
    await waitForAccount(tab);
    await until(async () => {
        await wake(tab);
        const { outbox, meta } = await stored(tab);
        const { revision } = await service.send(
            "GET",
            "accounts/me/tasks?limit=1",
            undefined,
            token,
        );
        return outbox.length === 0 && meta.revision === revision;
    }, "synchronisation");
}

/** As if the person looked at the tab: it then synchronises at once. @param {Page} tab */
export async function wake(tab) {
    await tab.evaluate(() => void window.dispatchEvent(new Event("focus")));
}

/**
 * Wait for the state of the first write in the outbox.
 *
 * @param {Page} tab
 * @param {string} state
 * @returns {Promise<any>} the write
 */
export async function waitForState(tab, state) {
    return await until(async () => {
        await wake(tab);
        return (await stored(tab)).outbox.find((entry) => entry.state === state);
    }, `write that is ${state}`);
}

/**
 * Read everything of an account from the service, as the copy has it.
 *
 * @param {Service} service
 * @param {string} token
 * @returns {Promise<{ tasks: any[], lists: any[], filters: any[], revision: number }>}
 */
export async function readServer(service, token) {
    const get = (/** @type {string} */ path) =>
        service.send("GET", `accounts/me/${path}`, undefined, token);
    /** @type {any[]} */
    const tasks = [];
    let query = "archived=any&limit=200";
    let revision = 0;
    while (query) {
        const page = await get(`tasks?${query}`);
        tasks.push(...page.tasks.map((/** @type {any} */ { subtasks, ...task }) => task));
        revision = page.revision;
        query = page.next === null ? "" : page.next.slice(page.next.indexOf("?") + 1);
    }
    const { lists } = await get("lists");
    const { filters } = await get("filters");
    return { tasks, lists, filters, revision };
}

/** @param {any[]} objects @returns {any[]} the same, comparable */
const sorted = (objects) =>
    objects
        .map((object) =>
            Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))),
        )
        .sort((a, b) => a.id - b.id);

/**
 * Check that the copy in a tab is the account on the service, in every field.
 *
 * @param {Page} tab
 * @param {Service} service
 * @param {string} token
 */
export async function assertEqualCopy(tab, service, token) {
    await waitForSync(tab, service, token);
    const copy = await stored(tab);
    const server = await readServer(service, token);
    for (const name of /** @type {const} */ (["tasks", "lists", "filters"])) {
        assert.deepEqual(sorted(copy[name]), sorted(server[name]), name);
    }
}
