/**
 * Three browsers of one account make random edits, each without a network at times, and decide
 * conflicts at random. In the end all equal the service, and no edit is lost that nobody overwrote
 * knowingly. RANDOM_SEED repeats a run, as far as the network's timing allows.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoErrors, launch, logIn, openTab } from "../support/browser.js";
import { startProxy } from "../support/proxy.js";
import { startService } from "../support/service.js";
import { act, assertEqualCopy, readServer, stored, until, wake } from "../support/sync.js";

/** @typedef {import("puppeteer-core").Page} Page */

const EDITS = 60;
const SEED = Number(process.env.RANDOM_SEED ?? Math.floor(Math.random() * 1e9));

/** @param {number} seed @returns {() => number} numbers from 0 to 1 (mulberry32) */
function generator(seed) {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let value = Math.imul(state ^ (state >>> 15), state | 1);
        value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
        return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
    };
}

const random = generator(SEED);
const below = (/** @type {number} */ count) => Math.floor(random() * count);

/**
 * The knowledge of each task, by uid.
 *
 * @typedef {object} Known
 * @property {Record<string, any[]>} values of each field, in the order in which they were written
 * @property {Set<string>} contested fields about which a person had to decide
 * @property {boolean} deleted
 * @property {boolean} restored
 */

/** @type {Map<string, Known>} */
const model = new Map();

/** @param {any} task */
function know({ uid, name, list_id, priority, due_date, labels, completed }) {
    const fields = { name, list_id, priority, due_date, labels, completed };
    const values = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, [value]]));
    model.set(uid, { values, contested: new Set(), deleted: false, restored: false });
}

/** @param {string} uid @param {Record<string, any>} fields */
function wrote(uid, fields) {
    const { values } = /** @type {Known} */ (model.get(uid));
    for (const [name, value] of Object.entries(fields)) {
        values[name].push(value);
    }
}

/** Fields whose values are never written twice: without a conflict, the last one stays. */
const UNIQUE = ["name", "due_date", "labels"];

let number = 0;

/** Make an edit in a tab. @param {Page} tab @param {any[]} lists */
async function edit(tab, lists) {
    number += 1;
    const tasks = await shown(tab);
    const task = tasks[below(tasks.length)];
    const kind = ["add", "name", "name", "due_date", "due_date", "labels", "labels", "priority"]
        .concat(["complete", "complete", "move", "move", "after", "delete"])
        .at(below(14));
    if (kind === "add" || !task) {
        const name = `Task ${number}`;
        const list_id = random() < 0.5 ? null : lists[below(lists.length)].id;
        const id = await act(tab, "create", "task", { name, list_id });
        const defaults = { priority: 0, due_date: null, labels: [], completed: false };
        know({ uid: id.slice(4), name, list_id, ...defaults });
        return;
    }
    /** @type {Record<string, any>} */
    const values = {
        name: `Name ${number}`,
        due_date: `20${30 + Math.floor(number / 28)}-01-${String((number % 28) + 1).padStart(2, "0")}`,
        labels: [`label${number}`],
        priority: below(10),
    };
    if (kind === "complete") {
        await act(tab, "complete", task, !task.completed);
        wrote(task.uid, { completed: !task.completed });
    } else if (kind === "move") {
        const list_id = lists[below(lists.length)].id;
        await act(tab, "move", "task", task, {
            list_id,
            [random() < 0.5 ? "first" : "last"]: true,
        });
        wrote(task.uid, { list_id });
    } else if (kind === "after") {
        const others = tasks.filter((other) => other !== task && other.list_id === task.list_id);
        if (others.length) {
            await act(tab, "move", "task", task, { after: others[below(others.length)].id });
        }
    } else if (kind === "delete") {
        await act(tab, "remove", "task", task);
        /** @type {Known} */ (model.get(task.uid)).deleted = true;
    } else if (kind) {
        await act(tab, "change", "task", task, { [kind]: values[kind] });
        wrote(task.uid, { [kind]: values[kind] });
    }
}

/** @param {Page} tab @returns {Promise<any[]>} the tasks that the tab shows */
async function shown(tab) {
    return await tab.evaluate(async () => {
        const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
        const { account } = await import(new URL("state.js", main.src).href);
        return [...account().view.tasks.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1));
    });
}

/**
 * Decide about all writes that need it.
 *
 * @param {Page} tab
 * @param {() => Promise<any[]>} readChanges
 * @returns {Promise<number>} how many
 */
async function decide(tab, readChanges) {
    const { outbox } = await stored(tab);
    const stuck = outbox.filter((entry) => entry.acked === undefined && entry.state !== "waiting");
    for (const entry of stuck) {
        const uid = entry.problem.current?.uid ?? (await uidOf(readChanges, entry.id));
        const known = /** @type {Known} */ (model.get(uid));
        if (entry.state === "refused") {
            assert.equal(entry.kind, "move", `${entry.kind} is refused: ${entry.problem.detail}`);
            await choose(tab, entry.seq, "decide", null);
        } else if (entry.state === "gone") {
            Object.keys(entry.fields).forEach((field) => known.contested.add(field));
            if (random() < 0.5 && entry.kind === "update") {
                known.restored = true;
                await choose(tab, entry.seq, "bringBack");
            } else {
                await choose(tab, entry.seq, "decide", null);
            }
        } else {
            assert.equal(entry.state, "conflict");
            entry.problem.fields.forEach((/** @type {string} */ field) =>
                known.contested.add(field),
            );
            const keep = random() < 0.5 ? Object.keys(entry.fields) : null;
            await choose(tab, entry.seq, "decide", keep);
        }
    }
    return stuck.length;
}

/**
 * @param {() => Promise<any[]>} readChanges
 * @param {any} id
 * @returns {Promise<string>}
 */
async function uidOf(readChanges, id) {
    const isIt = (/** @type {any} */ change) => change.action === "create" && change.id === id;
    const isTask = (/** @type {any} */ change) => change.kind === "task" && isIt(change);
    return (await readChanges()).find(isTask).after.uid;
}

/**
 * @param {Page} tab
 * @param {number} seq of the write
 * @param {"decide" | "bringBack"} action
 * @param {...any} args
 */
async function choose(tab, seq, action, ...args) {
    await tab.evaluate(
        async (wanted, name, rest) => {
            const main = /** @type {HTMLScriptElement} */ (document.querySelector("script[src]"));
            const load = (/** @type {string} */ file) => import(new URL(file, main.src).href);
            const { account } = await load("state.js");
            const { outbox } = account().copy;
            const entry = outbox.find((/** @type {any} */ { seq: known }) => known === wanted);
            if (entry) {
                await (await load("views/decisions.js"))[name](entry, ...rest);
            }
        },
        seq,
        action,
        args,
    );
}

test(`random edits by three browsers end equal to the service (seed ${SEED})`, async () => {
    const service = await startService();
    const browser = await launch("chromium");
    const proxies = await Promise.all([1, 2, 3].map(() => startProxy(service.url)));
    try {
        const token = await service.register("random");
        const send = (/** @type {string} */ path, /** @type {any} */ body) =>
            service.send("POST", `accounts/me/${path}`, body, token);
        const lists = [(await send("lists", { name: "A" })).list, { id: null }];
        for (const name of ["One", "Two", "Three", "Four", "Five"]) {
            const { task } = await send("tasks", { name });
            know(task);
        }
        const readChanges = async () => {
            const query = "changes?since=0&limit=200";
            return (await service.send("GET", `accounts/me/${query}`, undefined, token)).changes;
        };
        const tabs = await Promise.all(
            proxies.map(async ({ url }) => {
                const tab = await openTab(await browser.createBrowserContext(), url);
                await logIn(tab, "random");
                await until(async () => (await stored(tab)).tasks.length === 5, "snapshot");
                return tab;
            }),
        );
        const online = [true, true, true];
        const isQuiet = async (/** @type {Page} */ tab) => {
            await wake(tab);
            const { outbox } = await stored(tab);
            return outbox.every((entry) => entry.state !== "waiting" || entry.acked !== undefined);
        };
        for (let count = 0; count < EDITS; count += 1) {
            const index = below(3);
            const [tab, proxy] = [tabs[index], proxies[index]];
            if (random() < 0.2) {
                online[index] = !online[index];
                online[index] ? proxy.open() : proxy.cut();
            } else if (random() < 0.05) {
                proxy.fate = () => (Math.random() < 0.3 ? "lose" : "pass");
                online[index] = true;
            }
            await edit(tab, lists);
            if (online[index] && random() < 0.3) {
                await wake(tab);
                await decide(tab, readChanges);
            }
        }
        proxies.forEach((proxy) => proxy.open());
        await until(
            async () => {
                const results = [];
                for (const tab of tabs) {
                    results.push(await isQuiet(tab), (await decide(tab, readChanges)) === 0);
                }
                const outboxes = await Promise.all(tabs.map((tab) => stored(tab)));
                return results.every(Boolean) && outboxes.every(({ outbox }) => !outbox.length);
            },
            "end of all decisions",
            40_000,
        );
        for (const tab of tabs) {
            await assertEqualCopy(tab, service, token);
            assertNoErrors(tab);
        }
        assertNothingLost((await readServer(service, token)).tasks);
    } finally {
        await browser.close();
        proxies.forEach((proxy) => proxy.close());
        await service.close();
    }
});

/** @param {any[]} tasks of the service */
function assertNothingLost(tasks) {
    const found = new Map(tasks.map((task) => [task.uid, task]));
    assert.equal(found.size, tasks.length);
    for (const task of tasks) {
        assert.ok(model.has(task.uid), `${task.name} was never added`);
    }
    for (const [uid, { values, contested, deleted, restored }] of model) {
        const task = found.get(uid);
        const about = `${values.name.at(-1)} (${uid})`;
        assert.ok(task || deleted, `${about} is lost`);
        assert.ok(!task || !deleted || restored, `${about} was deleted, but is there`);
        for (const [field, written] of task ? Object.entries(values) : []) {
            const value = JSON.stringify(task[field]);
            const known = written.map((item) => JSON.stringify(item));
            const isDetermined = !contested.has(field) && !restored;
            if (isDetermined && (UNIQUE.includes(field) || written.length < 3)) {
                assert.equal(value, known.at(-1), `${field} of ${about}: ${known}`);
            } else {
                assert.ok(known.includes(value), `${field} of ${about}: ${value}, not ${known}`);
            }
        }
    }
}
