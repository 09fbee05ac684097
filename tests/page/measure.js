/** Measure the page with an account of 10,000 tasks, and print the figures: `make bench-page`. */

import { BROWSERS, fill, go, launch, logIn, openTab, waitUntilSaved } from "./support/browser.js";
import { startService } from "./support/service.js";

const TASKS = 10_000;
const BULK = 100;
const RUNS = 7;

/** @typedef {import("puppeteer-core").Page} Page */

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** @param {string} name @param {number[]} values milliseconds */
function print(name, values) {
    const [middle, longest] = [median(values), Math.max(...values)].map((value) =>
        value.toFixed(0),
    );
    console.log(`${name}: median ${middle} ms, longest ${longest} ms of ${values.length}`);
}

/** @param {import("./support/service.js").Service} service @param {string} token */
async function fillAccount(service, token) {
    for (let start = 0; start < TASKS; start += BULK) {
        const tasks = Array.from({ length: BULK }, (_, index) => {
            const number = start + index;
            const day = new Date(Date.now() + (number % 90) * 86_400_000)
                .toISOString()
                .slice(0, 10);
            return {
                name: `Task ${number} of a person with a very long list`,
                note: number % 3 ? null : "Some words that somebody wrote down to remember them.",
                due_date: [null, day, `${day}T10:30:00Z`][number % 3],
                labels: number % 4 ? [] : ["home"],
                priority: number % 10,
            };
        });
        await service.send("POST", "accounts/alice/tasks", { tasks }, token);
    }
}

/** Run in the tab; return the milliseconds until the next frame is ready. @param {Page} tab @param {string} action */
function time(tab, action) {
    return tab.evaluate(async (script) => {
        const row = /** @type {any} */ (document.querySelectorAll("todo-row")[2]);
        const started = performance.now();
        if (script === "complete") {
            row.querySelector("input").click();
            await changed(() => !row.isConnected);
        } else if (script === "move") {
            const before = row.previousElementSibling;
            row.focus();
            const key = { key: "ArrowUp", altKey: true, bubbles: true };
            document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", key));
            await changed(() => row.nextElementSibling === before);
        } else {
            const search = /** @type {any} */ (document.querySelector("input[type=search]"));
            search.value += script;
            search.dispatchEvent(new Event("input"));
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        }
        return performance.now() - started;

        /** @param {() => boolean} isDone */
        function changed(isDone) {
            return new Promise((resolve) => {
                const observer = new MutationObserver(
                    () => isDone() && (observer.disconnect(), resolve(null)),
                );
                observer.observe(document.body, {
                    subtree: true,
                    childList: true,
                    attributes: true,
                });
            });
        }
    }, action);
}

/** @param {Page} tab @returns {Promise<number>} milliseconds from the start of the page to its rows */
async function openFromCopy(tab) {
    await tab.reload();
    await tab.waitForSelector("todo-row");
    return tab.evaluate(() => performance.getEntriesByName("rows")[0].startTime);
}

const service = await startService();
try {
    await fillAccount(service, await service.register("alice"));
    for (const name of BROWSERS) {
        const browser = await launch(name);
        const tab = await openTab(browser, service.url);
        await tab.evaluateOnNewDocument(() => {
            new MutationObserver((_, observer) => {
                if (document.querySelector("todo-row")) {
                    performance.mark("rows");
                    observer.disconnect();
                }
            }).observe(document, { childList: true, subtree: true });
        });
        const started = performance.now();
        await logIn(tab, "alice");
        await go(tab, "inbox");
        await tab.waitForSelector("todo-row", { timeout: 30_000 });
        console.log(
            `${name}: cold, from the login to the tasks: ${(performance.now() - started).toFixed(0)} ms`,
        );
        await waitUntilSaved(tab);
        /** @type {number[]} */
        const opened = [];
        for (let run = 0; run < RUNS; run += 1) {
            opened.push(await openFromCopy(tab));
        }
        print(`${name}: open from the copy`, opened);
        for (const action of ["complete", "move"]) {
            const values = [];
            for (let run = 0; run < RUNS; run += 1) {
                values.push(await time(tab, action));
                await waitUntilSaved(tab);
            }
            print(`${name}: ${action}`, values);
        }
        await fill(tab, "input[type=search]", "");
        const typed = [];
        for (const letter of "person") {
            typed.push(await time(tab, letter));
        }
        print(`${name}: a letter in the search`, typed);
        if (name === "chromium") {
            const { JSHeapUsedSize } = await tab.metrics();
            console.log(`${name}: JavaScript heap ${((JSHeapUsedSize ?? 0) / 1e6).toFixed(0)} MB`);
        }
        await browser.close();
    }
} finally {
    await service.close();
}
