/** The history of a task, read when it is opened. */

import { send } from "../api.js";
import { instantText } from "../dates.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { sentenceOf } from "../problems.js";
import { account } from "../state.js";
import { languages, t, textOf } from "../texts.js";
import { fieldName, valueText } from "./values.js";
import { isNew } from "../writes.js";

/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../types.d.ts").Change} Change */
/** @typedef {import("./field.js").Editing} Editing */

const PAGE = 20;

export class History {
    #editing;
    #list = h("ol", { class: "history" });
    #message = h("p", { class: "hint", role: "status" });
    #more = h("button", { type: "button", class: "button quiet", hidden: true }, t("more"));
    #after = "";
    #read = "";
    element = h(
        "details",
        {},
        h("summary", {}, t("task.history")),
        this.#message,
        this.#list,
        this.#more,
    );

    /** @param {Editing} editing */
    constructor(editing) {
        this.#editing = editing;
        this.element.addEventListener("toggle", () => {
            this.#read = "";
            this.render();
        });
        this.#more.addEventListener("click", () => void this.#load(this.#after));
    }

    /** Read it anew if it is open and the task has changed. */
    render() {
        const { task } = this.#editing;
        if (!task || !this.element.open) {
            return;
        }
        const key = `${task.id} ${task.revision} ${account().status.state === "offline"}`;
        if (key !== this.#read) {
            this.#read = key;
            void this.#load("");
        }
    }

    /** @param {string} after the last revision that is shown, or "" to begin */
    async #load(after) {
        const task = /** @type {Task} */ (this.#editing.task);
        if (isNew(task.id)) {
            this.#list.replaceChildren();
            this.#message.textContent = t("task.history.new");
            return;
        }
        if (!this.#list.firstChild) {
            this.#message.textContent = t("status.loading");
        }
        const query = `limit=${PAGE}${after && `&after=${after}`}`;
        try {
            const path = `${pathOf(account().copy)}/tasks/${task.id}/history?${query}`;
            const { body } = await send("GET", path);
            if (this.#editing.task?.uid !== task.uid) {
                return;
            }
            const items = body.history.flatMap(itemOf);
            after ? this.#list.append(...items) : this.#list.replaceChildren(...items);
            this.#message.textContent = "";
            this.#after = String(body.after ?? "");
            this.#more.hidden = body.after === null;
        } catch (error) {
            this.#message.textContent = sentenceOf(error);
        }
    }
}

/** @param {Change} change @returns {HTMLElement[]} */
function itemOf(change) {
    const { zone } = account();
    const lines = change.action === "update" ? linesOf(change) : [];
    if (change.action === "update" && !lines.length) {
        return [];
    }
    const head = t("history.head", {
        who: whoOf(change),
        when: instantText(change.date, zone, languages.dates),
    });
    const what =
        change.action === "update"
            ? lines
            : [h("li", {}, textOf("history.", change.action, change.action))];
    return [h("li", {}, h("p", { class: "hint" }, head), h("ul", {}, what))];
}

/** @param {Change} change */
function whoOf({ token }) {
    if (token === null) {
        return t("history.service");
    }
    return token.kind === "session"
        ? t("history.you")
        : t("history.token", { name: token.name ?? "" });
}

/** @param {Change} change */
function linesOf({ before, after }) {
    const names = Object.keys(after ?? {});
    const lines = names.flatMap((name) => {
        const field = fieldName(name);
        if (!field) {
            return [];
        }
        const [from, to] = [valueText(name, before?.[name]), valueText(name, after?.[name])];
        const key = !from ? "history.set" : !to ? "history.cleared" : "history.changed";
        return [h("li", {}, t(key, { field, from: short(from), to: short(to) }))];
    });
    return lines.length || !names.includes("position") ? lines : [h("li", {}, t("history.moved"))];
}

const SHOWN = 200;

/** @param {string} text */
const short = (text) => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
