/** The view to manage labels. */

import { removeLabel, renameLabel } from "../actions.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { Live } from "../live.js";
import { button, field, heading, nameWindow } from "./parts.js";
import { linkTo } from "../router.js";
import { Rows } from "./rows.js";
import { account, state } from "../state.js";
import { t } from "../texts.js";
import { confirm } from "../elements/confirm.js";

/** @typedef {{ open: number, total: number }} Count */

const LONGEST = 64;

export class Labels extends Live {
    #title = heading(t("labels"));
    #empty = h("p", { class: "empty" }, t("empty.labels"));
    #rows = new Rows(h("ul", { class: "items" }), () => this.#title);
    /** The label whose form is open. */
    #edited = "";

    connectedCallback() {
        nameWindow(t("labels"));
        this.replaceChildren(
            h("header", { class: "head" }, this.#title),
            h("p", { class: "hint" }, t("labels.hint")),
            this.#empty,
            this.#rows.parent,
        );
        super.connectedCallback();
    }

    render() {
        if (!state.account) {
            return;
        }
        const { copy, view } = account();
        const counts = countsOf(view.tasks.values());
        const names = [...counts.keys()].sort((a, b) => a.localeCompare(b));
        this.#empty.hidden = names.length > 0 || copy.meta.revision === null;
        this.#rows.update(
            names.map((name) => this.#row(name, /** @type {Count} */ (counts.get(name)), counts)),
        );
    }

    /**
     * @param {string} label
     * @param {Count} count
     * @param {Map<string, Count>} all
     * @returns {import("./rows.js").Row}
     */
    #row(label, count, all) {
        if (this.#edited === label) {
            return { key: label, shown: "form", draw: () => [this.#form(label, all)] };
        }
        return {
            key: label,
            shown: [label, count],
            draw: () => [
                symbol("label"),
                h(
                    "div",
                    { class: "text" },
                    h(
                        "a",
                        { href: linkTo("label", label), class: "name", "data-key": "name" },
                        `@${label}`,
                    ),
                    h(
                        "span",
                        { class: "details" },
                        t("labels.count", { count: count.open, total: count.total }),
                    ),
                ),
                h(
                    "div",
                    { class: "tools" },
                    button(t("rename"), () => this.#edit(label), {
                        class: "quiet",
                        "data-key": "rename",
                        "aria-label": t("rename.name", { name: label }),
                    }),
                    button(t("remove"), () => void this.#remove(label, count.total), {
                        class: "quiet",
                        "data-key": "remove",
                        "aria-label": t("labels.remove.name", { name: label }),
                    }),
                ),
            ],
        };
    }

    /** Open the form of a label, or close it. @param {string} label */
    #edit(label) {
        const closed = this.#edited;
        this.#edited = label;
        this.render();
        const within = label ? "input" : "[data-key=rename]";
        const id = CSS.escape(label || closed);
        /** @type {HTMLElement} */ (
            this.querySelector(`[data-id="${id}"] ${within}`) ?? this.#title
        ).focus();
    }

    /**
     * @param {string} label
     * @param {Map<string, Count>} all
     */
    #form(label, all) {
        const name = h("input", {
            name: "name",
            value: label,
            maxlength: LONGEST,
            autocomplete: "off",
        });
        const { element, tell } = field(
            t("rename.name", { name: label }),
            name,
            t("labels.rename.hint"),
        );
        const close = () => this.#edit("");
        const save = async (/** @type {Event} */ event) => {
            event.preventDefault();
            const text = name.value.trim().replace(/^@/, "");
            const problem = !text ? t("name.missing") : text.includes(",") ? t("labels.comma") : "";
            tell(problem);
            if (problem) {
                name.focus();
                return;
            }
            const merges = text !== label && all.has(text);
            if (
                merges &&
                !(await confirm(t("labels.merge.ask", { name: label, other: text }), t("rename")))
            ) {
                return;
            }
            this.#edited = "";
            if (text !== label) {
                await renameLabel(label, text);
            }
            this.render();
            const id = CSS.escape(text);
            /** @type {HTMLElement} */ (
                this.querySelector(`[data-id="${id}"] a`) ?? this.#title
            ).focus();
        };
        return h(
            "form",
            {
                class: "form",
                novalidate: true,
                onsubmit: save,
                onkeydown: (/** @type {KeyboardEvent} */ event) =>
                    void (event.key === "Escape" && close()),
            },
            element,
            h(
                "div",
                { class: "actions" },
                button(t("cancel"), close),
                h("button", { class: "button primary" }, t("rename")),
            ),
        );
    }

    /** @param {string} label @param {number} count */
    async #remove(label, count) {
        if (await confirm(t("labels.remove.ask", { name: label, count }), t("remove"))) {
            await removeLabel(label);
        }
    }
}

/** @param {Iterable<import("../types.d.ts").Task>} tasks @returns {Map<string, Count>} */
function countsOf(tasks) {
    const counts = new Map();
    for (const { labels, completed } of tasks) {
        for (const label of labels) {
            const { open, total } = counts.get(label) ?? { open: 0, total: 0 };
            counts.set(label, { open: open + (completed ? 0 : 1), total: total + 1 });
        }
    }
    return counts;
}

customElements.define("todo-labels", Labels);
