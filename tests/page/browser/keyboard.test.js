/** Everything by the keyboard alone, and the order by the mouse. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { newAccount, openAccount, useBrowsers } from "../support/accounts.js";
import {
    BROWSERS,
    assertNoErrors,
    names,
    waitForNames,
    waitUntilSaved,
} from "../support/browser.js";
import { focused, waitForFocus, waitForText } from "../support/hands.js";

/** @typedef {import("puppeteer-core").Page} Page */
/** @typedef {import("puppeteer-core").KeyInput} KeyInput */
/** @typedef {import("../support/accounts.js").Account} Account */

useBrowsers(BROWSERS);

const INBOX = ["Milk", "Bread", "Salt", "Rice", "Soap", "Cake", "Pens", "Water"];

/**
 * Press keys, one after the other; something must have the focus after each.
 *
 * @param {Page} tab
 * @param {string} keys such as "g t" or "Alt+ArrowUp"
 */
async function press(tab, keys) {
    for (const key of keys.split(" ")) {
        const parts = /** @type {KeyInput[]} */ (key.split("+"));
        for (const part of parts.slice(0, -1)) {
            await tab.keyboard.down(part);
        }
        await tab.keyboard.press(/** @type {KeyInput} */ (parts.at(-1)));
        for (const part of parts.slice(0, -1)) {
            await tab.keyboard.up(part);
        }
        await tab.evaluate(() => new Promise(requestAnimationFrame));
        assert.notEqual(await focused(tab), "", `the focus is lost after ${key}`);
    }
}

/** @param {Account} account @returns {Promise<string[]>} the open tasks of the inbox in order */
const stored = async ({ send }) =>
    (await send("GET", "tasks?list=inbox&completed=false&sort=position")).tasks.map(
        (/** @type {any} */ task) => task.name,
    );

/** @param {string[]} expected without Water, which comes last */
const inbox = (...expected) => [...expected, ...INBOX.slice(expected.length)];

for (const name of BROWSERS) {
    test(`the keyboard is enough for the tasks of a list in ${name}`, async () => {
        const account = await newAccount();
        const { tab, context } = await openAccount(name, account);
        await waitForNames(tab, INBOX);
        await tab.focus("h1");
        for (const [key, task] of [
            ["j", "Milk"],
            ["j", "Bread"],
            ["j", "Salt"],
            ["k", "Bread"],
        ]) {
            await press(tab, key);
            await waitForFocus(tab, task);
        }
        await press(tab, "Alt+ArrowUp");
        await waitForNames(tab, inbox("Bread", "Milk"));
        assert.equal(await focused(tab), "Bread");
        await press(tab, "Alt+ArrowDown");
        await waitForNames(tab, INBOX);
        await press(tab, "Alt+ArrowDown");
        await waitForNames(tab, inbox("Milk", "Salt", "Bread"));
        await waitForFocus(tab, "Bread");
        await waitUntilSaved(tab);
        assert.deepEqual(await stored(account), await names(tab));

        await press(tab, "x");
        await waitForNames(tab, ["Milk", "Salt", ...INBOX.slice(3)]);
        await waitForFocus(tab, "Rice");
        await press(tab, "d");
        await waitForNames(tab, ["Milk", "Salt", ...INBOX.slice(4)]);
        await waitForFocus(tab, "Soap");
        await waitUntilSaved(tab);
        assert.deepEqual(await stored(account), await names(tab));
        await press(tab, "u");
        await waitForNames(tab, ["Milk", "Salt", ...INBOX.slice(3)]);
        await waitForFocus(tab, "Soap");

        await press(tab, "k e");
        await waitForFocus(tab, "Name");
        await press(tab, "End 2 Enter Escape");
        await waitForNames(tab, ["Milk", "Salt", "Rice2", ...INBOX.slice(4)]);
        await waitForFocus(tab, "Rice2");
        await waitUntilSaved(tab);
        assert.deepEqual(await stored(account), await names(tab));

        await press(tab, "a");
        await tab.keyboard.type("Tea tomorrow");
        await press(tab, "Enter");
        await waitForText(tab, ".groups", "Tea");
        assert.equal(await focused(tab), "Add a task");
        await waitUntilSaved(tab);
        assert.equal((await stored(account)).at(-1), "Tea");
        assertNoErrors(tab);
        await context.close();
    });

    test(`the keyboard reaches each view and each dialog in ${name}`, async () => {
        const account = await newAccount();
        const { tab, context } = await openAccount(name, account);
        await waitForNames(tab, INBOX);
        await tab.focus("h1");
        for (const [keys, title] of [
            ["g t", "Today"],
            ["g u", "Upcoming"],
            ["g c", "Completed"],
            ["g h", "Recent changes"],
            ["g s", "Settings"],
            ["g i", "Inbox"],
        ]) {
            await press(tab, keys);
            await waitForFocus(tab, title);
        }
        await press(tab, "/");
        assert.equal(await focused(tab), "Search");
        await tab.keyboard.type("sal");
        await waitForNames(tab, ["Salt"]);
        assert.equal(await focused(tab), "Search");
        await press(tab, "Tab");
        await press(tab, "g i");
        await waitForNames(tab, INBOX);

        await press(tab, "j ?");
        await tab.waitForSelector("dialog[open]");
        for (let count = 0; count < 4; count += 1) {
            await tab.keyboard.press("Tab");
            const place = await tab.evaluate(
                () =>
                    document.activeElement === document.body || // the browser's own bar
                    document.activeElement?.closest("dialog") !== null,
            );
            assert.ok(place, "the focus has left the dialog");
        }
        await press(tab, "Escape");
        await waitForFocus(tab, "Milk");

        await tab.reload();
        await waitForNames(tab, INBOX);
        await tab.keyboard.press("Tab");
        assert.equal(await focused(tab), "Skip to the tasks");
        await press(tab, "Enter");
        const main = await tab.evaluate(() => document.activeElement?.localName);
        assert.equal(main, "main");
        assertNoErrors(tab);
        await context.close();
    });

    test(`many pasted lines become tasks after a question in ${name}`, async () => {
        const account = await newAccount();
        const { tab, context } = await openAccount(name, account);
        await waitForNames(tab, INBOX);
        await tab.focus("h1");
        await press(tab, "a");
        await paste(tab, "- Tea\n- Jam tomorrow\n");
        await waitForText(tab, "dialog[open]", "Make 2 tasks");
        await press(tab, "Escape");
        await waitForFocus(tab, "Add a task");
        const text = await tab.$eval("todo-add input", (input) => input.value);
        assert.equal(text, "Tea Jam tomorrow");
        assert.deepEqual(await names(tab), INBOX);

        await paste(tab, "- Tea\n- Jam tomorrow\n");
        await tab.waitForSelector("dialog[open]");
        await press(tab, "Enter");
        await waitForFocus(tab, "Add a task");
        await waitForText(tab, ".groups", "Jam");
        await waitUntilSaved(tab);
        assert.deepEqual(await stored(account), [...INBOX, "Tea", "Jam"]);
        await context.close();
    });
}

/** Paste as the browser does, which has no clipboard here. @param {Page} tab @param {string} text */
async function paste(tab, text) {
    await tab.evaluate((lines) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", lines);
        const event = new ClipboardEvent("paste", { bubbles: true, cancelable: true });
        // Firefox does not let scripts fill the clipboard of an event.
        Object.defineProperty(event, "clipboardData", { value: clipboardData });
        document.activeElement?.dispatchEvent(event);
    }, text);
}

// Puppeteer's mouse makes real drag events in Chromium only.
if (BROWSERS.includes("chromium")) {
    test("the mouse orders tasks and lists", async () => {
        const account = await newAccount();
        await account.send("POST", "lists", { name: "Garden" });
        const { tab, context } = await openAccount("chromium", account);
        await waitForNames(tab, INBOX);
        await drag(tab, `//todo-row[.//a="Pens"]`, `//todo-row[.//a="Bread"]`);
        const expected = ["Milk", "Pens", "Bread", "Salt", "Rice", "Soap", "Cake", "Water"];
        await waitForNames(tab, expected);
        await waitUntilSaved(tab);
        assert.deepEqual(await stored(account), expected);

        await tab.evaluate(() => (location.hash = "#/lists"));
        await waitForText(tab, "todo-lists .items", "Garden");
        await drag(tab, `//li[@data-id][.//a="Garden"]`, `//li[@data-id][.//a="Home"]`);
        await tab.waitForSelector("todo-lists .item:first-child ::-p-text(Garden)");
        await waitUntilSaved(tab);
        const { lists } = await account.send("GET", "lists");
        assert.deepEqual(
            lists.map((/** @type {any} */ list) => list.name),
            ["Garden", "Home"],
        );
        assertNoErrors(tab);
        await context.close();
    });
}

/** Drag one row before another. @param {Page} tab @param {string} from @param {string} to */
async function drag(tab, from, to) {
    const [source, target] = await Promise.all(
        [from, to].map(async (path) =>
            (await tab.waitForSelector(`::-p-xpath(${path})`))?.boundingBox(),
        ),
    );
    assert.ok(source && target);
    const { mouse } = tab;
    await mouse.move(source.x + source.width / 2, source.y + 5);
    await mouse.down();
    // The browser drops moves that come faster than it drags.
    const end = Date.now() + 5_000;
    for (let step = 0; Date.now() < end && !(await isMarked(tab, to)); step += 1) {
        await mouse.move(target.x + target.width / 2, target.y + 5 + (step % 2));
        await tab.evaluate(() => new Promise(requestAnimationFrame));
    }
    await mouse.up();
}

/** @param {Page} tab @param {string} path @returns whether a row would be dropped before this one */
const isMarked = async (tab, path) =>
    (await tab.$(`::-p-xpath(${path}[@data-drop="before"])`)) !== null;
