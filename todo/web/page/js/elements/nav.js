/** The navigation: views, lists, labels and saved filters. */

import { dayOf, local } from "../dates.js";
import { h } from "../h.js";
import { swatch, symbol } from "../icons.js";
import { command } from "../keys.js";
import { Live } from "../live.js";
import { byPosition } from "../positions.js";
import { currentRoute, linkTo } from "../router.js";
import { openTasks } from "../select.js";
import { state } from "../state.js";
import { t } from "../texts.js";

/** @typedef {Parameters<typeof symbol>[0]} Symbol */

/**
 * @typedef {object} Item
 * @property {string} key
 * @property {string} shown what decides whether to draw it again
 * @property {() => HTMLElement} draw
 */

/** @typedef {{ title: string, items: Item[] }} Group */

export class Navigation extends Live {
    #keys = "";
    /** @type {Map<string, { shown: string, element: HTMLElement }>} */
    #items = new Map();

    render() {
        if (!state.account) {
            return;
        }
        this.#update(groupsOf(state.account));
    }

    /**
     * Draw the items that have changed: there may be hundreds of lists and labels.
     *
     * @param {Group[]} groups
     */
    #update(groups) {
        const items = groups.flatMap((group) => group.items);
        const keys = JSON.stringify(items.map(({ key }) => key));
        const focus = /** @type {HTMLElement | null} */ (this.querySelector(":focus"))?.dataset.key;
        for (const { key, shown, draw } of items) {
            const known = this.#items.get(key);
            if (known?.shown !== shown) {
                const element = draw();
                known?.element.replaceWith(element);
                this.#items.set(key, { shown, element });
            }
        }
        if (keys !== this.#keys) {
            this.#keys = keys;
            const present = new Set(items.map(({ key }) => key));
            [...this.#items.keys()].forEach((key) => present.has(key) || this.#items.delete(key));
            const lines = groups
                .filter((group) => group.items.length)
                .map(({ title, items: own }) =>
                    group(
                        title,
                        own.flatMap(({ key }) => this.#items.get(key)?.element ?? []),
                    ),
                );
            lines.at(-1)?.querySelector("ul")?.append(logOutItem());
            this.replaceChildren(h("nav", { "aria-label": t("navigation") }, lines));
        }
        const focused = /** @type {HTMLElement | null} */ (
            focus ? this.querySelector(`[data-key="${CSS.escape(focus)}"]`) : null
        );
        if (focused && focused !== document.activeElement) {
            focused.focus();
        }
    }
}

/**
 * @param {import("../state.js").Account} account
 * @returns {Group[]}
 */
function groupsOf(account) {
    const { view } = account;
    const counts = countsOf(account);
    const lists = [...view.lists.values()].filter(({ archived }) => !archived).sort(byPosition);
    const filters = [...view.filters.values()];
    const labels = [...counts.labels.keys()].sort((a, b) => a.localeCompare(b));
    return [
        {
            title: "",
            items: [
                item("today", "", t("today"), "sun", counts.today),
                item("upcoming", "", t("upcoming"), "calendar"),
                item("inbox", "", t("inbox"), "inbox", counts.inbox),
            ],
        },
        {
            title: t("lists"),
            items: [
                ...lists.map((list) =>
                    item("list", list.id, list.name, list.color, counts.lists.get(list.id)),
                ),
                item("lists", "", t(lists.length ? "lists.manage" : "list.new"), "list"),
            ],
        },
        {
            title: t("labels"),
            items: labels.length
                ? [
                      ...labels.map((label) =>
                          item("label", label, `@${label}`, "label", counts.labels.get(label)),
                      ),
                      item("labels", "", t("labels.manage"), "label"),
                  ]
                : [],
        },
        {
            title: t("filters"),
            items: [
                ...filters.map((filter) => item("filter", filter.id, filter.name, "filter")),
                item("filters", "", t(filters.length ? "filters.manage" : "filters.new"), "filter"),
            ],
        },
        {
            title: "",
            items: [
                item("completed", "", t("completed"), "check"),
                item("changes", "", t("changes"), "history"),
                item("trash", "", t("trash"), "trash"),
                item("settings", "", t("settings"), "settings"),
            ],
        },
    ];
}

/** @param {import("../state.js").Account} account */
function countsOf({ view, zone }) {
    const today = local(Date.now(), zone).day;
    const counts = { today: 0, inbox: 0, lists: new Map(), labels: new Map() };
    for (const task of openTasks(view)) {
        const day = dayOf(task.due_date, zone);
        counts.today += day !== null && day <= today ? 1 : 0;
        counts.inbox += task.list_id === null ? 1 : 0;
        if (task.list_id !== null) {
            counts.lists.set(task.list_id, (counts.lists.get(task.list_id) ?? 0) + 1);
        }
        for (const label of task.labels) {
            counts.labels.set(label, (counts.labels.get(label) ?? 0) + 1);
        }
    }
    return counts;
}

/**
 * @param {string} title
 * @param {HTMLElement[]} items
 */
function group(title, items) {
    const list = h("ul", {}, items);
    return h("div", { class: "group" }, title && h("h2", {}, title), list);
}

/**
 * @param {string} name of the route
 * @param {string | number} value
 * @param {string} text
 * @param {Symbol | string | null} mark a symbol, or the color of a list
 * @param {number} [count]
 * @returns {Item}
 */
function item(name, value, text, mark, count) {
    const route = currentRoute();
    const isCurrent = route.name === name && route.value === String(value);
    const key = `${name}/${value}`;
    const shown = JSON.stringify([text, mark, count, isCurrent]);
    return { key, shown, draw: () => line(name, value, text, mark, count ?? 0, isCurrent) };
}

/**
 * @param {string} name
 * @param {string | number} value
 * @param {string} text
 * @param {Symbol | string | null} mark
 * @param {number} count
 * @param {boolean} isCurrent
 */
function line(name, value, text, mark, count, isCurrent) {
    return h(
        "li",
        {},
        h(
            "a",
            {
                href: linkTo(name, value),
                "aria-current": isCurrent ? "page" : null,
                "data-key": `${name}/${value}`,
            },
            name === "list" ? swatch(mark) : symbol(/** @type {Symbol} */ (mark)),
            h("span", { class: "text" }, text),
            count ? h("span", { class: "count" }, count) : null,
        ),
    );
}

function logOutItem() {
    const attributes = { type: "button", "data-key": "logout", onclick: () => command("log out") };
    const text = h("span", { class: "text" }, t("logout"));
    return h("li", {}, h("button", attributes, symbol("logout"), text));
}

customElements.define("todo-nav", Navigation);
