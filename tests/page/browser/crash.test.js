/** Nothing is lost or doubled, whatever dies in the middle of a write. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    newAccount,
    newProxy,
    openAccount,
    openAndCut,
    service,
    useBrowsers,
    waitForStatus,
    waitForWorker,
} from "../support/accounts.js";
import { openTab } from "../support/browser.js";
import { EDITS } from "../support/edits.js";
import { isWrite } from "../support/proxy.js";
import {
    act,
    age,
    assertEqualCopy,
    readServer,
    stored,
    until,
    waitForSync,
} from "../support/sync.js";

/** @typedef {import("puppeteer-core").Page} Page */

useBrowsers(["chromium"]);

test("a tab that dies in the middle of a write loses and doubles nothing", async () => {
    const account = await newAccount();
    const proxy = await newProxy();
    const { context, tab: first } = await openAccount("chromium", account, { url: proxy.url });
    let tab = first;
    for (const { kind, edit, isDone } of EDITS) {
        const { revision } = await readServer(service, account.token);
        proxy.use((seen) => (isWrite(seen) ? "hold" : "pass"));
        await act(tab, ...edit);
        await until(() => proxy.executed().length, `execution of ${kind}`);
        await kill(tab);
        proxy.open();
        tab = await openTab(context, `${proxy.url}#/inbox`);
        await waitForSync(tab, service, account.token);
        const data = await readServer(service, account.token);
        assert.ok(isDone(data), kind);
        assert.equal(data.revision, revision + 1, `${kind} is executed once`);
        const keys = proxy.seen.filter(isWrite).map(({ key }) => key);
        assert.equal(keys.length, 2, `${kind} is sent again`);
        assert.equal(keys[0], keys[1]);
    }
    await assertEqualCopy(tab, service, account.token);
    await context.close();
});

test("a tab that dies right after an edit, before it is sent, loses nothing", async () => {
    const account = await newAccount();
    const proxy = await newProxy();
    const { context, tab: first } = await openAccount("chromium", account, { url: proxy.url });
    let tab = first;
    await waitForWorker(tab);
    proxy.cut();
    for (const { edit } of EDITS) {
        await act(tab, ...edit);
        await kill(tab);
        tab = await openTab(context, `${proxy.url}#/inbox`);
    }
    const { revision } = await readServer(service, account.token);
    proxy.open();
    await waitForSync(tab, service, account.token);
    assert.equal((await readServer(service, account.token)).revision, revision + EDITS.length);
    await assertEqualCopy(tab, service, account.token);
    await context.close();
});

/** End the process of a tab, as a crash or a phone without memory does. @param {Page} tab */
async function kill(tab) {
    const session = await tab.createCDPSession();
    const crashed = new Promise((resolve) => tab.once("error", resolve));
    session.send("Page.crash").catch(() => {});
    await crashed;
    await tab.close();
}

test("a service that dies after it has executed a write executes it once", async () => {
    const account = await newAccount();
    const proxy = await newProxy();
    const { context, tab } = await openAccount("chromium", account, { url: proxy.url });
    const { revision } = await readServer(service, account.token);
    const kinds = ["a new task", "a change of fields", "a move to a list", "a deletion"];
    const some = EDITS.filter(({ kind }) => kinds.includes(kind));
    for (const { kind, edit, isDone } of some) {
        proxy.use((seen) => (isWrite(seen) ? "hold" : "pass"));
        await act(tab, ...edit);
        await until(() => proxy.executed().length, `execution of ${kind}`);
        await service.kill();
        proxy.fate = () => "refuse";
        await service.start();
        proxy.open();
        await tab.reload();
        await waitForSync(tab, service, account.token);
        assert.ok(isDone(await readServer(service, account.token)), kind);
    }
    assert.equal((await readServer(service, account.token)).revision, revision + some.length);
    await context.close();
});

for (const status of [429, 503]) {
    test(`${status} is waited for, as long as Retry-After says`, async () => {
        const account = await newAccount();
        const proxy = await newProxy();
        const { context, tab } = await openAccount("chromium", account, { url: proxy.url });
        let refused = 0;
        /** @type {number[]} */
        const times = [];
        proxy.use((seen) => {
            if (seen.path.startsWith("/api/")) {
                times.push(Date.now());
            }
            if (isWrite(seen) && !refused) {
                refused = Date.now();
                return { status, headers: { "Retry-After": "2" } };
            }
            return "pass";
        });
        await act(tab, "create", "task", { name: "Tea" });
        await until(() => refused, "refusal");
        await waitForStatus(tab, /^The service is busy: 1 change waits$/);
        await act(tab, "create", "task", { name: "Coffee" });
        await waitForStatus(tab, /^The service is busy: 2 changes wait$/);
        await waitForSync(tab, service, account.token);
        const early = times.filter((time) => time > refused && time < refused + 1_900);
        assert.deepEqual(early, [], "requests before the time");
        assert.equal(proxy.executed().length, 2);
        await assertEqualCopy(tab, service, account.token);
        await context.close();
    });
}

test("a write whose key has expired is looked up in the feed before it is sent again", async () => {
    const old = new Date(Date.now() - 25 * 60 * 60 * 1000).toISOString();
    const kinds = [
        "a new task",
        "a new list",
        "a change of fields",
        "a move to a list",
        "a deletion",
    ];
    const account = await newAccount();
    const proxy = await newProxy();
    const { context, tab } = await openAccount("chromium", account, { url: proxy.url });
    for (const { kind, edit, isDone } of EDITS.filter((known) => kinds.includes(known.kind))) {
        // The answer is lost, and the key is forgotten: another one stands for that.
        const { revision } = await readServer(service, account.token);
        proxy.use((seen) => (isWrite(seen) ? "lose" : "pass"));
        await act(tab, ...edit);
        await until(() => proxy.executed().length, `execution of ${kind}`);
        proxy.use(() => "refuse");
        await waitForStatus(tab, /^Offline/);
        await age(tab, { tried: old });
        if (kind.includes("new")) {
            // Later writes belong to the object that turns out to exist.
            const [, noun, { name }] = edit;
            await act(tab, "change", noun, { [noun]: name }, { note: "later" });
        }
        proxy.use(() => "pass");
        await waitForSync(tab, service, account.token);
        const data = await readServer(service, account.token);
        assert.ok(isDone(data), kind);
        const more = kind.includes("new") ? 1 : 0;
        assert.equal(data.revision, revision + 1 + more, `${kind} was executed`);
        assert.equal(proxy.executed().length, more, `${kind} is not sent again`);
    }
    assert.ok(
        (await readServer(service, account.token)).tasks.some(({ note }) => note === "later"),
    );
    await assertEqualCopy(tab, service, account.token);

    const fresh = await newAccount();
    const {
        proxy: cut,
        context: second,
        tab: late,
    } = await openAndCut(
        fresh,
        ...EDITS.filter((known) => kinds.includes(known.kind)).map(({ edit }) => edit),
    );
    await age(late, { tried: old, since: (await stored(late)).meta.revision });
    cut.use(() => "pass");
    await waitForSync(late, service, fresh.token);
    const data = await readServer(service, fresh.token);
    for (const { kind, isDone } of EDITS.filter((known) => kinds.includes(known.kind))) {
        assert.ok(isDone(data), `${kind} was not executed`);
    }
    assert.equal(cut.executed().length, kinds.length);
    await context.close();
    await second.close();
});
