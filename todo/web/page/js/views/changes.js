/** The view of the recent changes, each with its undo. */

import { undoRevision } from "../actions.js";
import { send } from "../api.js";
import { canUndo, namesOf, readRecent, sentenceOfRevision } from "./revisions.js";
import { dayOf, local, timeText } from "../dates.js";
import { deviceText } from "./devices.js";
import { Freshness } from "./freshness.js";
import { arrange, h } from "../h.js";
import { Live } from "../live.js";
import { pathOf } from "../outbox.js";
import { button, heading, nameWindow, networkText } from "./parts.js";
import { linkTo } from "../router.js";
import { Rows } from "./rows.js";
import { nameOfDay } from "../select.js";
import { account, state } from "../state.js";
import { languages, t } from "../texts.js";

/** @typedef {import("./revisions.js").Revision} Revision */

/**
 * @typedef {object} Token
 * @property {number} id
 * @property {string} kind
 * @property {string | null} name
 * @property {string | null} client
 * @property {boolean} current
 */

export class Changes extends Live {
    #title = heading(t("changes"));
    #note = h("p", { class: "notice", role: "status" });
    #empty = h("p", { class: "empty" }, t("status.loading"));
    #body = h("div", { class: "days" });
    /** @type {Map<string, { section: HTMLElement, rows: Rows }>} */
    #days = new Map();
    /** @type {Revision[] | null} */
    #groups = null;
    /** @type {Map<number, Token>} */
    #tokens = new Map();
    #freshness = new Freshness();
    #reads = 0;

    connectedCallback() {
        nameWindow(t("changes"));
        this.replaceChildren(
            h("header", { class: "head" }, this.#title),
            h("p", { class: "hint" }, t("changes.hint")),
            this.#note,
            this.#empty,
            this.#body,
        );
        super.connectedCallback();
    }

    render() {
        if (!state.account) {
            return;
        }
        if (this.#freshness.isOver()) {
            void this.#read();
        }
        const { view, zone } = account();
        const groups = this.#groups ?? [];
        const today = local(Date.now(), zone).day;
        const words = { view, zone, names: namesOf(groups, view) };
        /** @type {Map<string, import("./rows.js").Row[]>} */
        const days = new Map();
        for (const group of groups) {
            const day = /** @type {string} */ (dayOf(group.date, zone));
            days.set(day, [
                ...(days.get(day) ?? []),
                this.#row(group, sentenceOfRevision(group, words), zone),
            ]);
        }
        arrange(
            this.#body,
            [...days].map(([day, rows]) => this.#section(day, nameOfDay(day, today), rows)),
        );
        this.#empty.hidden = groups.length > 0 || this.#note.textContent !== "";
        if (this.#groups) {
            this.#empty.textContent = t("empty.changes");
        }
    }

    async #read() {
        const { copy } = account();
        this.#reads += 1;
        const read = this.#reads;
        try {
            const path = pathOf(copy);
            const groups = await readRecent(path, copy.meta.revision ?? 0);
            if (groups.some(({ token }) => token && !this.#tokens.has(token.id))) {
                const { body } = await send("GET", `${path}/tokens`);
                this.#tokens = new Map(
                    body.tokens.map((/** @type {Token} */ token) => [token.id, token]),
                );
            }
            if (read === this.#reads) {
                this.#groups = groups;
                this.#note.textContent = "";
            }
        } catch (error) {
            this.#note.textContent = networkText(error);
        }
        this.render();
    }

    /**
     * @param {string} day
     * @param {string} title
     * @param {import("./rows.js").Row[]} rows
     */
    #section(day, title, rows) {
        let known = this.#days.get(day);
        if (!known) {
            const list = h("ul", { class: "items" });
            known = {
                section: h("section", {}, h("h2", {}), list),
                rows: new Rows(list, () => this.#title),
            };
            this.#days.set(day, known);
        }
        const [heading] = known.section.children;
        heading.textContent = title;
        known.rows.update(rows);
        return known.section;
    }

    /**
     * @param {Revision} group
     * @param {string} sentence
     * @param {string} zone
     * @returns {import("./rows.js").Row}
     */
    #row(group, sentence, zone) {
        const { revision, date } = group;
        const time = timeText(date, zone, languages.dates);
        const by = this.#by(group);
        const now = undoState(revision);
        const possible = canUndo(group);
        return {
            key: revision,
            shown: [sentence, time, by, now, possible],
            draw: () => [
                h("time", { datetime: date }, time),
                h(
                    "div",
                    { class: "text" },
                    h("span", {}, sentence),
                    by && h("span", { class: "details" }, by),
                ),
                h(
                    "div",
                    { class: "tools" },
                    now === "" &&
                        possible &&
                        button(t("undo"), () => void undoRevision(revision, sentence), {
                            class: "quiet",
                            "data-key": "undo",
                            "aria-label": t("undo.name", { name: sentence }),
                        }),
                    now === "stuck" && h("a", { href: linkTo("unsent") }, t("unsaved.decide")),
                    now === "waits" && h("span", { class: "details" }, t("undo.waits")),
                    now === "done" && h("span", { class: "details" }, t("undo.done")),
                ),
            ],
        };
    }

    /** @param {Revision} group @returns {string} who made the change, if it was another program */
    #by({ token }) {
        const known = token && this.#tokens.get(token.id);
        if (!token || known?.current) {
            return "";
        }
        if (token.kind !== "session") {
            return t("changed.by.token", { name: token.name ?? "" });
        }
        return known?.client
            ? t("changed.by.client", { name: deviceText(known.client) })
            : t("changed.by.session");
    }
}

/**
 * @param {number} revision
 * @returns {"" | "waits" | "stuck" | "done"} whether this page has undone it
 */
function undoState(revision) {
    const { copy } = account();
    const undoes = (/** @type {import("../types.d.ts").Entry} */ entry) =>
        entry.kind === "undo" && entry.revision === revision;
    const unsent = copy.outbox.find((entry) => undoes(entry) && entry.acked === undefined);
    if (unsent) {
        return unsent.state === "waiting" ? "waits" : "stuck";
    }
    const done = copy.outbox.some(undoes) || copy.done.some(({ entry }) => undoes(entry));
    return done ? "done" : "";
}

customElements.define("todo-changes", Changes);
