/** The documentation page at /docs, in each browser. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { BROWSERS, HOST, assertNoErrors, launch, openTab } from "../support/browser.js";
import { PASSWORD, startService } from "../support/service.js";

/** @typedef {import("puppeteer-core").Page} Page */

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** @type {import("../support/service.js").Service} */
let service;
/** @type {Map<string, import("puppeteer-core").Browser>} */
const browsers = new Map();
let url = "";
let accounts = 0;

before(async () => {
    service = await startService();
    url = service.url.replace("127.0.0.1", HOST);
    for (const name of BROWSERS) {
        browsers.set(name, await launch(name));
    }
});
after(async () => {
    await Promise.all([...browsers.values()].map((browser) => browser.close()));
    await service.close();
});

/** @returns {{ username: string, email: string, password: string }} a new account */
function registration() {
    const username = `docs${(accounts += 1)}`;
    return { username, email: `${username}@example.com`, password: PASSWORD };
}

/**
 * Test something in each browser, in a profile without cookies.
 *
 * @param {string} title
 * @param {(tab: Page, requested: string[]) => Promise<void>} action gets the page, and the URLs
 *     that it requests
 */
function inEachBrowser(title, action) {
    for (const name of BROWSERS) {
        test(`${title} in ${name}`, async () => {
            const browser = /** @type {import("puppeteer-core").Browser} */ (browsers.get(name));
            const profile = await browser.createBrowserContext();
            try {
                const tab = await openTab(profile, "about:blank", { width: 1200, height: 1600 });
                tab.setDefaultTimeout(30_000); // it draws slowly
                /** @type {string[]} */
                const requested = [];
                tab.on("request", (request) => requested.push(request.url()));
                await tab.goto(`${url}docs`);
                await tab.waitForSelector(".opblock", { visible: true });
                await action(tab, requested);
            } finally {
                await profile.close();
            }
        });
    }
}

/** @param {Page} tab @param {string} selector */
async function click(tab, selector) {
    const element = await tab.waitForSelector(selector, { visible: true });
    await element?.click();
}

/**
 * Replace the content of a field, such as an example, at once: this page is slow to redraw.
 *
 * @param {Page} tab
 * @param {string} selector
 * @param {string} value
 */
async function fill(tab, selector, value) {
    const element = await tab.waitForSelector(selector, { visible: true });
    await element?.evaluate((field, content) => {
        /** @type {HTMLInputElement} */ (field).select();
        document.execCommand("insertText", false, content);
    }, value);
}

/** @param {Page} tab @param {string} selector @returns {Promise<string>} the text once it is shown */
async function text(tab, selector) {
    const element = await tab.waitForSelector(selector, { visible: true });
    assert.ok(element);
    return element.evaluate((shown) => shown.textContent ?? "");
}

/**
 * Send a request with the page's buttons; return the status and body that it shows.
 *
 * @param {Page} tab
 * @param {string} name of the operation
 * @param {Record<string, string>} fields
 * @returns {Promise<[string, any]>}
 */
async function tryOperation(tab, name, fields) {
    const operation = `#operations-${name}`;
    await click(tab, `${operation} .opblock-summary-control`);
    await click(tab, `${operation} .try-out__btn`);
    for (const [field, value] of Object.entries(fields)) {
        const selector = field === "body" ? "textarea" : `[data-param-name=${field}] input`;
        await fill(tab, `${operation} ${selector}`, value);
    }
    await click(tab, `${operation} .execute`);
    const answer = `${operation} .live-responses-table .response`;
    const status = await text(tab, `${answer} .response-col_status`);
    const body = await text(tab, `${answer} .response-col_description pre`);
    return [status.trim(), JSON.parse(body)];
}

/** @param {Page} tab @param {string} username */
const tryListingTasks = (tab, username) => tryOperation(tab, "Tasks-users_tasks", { username });

/** @param {Page} tab */
const cookies = async (tab) => tab.browserContext().cookies();

inEachBrowser("the documentation page lists every operation", async (tab) => {
    // In one call: the page may redraw.
    const shown = await tab.$$eval(".opblock-summary", (summaries) =>
        summaries.map((summary) => {
            const method = summary.querySelector(".opblock-summary-method")?.textContent;
            const path = summary.querySelector("[data-path]")?.getAttribute("data-path");
            return `${method} ${path}`;
        }),
    );
    const { paths } = await service.send("GET", "openapi.json");
    const documented = Object.entries(paths).flatMap(([path, item]) =>
        METHODS.filter((method) => method in item).map(
            (method) => `${method.toUpperCase()} ${path}`,
        ),
    );
    assert.ok(shown.includes("GET /api/v1/accounts/{username}/tasks"));
    assert.deepEqual(shown.sort(), documented.sort());
    assertNoErrors(tab);
});

inEachBrowser("the documentation page sends the token", async (tab, requested) => {
    const { username } = registration();
    const token = await service.register(username);
    await click(tab, ".auth-wrapper .authorize");
    await fill(tab, "#auth-bearer-value", token);
    await click(tab, ".auth-container:has(#auth-bearer-value) [type=submit]");
    await click(tab, ".close-modal");
    const [status, body] = await tryListingTasks(tab, username);
    assert.equal(status, "200");
    assert.equal(body.username, username);
    assert.deepEqual(body.tasks, []);
    assertNoErrors(tab);
    // The page also sends the documented defaults of the parameters.
    const listing = `${url}api/v1/accounts/${username}/tasks?limit=50&count=false`;
    assert.ok(requested.includes(listing), requested.join("\n"));
    const others = requested.filter((each) => !each.startsWith(url) && !each.startsWith("data:"));
    assert.deepEqual(others, []);
});

inEachBrowser("a request without a token is unauthenticated", async (tab) => {
    const { username } = registration();
    await service.register(username);
    const [status, body] = await tryListingTasks(tab, username);
    assert.equal(status, "401");
    assert.equal(body.code, "unauthenticated");
});

inEachBrowser("the documentation page uses the token after a registration", async (tab) => {
    const account = registration();
    const { username } = account;
    const body = JSON.stringify(account);
    const [registered] = await tryOperation(tab, "Accounts-register", { body });
    assert.equal(registered, "201");
    const [created, first] = await tryOperation(tab, "Tasks-create_task", { username });
    assert.equal(created, "201");
    assertNoErrors(tab);
    assert.deepEqual(await cookies(tab), [], "the page sends what its curl commands send");
    const curl = await tab.$eval(
        "#operations-Tasks-create_task .curl-command .curl",
        (command) => command.textContent ?? "",
    );
    const command = curl.replace(url, service.url); // the address that works outside the browser
    const output = execFileSync("bash", ["-c", command], { encoding: "utf-8", stdio: "pipe" });
    const second = JSON.parse(output).task;
    assert.ok(second.id > first.task.id);
    assert.equal(second.name, first.task.name);
});

inEachBrowser(
    "the documentation page keeps its session after creating an API token",
    async (tab) => {
        const { username, password } = registration();
        await service.register(username);
        const credentials = JSON.stringify({ username, password });
        const [loggedIn] = await tryOperation(tab, "Sessions-login", { body: credentials });
        assert.equal(loggedIn, "200");
        const body = JSON.stringify({ name: "script", scope: "read" });
        const [made] = await tryOperation(tab, "Tokens-create_token", { username, body });
        assert.equal(made, "201");
        const [created] = await tryOperation(tab, "Tasks-create_task", { username });
        assert.equal(created, "201", "the page must not switch to the read-only API token");
    },
);

inEachBrowser("the documentation page offers no login by cookie", async (tab) => {
    await click(tab, ".auth-wrapper .authorize");
    await tab.waitForSelector(".auth-container h4", { visible: true });
    const titles = await tab.$$eval(".auth-container h4", (all) =>
        all.map((title) => (title.textContent ?? "").split(/\s+/).join(" ").trim()),
    );
    assert.equal(titles.length, 1);
    assert.match(titles[0], /^bearer\s*\(http, Bearer\)$/);
});

inEachBrowser("a login form of another site is refused", async (tab) => {
    const { username, password } = registration();
    await service.register(username);
    const fields = Object.entries({ username, password })
        .map(([name, value]) => `<input name="${name}" value="${value}">`)
        .join("");
    const action = `${url}api/v1/accounts/login`;
    const form = `<form method="post" action="${action}">${fields}<button>Log in</button></form>`;
    await tab.goto(`data:text/html,${encodeURIComponent(form)}`);
    const answered = tab.waitForResponse((response) => response.url() === action);
    await tab.$eval("form", (element) => element.submit());
    assert.equal((await answered).status(), 403);
    assert.deepEqual(await cookies(tab), []);
});
