/** Each view by the rules of WCAG 2.2 AA, light and dark, small and wide. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { violations } from "../support/axe.js";
import { BROWSERS, go, launch, logIn, openTab } from "../support/browser.js";
import { fillAccount } from "../support/example.js";
import { startService } from "../support/service.js";

const VIEWS = [
    "today",
    "today?task=1",
    "upcoming",
    "inbox",
    "list/1",
    "list/1?completed=1",
    "label/home",
    "filter/1",
    "search/milk",
    "completed",
    "lists",
    "labels",
    "filters",
    "changes",
    "trash",
    "unsent",
    "settings",
];
const SIZES = [
    { width: 320, height: 640, dark: false },
    { width: 1280, height: 900, dark: true },
    { width: 320, height: 640, dark: true },
    { width: 1280, height: 900, dark: false },
];

/** @type {import("../support/service.js").Service} */
let service;
before(async () => {
    service = await startService();
    await fillAccount(service, "alice");
});
after(() => service.close());

for (const name of BROWSERS) {
    // The rules hardly depend on the browser, so the second one gets half of the sizes.
    for (const size of name === "chromium" ? SIZES : SIZES.slice(0, 2)) {
        const how = `${size.dark ? "dark" : "light"} at ${size.width} px`;
        test(`every view is accessible in ${name}, ${how}`, async () => {
            const browser = await launch(name, size);
            try {
                const tab = await openTab(browser, service.url, size);
                await tab.waitForSelector("todo-login h1");
                assert.deepEqual(await violations(tab), [], "login");
                await go(tab, "register");
                assert.deepEqual(await violations(tab), [], "register");
                await go(tab, "login");
                await logIn(tab, "alice");
                for (const view of VIEWS) {
                    await go(tab, view);
                    await tab.waitForSelector("main h1:not(:empty)");
                    await tab.waitForNetworkIdle({ idleTime: 100 });
                    assert.deepEqual(await violations(tab), [], view);
                    const width = await tab.evaluate(() => document.documentElement.scrollWidth);
                    assert.ok(width <= size.width, `${view} is ${width} px wide`);
                }
                await tab.keyboard.press("?");
                await tab.waitForSelector("dialog[open]");
                assert.deepEqual(await violations(tab), [], "help");
            } finally {
                await browser.close();
            }
        });
    }
}
