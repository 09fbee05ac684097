/** The first day of a person, in each browser. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    BROWSERS,
    add,
    assertNoErrors,
    fill,
    go,
    launch,
    logIn,
    openTab,
    register,
    waitForNames,
    waitUntilSaved,
} from "../support/browser.js";
import { pressButton, waitForText } from "../support/hands.js";
import { PASSWORD, startService } from "../support/service.js";

/** @typedef {import("puppeteer-core").Page} Page */

const LINES = [
    "Milk #groceries",
    "Bread today #groceries",
    "Dentist tomorrow 9:30",
    "Rent in 3 days every month",
    "Report tomorrow !1 @office",
    "Holiday in 2 weeks",
    "Paint the fence in 4 days",
    "Library books in 5 days",
    "Shoes in 6 days",
    "Letter in 8 days",
];

/** @type {import("../support/service.js").Service} */
let service;
before(async () => (service = await startService()));
after(() => service.close());

for (const name of BROWSERS) {
    test(`a newcomer gets through the first day in ${name}`, async () => {
        const browser = await launch(name);
        try {
            const username = `walk-${name}`;
            const tab = await openTab(browser, service.url);
            await register(tab, username);
            const { token } = await service.send("POST", "accounts/login", {
                username,
                password: PASSWORD,
            });
            /** @param {string} path */
            const read = (path) => service.send("GET", `accounts/me/${path}`, undefined, token);
            await makeLists(tab);
            await addTasks(tab, read);
            await fillDetails(tab, read);
            await search(tab);
            await takeBack(tab, read);
            await restore(tab, read);
            await saveFilter(tab);
            await undoFromChanges(tab, read);
            await renameLabel(tab, read);
            await changeSettings(tab, read);
            await logOut(tab);
            await go(tab, "today"); // the back button has left a view without tasks
            await logIn(tab, username);
            await pressButton(tab, "Urgent", "todo-nav");
            await waitForNames(tab, ["Report"]);
            assertNoErrors(tab);
        } finally {
            await browser.close();
        }
    });
}

/** @typedef {(path: string) => Promise<any>} Read */

/** @param {Page} tab */
async function makeLists(tab) {
    await go(tab, "lists");
    await fill(tab, "todo-lists [name=name]", "groceries");
    await tab.keyboard.press("Enter");
    await waitForText(tab, "todo-nav", "groceries");
    await go(tab, "inbox");
    await fill(tab, "todo-add input", "Plant a tree #garden"); // a list that does not exist yet
    await pressButton(tab, "New list “garden”");
    await waitForText(tab, "todo-nav", "garden");
    await tab.waitForSelector(".chip.list");
    await fill(tab, "todo-add input", "");
    await waitUntilSaved(tab);
}

/** @param {Page} tab @param {Read} read */
async function addTasks(tab, read) {
    await go(tab, "inbox");
    await tab.waitForSelector("todo-add input");
    await add(tab, ...LINES);
    await waitUntilSaved(tab);
    await waitForNames(tab, [
        "Dentist",
        "Rent",
        "Report",
        "Holiday",
        "Paint the fence",
        "Library books",
        "Shoes",
        "Letter",
    ]);
    const { lists } = await read("lists");
    const { tasks } = await read(`tasks?list=${lists[0].id}`);
    assert.deepEqual(tasks.map((/** @type {any} */ task) => task.name).sort(), ["Bread", "Milk"]);
    await go(tab, "upcoming");
    await waitForText(tab, "main", "Tomorrow");
    await waitForNames(tab, [
        "Report",
        "Dentist",
        "Rent",
        "Paint the fence",
        "Library books",
        "Shoes",
        "Letter",
        "Holiday",
    ]);
    await go(tab, "today");
    await waitForNames(tab, ["Bread"]);
}

/** @param {Page} tab @param {Read} read */
async function fillDetails(tab, read) {
    await go(tab, "inbox");
    await openTask(tab, "Paint the fence");
    await fill(tab, "todo-task textarea[placeholder]", "Two coats");
    await tab.keyboard.press("Tab");
    await waitForText(tab, "todo-toasts", "Changed “Paint the fence”.");
    await fill(tab, ".subtasks > input", "Buy paint");
    await tab.keyboard.press("Enter");
    await waitForText(tab, ".subtasks", "Buy paint");
    await tab.select(`todo-task select[aria-label="Add a reminder"]`, "P1D");
    await tab.waitForSelector(".reminders li");
    await pressButton(tab, "Close the details");
    await waitUntilSaved(tab);
    const { tasks } = await read("tasks?search=paint");
    const fence = tasks.find((/** @type {any} */ task) => task.name === "Paint the fence");
    const subtask = tasks.find((/** @type {any} */ task) => task.name === "Buy paint");
    assert.equal(subtask.parent_id, fence.id);
    assert.equal(fence.note, "Two coats");
    assert.equal(fence.reminders[0].before, "P1D");
}

/** @param {Page} tab @param {string} name */
async function openTask(tab, name) {
    await pressButton(tab, name, "todo-row");
    await tab.waitForSelector("todo-task");
}

/** @param {Page} tab */
async function search(tab) {
    await fill(tab, ".top input[type=search]", "librar");
    await waitForNames(tab, ["Library books"]);
}

/** Complete, and undo from the message and by the key. @param {Page} tab @param {Read} read */
async function takeBack(tab, read) {
    await go(tab, "today");
    for (const undo of [() => pressButton(tab, "Undo"), () => tab.keyboard.press("u")]) {
        await waitForNames(tab, ["Bread"]);
        await tab.locator("todo-row input").click();
        await waitForNames(tab, []);
        await waitForText(tab, ".toast", "Completed “Bread”");
        await undo();
        await waitForNames(tab, ["Bread"]);
        await waitUntilSaved(tab);
        const { tasks } = await read("tasks?search=bread");
        assert.equal(tasks[0].completed, false);
    }
}

/** Delete, and restore from the trash. @param {Page} tab @param {Read} read */
async function restore(tab, read) {
    await go(tab, "today");
    await openTask(tab, "Bread");
    await tab.click("todo-task > .danger");
    await waitForNames(tab, []);
    await waitUntilSaved(tab);
    await go(tab, "trash");
    await waitForText(tab, "todo-trash", "Bread");
    await pressButton(tab, "Restore");
    await waitForText(tab, "todo-trash", "The trash is empty.");
    await waitUntilSaved(tab);
    assert.equal((await read("tasks?search=bread")).tasks.length, 1);
}

/** @param {Page} tab */
async function saveFilter(tab) {
    await go(tab, "filters?edit=new");
    await fill(tab, "todo-filter-form [name=name]", "Urgent");
    await tab.click("todo-filter-form input[value=high]");
    await pressButton(tab, "Save");
    await waitForText(tab, "h1", "Urgent");
    await waitForNames(tab, ["Report"]);
    await waitUntilSaved(tab);
}

/** @param {Page} tab @param {Read} read */
async function undoFromChanges(tab, read) {
    await go(tab, "changes");
    await waitForText(tab, "todo-changes", "Added “Letter”.");
    const change = await tab.$(`::-p-xpath(//li[contains(., "Added “Letter”")])`);
    await (await change?.$("button"))?.click();
    await waitUntilSaved(tab);
    await waitForText(tab, "todo-changes", "Deleted “Letter”.");
    assert.equal((await read("tasks?search=letter")).tasks.length, 0);
}

/** @param {Page} tab @param {Read} read */
async function renameLabel(tab, read) {
    await go(tab, "labels");
    await pressButton(tab, "Rename");
    await fill(tab, "todo-labels [name=name]", "work");
    await tab.keyboard.press("Enter");
    await waitForText(tab, "todo-nav", "@work");
    await waitUntilSaved(tab);
    assert.deepEqual((await read("tasks?search=report")).tasks[0].labels, ["work"]);
}

/** The time zone, an API token that is shown once, and the export. */
/** @param {Page} tab @param {Read} read */
async function changeSettings(tab, read) {
    await go(tab, "settings");
    await tab.waitForSelector("todo-settings-zone option");
    await tab.select("[name=timezone]", "Asia/Tokyo");
    await tab.click("todo-settings-zone button");
    await waitForText(tab, "todo-settings-zone .said", "Saved");
    await go(tab, "inbox");
    await waitForText(tab, "main", "18:30"); // 9:30 in UTC
    await go(tab, "settings");

    const form = "todo-settings-tokens details form";
    await tab.waitForSelector(form);
    await tab.click("todo-settings-tokens summary");
    await fill(tab, `${form} [name=name]`, "script");
    await tab.click(`${form} button`);
    await tab.waitForSelector("dialog[open]");
    const secret = await tab.$eval("dialog .secret", (shown) => shown.textContent ?? "");
    const answer = await fetch(`${service.url}api/v1/accounts/me`, {
        headers: { Authorization: `Bearer ${secret}` },
    });
    assert.equal(answer.status, 200);
    await pressButton(tab, "Close");
    await waitForText(tab, "todo-settings-tokens", "script");
    assert.ok(!(await tab.content()).includes(secret));
    await tab.reload();
    await tab.waitForSelector(form);
    assert.ok(!(await tab.content()).includes(secret));

    await tab.evaluate(() => {
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
            /** @type {any} */ (window).exported = /** @type {Blob} */ (blob).text();
            return make.call(URL, blob);
        };
    });
    await pressButton(tab, "Download my data");
    await waitForText(tab, "todo-settings-export", "The file is in your downloads.");
    const exported = JSON.parse(await tab.evaluate(() => /** @type {any} */ (window).exported));
    const { tasks } = await read("tasks?limit=100");
    assert.equal(exported.tasks.length, tasks.length);
}

/** Nothing is shown afterwards. @param {Page} tab */
async function logOut(tab) {
    await go(tab, "inbox");
    await waitForNames(tab, [
        "Dentist",
        "Rent",
        "Report",
        "Holiday",
        "Paint the fence",
        "Buy paint",
        "Library books",
        "Shoes",
    ]);
    await pressButton(tab, "Log out");
    await assertLoggedOut(tab);
    await tab.reload();
    await assertLoggedOut(tab);
    await tab.evaluate(() => history.back());
    await assertLoggedOut(tab);
}

/** @param {Page} tab */
async function assertLoggedOut(tab) {
    await tab.waitForSelector("todo-login [name=username]");
    assert.doesNotMatch(await tab.content(), /Dentist|groceries|Urgent|@work/);
    assert.deepEqual(await tab.$$("todo-row, todo-nav"), []);
}
