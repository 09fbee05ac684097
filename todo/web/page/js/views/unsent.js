/** The view of the writes that are not saved yet, and of those that need a decision. */

import { isUndoable, undo } from "../actions.js";
import { instantText } from "../dates.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { Live } from "../live.js";
import { unsentOf } from "../outbox.js";
import { downloadOutbox } from "./outbox-file.js";
import { button, heading, nameWindow } from "./parts.js";
import { Rows } from "./rows.js";
import { account, state } from "../state.js";
import { languages, t } from "../texts.js";
import { writeText } from "./writes-text.js";
import { decision } from "./decision.js";

/** @typedef {import("../types.d.ts").Entry} Entry */

export class Unsent extends Live {
    #title = heading(t("unsent"));
    #hint = h("p", { class: "hint", role: "status" });
    #empty = h("p", { class: "empty" }, t("empty.unsent"));
    #askedTitle = h("h2", {}, t("unsent.decide"));
    #waitingTitle = h("h2", {}, t("unsent.waiting"));
    #asked = new Rows(h("ul", { class: "items decisions" }), () => this.#title);
    #waiting = new Rows(h("ul", { class: "items" }), () => this.#title);
    #download = button(t("unsent.download"), () => downloadOutbox(account().copy), {
        class: "quiet",
    });

    connectedCallback() {
        nameWindow(t("unsent"));
        this.replaceChildren(
            h(
                "header",
                { class: "head" },
                this.#title,
                h("div", { class: "tools" }, this.#download),
            ),
            this.#hint,
            this.#empty,
            this.#askedTitle,
            this.#asked.parent,
            this.#waitingTitle,
            this.#waiting.parent,
        );
        super.connectedCallback();
    }

    render() {
        if (!state.account) {
            return;
        }
        const { copy, status } = account();
        const entries = unsentOf(copy);
        const asked = entries.filter((entry) => entry.state !== "waiting");
        const waiting = entries.filter((entry) => entry.state === "waiting");
        this.#empty.hidden = entries.length > 0;
        this.#download.hidden = entries.length === 0;
        this.#askedTitle.hidden = asked.length === 0;
        this.#waitingTitle.hidden = waiting.length === 0;
        const isOffline = status.state === "offline";
        const hint = waiting.length ? t(isOffline ? "unsent.offline" : "unsent.hint") : "";
        if (this.#hint.textContent !== hint) {
            this.#hint.textContent = hint;
        }
        this.#asked.update(asked.map((entry) => this.#question(entry)));
        this.#waiting.update(waiting.map((entry) => this.#row(entry)));
    }

    /** @param {Entry} entry @returns {import("./rows.js").Row} */
    #question(entry) {
        // The choices of the person stay while nothing about the write changes.
        const { key, state, fields, problem } = entry;
        return { key, shown: [state, fields, problem], draw: () => [decision(entry)] };
    }

    /** @param {Entry} entry @returns {import("./rows.js").Row} */
    #row(entry) {
        const text = writeText(entry);
        const when = instantText(entry.at, account().zone, languages.dates);
        const canCancel = isUndoable(entry) || !entry.tried;
        return {
            key: entry.key,
            shown: [text, when, canCancel],
            draw: () => [
                symbol("clock"),
                h(
                    "div",
                    { class: "text" },
                    h("span", { class: "name" }, text),
                    h("span", { class: "details" }, when),
                ),
                h(
                    "div",
                    { class: "tools" },
                    canCancel &&
                        button(t("cancel"), () => void undo(entry), {
                            class: "quiet",
                            "data-key": "cancel",
                            "aria-label": t("cancel.name", { name: text }),
                        }),
                ),
            ],
        };
    }
}

customElements.define("todo-unsent", Unsent);
