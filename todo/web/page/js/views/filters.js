/** The view to manage saved filters. */

import { remove } from "../actions.js";
import { h } from "../h.js";
import { symbol } from "../icons.js";
import { presentId } from "../ids.js";
import { Live } from "../live.js";
import { button, heading, nameWindow } from "./parts.js";
import { queryText } from "./query.js";
import { currentRoute, linkTo, replace } from "../router.js";
import { Rows } from "./rows.js";
import { idOf } from "../select.js";
import { account, state } from "../state.js";
import { t } from "../texts.js";
import { confirm } from "../elements/confirm.js";
import { FilterForm } from "./filter-form.js";

/** @typedef {import("../types.d.ts").Filter} Filter */

const NEW = "new";

export class Filters extends Live {
    #title = heading(t("filters"));
    #empty = h("p", { class: "empty" }, t("empty.filters"));
    #rows = new Rows(h("ul", { class: "items" }), () => this.#title);
    #create = h(
        "a",
        { href: linkTo("filters", "", { edit: NEW }), class: "button" },
        symbol("add"),
        t("filters.new"),
    );
    #place = h("div", { class: "sheet" });
    #edited = "";

    connectedCallback() {
        nameWindow(t("filters"));
        this.replaceChildren(
            h("header", { class: "head" }, this.#title, h("div", { class: "tools" }, this.#create)),
            h("p", { class: "hint" }, t("filters.hint")),
            this.#place,
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
        const asked = idOf(currentRoute().query.get("edit") ?? "");
        const edited = asked === NEW ? NEW : presentId(copy, asked);
        if (edited !== asked) {
            this.#rows.rename(asked, edited);
            this.#edited = String(edited);
            replace(linkTo("filters", "", { edit: edited }));
            return;
        }
        const filters = [...view.filters.values()].sort((a, b) => a.name.localeCompare(b.name));
        const creates = edited === NEW;
        if (creates !== Boolean(this.#place.firstChild)) {
            this.#place.replaceChildren(...(creates ? [new FilterForm(null)] : []));
        }
        this.#empty.hidden = filters.length > 0 || creates || copy.meta.revision === null;
        const names = (/** @type {string} */ id) =>
            view.lists.get(idOf(id))?.name ?? t("missing.list");
        this.#rows.update(
            filters.map((filter) =>
                filter.id === edited
                    ? { key: filter.id, shown: "form", draw: () => [new FilterForm(filter)] }
                    : this.#row(filter, queryText(filter.query, names)),
            ),
        );
        this.#focusEdited(String(edited));
    }

    /** Focus the form that has just opened, or the link that opened it. @param {string} edited */
    #focusEdited(edited) {
        if (this.#edited === edited) {
            return;
        }
        const closed = this.#edited;
        this.#edited = edited;
        const row = `[data-id="${CSS.escape(closed)}"] [data-key=edit]`;
        const target = edited
            ? this.querySelector("[name=name]")
            : (this.querySelector(row) ?? this.#create);
        /** @type {HTMLElement | null} */ (target)?.focus();
    }

    /**
     * @param {Filter} filter
     * @param {string} query in words
     * @returns {import("./rows.js").Row}
     */
    #row({ id, name }, query) {
        const unsaved = account().view.unsaved.has(id);
        return {
            key: id,
            shown: [name, query, unsaved],
            draw: () => [
                symbol("filter"),
                h(
                    "div",
                    { class: "text" },
                    h("a", { href: linkTo("filter", id), class: "name", "data-key": "name" }, name),
                    h("span", { class: "details" }, query, unsaved && ` · ${t("unsaved")}`),
                ),
                h(
                    "div",
                    { class: "tools" },
                    h(
                        "a",
                        {
                            href: linkTo("filters", "", { edit: id }),
                            class: "button quiet",
                            "data-key": "edit",
                            "aria-label": t("edit.name", { name }),
                        },
                        t("edit"),
                    ),
                    button(t("delete"), () => void this.#remove(id, name), {
                        class: "quiet",
                        "data-key": "delete",
                        "aria-label": t("delete.name", { name }),
                    }),
                ),
            ],
        };
    }

    /** @param {import("../types.d.ts").Id} id @param {string} name */
    async #remove(id, name) {
        if (await confirm(t("filter.delete.ask", { name }), t("delete"))) {
            const filter = account().view.filters.get(presentId(account().copy, id));
            filter && (await remove("filter", filter));
        }
    }
}

customElements.define("todo-filters", Filters);
