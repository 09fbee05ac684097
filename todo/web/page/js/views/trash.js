/** The view of the deleted tasks: to restore them, or to delete them permanently. */

import { ofTrash } from "../actions.js";
import { nextQuery, send } from "../api.js";
import { instantText } from "../dates.js";
import { Freshness } from "./freshness.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { Live } from "../live.js";
import { pathOf } from "../outbox.js";
import { button, heading, nameWindow, networkText } from "./parts.js";
import { Rows } from "./rows.js";
import { account, state } from "../state.js";
import { languages, t } from "../texts.js";
import { confirm } from "../elements/confirm.js";

/** @typedef {import("../types.d.ts").Task & { deletion_date: string }} Deleted */

const PAGE = 50;
const TYPING_MS = 200;

export class Trash extends Live {
    #title = heading(t("trash"));
    #search = h("input", {
        type: "search",
        "aria-label": t("trash.search"),
        placeholder: t("trash.search"),
    });
    #note = h("p", { class: "notice", role: "status" });
    #empty = h("p", { class: "empty" });
    #rows = new Rows(h("ul", { class: "items" }), () => this.#title);
    #more = button(t("more"), () => void this.#readMore(), { class: "wide" });
    #erase = button(t("trash.empty"), () => void this.#eraseAll(), { class: "danger" });
    /** @type {Deleted[] | null} null before they are known */
    #tasks = null;
    /** @type {string | null} the query of the next page */
    #next = null;
    #problem = "";
    #freshness = new Freshness();
    #reads = 0;
    /** Tasks that have left, though the answer of the server is older. @type {Set<number | string>} */
    #left = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;

    connectedCallback() {
        nameWindow(t("trash"));
        this.#search.addEventListener("input", () => {
            clearTimeout(this.#timer);
            this.#timer = setTimeout(() => void this.#read(false), TYPING_MS);
        });
        this.replaceChildren(
            h("header", { class: "head" }, this.#title, h("div", { class: "tools" }, this.#erase)),
            h("p", { class: "hint" }, t("trash.hint")),
            this.#search,
            this.#note,
            this.#empty,
            this.#rows.parent,
            h("div", { class: "more" }, this.#more),
        );
        super.connectedCallback();
    }

    render() {
        if (!state.account) {
            return;
        }
        const { copy } = account();
        if (this.#freshness.isOver()) {
            void this.#read(false);
        }
        const leaving = copy.outbox.filter(({ kind }) => kind === "restore" || kind === "erase");
        leaving.forEach(({ id }) => this.#left.add(id));
        const tasks = (this.#tasks ?? []).filter(({ id }) => !this.#left.has(id));
        this.#rows.update(tasks.map((task) => this.#row(task)));
        this.#note.textContent = this.#problem;
        this.#more.hidden = this.#next === null || this.#tasks === null;
        this.#erase.hidden = tasks.length === 0;
        this.#empty.hidden = tasks.length > 0 || this.#problem !== "";
        const isSearch = this.#search.value.trim() !== "";
        this.#empty.textContent =
            this.#tasks === null
                ? t("status.loading")
                : t(isSearch ? "empty.search" : "empty.trash");
    }

    /** Show one more page, and go on to it. */
    async #readMore() {
        const shown = this.#rows.parent.children.length;
        await this.#read(true);
        const row = this.#rows.parent.children[shown];
        /** @type {HTMLElement | null | undefined} */ (row?.querySelector("button"))?.focus();
    }

    /**
     * Read the trash, as far as it is shown.
     *
     * @param {boolean} more read the next page, too
     */
    async #read(more) {
        const { copy } = account();
        const words = this.#search.value;
        const wanted = (more ? PAGE : 0) + Math.max(PAGE, this.#tasks?.length ?? 0);
        const revision = copy.meta.revision;
        this.#reads += 1;
        const read = this.#reads;
        try {
            /** @type {Record<string, string>} */
            const search = words.trim() ? { search: words } : {};
            let tasks = more ? (this.#tasks ?? []) : [];
            let next = more
                ? this.#next
                : new URLSearchParams({ limit: String(PAGE), ...search }).toString();
            while (next !== null && tasks.length < wanted) {
                const { body } = await send("GET", `${pathOf(copy)}/trash?${next}`);
                tasks = [...tasks, ...body.tasks];
                next = nextQuery(body);
            }
            if (read !== this.#reads) {
                return; // a later one is on its way
            }
            this.#tasks = tasks;
            this.#next = next;
            this.#problem = "";
            if (revision === copy.meta.revision) {
                this.#left.clear(); // what is on its way is added again
            }
        } catch (error) {
            this.#problem = networkText(error);
        }
        this.render();
    }

    /**
     * @param {Deleted} task
     * @returns {import("./rows.js").Row}
     */
    #row(task) {
        const { view, zone } = account();
        const { id, name } = task;
        const list = task.list_id === null ? "" : (view.lists.get(task.list_id)?.name ?? "");
        const when = instantText(task.deletion_date, zone, languages.dates);
        return {
            key: id,
            shown: [name, list, when],
            draw: () => [
                symbol("trash"),
                h(
                    "div",
                    { class: "text" },
                    h("span", { class: "name" }, name),
                    h(
                        "span",
                        { class: "details" },
                        t("trash.deleted", { when }),
                        list && ` · ${list}`,
                    ),
                ),
                h(
                    "div",
                    { class: "tools" },
                    button(t("restore"), () => void ofTrash("restore", task), {
                        class: "quiet",
                        "data-key": "restore",
                        "aria-label": t("restore.name", { name }),
                    }),
                    button(t("trash.erase"), () => void this.#eraseOne(task), {
                        class: "quiet",
                        "data-key": "erase",
                        "aria-label": t("trash.erase.name", { name }),
                    }),
                ),
            ],
        };
    }

    /** @param {Deleted} task */
    async #eraseOne(task) {
        if (await confirm(t("trash.erase.ask", { name: task.name }), t("trash.erase"))) {
            await ofTrash("erase", task);
        }
    }

    /** Empty the trash. One request deletes a part of a large one, so it is repeated. */
    async #eraseAll() {
        if (!(await confirm(t("trash.empty.ask"), t("trash.empty")))) {
            return;
        }
        const { copy, sync } = account();
        this.#erase.disabled = true;
        try {
            for (let remaining = 1; remaining > 0;) {
                const { body } = await send("DELETE", `${pathOf(copy)}/trash`);
                remaining = body.remaining;
                this.#problem = remaining ? t("trash.remaining", { count: remaining }) : "";
                this.render();
            }
            this.#title.focus();
            await this.#read(false);
        } catch (error) {
            this.#problem = networkText(error);
            this.render();
        }
        this.#erase.disabled = false;
        void sync();
    }
}

customElements.define("todo-trash", Trash);
