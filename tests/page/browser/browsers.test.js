/** The other tests rely on this: how the browsers are set up, and which errors they report. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BROWSERS, assertNoErrors, launch, openTab } from "../support/browser.js";
import { startService } from "../support/service.js";

/** @type {import("../support/service.js").Service} */
let service;
before(async () => (service = await startService()));
after(() => service.close());

for (const name of BROWSERS) {
    test(`${name} is set up for the tests`, async () => {
        const browser = await launch(name, { language: "de-DE", dark: true });
        try {
            const tab = await openTab(browser, `${service.url}docs`);
            const found = await tab.evaluate(() => ({
                secure: isSecureContext,
                worker: "serviceWorker" in navigator,
                locks: "locks" in navigator,
                language: navigator.language,
                dark: matchMedia("(prefers-color-scheme: dark)").matches,
                width: innerWidth,
            }));
            const wanted = { secure: true, worker: true, locks: true, dark: true };
            assert.deepEqual(found, { ...wanted, language: "de-DE", width: 1280 });
            assertNoErrors(tab);

            const get = () =>
                tab.evaluate(async () => {
                    const answer = await fetch("/healthz").catch(() => null);
                    return [answer?.status ?? null, navigator.onLine];
                });
            await tab.setOfflineMode(true);
            assert.deepEqual(await get(), [null, false]);
            await tab.setOfflineMode(false);
            assert.deepEqual(await get(), [200, true]);

            const other = await browser.newPage();
            await assert.rejects(other.goto("http://example.com/"), "another host is out of reach");
        } finally {
            await browser.close();
        }
    });

    test(`${name} reports what the policy refuses`, async () => {
        const browser = await launch(name);
        try {
            const tab = await openTab(browser, service.url);
            await tab.waitForSelector("todo-login");
            assertNoErrors(tab);
            await tab.evaluate(async () => {
                const refused = new Promise((resolve) =>
                    document.addEventListener("securitypolicyviolation", resolve),
                );
                new Image().src = "http://example.com/x.png";
                await refused;
            });
            assert.throws(() => assertNoErrors(tab), /CSP: img-src/);
            const markup = () => tab.evaluate(() => (document.body.innerHTML = "<p>"));
            await assert.rejects(markup, "Trusted Types are required");
        } finally {
            await browser.close();
        }
    });
}
