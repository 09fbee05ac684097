/** Headless Chromium and Firefox, which reach this machine only. */

import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";
import { PASSWORD } from "./service.js";

/** @typedef {import("puppeteer-core").Browser} Browser */
/** @typedef {import("puppeteer-core").BrowserContext} BrowserContext */
/** @typedef {import("puppeteer-core").Page} Page */
/** @typedef {"chromium" | "firefox"} Name */

/** The browsers to test with; the environment variable BROWSER names one of them. */
export const BROWSERS = /** @type {Name[]} */ (
    process.env.BROWSER ? [process.env.BROWSER] : ["chromium", "firefox"]
);

/**
 * Another name of this machine. It is no secure context, and Swagger UI treats it as it treats any
 * host: it never calls its online validator for localhost.
 */
export const HOST = "todo.test";

const CHROMIUM = {
    browser: /** @type {const} */ ("chrome"),
    executablePath: "/usr/bin/chromium",
    args: [
        "--no-sandbox", // root cannot use the sandbox
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-quic",
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
    ],
};

const FIREFOX = {
    browser: /** @type {const} */ ("firefox"),
    executablePath: "/usr/bin/firefox-esr",
    extraPrefsFirefox: {
        "app.normandy.enabled": false,
        "datareporting.policy.dataSubmissionEnabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "network.dns.localDomains": HOST,
        // All other hosts are behind a proxy that does not exist.
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "network.proxy.no_proxies_on": HOST,
    },
};

/**
 * Start a browser with a new profile.
 *
 * @param {Name} name
 * @param {{ language?: string, dark?: boolean }} [options]
 * @returns {Promise<Browser>}
 */
export function launch(name, { language = "en-GB", dark = false } = {}) {
    if (name === "chromium") {
        const scheme = `--blink-settings=preferredColorScheme=${dark ? 0 : 1}`;
        const args = [...CHROMIUM.args, `--accept-lang=${language}`, scheme];
        return puppeteer.launch({ ...CHROMIUM, args });
    }
    const extraPrefsFirefox = {
        ...FIREFOX.extraPrefsFirefox,
        "intl.accept_languages": language,
        "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
    };
    return puppeteer.launch({ ...FIREFOX, extraPrefsFirefox });
}

/** @type {WeakMap<Page, string[]>} */
const messages = new WeakMap();

/**
 * Open a tab that records what goes wrong in it.
 *
 * @param {Browser | BrowserContext} browser
 * @param {string} url
 * @param {{ width?: number, height?: number }} [options]
 * @returns {Promise<Page>}
 */
export async function openTab(browser, url, { width = 1280, height = 900 } = {}) {
    const tab = await browser.newPage();
    tab.setDefaultTimeout(10_000);
    await tab.setViewport({ width, height });
    /** @type {string[]} */
    const list = [];
    messages.set(tab, list);
    tab.on("console", (message) => {
        // Refused and failed requests are expected: the page handles them.
        if (
            message.type() === "error" &&
            !/Failed to load resource|NetworkError/.test(message.text())
        ) {
            list.push(message.text());
        }
    });
    tab.on("pageerror", (error) => list.push(String(error)));
    // Firefox does not report violations of the policy to those who drive it.
    await tab.evaluateOnNewDocument(() =>
        document.addEventListener("securitypolicyviolation", (event) =>
            console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
        ),
    );
    await tab.goto(url);
    return tab;
}

/** Check that no script failed and no policy was violated. @param {Page} tab */
export function assertNoErrors(tab) {
    assert.deepEqual(messages.get(tab), []);
}

/**
 * Register in a tab, as a person does.
 *
 * @param {Page} tab
 * @param {string} username
 */
export async function register(tab, username) {
    await go(tab, "register");
    await fill(tab, "[name=username]", username);
    await fill(tab, "[name=email]", `${username}@example.com`);
    await fill(tab, "[name=password]", PASSWORD);
    await tab.click("button[type=submit]");
    await tab.waitForSelector("todo-tasks");
}

/**
 * Log in.
 *
 * @param {Page} tab
 * @param {string} username
 */
export async function logIn(tab, username) {
    await tab.waitForSelector("todo-login [name=username]");
    await fill(tab, "[name=username]", username);
    await fill(tab, "[name=password]", PASSWORD);
    await tab.click("button[type=submit]");
    await tab.waitForSelector("todo-tasks");
}

/**
 * Replace the content of a field.
 *
 * @param {Page} tab
 * @param {string} selector
 * @param {string} text
 */
export async function fill(tab, selector, text) {
    await tab.waitForSelector(selector, { visible: true });
    await tab.$eval(selector, (field) => /** @type {HTMLInputElement} */ (field).select());
    await tab.keyboard.press("Delete");
    await tab.type(selector, text);
}

/**
 * Show a view of the page.
 *
 * @param {Page} tab
 * @param {string} route such as "list/1"
 */
export async function go(tab, route) {
    await tab.evaluate((hash) => (location.hash = hash), `#/${route}`);
}

/**
 * Add tasks by the field of the present view.
 *
 * @param {Page} tab
 * @param {...string} lines
 */
export async function add(tab, ...lines) {
    for (const line of lines) {
        await fill(tab, "todo-add input", line);
        await tab.keyboard.press("Enter");
        await tab.waitForFunction(
            () =>
                /** @type {HTMLInputElement} */ (document.querySelector("todo-add input")).value ===
                "",
        );
    }
}

/** @param {Page} tab @returns {Promise<string[]>} the names of the tasks that the tab shows */
export function names(tab) {
    return tab.$$eval("todo-row .name", (links) => links.map((link) => link.textContent ?? ""));
}

/**
 * Wait until the tab shows exactly these tasks.
 *
 * @param {Page} tab
 * @param {string[]} expected
 * @param {number} [timeout] milliseconds
 */
export async function waitForNames(tab, expected, timeout = 10_000) {
    const wanted = JSON.stringify(expected);
    await tab
        .waitForFunction(
            (text) =>
                JSON.stringify(
                    [...document.querySelectorAll("todo-row .name")].map(
                        (link) => link.textContent,
                    ),
                ) === text,
            { timeout },
            wanted,
        )
        .catch(async () => assert.deepEqual(await names(tab), expected));
}

/** Wait until every write is saved. @param {Page} tab @param {number} [timeout] */
export async function waitUntilSaved(tab, timeout = 20_000) {
    await tab
        .waitForFunction(
            () =>
                /** @type {HTMLElement | null} */ (document.querySelector(".status"))?.hidden ===
                true,
            { timeout },
        )
        .catch(async () => {
            const status = await tab.$eval(".status", (element) => element.textContent);
            assert.fail(`not saved: ${status}`);
        });
}
