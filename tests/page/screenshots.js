/** Take the pictures in docs/pictures/ from the running page: `make screenshots`. */

import { mkdirSync } from "node:fs";
import { go, launch, logIn, openTab } from "./support/browser.js";
import { fillAccount } from "./support/example.js";
import { startService } from "./support/service.js";

const FOLDER = new URL("../../docs/pictures/", import.meta.url).pathname;

/** @typedef {{ width: number, height: number, dark: boolean }} Size */

const WIDE = { width: 1200, height: 780, dark: false };
const DARK = { ...WIDE, dark: true };
const PHONE = { width: 390, height: 780, dark: false };

/** @type {[string, string, Size][]} the name of a picture, its view, and its size */
const PICTURES = [
    ["today-light", "today", WIDE],
    ["today-dark", "today", DARK],
    ["task", "list/2?task=10", { ...WIDE, width: 1440, height: 900 }],
    ["phone", "upcoming", { ...PHONE, dark: true }],
    ["changes", "changes", WIDE],
];

const service = await startService();
const browsers = {
    light: await launch("chromium"),
    dark: await launch("chromium", { dark: true }),
};
try {
    mkdirSync(FOLDER, { recursive: true });
    await fillAccount(service, "alice");
    for (const [name, view, size] of PICTURES) {
        const context = await browsers[size.dark ? "dark" : "light"].createBrowserContext();
        const tab = await openTab(context, service.url, size);
        await logIn(tab, "alice");
        await go(tab, view);
        await tab.waitForNetworkIdle({ idleTime: 500 });
        await tab.screenshot({ path: `${FOLDER}${name}.png` });
        await context.close();
    }
    const tab = await openTab(browsers.light, `${service.url}docs`, WIDE);
    await tab.waitForSelector(".opblock");
    await tab.screenshot({ path: `${FOLDER}api.png` });
} finally {
    await browsers.light.close();
    await browsers.dark.close();
    await service.close();
}
