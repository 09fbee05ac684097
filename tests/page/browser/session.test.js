/** A copy belongs to one account. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { newAccount, openAndCut, service, useBrowsers } from "../support/accounts.js";
import { go, logIn } from "../support/browser.js";
import { named } from "../support/edits.js";
import { assertEqualCopy, readServer, stored, until, waitForSync, wake } from "../support/sync.js";

useBrowsers(["chromium"]);

test("a dead session locks the copy until the same account logs in", async () => {
    const account = await newAccount();
    const other = await newAccount();
    const { proxy, context, tab } = await openAndCut(account, [
        "create",
        "task",
        { name: "Secret plan" },
    ]);
    await account.send("DELETE", "tokens");
    proxy.open();
    await wake(tab);
    await tab.waitForSelector("todo-login [name=username]");
    assert.doesNotMatch(await tab.content(), /Secret|Milk/);
    await tab.reload();
    await tab.waitForSelector("todo-login [name=username]");
    assert.doesNotMatch(await tab.content(), /Secret|Milk/);

    await logIn(tab, other.username);
    await waitForSync(tab, service, other.token);
    assert.doesNotMatch(await tab.content(), /Secret/);
    assert.equal(named((await readServer(service, other.token)).tasks, "Secret plan"), undefined);
    assert.equal(named((await readServer(service, account.token)).tasks, "Secret plan"), undefined);
    await context.deleteCookie(...(await context.cookies()));
    await wake(tab);
    await logIn(tab, account.username);
    await waitForSync(tab, service, account.token);
    assert.ok(named((await readServer(service, account.token)).tasks, "Secret plan"));
    await assertEqualCopy(tab, service, account.token);
    await context.close();
});

test("a login to another account in another tab neither locks it nor mixes the two", async () => {
    const account = await newAccount();
    const other = await newAccount();
    const { proxy, context, tab } = await openAndCut(account, ["create", "task", { name: "Mine" }]);
    // Another tab logs in, and this one does not know yet.
    proxy.use(({ path }) => (/accounts\/(login|me)$/.test(path) ? "pass" : "refuse"));
    const status = await tab.evaluate(async (username) => {
        const answer = await fetch("/api/v1/accounts/login", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({
                username,
                password: "correct horse battery",
                session: "cookie",
            }),
        });
        const profile = await (await fetch("/api/v1/accounts/me")).json();
        const known = JSON.parse(localStorage.getItem("todo") ?? "");
        const names = { ...known.names, [profile.id]: username };
        localStorage.setItem("todo", JSON.stringify({ ...known, names, account: profile.id }));
        return answer.status;
    }, other.username);
    assert.equal(status, 200);
    proxy.open();
    await wake(tab);
    await tab.waitForFunction(
        async (name) => {
            const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
            const { state } = await import(new URL("state.js", main.src).href);
            return state.account?.copy.meta.profile?.username === name;
        },
        {},
        other.username,
    );
    await waitForSync(tab, service, other.token);
    assert.equal(named((await readServer(service, other.token)).tasks, "Mine"), undefined);
    await other.send("DELETE", "tokens");
    await wake(tab);
    await logIn(tab, account.username);
    await waitForSync(tab, service, account.token);
    assert.ok(named((await readServer(service, account.token)).tasks, "Mine"));
    await context.close();
});

test("a new username does not lock the copy, even if the old one is no longer known", async () => {
    const account = await newAccount();
    const { proxy, context, tab } = await openAndCut(account, ["create", "task", { name: "Tea" }]);
    await service.send(
        "PATCH",
        "accounts/me",
        { username: `${account.username}-new`, current_password: "correct horse battery" },
        account.token,
    );
    // As after 90 days, when the old one is free for others.
    proxy.use(({ path }) =>
        path.includes(`/${account.username}/`)
            ? { status: 403, body: { code: "forbidden" } }
            : "pass",
    );
    await wake(tab);
    await waitForSync(tab, service, account.token);
    assert.equal((await stored(tab)).meta.profile.username, `${account.username}-new`);
    assert.ok(named((await readServer(service, account.token)).tasks, "Tea"));
    await context.close();
});

test("a logout warns of unsaved changes, and leaves nothing behind", async () => {
    const account = await newAccount();
    const { proxy, context, tab } = await openAndCut(account, [
        "create",
        "task",
        { name: "Secret plan" },
    ]);
    await go(tab, "search/Secret");
    await tab.click("[data-key=logout]");
    const anyway = await tab.waitForSelector("dialog[open] .danger");
    assert.match(await tab.$eval("dialog[open]", ({ innerText }) => innerText), /1 change is not/);
    proxy.open();
    await anyway?.click();
    await tab.waitForSelector("todo-login [name=username]");
    await until(async () => (await context.cookies()).length === 0, "end of the session");
    await until(
        () => tab.evaluate(async () => (await indexedDB.databases()).length === 0),
        "removal of the copy",
    );
    assert.doesNotMatch(await tab.evaluate(() => JSON.stringify(localStorage)), /sync\d/);
    assert.doesNotMatch(tab.url(), /Secret/);
    await tab.goBack();
    assert.doesNotMatch(await tab.content(), /Secret|Milk/);
    await context.close();
});
