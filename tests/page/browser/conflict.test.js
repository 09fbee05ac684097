/** The page never overwrites changes of others without asking. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    newAccount,
    openAndCut,
    service,
    useBrowsers,
    waitForStatus,
} from "../support/accounts.js";
import { assertNoErrors, waitForNames } from "../support/browser.js";
import { named } from "../support/edits.js";
import {
    act,
    assertEqualCopy,
    readServer,
    until,
    waitForState,
    waitForSync,
} from "../support/sync.js";

useBrowsers(["chromium"]);

test("changes of other fields merge, and those of the same field ask", async () => {
    const account = await newAccount();
    const { proxy, context, tab, patch } = await openAndCut(
        account,
        ["change", "task", { task: "Milk" }, { note: "mine" }],
        ["change", "task", { task: "Bread" }, { name: "Rolls", note: "mine" }],
        ["complete", { task: "Rolls" }, true],
        ["change", "task", { task: "Salt" }, { note: "mine" }],
    );
    await patch("Milk", { priority: 5 });
    await patch("Bread", { name: "Buns", priority: 1 });
    proxy.open();
    const entry = await waitForState(tab, "conflict");
    assert.deepEqual(entry.problem.fields, ["name"]);
    assert.equal(entry.problem.current.name, "Buns");
    await waitForStatus(tab, /^1 change needs you$/);
    await until(
        async () => named((await readServer(service, account.token)).tasks, "Salt").note,
        "later write",
    );
    let { tasks } = await readServer(service, account.token);
    assert.equal(named(tasks, "Milk").note, "mine");
    assert.equal(named(tasks, "Milk").priority, 5);
    assert.equal(named(tasks, "Buns").completed, false, "what depends on the conflict waits");

    await act(tab, "decide", { entry: "Bread" }, ["note"]);
    await waitForSync(tab, service, account.token);
    ({ tasks } = await readServer(service, account.token));
    const { note, priority, completed } = named(tasks, "Buns");
    assert.deepEqual({ note, priority, completed }, { note: "mine", priority: 1, completed: true });
    await assertEqualCopy(tab, service, account.token);
    assertNoErrors(tab);
    await context.close();
});

test("a decision for my value sends it, and one for theirs drops it", async () => {
    const account = await newAccount();
    const { proxy, context, tab, patch } = await openAndCut(
        account,
        ["change", "task", { task: "Milk" }, { note: "mine" }],
        ["change", "task", { task: "Bread" }, { note: "mine" }],
    );
    await patch("Milk", { note: "theirs" });
    await patch("Bread", { note: "theirs" });
    proxy.open();
    await waitForState(tab, "conflict");
    await waitForStatus(tab, /^2 changes need you$/);
    await act(tab, "decide", { entry: "Milk" }, ["note"]);
    await act(tab, "decide", { entry: "Bread" }, null);
    await waitForSync(tab, service, account.token);
    const { tasks } = await readServer(service, account.token);
    assert.equal(named(tasks, "Milk").note, "mine");
    assert.equal(named(tasks, "Bread").note, "theirs");
    await context.close();
});

test("a write after a merged one does not overwrite what the merge has hidden", async () => {
    const account = await newAccount();
    const { proxy, context, tab, patch } = await openAndCut(
        account,
        ["change", "task", { task: "Milk" }, { name: "Oatmilk" }],
        ["change", "task", { task: "Oatmilk" }, { priority: 9 }],
        ["move", "task", { task: "Bread" }, { last: true }],
        ["change", "task", { task: "Bread" }, { priority: 9 }],
    );
    await patch("Milk", { priority: 5 });
    await patch("Bread", { priority: 5 });
    proxy.open();
    await waitForState(tab, "conflict");
    await waitForStatus(tab, /^2 changes need you$/);
    const { tasks } = await readServer(service, account.token);
    assert.equal(named(tasks, "Oatmilk").priority, 5);
    assert.equal(named(tasks, "Bread").priority, 5);
    await context.close();
});

test("a write to a task that was deleted elsewhere is kept, and can bring it back", async () => {
    const account = await newAccount();
    const { proxy, context, tab, tasks } = await openAndCut(
        account,
        ["change", "task", { task: "Milk" }, { note: "mine" }],
        ["change", "task", { task: "Milk" }, { note: "mine, too" }],
        ["remove", "task", { task: "Bread" }],
        ["create", "task", { name: "Tea" }],
    );
    await account.send("DELETE", `tasks/${named(tasks, "Milk").id}`);
    await account.send("DELETE", `tasks/${named(tasks, "Bread").id}`);
    proxy.open();
    await waitForState(tab, "gone");
    await waitForStatus(tab, /^1 change needs you$/);
    await waitForNames(tab, ["Salt", "Rice", "Soap", "Cake", "Pens", "Water", "Tea"]);
    await act(tab, "bringBack", { entry: "Milk" });
    await waitForSync(tab, service, account.token);
    assert.equal(named((await readServer(service, account.token)).tasks, "Milk").note, "mine, too");
    await assertEqualCopy(tab, service, account.token);
    await context.close();
});

test("an expired cursor starts over and keeps the outbox", async () => {
    const account = await newAccount();
    const { proxy, context, tab, patch } = await openAndCut(
        account,
        ["change", "task", { task: "Milk" }, { note: "mine" }],
        ["create", "task", { name: "Tea" }],
    );
    await patch("Salt", { note: "theirs" });
    // As after the restore of a backup: the account has no such revision.
    await tab.evaluate(async () => {
        const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
        const load = (/** @type {string} */ file) => import(new URL(file, main.src).href);
        const { account: open } = await load("state.js");
        const { commit } = await load("copy.js");
        await commit(open().copy, { meta: { revision: 1_000_000 } });
    });
    /** @type {import("../support/proxy.js").Seen[]} */
    const requests = [];
    proxy.use((seen) => (requests.push(seen), "pass"));
    await waitForSync(tab, service, account.token);
    assert.ok(requests.some(({ status }) => status === 410));
    assert.deepEqual(
        proxy.executed().map(({ method }) => method),
        ["PATCH", "POST"],
    );
    await assertEqualCopy(tab, service, account.token);
    const { tasks } = await readServer(service, account.token);
    assert.equal(named(tasks, "Milk").note, "mine");
    assert.ok(named(tasks, "Tea"));
    await context.close();
});
