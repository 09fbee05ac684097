/** A wrong clock, a copy that disappears, an account that is gone, and links nobody has made. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    newAccount,
    newProxy,
    openAccount,
    openAndCut,
    service,
    useBrowsers,
} from "../support/accounts.js";
import { add, assertNoErrors, go, openTab } from "../support/browser.js";
import { named } from "../support/edits.js";
import { act, readServer, until, waitForSync, wake } from "../support/sync.js";

const DAY_MS = 86_400_000;

useBrowsers(["chromium"]);

/** @param {import("puppeteer-core").Page} tab @param {number} difference milliseconds */
async function setClock(tab, difference) {
    await tab.evaluateOnNewDocument((milliseconds) => {
        const now = Date.now.bind(Date);
        globalThis.Date = /** @type {any} */ (
            class extends Date {
                /** @param {...any} values */
                constructor(...values) {
                    super(
                        .../** @type {[any]} */ (values.length ? values : [now() + milliseconds]),
                    );
                }

                static now() {
                    return now() + milliseconds;
                }
            }
        );
    }, difference);
}

for (const days of [-1, 1]) {
    test(`a clock that is wrong by ${days} day changes no date`, async () => {
        const account = await newAccount();
        const proxy = await newProxy();
        const { context, tab } = await openAccount("chromium", account, { url: proxy.url });
        await setClock(tab, days * DAY_MS);
        await tab.reload();
        await waitForSync(tab, service, account.token);
        proxy.cut();
        await act(tab, "addLines", ["Call tomorrow"], {});
        proxy.open();
        await waitForSync(tab, service, account.token);
        const { tasks } = await readServer(service, account.token);
        const tomorrow = new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
        assert.equal(named(tasks, "Call").due_date, tomorrow);
        await context.close();
    });
}

test("a quick entry made offline with a clock ahead is not refused", async () => {
    const account = await newAccount();
    const { proxy, context, tab } = await openAndCut(account);
    await tab.evaluate(async (day) => {
        const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
        const { addLines } = await import(new URL("actions.js", main.src).href);
        const now = Date.now.bind(Date);
        Date.now = () => now() + day; // after the last answer, so the page does not know
        await addLines(["Call !1"], {});
    }, DAY_MS);
    proxy.open();
    await waitForSync(tab, service, account.token);
    assert.equal(named((await readServer(service, account.token)).tasks, "Call").priority, 1);
    await context.close();
});

test("a copy that is deleted while the page is open is made anew", async () => {
    const account = await newAccount();
    const { context, tab } = await openAccount("chromium", account);
    await tab.evaluate(async () => {
        const databases = await indexedDB.databases();
        databases.forEach(({ name }) => indexedDB.deleteDatabase(name ?? ""));
    });
    await tab.waitForSelector("todo-login");
    await tab.waitForSelector("todo-app.in");
    await add(tab, "Tea");
    await waitForSync(tab, service, account.token);
    assert.ok(named((await readServer(service, account.token)).tasks, "Tea"));
    await context.close();
});

test("the copy of an account that was deleted elsewhere can be removed at the login", async () => {
    const account = await newAccount();
    const { proxy, context, tab } = await openAndCut(account, ["create", "task", { name: "Tea" }]);
    await fetch(`${service.url}api/v1/accounts/me`, {
        method: "DELETE",
        headers: {
            Authorization: `Bearer ${account.token}`,
            "Content-Type": "application/json",
        },
        body: JSON.stringify({ current_password: "correct horse battery" }),
    });
    proxy.open();
    await wake(tab);
    await tab.waitForSelector("todo-login .other button");
    await tab.click("todo-login .other button");
    await tab.waitForSelector("dialog[open]");
    await tab.click("dialog[open] .primary");
    await tab.waitForFunction(() => !document.querySelector("todo-login .other button"));
    await until(
        () => tab.evaluate(async () => (await indexedDB.databases()).length === 0),
        "deletion of the copy",
    );
    assert.doesNotMatch(await tab.evaluate(() => JSON.stringify(localStorage)), /sync/);
    await context.close();
});

test("after the logout, the back button shows no words of the account", async () => {
    const account = await newAccount();
    const { context, tab } = await openAccount("chromium", account);
    await go(tab, "search/Secret");
    await go(tab, "label/private");
    await go(tab, "today");
    await tab.click('[data-key="logout"]');
    await tab.waitForSelector("todo-login");
    for (let step = 0; step < 2; step += 1) {
        await tab.evaluate(() => history.back());
        await tab.waitForFunction(() => location.hash === "#/login");
    }
    await context.close();
});

test("the page comes to life also if the network goes while it loads", async () => {
    const proxy = await newProxy();
    let failures = 0;
    proxy.use(({ path }) =>
        path.endsWith("/views/trash.js") && (failures += 1) < 3 ? "refuse" : "pass",
    );
    const { context } = await openAccount("chromium", await newAccount());
    const tab = await openTab(context, proxy.url);
    await tab.waitForFunction(() => customElements.get("todo-trash"));
    assert.ok(failures >= 2);
    await context.close();
});

test("a link to a view that is named like a property of all objects shows today", async () => {
    const account = await newAccount();
    const { context, tab } = await openAccount("chromium", account);
    for (const name of ["constructor", "__proto__", "toString"]) {
        await go(tab, `${name}/1`);
        await tab.waitForFunction(() => location.hash === "#/today");
    }
    assertNoErrors(tab);
    await context.close();
});
