/** The field that adds tasks: one line each, with its parts shown as they are understood. */

import { addLines, create } from "../actions.js";
import { Problem, send } from "../api.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { sentenceOf } from "../problems.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { isNew } from "../writes.js";
import { confirm } from "./confirm.js";

/** @typedef {import("../types.d.ts").Fields} Fields */

const PAUSE_MS = 200;
const LONGEST = 1000;

/** The text that is not added yet, also while another view or the login is shown. */
const draft = { account: 0, text: "" };

export class QuickAdd extends HTMLElement {
    /** Fields of what is added here, for what a line does not say. @type {Fields} */
    defaults = {};
    #input = h("input", {
        name: "text",
        "aria-label": t("add.label"),
        placeholder: t("add.placeholder"),
        autocomplete: "off",
        enterkeyhint: "done",
        maxlength: LONGEST,
    });
    #chips = h("div", { class: "chips", "aria-live": "polite" });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    /** How the server reads the text. @type {{ text: string, task: Fields } | null} */
    #understood = null;

    connectedCallback() {
        if (this.firstChild) {
            return;
        }
        if (draft.account === account().copy.account) {
            this.#input.value = draft.text;
        }
        const button = h("button", { type: "submit", class: "button primary" }, t("add"));
        const form = h("form", {
            class: "add",
            onsubmit: (/** @type {Event} */ event) => this.#submit(event),
        });
        form.append(this.#input, button, this.#chips);
        this.#input.addEventListener("input", () => this.#typed());
        this.#input.addEventListener("paste", (event) => void this.#paste(event));
        this.#input.addEventListener("keydown", (event) => {
            if (event.key === "Escape") {
                this.#input.blur();
            }
        });
        this.append(form);
    }

    focus() {
        this.#input.focus();
    }

    /** @param {Event} event */
    #submit(event) {
        event.preventDefault();
        const text = this.#input.value.trim();
        if (text) {
            const guess = this.#understood?.text === text ? this.#understood.task : undefined;
            this.#clear();
            addLines([text], this.defaults, guess).catch((error) => {
                this.#input.value ||= text; // the browser could not store it
                throw error;
            });
        }
    }

    #clear() {
        this.#input.value = "";
        draft.text = "";
        this.#understood = null;
        clearTimeout(this.#timer);
        this.#chips.replaceChildren();
    }

    #typed() {
        clearTimeout(this.#timer);
        const text = this.#input.value.trim();
        Object.assign(draft, { account: account().copy.account, text });
        if (text) {
            this.#timer = setTimeout(() => void this.#read(text), PAUSE_MS);
        } else {
            this.#clear();
        }
    }

    /** Ask the server how it reads the text. @param {string} text */
    async #read(text) {
        const path = `${pathOf(account().copy)}/tasks/quick?dry_run=true`;
        // The server does not know a list that is not saved yet.
        const known = Object.entries(this.defaults).filter(([, value]) => !isNew(value));
        const body = { text, ...Object.fromEntries(known) };
        const parts = await send("POST", path, { body }).then(
            ({ body }) => body,
            (error) => (error instanceof Problem && error.status === 400 ? error : null),
        );
        if (this.#input.value.trim() !== text) {
            return;
        }
        if (parts instanceof Problem) {
            this.#chips.replaceChildren(h("span", { class: "error" }, sentenceOf(parts)));
        } else if (parts) {
            const { id, uid, position, subtasks, revision, ...task } = parts.task;
            const list_id = task.list_id ?? this.defaults.list_id ?? null;
            this.#understood = { text, task: { ...task, list_id } };
            const chips = parts.parsed.map((/** @type {{ kind: string, text: string }} */ part) =>
                h("span", { class: `chip ${part.kind}` }, part.text),
            );
            this.#chips.replaceChildren(...chips, ...this.#offerList(task.name, text));
        }
    }

    /**
     * Offer to make a list that the text names and that does not exist.
     *
     * @param {string} name what the server has left as the name of the task
     * @param {string} text
     * @returns {HTMLElement[]}
     */
    #offerList(name, text) {
        const list = /(?:^|\s)#([^\s#]+)/.exec(name)?.[1];
        if (!list || /^\d+$/.test(list)) {
            return []; // "#1" is rather a number
        }
        const make = async () => {
            this.focus();
            await create("list", { name: list });
            await account().sync();
            await this.#read(text);
        };
        const label = t("add.list", { name: list });
        return [h("button", { type: "button", class: "chip", onclick: make }, label)];
    }

    /** Make many tasks of many lines, after asking. @param {ClipboardEvent} event */
    async #paste(event) {
        const text = event.clipboardData?.getData("text/plain") ?? "";
        const lines = text
            .split(/\r?\n/)
            .map((line) => line.replace(/^\s*(?:[-*•]|\[[ xX]?\])\s+/, "").trim());
        const tasks = lines.filter(Boolean);
        if (tasks.length < 2) {
            return;
        }
        event.preventDefault();
        const before = this.#input.value;
        if (
            await confirm(
                t("add.many", { count: tasks.length }),
                t("add.many.yes", { count: tasks.length }),
            )
        ) {
            await addLines(
                tasks.map((line) => line.slice(0, LONGEST)),
                this.defaults,
            );
        } else {
            this.#input.value = before + tasks.join(" ").slice(0, LONGEST - before.length);
        }
        this.focus();
    }
}

customElements.define("todo-add", QuickAdd);
