/** The view to manage lists. */

import { change, create, move } from "../actions.js";
import { colorField } from "./colors.js";
import { makeSortable } from "./drag.js";
import { h } from "../h.js";
import { swatch, symbol } from "../icons.js";
import { presentId } from "../ids.js";
import { onCommand } from "../keys.js";
import { Live } from "../live.js";
import { button, field, heading, nameWindow } from "./parts.js";
import { byPosition } from "../positions.js";
import { currentRoute, go, linkTo, replace } from "../router.js";
import { Rows } from "./rows.js";
import { idOf } from "../select.js";
import { account, state } from "../state.js";
import { t } from "../texts.js";
import { listForm } from "./list-form.js";

/** @typedef {import("../types.d.ts").List} List */
/** @typedef {import("../types.d.ts").Id} Id */

export class Lists extends Live {
    #title = heading(t("lists"));
    #empty = h("p", { class: "empty" }, t("empty.lists"));
    #archivedTitle = h("h2", {}, t("lists.archived"));
    #active = new Rows(h("ul", { class: "items" }), () => this.#title);
    #archived = new Rows(h("ul", { class: "items" }), () => this.#title);
    #edited = "";
    /** @type {(() => void) | null} */
    #end = null;

    constructor() {
        super();
        makeSortable(this.#active.parent, ".item", (dragged, target, where) => {
            const list = listOf(dragged);
            const other = listOf(target);
            if (list && other) {
                void move("list", list, { [where]: other.id });
            }
        });
    }

    connectedCallback() {
        nameWindow(t("lists"));
        this.replaceChildren(
            h("header", { class: "head" }, this.#title),
            this.#creation(),
            this.#empty,
            this.#active.parent,
            this.#archivedTitle,
            this.#archived.parent,
        );
        this.#end = onCommand((name) => this.#obey(name));
        super.connectedCallback();
    }

    disconnectedCallback() {
        super.disconnectedCallback();
        this.#end?.();
    }

    /** @returns {HTMLFormElement} the form for a new list */
    #creation() {
        const name = h("input", { name: "name", maxlength: 255, autocomplete: "off" });
        const { element, tell } = field(t("list.new"), name);
        const place = h("div");
        let color = colorField(null);
        place.append(color.element);
        const submit = (/** @type {Event} */ event) => {
            event.preventDefault();
            const text = name.value.trim();
            tell(text ? "" : t("name.missing"));
            if (text) {
                void create("list", { name: text, ...(color.value() && { color: color.value() }) });
                name.value = "";
                color = colorField(null);
                place.replaceChildren(color.element);
            }
            name.focus();
        };
        const add = h("button", { class: "button primary" }, t("add"));
        return h(
            "form",
            { class: "creation", onsubmit: submit, novalidate: true },
            h("div", { class: "line" }, element, add),
            place,
        );
    }

    render() {
        if (!state.account) {
            return;
        }
        const { copy, view } = account();
        const route = currentRoute();
        const asked = idOf(route.query.get("edit") ?? "");
        const edited = presentId(copy, asked);
        if (edited !== asked) {
            this.#active.rename(asked, edited);
            this.#archived.rename(asked, edited);
            this.#edited = String(edited);
            replace(linkTo("lists", "", { edit: edited }));
            return;
        }
        const counts = openCounts(view.tasks.values());
        const lists = [...view.lists.values()].sort(byPosition);
        const active = lists.filter(({ archived }) => !archived);
        const archived = lists.filter((list) => list.archived);
        this.#empty.hidden = lists.length > 0 || copy.meta.revision === null;
        this.#archivedTitle.hidden = archived.length === 0;
        this.#active.update(
            active.map((list, index) => this.#row(list, edited, counts, index, active.length)),
        );
        for (const row of this.#active.parent.children) {
            // In a form, the mouse selects text.
            /** @type {HTMLElement} */ (row).draggable = !row.querySelector("form");
        }
        this.#archived.update(archived.map((list) => this.#row(list, edited, counts, -1, 0)));
        this.#focusEdited(String(edited));
    }

    /** Focus the form that has just opened, or the link that opened it. @param {string} edited */
    #focusEdited(edited) {
        if (this.#edited === edited) {
            return;
        }
        const id = edited || this.#edited;
        const within = edited ? "[name=name]" : "[data-key=edit]";
        this.#edited = edited;
        /** @type {HTMLElement | null} */ (
            this.querySelector(`[data-id="${CSS.escape(id)}"] ${within}`)
        )?.focus();
    }

    /**
     * @param {List} list
     * @param {Id} edited the id of the list whose form is open
     * @param {Map<Id, number>} counts
     * @param {number} index among the lists that can be moved; -1 for none
     * @param {number} length
     * @returns {import("./rows.js").Row}
     */
    #row(list, edited, counts, index, length) {
        const { id, name, color, archived } = list;
        if (edited === id) {
            return { key: id, shown: "form", draw: () => [listForm(list)] };
        }
        const count = counts.get(id) ?? 0;
        const unsaved = account().view.unsaved.has(id);
        const shown = [name, color, archived, count, index === 0, index === length - 1, unsaved];
        return { key: id, shown, draw: () => this.#draw(list, count, index, length, unsaved) };
    }

    /**
     * @param {List} list
     * @param {number} count
     * @param {number} index
     * @param {number} length
     * @param {boolean} unsaved
     */
    #draw(list, count, index, length, unsaved) {
        const { id, name, color, archived } = list;
        const tool = (/** @type {"up" | "down"} */ way, /** @type {boolean} */ disabled) =>
            button(symbol(way), () => this.#step(id, way), {
                class: "quiet icon-only",
                "data-key": way,
                "aria-label": t(way === "up" ? "list.up" : "list.down", { name }),
                title: t(way === "up" ? "move.up" : "move.down"),
                disabled,
            });
        return [
            swatch(color),
            h(
                "div",
                { class: "text" },
                h("a", { href: linkTo("list", id), class: "name", "data-key": "name" }, name),
                h(
                    "span",
                    { class: "details" },
                    t("tasks.open", { count }),
                    unsaved && ` · ${t("unsaved")}`,
                ),
            ),
            h(
                "div",
                { class: "tools" },
                index >= 0 && [tool("up", index === 0), tool("down", index === length - 1)],
                archived &&
                    button(t("list.unarchive"), () => this.#unarchive(id), {
                        class: "quiet",
                        "data-key": "unarchive",
                        "aria-label": t("list.unarchive.name", { name }),
                    }),
                h(
                    "a",
                    {
                        href: linkTo("lists", "", { edit: id }),
                        class: "button quiet",
                        "data-key": "edit",
                        "aria-label": t("edit.name", { name }),
                    },
                    t("edit"),
                ),
            ),
        ];
    }

    /** @param {Id} id */
    #unarchive(id) {
        const list = account().view.lists.get(id);
        if (list) {
            void change("list", list, { archived: false });
        }
    }

    /** @param {string} command */
    #obey(command) {
        const row = /** @type {HTMLElement | null} */ (document.activeElement?.closest(".item"));
        if ((command === "up" || command === "down") && row && this.#active.parent.contains(row)) {
            this.#step(idOf(row.dataset.id ?? ""), command);
        } else if (command === "edit" && row && this.contains(row)) {
            go(linkTo("lists", "", { edit: row.dataset.id ?? "" }));
        } else if (command === "next" || command === "previous") {
            const names = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".item .name")]);
            const at = names.findIndex((name) => row?.contains(name));
            names[
                Math.max(0, Math.min(names.length - 1, at + (command === "next" ? 1 : -1)))
            ]?.focus();
        }
    }

    /**
     * @param {Id} id
     * @param {"up" | "down"} way
     */
    #step(id, way) {
        const lists = [...account().view.lists.values()]
            .filter(({ archived }) => !archived)
            .sort(byPosition);
        const index = lists.findIndex((list) => list.id === id);
        const other = lists[index + (way === "up" ? -1 : 1)];
        if (index >= 0 && other) {
            void move(
                "list",
                lists[index],
                way === "up" ? { before: other.id } : { after: other.id },
            );
        }
    }
}

/** @param {HTMLElement} row */
const listOf = (row) =>
    account().view.lists.get(presentId(account().copy, idOf(row.dataset.id ?? "")));

/** @param {Iterable<import("../types.d.ts").Task>} tasks @returns {Map<Id, number>} */
function openCounts(tasks) {
    const counts = new Map();
    for (const { list_id: list, completed } of tasks) {
        if (list !== null && !completed) {
            counts.set(list, (counts.get(list) ?? 0) + 1);
        }
    }
    return counts;
}

customElements.define("todo-lists", Lists);
