/** The service worker of the page: without a network, and while the service is updated. */

import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BROWSERS, assertNoErrors, launch, openTab } from "../support/browser.js";
import { ROOT, startService } from "../support/service.js";
import { until } from "../support/sync.js";

/** @typedef {import("puppeteer-core").Page} Page */
/** @typedef {import("../support/service.js").Service} Service */

const LATE = "js/texts/xx.js"; // a language that the page loads only if somebody wants it

/** @type {Map<string, import("puppeteer-core").Browser>} */
const browsers = new Map();

before(async () => {
    for (const name of BROWSERS) {
        browsers.set(name, await launch(name));
    }
});
after(() => Promise.all([...browsers.values()].map((browser) => browser.close())));

/**
 * @typedef {object} Scene
 * @property {Page} tab an empty tab in a new profile
 * @property {Service} service runs version "one" of the page
 * @property {(style: string) => Promise<void>} release start the service with another version
 */

/**
 * Test something in each browser.
 *
 * @param {string} title
 * @param {(scene: Scene) => Promise<void>} action
 * @param {string[]} names of browsers
 */
function inEachBrowser(title, action, names = BROWSERS) {
    for (const name of names) {
        test(`${title} in ${name}`, async () => {
            const browser = /** @type {import("puppeteer-core").Browser} */ (browsers.get(name));
            const folder = mkdtempSync(join(tmpdir(), "todo-release-"));
            const profile = await browser.createBrowserContext();
            writeRelease(folder, "one");
            const service = await startService({ PYTHONPATH: folder });
            try {
                const tab = await openTab(profile, "about:blank");
                const release = async (/** @type {string} */ style) => {
                    await service.stop();
                    writeRelease(folder, style);
                    await service.start();
                };
                await action({ tab, service, release });
            } finally {
                await profile.close();
                await service.close();
                rmSync(folder, { recursive: true });
            }
        });
    }
}

/**
 * Copy the service, with a style sheet and a language that differ in each release.
 *
 * @param {string} folder
 * @param {string} style
 */
function writeRelease(folder, style) {
    cpSync(join(ROOT, "todo"), join(folder, "todo"), { recursive: true });
    const page = join(folder, "todo", "web", "page");
    writeFileSync(join(page, LATE), `export const style = "${style}";`);
    appendFileSync(join(page, "page.css"), `/* ${style} */`);
}

/** @param {Page} tab @returns {Promise<string>} the version that the tab shows */
const version = (tab) =>
    tab.$eval("meta[name=version]", (meta) => /** @type {HTMLMetaElement} */ (meta).content);

/** @param {Page} tab @param {Service} service @returns {Promise<string>} the version */
async function openPage(tab, service) {
    await tab.goto(`${service.url}#/today`);
    return version(tab);
}

/**
 * Open the page, and wait until the service worker has taken over.
 *
 * @param {Page} tab
 * @param {Service} service
 */
async function openControlledPage(tab, service) {
    const opened = await openPage(tab, service);
    await settle(tab);
    return opened;
}

/** @param {Page} tab @returns {Promise<string>} the version */
async function reload(tab) {
    await tab.reload();
    return version(tab);
}

/**
 * Wait until the worker of the version that the page shows is in charge, and has put its caches in
 * order.
 *
 * @param {Page} tab
 */
async function settle(tab) {
    const shown = await version(tab);
    const settled = () =>
        tab.evaluate(async (url) => {
            const kept = await caches.match(url, { ignoreVary: true });
            const { installing, waiting, active } = await navigator.serviceWorker.ready;
            const { controller } = navigator.serviceWorker;
            const isAlone = !installing && !waiting && active?.state === "activated";
            return Boolean(kept && controller && isAlone);
        }, `page/${shown}/${LATE}`);
    await until(settled, "service worker in charge", 30_000);
}

/** @param {Page} tab @param {string} path @returns {Promise<boolean>} whether a script gets an answer */
const answers = (tab, path) =>
    tab.evaluate(
        (url) =>
            fetch(url).then(
                () => true,
                () => false,
            ),
        path,
    );

/** @param {Page} tab @param {string} shown the version @returns {Promise<string>} */
const lateStyle = (tab, shown) =>
    tab.evaluate(async (url) => (await import(url)).style, `/page/${shown}/${LATE}`);

/** @param {Page} tab @returns {Promise<boolean>} */
const isStyled = (tab) => tab.evaluate(() => document.styleSheets.length > 0);

/**
 * Answer each request with this status in place of the service, until the action ends.
 *
 * @param {Service} service which has stopped
 * @param {number} status
 * @param {() => Promise<void>} action
 */
async function whileProxyAnswers(service, status, action) {
    const server = createServer((request, response) => {
        const away = request.url?.startsWith("/login");
        response.writeHead(
            away ? 200 : status,
            status === 302 && !away ? { Location: "/login" } : {},
        );
        response.end("other");
    });
    const port = Number(new URL(service.url).port);
    await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(null)));
    try {
        await action();
    } finally {
        server.closeAllConnections();
        server.close();
    }
}

inEachBrowser("the page opens without a network", async ({ tab, service }) => {
    const opened = await openControlledPage(tab, service);
    for (const path of ["healthz", "api/v1"]) {
        assert.ok(await answers(tab, path), path);
    }
    assertNoErrors(tab);
    await service.stop();
    assert.equal(await reload(tab), opened);
    assert.equal(await openPage(tab, service), opened);
    assert.ok(await isStyled(tab));
    assert.equal(await lateStyle(tab, opened), "one");
    for (const path of ["api/v1", "api/v1/whoami", "healthz", "docs", "docs/docs.js"]) {
        assert.equal(await answers(tab, path), false, `${path} must not be kept`);
    }
});

inEachBrowser(
    "the worker answers only for the page",
    async ({ tab, service }) => {
        const opened = await openControlledPage(tab, service);
        /** @type {string[]} */
        const answered = [];
        tab.on("response", (response) => {
            if (response.fromServiceWorker()) answered.push(response.url().split("#")[0]);
        });
        await reload(tab);
        for (const path of ["api/v1", "api/v1/whoami", "healthz", "docs/docs.js", "?a=b"]) {
            assert.ok(await answers(tab, path), path);
        }
        await tab.goto(`${service.url}docs`);
        assert.ok(answered.includes(service.url));
        const files = `${service.url}page/${opened}/`;
        const others = answered.filter((url) => url !== service.url && !url.startsWith(files));
        assert.deepEqual(others, []);
    },
    // Firefox does not report who has answered.
    BROWSERS.filter((name) => name === "chromium"),
);

inEachBrowser("the page opens if the service does not answer", async ({ tab, service }) => {
    const opened = await openControlledPage(tab, service);
    service.signal("SIGSTOP");
    try {
        const begun = performance.now();
        assert.equal(await reload(tab), opened);
        assert.ok(performance.now() - begun >= 2000);
    } finally {
        service.signal("SIGCONT");
    }
});

inEachBrowser("the page opens if a proxy answers with a failure", async ({ tab, service }) => {
    const opened = await openControlledPage(tab, service);
    await service.stop();
    for (const status of [429, 500, 503]) {
        await whileProxyAnswers(service, status, async () => {
            assert.equal(await reload(tab), opened, `${status}`);
            assert.ok(await isStyled(tab), `${status}`);
        });
    }
});

inEachBrowser("the login of a proxy is shown", async ({ tab, service }) => {
    await openControlledPage(tab, service);
    await service.stop();
    await whileProxyAnswers(service, 302, async () => {
        await tab.reload();
        assert.equal(tab.url().split("#")[0], `${service.url}login`);
    });
});

inEachBrowser(
    "an open page keeps its files during an update",
    async ({ tab, service, release }) => {
        const old = await openControlledPage(tab, service);
        await release("two");
        const told = await tab.evaluate(async () => {
            const { serviceWorker } = navigator;
            const message = new Promise((resolve) =>
                serviceWorker.addEventListener("message", ({ data }) => resolve(data)),
            );
            serviceWorker.startMessages();
            await (await serviceWorker.ready).update(); // as browsers do by themselves
            return message;
        });
        assert.equal(told.type, "version");
        assert.notEqual(told.version, old);
        assert.equal(await version(tab), old);
        const { status } = await fetch(`${service.url}page/${old}/${LATE}`);
        assert.equal(status, 404);
        await tab.setCacheEnabled(false); // the cache of the browser, not that of the worker
        assert.equal(await lateStyle(tab, old), "one");
        await tab.setCacheEnabled(true);
        assert.equal(await reload(tab), told.version);
        await service.stop();
        assert.equal(await reload(tab), told.version, "without a network");
        await release("three");
        const newest = await reload(tab);
        assert.ok(![old, told.version].includes(newest));
        await settle(tab);
        const names = await tab.evaluate(() => caches.keys());
        const versions = names.map((name) => name.split(" ").at(-1));
        assert.deepEqual(versions, [told.version, newest]);
    },
);

inEachBrowser("caches of others on the origin stay", async ({ tab, service, release }) => {
    await openControlledPage(tab, service);
    const others = [`todo ${service.url}other/ 0123456789abcdef`, "app"];
    await tab.evaluate((names) => Promise.all(names.map((name) => caches.open(name))), others);
    for (const style of ["two", "three"]) {
        await release(style);
        await reload(tab);
        await settle(tab);
    }
    const names = await tab.evaluate(() => caches.keys());
    assert.equal(names.length, 4);
    assert.ok(others.every((name) => names.includes(name)));
});
