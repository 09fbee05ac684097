/** The form of a saved filter: plain choices that make its query, which experts can edit. */

import { change, create } from "../actions.js";
import { Problem, send } from "../api.js";
import { append, h } from "../h.js";
import { presentId } from "../ids.js";
import { pathOf } from "../outbox.js";
import { button, field } from "./parts.js";
import { byPosition } from "../positions.js";
import { faultText, sentenceOf } from "../problems.js";
import {
    CHOICES,
    PRIORITIES,
    choiceOf,
    choiceText,
    partsOf,
    trimQuery,
    withChoice,
} from "./query.js";
import { go, linkTo } from "../router.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { isNew } from "../writes.js";

/** @typedef {import("../types.d.ts").Filter} Filter */
/** @typedef {import("../texts.js").Key} Key */

const START = "completed=false";

export class FilterForm extends HTMLElement {
    /** @type {Filter | null} */
    #filter;
    #name = h("input", { name: "name", maxlength: 255, autocomplete: "off" });
    #text = h("textarea", { name: "query", maxlength: 2000, rows: 2, spellcheck: "false" });
    #advanced = h("details", { class: "advanced" }, h("summary", {}, t("advanced")));
    #save = h("button", { class: "button primary" }, t("save"));
    /** The choices by their parameter, with their way to show the query. */
    /** @type {Map<string, { tell: (problem: string) => void, show: (value: string) => void }>} */
    #choices = new Map();
    #names = field(t("name"), this.#name);
    #queries = field(t("query"), this.#text, t("query.hint"));

    /** @param {Filter | null} filter null for a new one */
    constructor(filter) {
        super();
        this.#filter = filter;
        this.#name.value = filter?.name ?? "";
        this.#text.value = filter?.query ?? START;
        this.#text.addEventListener("input", () => this.#show());
    }

    connectedCallback() {
        if (this.firstChild) {
            return;
        }
        const lists = [...account().view.lists.values()]
            .filter(({ id }) => !isNew(id))
            .sort(byPosition);
        append(this.#advanced, this.#queries.element);
        const close = () => go(linkTo("filters"));
        const form = h(
            "form",
            {
                class: "form",
                novalidate: true,
                onsubmit: (/** @type {Event} */ event) => void this.#submit(event),
            },
            this.#names.element,
            h(
                "div",
                { class: "choices" },
                this.#select(
                    "due",
                    CHOICES.due.map((value) => [value, choiceText("due", value)]),
                ),
                this.#select(
                    "completed",
                    CHOICES.completed.map((value) => [value, choiceText("completed", value)]),
                ),
                this.#select("list", [
                    ["", t("query.list.all")],
                    ["inbox", t("inbox")],
                    ...lists.map(
                        ({ id, name }) => /** @type {[string, string]} */ ([String(id), name]),
                    ),
                ]),
                this.#input("label", "text", t("query.label.hint")),
                this.#input("search", "search"),
                this.#select(
                    "sort",
                    CHOICES.sort.map((value) => [value, choiceText("sort", value)]),
                ),
            ),
            this.#priorities(),
            this.#advanced,
            h("div", { class: "actions" }, button(t("cancel"), close), this.#save),
        );
        form.addEventListener("keydown", ({ key }) => void (key === "Escape" && close()));
        this.append(form);
        this.#show();
    }

    /** Show the query in the choices. */
    #show() {
        const query = trimQuery(this.#text.value);
        this.#choices.forEach(({ show }, name) => show(choiceOf(query, name)));
    }

    /** @param {string} name @param {string} value */
    #choose(name, value) {
        this.#text.value = withChoice(trimQuery(this.#text.value), name, value);
    }

    /**
     * @param {string} name
     * @param {[string, string][]} options values with their texts
     */
    #select(name, options) {
        const select = h("select", { name: `choice-${name}` });
        options.forEach(([value, text]) => select.append(h("option", { value }, text)));
        select.addEventListener("change", () => this.#choose(name, select.value));
        const { element, tell } = field(t(/** @type {Key} */ (`query.${name}`)), select);
        const show = (/** @type {string} */ value) => {
            if (![...select.options].some((option) => option.value === value)) {
                select.append(h("option", { value }, value)); // of the query of an expert
            }
            select.value = value;
        };
        this.#choices.set(name, { tell, show });
        return element;
    }

    /** @param {string} name @param {string} type @param {string} [hint] */
    #input(name, type, hint) {
        const input = h("input", { name: `choice-${name}`, type, autocomplete: "off" });
        const listed = name === "label" ? partsOf : (/** @type {string} */ text) => [text.trim()];
        input.addEventListener("input", () => {
            const value = listed(input.value.replace(/(^|,)\s*@/g, "$1")).join(",");
            this.#choose(name, value);
        });
        const { element, tell } = field(t(/** @type {Key} */ (`query.${name}`)), input, hint);
        const show = (/** @type {string} */ value) => void (input.value = value);
        this.#choices.set(name, { tell, show });
        return element;
    }

    #priorities() {
        const boxes = PRIORITIES.map((value) => h("input", { type: "checkbox", value }));
        const error = h("p", { class: "error" });
        const chosen = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
        boxes.forEach((box) =>
            box.addEventListener("change", () => this.#choose("priority", chosen().join(","))),
        );
        this.#choices.set("priority", {
            tell: (problem) => void (error.textContent = problem),
            show: (value) =>
                boxes.forEach((box) => void (box.checked = partsOf(value).includes(box.value))),
        });
        return h(
            "fieldset",
            { class: "checks" },
            h("legend", {}, t("query.priority")),
            boxes.map((box, index) =>
                h(
                    "label",
                    { class: "check" },
                    box,
                    t(/** @type {Key} */ (`query.priority.${PRIORITIES[index]}`)),
                ),
            ),
            error,
        );
    }

    /** @param {Event} event */
    async #submit(event) {
        event.preventDefault();
        const name = this.#name.value.trim();
        const query = trimQuery(this.#text.value);
        this.#names.tell(name ? "" : t("name.missing"));
        if (!name) {
            this.#name.focus();
            return;
        }
        this.#save.disabled = true;
        const isRight = await this.#check(query);
        this.#save.disabled = false;
        if (isRight && this.isConnected) {
            await this.#store({ name, query });
        }
    }

    /** @param {{ name: string, query: string }} values */
    async #store(values) {
        const { copy, view } = account();
        const opened = this.#filter;
        if (!opened) {
            const id = await create("filter", values);
            go(linkTo("filter", presentId(copy, id)));
            return;
        }
        const now = view.filters.get(presentId(copy, opened.id));
        const changed = Object.fromEntries(
            Object.entries(values).filter(
                ([key, value]) => value !== /** @type {any} */ (opened)[key],
            ),
        );
        if (now) {
            await change("filter", now, changed);
        }
        go(linkTo("filters"));
    }

    /**
     * Ask the server whether it understands a query, and show its answer at the fields. Without a
     * network, the server says so when the filter is sent.
     *
     * @param {string} query
     * @returns {Promise<boolean>}
     */
    async #check(query) {
        this.#queries.tell("");
        this.#choices.forEach(({ tell }) => tell(""));
        if (!query) {
            this.#tellQuery(t("query.missing"));
            return false;
        }
        try {
            const limit = choiceOf(query, "limit") ? "" : "&limit=1";
            await send(
                "GET",
                `${pathOf(account().copy)}/tasks?${query.replaceAll("#", "%23")}${limit}`,
            );
            return true;
        } catch (error) {
            if (!(error instanceof Problem) || error.isTemporary) {
                return true;
            }
            for (const fault of error.errors) {
                const text = faultText(fault);
                const choice = this.#choices.get(fault.field);
                choice ? choice.tell(text) : this.#tellQuery(`${fault.field}: ${text}`);
            }
            if (!error.errors.length) {
                this.#tellQuery(sentenceOf(error));
            }
            /** @type {HTMLElement | null} */ (this.querySelector("[aria-invalid]"))?.focus();
            return false;
        }
    }

    /** @param {string} problem */
    #tellQuery(problem) {
        this.#advanced.open = true;
        this.#queries.tell(problem);
    }
}

customElements.define("todo-filter-form", FilterForm);
