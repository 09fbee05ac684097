/** Short messages, each with the undo of the action it reports. */

import { isUndoable, lastUndoable, onAction, undo } from "../actions.js";
import { h } from "../h.js";
import { onCommand } from "../keys.js";
import { currentRoute, linkTo } from "../router.js";
import { state } from "../state.js";
import { t } from "../texts.js";

/** @typedef {import("../types.d.ts").Entry} Entry */

const SHOWN_MS = 8_000;

export class Toasts extends HTMLElement {
    /** @type {(() => void)[]} */
    #ends = [];

    connectedCallback() {
        this.setAttribute("role", "status");
        const failed = () => this.show(t("problem.page"));
        window.addEventListener("unhandledrejection", failed);
        // The login has an element of its own: each change must be undone once.
        this.#ends = [
            () => window.removeEventListener("unhandledrejection", failed),
            onAction((entries) => this.#report(entries)),
            onCommand((name) => name === "undo" && this.#undoLast()),
        ];
    }

    disconnectedCallback() {
        this.#ends.forEach((end) => end());
    }

    #undoLast() {
        const last = state.account ? lastUndoable() : undefined;
        if (last) {
            void undo(last);
        } else {
            this.show(t("undo.none"));
        }
    }

    /** @param {Entry[]} entries of one action */
    #report(entries) {
        if (entries.length === 0) {
            this.show(t("done.undo"));
        } else if (entries.length === 1 && entries[0].noun !== "reminder") {
            this.show(sentence(entries[0]), isUndoable(entries[0]) ? entries[0] : undefined);
        } else if (entries.length > 1) {
            this.show(t("done.many", { count: entries.length }));
        }
    }

    /**
     * @param {string} text
     * @param {Entry} [entry] to undo
     */
    show(text, entry) {
        const toast = h("div", { class: "toast" }, h("span", {}, text));
        if (entry?.noun === "task" && ["create", "quick"].includes(entry.kind)) {
            toast.append(showLink(entry)); // another view may have it, such as that of its day
        }
        if (entry) {
            const key = entry.kind === "undo" ? "redo" : "undo";
            const act = () => {
                toast.remove();
                void undo(entry);
            };
            toast.append(h("button", { type: "button", class: "link", onclick: act }, t(key)));
        }
        const timer = setTimeout(() => toast.remove(), SHOWN_MS);
        toast.addEventListener("focusin", () => clearTimeout(timer));
        this.replaceChildren(toast);
    }
}

/** @param {Entry} entry of a new task */
function showLink({ id }) {
    const { name, value, query } = currentRoute();
    const rest = { ...Object.fromEntries(query), task: id };
    return h("a", { class: "link", href: linkTo(name, value, rest) }, t("show"));
}

/** @param {Entry} entry */
function sentence(entry) {
    const { name, fields, kind } = entry;
    if (kind === "update" && "completed" in fields) {
        return t(fields.completed ? "done.complete" : "done.reopen", { name });
    }
    const keys = /** @type {const} */ ({
        create: "done.create",
        quick: "done.create",
        update: "done.update",
        skip: "done.skip",
        move: "done.move",
        delete: "done.delete",
        restore: "done.restore",
        erase: "done.erase",
        undo: "done.undo",
        dismiss: "done.update",
        snooze: "done.update",
    });
    return t(keys[kind], { name });
}

customElements.define("todo-toasts", Toasts);
