/** A write that is cancelled before its answer has come: executed or not, it leaves no trace. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { newAccount, newProxy, openAccount, service, useBrowsers } from "../support/accounts.js";
import { EDITS, named } from "../support/edits.js";
import { isWrite } from "../support/proxy.js";
import { act, assertEqualCopy, readServer, stored, until, waitForSync } from "../support/sync.js";

/** @typedef {import("puppeteer-core").Page} Page */

useBrowsers(["chromium"]);

/** Wait until the first write may have left. @param {Page} tab */
async function waitUntilTried(tab) {
    await until(async () => (await stored(tab)).outbox[0]?.tried, "a try");
}

/** Cancel a write of the outbox. @param {Page} tab @param {string} name of its object */
async function cancel(tab, name) {
    await act(tab, "undo", { entry: name });
}

/** The account as the person sees it. @param {{ tasks: any[], lists: any[], filters: any[] }} data */
const contents = ({ tasks, lists, filters }) =>
    [...tasks, ...lists, ...filters]
        .map(({ revision, modification_date, ...object }) => object)
        .sort((a, b) => (a.name < b.name ? -1 : 1));

/** Open an account behind a proxy. */
async function openProxied() {
    const account = await newAccount();
    const proxy = await newProxy();
    const { context, tab } = await openAccount("chromium", account, { url: proxy.url });
    return { account, proxy, context, tab };
}

for (const fate of /** @type {const} */ (["refuse", "lose"])) {
    test(`each kind of write can be cancelled when its request was to ${fate}`, async () => {
        const { account, proxy, context, tab } = await openProxied();
        const before = contents(await readServer(service, account.token));
        for (const { kind, edit } of EDITS.filter(({ kind: known }) => known !== "a reopening")) {
            proxy.use((seen) => (isWrite(seen) ? fate : "pass"));
            await act(tab, ...edit);
            await waitUntilTried(tab);
            if (fate === "lose") {
                await until(() => proxy.executed().length, `execution of ${kind}`);
            }
            await cancel(tab, (await stored(tab)).outbox[0].name);
            proxy.open();
            await waitForSync(tab, service, account.token);
            assert.deepEqual(contents(await readServer(service, account.token)), before, kind);
        }
        await assertEqualCopy(tab, service, account.token);
        await context.close();
    });
}

test("a new task is cancelled with the writes that were made to it since", async () => {
    const { account, proxy, context, tab } = await openProxied();
    const before = contents(await readServer(service, account.token));
    proxy.cut();
    await act(tab, "create", "task", { name: "Tea" });
    await waitUntilTried(tab);
    await act(tab, "change", "task", { task: "Tea" }, { note: "green" });
    await act(tab, "move", "task", { task: "Tea" }, { first: true });
    await act(tab, "complete", { task: "Tea" }, true);
    await act(tab, "undo", (await stored(tab)).outbox[0]);
    proxy.open();
    await waitForSync(tab, service, account.token);
    assert.deepEqual(contents(await readServer(service, account.token)), before);
    await context.close();
});

test("what was put into a cancelled list goes to the inbox", async () => {
    const { account, proxy, context, tab } = await openProxied();
    proxy.cut();
    const id = await act(tab, "create", "list", { name: "Work" });
    await waitUntilTried(tab);
    await act(tab, "addLines", ["Report !1"], { list_id: id });
    await act(tab, "create", "task", { name: "Plan", list_id: id });
    await act(tab, "move", "task", { task: "Milk" }, { list_id: id, last: true });
    await cancel(tab, "Work");
    const places = await tab.evaluate(async () => {
        const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
        const { account: open } = await import(new URL("state.js", main.src).href);
        const tasks = [...open().view.tasks.values()];
        return tasks
            .filter(({ name }) => /Report|Plan|Milk/.test(name))
            .map(({ list_id }) => list_id);
    });
    assert.deepEqual(places, [null, null, null]);
    proxy.open();
    await waitForSync(tab, service, account.token);
    const { tasks, lists } = await readServer(service, account.token);
    assert.equal(named(lists, "Work"), undefined);
    for (const name of ["Report", "Plan", "Milk"]) {
        assert.equal(named(tasks, name).list_id, null, name);
    }
    await context.close();
});

test("a cancelled change is not taken for one of somebody else", async () => {
    const { account, proxy, context, tab } = await openProxied();
    proxy.cut();
    await act(tab, "change", "task", { task: "Milk" }, { name: "Milk 1" });
    await waitUntilTried(tab);
    await act(tab, "change", "task", { task: "Milk 1" }, { name: "Milk 2", priority: 1 });
    await act(tab, "change", "task", { task: "Milk 2" }, { note: "two" });
    await act(tab, "undo", (await stored(tab)).outbox[0]);
    proxy.open();
    await waitForSync(tab, service, account.token);
    const { name, priority, note } = named(
        (await readServer(service, account.token)).tasks,
        "Milk 2",
    );
    assert.deepEqual([name, priority, note], ["Milk 2", 1, "two"]);
    await context.close();
});

test("a write that is refused after it was cancelled asks nothing", async () => {
    const { account, proxy, context, tab } = await openProxied();
    proxy.cut();
    await act(tab, "change", "task", { task: "Milk" }, { name: "Milk 1" });
    await waitUntilTried(tab);
    await cancel(tab, "Milk");
    const milk = named((await readServer(service, account.token)).tasks, "Milk");
    await account.send("PATCH", `tasks/${milk.id}`, { name: "Oat milk" });
    proxy.open();
    await waitForSync(tab, service, account.token);
    await assertEqualCopy(tab, service, account.token);
    assert.ok(named((await readServer(service, account.token)).tasks, "Oat milk"));
    await context.close();
});
