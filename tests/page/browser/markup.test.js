/** Markup and scripts in every text that a user can set are shown as text. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BROWSERS, assertNoErrors, go, launch, logIn, openTab } from "../support/browser.js";
import { startService } from "../support/service.js";

const RUN = "window.ran=1";
const PAYLOADS = [
    `<script>${RUN}</script>`,
    `"><script>${RUN}</script>`,
    `</title><script>${RUN}</script>`,
    `</textarea><script>${RUN}</script>`,
    `</style><script>${RUN}</script>`,
    `</noscript><script>${RUN}</script>`,
    `<scr<script>ipt>${RUN}</scr</script>ipt>`,
    `<SCRIPT SRC=//127.0.0.1/x.js></SCRIPT>`,
    `<img src=x onerror=${RUN}>`,
    `"><img src=x onerror=${RUN}>`,
    `'><img src=x onerror=${RUN}>`,
    `<img src=x onerror="${RUN}//`,
    `<svg onload=${RUN}>`,
    `<svg><script>${RUN}</script></svg>`,
    `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
    `<svg><use href="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=#x">`,
    `<math><mtext><table><mglyph><style><img src=x onerror=${RUN}>`,
    `<iframe src="javascript:${RUN}">`,
    `<iframe srcdoc="<script>parent.ran=1</script>">`,
    `<object data="javascript:${RUN}">`,
    `<embed src="javascript:${RUN}">`,
    `<a href="javascript:${RUN}">click</a>`,
    `javascript:${RUN}`,
    `JaVaScRiPt:${RUN}`,
    `java\tscript:${RUN}`,
    `data:text/html,<script>${RUN}</script>`,
    `https://x.example/" onmouseover="${RUN}`,
    `https://x.example/'><script>${RUN}</script>`,
    `http://javascript:${RUN}@x.example/`,
    `vbscript:msgbox(1)`,
    `<body onload=${RUN}>`,
    `<input autofocus onfocus=${RUN}>`,
    `<details open ontoggle=${RUN}>`,
    `<video><source onerror=${RUN}>`,
    `<marquee onstart=${RUN}>`,
    `<form action="javascript:${RUN}"><button>go</button></form>`,
    `<meta http-equiv=refresh content="0;url=javascript:${RUN}">`,
    `<base href="//127.0.0.1/">`,
    `<link rel=stylesheet href="//127.0.0.1/x.css">`,
    `<template><script>${RUN}</script></template>`,
    `{{constructor.constructor('${RUN}')()}}`,
    `\${${RUN}}`,
    `&lt;script&gt;${RUN}&lt;/script&gt;`,
    `<!--><script>${RUN}</script>-->`,
    `\u202e<script>${RUN}</script>`,
];

const VIEWS = [
    "inbox",
    "today",
    "upcoming",
    "completed",
    "lists",
    "labels",
    "filters",
    "changes",
    "trash",
    "unsent",
    "settings",
];

/** @type {import("../support/service.js").Service} */
let service;
before(async () => {
    service = await startService();
    await store(await service.register("alice"));
});
after(() => service.close());

/** Store each payload in each kind of text. @param {string} token */
async function store(token) {
    /** @param {string} path @param {object} body */
    const post = (path, body) => service.send("POST", `accounts/alice/${path}`, body, token);
    for (const text of PAYLOADS) {
        const labels = [text.replaceAll(",", "").trim().slice(0, 64)];
        const today = new Date().toISOString().slice(0, 10);
        await post("tasks", { name: text, note: text, labels, due_date: today });
        await post("lists", { name: text, note: text });
        await post("filters", { name: text, query: `search=${encodeURIComponent("script")}` });
        await post("tokens", { name: text.slice(0, 100), scope: "read" });
    }
    const { task } = await post("tasks", { name: PAYLOADS[8] });
    await service.send("DELETE", `accounts/alice/tasks/${task.id}`, undefined, token);
    await post("webhooks", {
        url: `https://hooks.example.com/?q=${encodeURIComponent(PAYLOADS[0])}`,
    });
}

for (const name of BROWSERS) {
    test(`markup in texts is text in ${name}`, async () => {
        const browser = await launch(name);
        try {
            const tab = await openTab(browser, service.url);
            tab.on("dialog", () => assert.fail("A script has opened a dialog"));
            await logIn(tab, "alice");
            const label = encodeURIComponent(PAYLOADS[0]);
            const details = PAYLOADS.map((_, index) => `inbox?task=${index + 1}`);
            const searches = PAYLOADS.map((text) => `search/${encodeURIComponent(text)}`);
            const more = [`label/${label}`, "list/1", "filter/1", `list/${label}`];
            for (const view of [...VIEWS, ...more, ...details, ...searches]) {
                await go(tab, view);
                await tab.waitForSelector("main h1:not(:empty)");
                await tab.waitForFunction(() =>
                    document.querySelector("todo-task, todo-row, main p"),
                );
                const [ran, shown] = await tab.evaluate(() => [
                    /** @type {any} */ (window).ran ?? null,
                    document.querySelectorAll(
                        "body img, body script, iframe, object, embed, marquee, base, [onerror]",
                    ).length,
                ]);
                assert.equal(ran, null, view);
                assert.equal(shown, 0, view);
            }
            await go(tab, "inbox");
            await tab.waitForSelector("todo-row");
            const first = await tab.$eval("todo-row .name", (link) => link.textContent);
            assert.equal(first, PAYLOADS[0]);
            const links = await tab.$$eval("a", (all) => all.map((link) => link.protocol));
            assert.deepEqual([...new Set(links)].sort(), ["http:"]);
            assertNoErrors(tab);
        } finally {
            await browser.close();
        }
    });
}
