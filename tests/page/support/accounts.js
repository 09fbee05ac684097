/** Accounts with something in them, and browsers that show them. */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { go, launch, logIn, openTab } from "./browser.js";
import { startProxy } from "./proxy.js";
import { startService } from "./service.js";
import { named } from "./edits.js";
import { act, readServer, waitForSync } from "./sync.js";

/** @typedef {import("puppeteer-core").Browser} Browser */
/** @typedef {import("puppeteer-core").BrowserContext} BrowserContext */
/** @typedef {import("puppeteer-core").Page} Page */
/** @typedef {import("./browser.js").Name} Name */
/** @typedef {import("./proxy.js").Proxy} Proxy */
/** @typedef {Awaited<ReturnType<typeof newAccount>>} Account */

/** @type {import("./service.js").Service} */
export let service;
/** @type {Map<string, Browser>} */
const browsers = new Map();
/** @type {Proxy[]} */
const proxies = [];

/** Start the service and browsers for the tests of a file. @param {Name[]} names */
export function useBrowsers(names) {
    before(async () => {
        service = await startService();
        for (const name of names) {
            browsers.set(name, await launch(name));
        }
    });
    after(async () => {
        await Promise.all([...browsers.values()].map((browser) => browser.close()));
        proxies.forEach((proxy) => proxy.close());
        await service.close();
    });
}

let accounts = 0;

/** @param {string} browser @returns {Promise<BrowserContext>} a separate browser */
const profile = (browser) => /** @type {Browser} */ (browsers.get(browser)).createBrowserContext();

/** A new account with something in it. */
export async function newAccount() {
    const username = `sync${(accounts += 1)}`;
    const token = await service.register(username);
    /** @param {string} method @param {string} path @param {any} [body] */
    const send = async (method, path, body) => {
        const answer = await service.send(method, `accounts/me/${path}`, body, token);
        assert.ok(!("errors" in answer), JSON.stringify(answer));
        return answer;
    };
    const { list } = await send("POST", "lists", { name: "Home" });
    await send("POST", "filters", { name: "Urgent", query: "priority=high" });
    for (const name of ["Milk", "Bread", "Salt", "Rice", "Soap", "Cake", "Pens"]) {
        await send("POST", "tasks", { name, labels: ["shop"] });
    }
    await send("POST", "tasks", { name: "Sweep", list_id: list.id, labels: ["house"] });
    await send("POST", "tasks", {
        name: "Water",
        due_date: "2030-01-01",
        recurrence: "FREQ=DAILY",
    });
    const { task } = await send("POST", "tasks", { name: "Old" });
    await send("DELETE", `tasks/${task.id}`);
    return { username, token, send };
}

/**
 * Log in to an account in a separate browser.
 *
 * @param {string} browser
 * @param {Account} account
 * @param {{ url?: string, context?: BrowserContext }} [options]
 */
export async function openAccount(browser, account, { url = service.url, context } = {}) {
    context ??= await profile(browser);
    const tab = await openTab(context, `${url}#/inbox`);
    await logIn(tab, account.username);
    await go(tab, "inbox");
    await waitForSync(tab, service, account.token);
    return { context, tab };
}

export async function newProxy() {
    const proxy = await startProxy(service.url);
    proxies.push(proxy);
    return proxy;
}

/** The page works without a network from now on. @param {Page} tab */
export async function waitForWorker(tab) {
    await tab.evaluate(async () => {
        await navigator.serviceWorker.ready;
    });
    await tab.waitForFunction(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return registration?.active?.state === "activated";
    });
}

/** @param {Page} tab @param {RegExp} pattern */
export async function waitForStatus(tab, pattern) {
    await tab.waitForFunction(
        (source) => new RegExp(source).test(document.querySelector(".status")?.textContent ?? ""),
        {},
        pattern.source,
    );
}

/**
 * Open an account, and make edits while it cannot reach the service.
 *
 * @param {Account} account
 * @param {...[string, ...any[]]} edits
 */
export async function openAndCut(account, ...edits) {
    const proxy = await newProxy();
    const { context, tab } = await openAccount("chromium", account, { url: proxy.url });
    proxy.cut();
    for (const edit of edits) {
        await act(tab, ...edit);
    }
    const { tasks } = await readServer(service, account.token);
    const patch = (/** @type {string} */ name, /** @type {any} */ fields) =>
        account.send("PATCH", `tasks/${named(tasks, name).id}`, fields);
    return { proxy, context, tab, tasks, patch };
}
