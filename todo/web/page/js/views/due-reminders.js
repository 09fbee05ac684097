/** The reminders to show now: docs/reminders.md. */

import { addDays, instantOf, local } from "../dates.js";

/** @typedef {import("../types.d.ts").Reminder} Reminder */
/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../overlay.js").Overlay} Overlay */
/** @typedef {{ reminder: Reminder, task: Task }} Due */

const MINUTE_MS = 60_000;
const EVENING = "18:00";
const MORNING = "09:00";

/**
 * Return the reminders that are neither dismissed nor snoozed, of open tasks that have the same due
 * date as when they fired, newest first.
 *
 * @param {Overlay} view
 * @param {number} now milliseconds
 * @returns {Due[]}
 */
export function dueReminders(view, now) {
    const found = [];
    for (const reminder of view.reminders.values()) {
        const task = view.tasks.get(reminder.task_id);
        const isSnoozed = reminder.snoozed_until && Date.parse(reminder.snoozed_until) > now;
        if (task && !reminder.dismissed_date && !isSnoozed && isOpen(task, reminder)) {
            found.push({ reminder, task });
        }
    }
    return found.sort((a, b) =>
        a.reminder.fired_date === b.reminder.fired_date
            ? b.reminder.id - a.reminder.id
            : a.reminder.fired_date < b.reminder.fired_date
              ? 1
              : -1,
    );
}

/**
 * @param {Task} task
 * @param {Reminder} reminder
 */
const isOpen = (task, { due_date }) =>
    !task.completed && (due_date === undefined || due_date === task.due_date);

/**
 * Return when the next snoozed reminder is to be shown.
 *
 * @param {Overlay} view
 * @param {number} now milliseconds
 * @returns {number | null} milliseconds
 */
export function nextReminder(view, now) {
    const times = [...view.reminders.values()]
        .filter(({ snoozed_until, dismissed_date }) => snoozed_until && !dismissed_date)
        .map(({ snoozed_until }) => Date.parse(/** @type {string} */ (snoozed_until)))
        .filter((time) => time > now);
    return times.length ? Math.min(...times) : null;
}

/**
 * Return the times until which a reminder can be snoozed, by the keys of their texts.
 *
 * @param {number} now milliseconds
 * @param {string} zone
 * @returns {{ text: "snooze.minutes" | "snooze.hour" | "snooze.evening" | "snooze.tomorrow",
 *     until: string }[]}
 */
export function snoozes(now, zone) {
    const { day } = local(now, zone);
    const after = (/** @type {number} */ minutes) =>
        new Date(now + minutes * MINUTE_MS).toISOString().replace(/\.\d+Z$/, "Z");
    const evening = instantOf(day, EVENING, zone);
    const all = /** @type {const} */ ([
        { text: "snooze.minutes", until: after(10) },
        { text: "snooze.hour", until: after(60) },
        { text: "snooze.evening", until: evening },
        { text: "snooze.tomorrow", until: instantOf(addDays(day, 1), MORNING, zone) },
    ]);
    return all.filter(({ until }) => Date.parse(until) - now > 5 * MINUTE_MS);
}
