/** Browsers and tabs of one account are in step, also after an hour without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    newAccount,
    newProxy,
    openAccount,
    openAndCut,
    service,
    useBrowsers,
    waitForWorker,
} from "../support/accounts.js";
import { BROWSERS, assertNoErrors, launch, openTab, waitForNames } from "../support/browser.js";
import { EDITS, named } from "../support/edits.js";
import { isWrite } from "../support/proxy.js";
import { act, assertEqualCopy, readServer, waitForAccount, waitForSync } from "../support/sync.js";

useBrowsers(BROWSERS);

for (const name of BROWSERS) {
    test(`two browsers are in step within five seconds in ${name}`, async () => {
        const account = await newAccount();
        // In one browser, one of the two would be hidden.
        const second = await launch(name);
        const [one, two] = await Promise.all([
            openAccount(name, account),
            openAccount(name, account, { context: second.defaultBrowserContext() }),
        ]);
        const rest = ["Bread", "Salt", "Rice", "Soap", "Cake", "Pens", "Water"];
        await act(one.tab, "change", "task", { task: "Milk" }, { name: "Oatmilk" });
        await waitForNames(two.tab, ["Oatmilk", ...rest], 5_000);
        await act(two.tab, "move", "task", { task: "Oatmilk" }, { last: true });
        await act(two.tab, "create", "task", { name: "Eggs" });
        await waitForNames(one.tab, [...rest, "Oatmilk", "Eggs"], 5_000);
        await assertEqualCopy(one.tab, service, account.token);
        await assertEqualCopy(two.tab, service, account.token);
        assertNoErrors(one.tab);
        assertNoErrors(two.tab);
        await one.context.close();
        await second.close();
    });

    test(`edits without a network are saved once, after the tab was closed, in ${name}`, async () => {
        const account = await newAccount();
        const { context, tab } = await openAccount(name, account);
        await waitForWorker(tab);
        const { revision } = await readServer(service, account.token);
        await service.stop();
        for (const { edit } of EDITS) {
            await act(tab, ...edit);
        }
        const shown = ["Salt", "Milk", "Bread", "Cake", "Pens", "Water", "Tea", "Call tomorrow !2"];
        await waitForNames(tab, shown);
        await tab.close();

        const again = await openTab(context, `${service.url}#/inbox`);
        await waitForNames(again, shown);
        await again.waitForFunction(
            (count) =>
                document.querySelector(".status")?.textContent ===
                `Offline: ${count} changes not saved yet`,
            {},
            EDITS.length,
        );
        await service.start();
        await waitForSync(again, service, account.token);
        const data = await readServer(service, account.token);
        for (const { kind, isDone } of EDITS.filter((edit) => edit.kind !== "a completion")) {
            assert.ok(isDone(data), kind);
        }
        assert.equal(data.revision, revision + EDITS.length);
        await assertEqualCopy(again, service, account.token);
        assertNoErrors(again);
        await context.close();
    });
}

test("two tabs share one outbox, and send each write once", async () => {
    const account = await newAccount();
    const proxy = await newProxy();
    const { context, tab: one } = await openAccount("chromium", account, { url: proxy.url });
    const two = await openTab(context, `${proxy.url}#/inbox`);
    await waitForAccount(two);
    const { revision } = await readServer(service, account.token);
    proxy.use(() => "pass");
    const count = 12;
    await Promise.all(
        [one, two].map(async (tab, index) => {
            for (let number = 0; number < count; number += 1) {
                await act(tab, "create", "task", { name: `Task ${index} ${number}` });
                await act(
                    tab,
                    "change",
                    "task",
                    { task: `Task ${index} ${number}` },
                    { priority: 1 },
                );
            }
        }),
    );
    await waitForSync(one, service, account.token);
    await waitForSync(two, service, account.token);
    const data = await readServer(service, account.token);
    assert.equal(data.revision, revision + 4 * count);
    assert.equal(proxy.seen.filter(isWrite).length, 4 * count, "each write is sent once");
    const names = data.tasks
        .filter((task) => task.list_id === null)
        .sort((a, b) => (a.position < b.position ? -1 : 1))
        .map(({ name }) => name);
    await waitForNames(one, names);
    await waitForNames(two, names);

    // Offline writes of one tab are in the other, which goes on when the first is closed.
    proxy.cut();
    await act(one, "change", "task", { task: "Milk" }, { name: "Oatmilk" });
    await waitForNames(two, ["Oatmilk", ...names.slice(1)]);
    await one.close();
    proxy.open();
    await waitForSync(two, service, account.token);
    await assertEqualCopy(two, service, account.token);
    assertNoErrors(two);
    await context.close();
});

test("what was put into a new list goes to the inbox when the list is taken back", async () => {
    const account = await newAccount();
    const { proxy, context, tab } = await openAndCut(
        account,
        ["create", "task", { name: "Tea" }], // the only one that may have been sent
        ["create", "list", { name: "Work" }],
        ["create", "task", { name: "Report", list_id: { list: "Work" } }],
        ["create", "task", { name: "Draft", parent_id: { task: "Report" } }],
        ["change", "task", { task: "Draft" }, { note: "short" }],
        ["move", "task", { task: "Milk" }, { list_id: { list: "Work" }, last: true }],
    );
    await act(tab, "undo", { entry: "Work" });
    proxy.open();
    await waitForSync(tab, service, account.token);
    const { tasks, lists } = await readServer(service, account.token);
    for (const name of ["Tea", "Report", "Draft", "Milk"]) {
        assert.equal(named(tasks, name).list_id, null, name);
    }
    assert.equal(named(tasks, "Draft").parent_id, named(tasks, "Report").id);
    assert.equal(named(tasks, "Draft").note, "short");
    assert.equal(lists.length, 1);
    await assertEqualCopy(tab, service, account.token);
    await context.close();
});
