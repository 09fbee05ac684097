/** Notifications of the browser, for reminders that have fired. */

import { notifiedKey, permission } from "../notifications.js";
import { go, linkTo } from "../router.js";

/** @typedef {import("./due-reminders.js").Due} Due */

/**
 * The reminders that this browser has notified of: all that fired before `date`, and these at it.
 *
 * @typedef {{ date: string, ids: number[] }} Mark
 */

/** @type {Mark} */
const NONE = { date: "", ids: [] };

/**
 * Notify of each reminder once in this browser.
 *
 * @param {number} account its id
 * @param {Due[]} due newest first
 */
export function notify(account, due) {
    const mark = readMark(account);
    const news = due.filter(({ reminder }) => isNews(reminder, mark));
    if (!news.length) {
        return;
    }
    const date = due[0].reminder.fired_date;
    const ids = due.map(({ reminder }) => reminder).filter((item) => item.fired_date === date);
    writeMark(account, { date, ids: ids.map(({ id }) => id) });
    if (permission() === "granted") {
        news.reverse().forEach((item) => void showOne(item));
    }
}

/**
 * @param {import("../types.d.ts").Reminder} reminder
 * @param {Mark} mark
 */
const isNews = ({ id, fired_date }, { date, ids }) =>
    fired_date > date || (fired_date === date && !ids.includes(id));

/** @param {Due} due */
async function showOne({ reminder, task }) {
    // The tag makes one of those that several tabs show.
    const options = {
        tag: `reminder-${reminder.id}-${reminder.fired_date}`,
        data: { task: task.id },
        icon: document.querySelector('link[rel="apple-touch-icon"]')?.getAttribute("href") ?? "",
    };
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker?.active) {
        await worker.showNotification(task.name, options);
        return;
    }
    try {
        const notification = new Notification(task.name, options);
        notification.onclick = () => {
            window.focus();
            openTask(task.id);
            notification.close();
        };
    } catch {
        // Android has notifications of workers only.
    }
}

/** @param {import("../types.d.ts").Id} id */
const openTask = (id) => go(linkTo("today", "", { task: id }));

// A notification of the worker was clicked.
navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.type === "task") {
        openTask(data.id);
    }
});

/** @param {number} account @returns {Mark} */
function readMark(account) {
    try {
        return { ...NONE, ...JSON.parse(localStorage.getItem(notifiedKey(account)) ?? "{}") };
    } catch {
        return NONE;
    }
}

/**
 * @param {number} account
 * @param {Mark} mark
 */
function writeMark(account, mark) {
    localStorage.setItem(notifiedKey(account), JSON.stringify(mark));
}
