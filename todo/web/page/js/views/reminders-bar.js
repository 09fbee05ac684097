/** The reminders that have fired, above the view. */

import { complete, dismiss, snooze } from "../actions.js";
import { instantText, local, timeText } from "../dates.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { Live } from "../live.js";
import { notify } from "./notify.js";
import { dueReminders, nextReminder, snoozes } from "./due-reminders.js";
import { currentRoute, linkToTask } from "../router.js";
import { state } from "../state.js";
import { languages, t } from "../texts.js";

/** @typedef {import("./due-reminders.js").Due} Due */

const FEW = 3;
const LONGEST_MS = 24 * 60 * 60 * 1000;

export class Reminders extends Live {
    #shown = "";
    #all = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;

    disconnectedCallback() {
        clearTimeout(this.#timer);
        super.disconnectedCallback();
    }

    render() {
        if (!state.account) {
            return;
        }
        const { copy, view, zone } = state.account;
        const now = Date.now();
        const due = dueReminders(view, now);
        notify(copy.account, due);
        this.#wait(nextReminder(view, now), now);
        const rows = due.map(({ reminder, task }) => [
            reminder.id,
            reminder.at,
            task.id,
            task.name,
        ]);
        const route = currentRoute();
        const today = local(now, zone).day;
        const shown = JSON.stringify([rows, zone, today, this.#all, route.name, route.value]);
        if (shown === this.#shown) {
            return;
        }
        this.#shown = shown;
        const focused = /** @type {HTMLElement | null} */ (this.querySelector(":focus"));
        const index = this.#rows().findIndex((row) => row.contains(focused));
        const what = focused?.dataset.action;
        this.#draw(due, zone);
        this.#keepFocus(index, what);
    }

    #rows() {
        return [...this.querySelectorAll("li")];
    }

    /**
     * Draw again when the next one is due.
     *
     * @param {number | null} time
     * @param {number} now
     */
    #wait(time, now) {
        clearTimeout(this.#timer);
        if (time !== null) {
            this.#timer = setTimeout(() => this.render(), Math.min(time - now + 500, LONGEST_MS));
        }
    }

    /**
     * @param {Due[]} due
     * @param {string} zone
     */
    #draw(due, zone) {
        const rows = (this.#all ? due : due.slice(0, FEW)).map((item) => row(item, zone));
        const rest = due.length - rows.length;
        const showAll = () => {
            this.#all = true;
            this.render();
        };
        this.replaceChildren(
            h(
                "section",
                { "aria-label": t("reminders"), hidden: due.length === 0 },
                h("ul", { "aria-live": "polite", "aria-relevant": "additions" }, rows),
                rest > 0 &&
                    h(
                        "button",
                        { type: "button", class: "link", onclick: showAll },
                        t("reminders.more", { count: rest }),
                    ),
            ),
        );
    }

    /**
     * Give the focus to the row that has taken the place of the one that was left.
     *
     * @param {number} index
     * @param {string | undefined} action
     */
    #keepFocus(index, action) {
        if (index < 0) {
            return;
        }
        const rows = this.#rows();
        const next = rows[Math.min(index, rows.length - 1)];
        const target = next?.querySelector(`[data-action="${action ?? "done"}"]`);
        const heading = document.querySelector("main h1");
        /** @type {HTMLElement | null} */ (target ?? heading)?.focus();
    }
}

/**
 * @param {Due} due
 * @param {string} zone
 */
function row({ reminder, task }, zone) {
    const { name } = task;
    const open = linkToTask(task.id);
    const button = (
        /** @type {string} */ action,
        /** @type {string} */ text,
        /** @type {() => void} */ onclick,
    ) =>
        h(
            "button",
            {
                type: "button",
                class: "button",
                "data-action": action,
                "aria-label": `${text}: ${name}`,
                onclick,
            },
            text,
        );
    return h(
        "li",
        {},
        symbol("bell"),
        h("a", { href: open, class: "grow" }, name),
        h("span", { class: "hint" }, whenText(reminder.at, zone)),
        h(
            "div",
            { class: "tools" },
            button("done", t("reminders.done"), () => void complete(task, true)),
            snoozeMenu(reminder.id, name, zone),
            button("dismiss", t("reminders.dismiss"), () => void dismiss(reminder.id, name)),
        ),
    );
}

/**
 * @param {number} id of the reminder
 * @param {string} name of its task
 * @param {string} zone
 */
function snoozeMenu(id, name, zone) {
    const list = h("div", { class: "choices" });
    const label = `${t("reminders.snooze")}: ${name}`;
    const summary = h(
        "summary",
        { class: "button", "data-action": "snooze", "aria-label": label },
        t("reminders.snooze"),
    );
    const menu = h("details", { class: "menu-of" }, summary, list);
    menu.addEventListener("toggle", () => {
        // The times depend on when it is opened.
        list.replaceChildren(
            ...snoozes(Date.now(), zone).map(({ text, until }) =>
                h(
                    "button",
                    {
                        type: "button",
                        class: "button quiet",
                        onclick: () => void snooze(id, name, until),
                    },
                    t(text),
                ),
            ),
        );
    });
    menu.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && menu.open) {
            menu.open = false;
            summary.focus();
        }
    });
    menu.addEventListener("focusout", ({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !menu.contains(relatedTarget)) {
            menu.open = false;
        }
    });
    return menu;
}

/**
 * @param {string} at
 * @param {string} zone
 */
function whenText(at, zone) {
    const isToday = local(at, zone).day === local(Date.now(), zone).day;
    return isToday ? timeText(at, zone, languages.dates) : instantText(at, zone, languages.dates);
}

customElements.define("todo-reminders", Reminders);
