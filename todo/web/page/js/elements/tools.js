/** The links next to the title of a view with tasks. */

import { h } from "../h.js";
import { linkTo } from "../router.js";
import { t } from "../texts.js";

/**
 * Show the links, and leave them alone if they are the same.
 *
 * @param {HTMLElement} place
 * @param {import("../router.js").Route} route
 * @param {boolean} exists whether the list or filter of the view does
 */
export function renderTools(place, route, exists) {
    /** @type {[string, string][]} */
    const links = [];
    const { name, value, query } = route;
    if (exists && (name === "list" || name === "inbox")) {
        const on = query.has("completed");
        const href = linkTo(name, value, on ? {} : { completed: 1 });
        links.push([href, t(on ? "completed.hide" : "completed.show")]);
    }
    if (name === "list" && exists) {
        links.push([linkTo("lists", "", { edit: value }), t("list.edit")]);
    }
    if (name === "filter" && exists) {
        links.push([linkTo("filters", "", { edit: value }), t("filter.edit")]);
    }
    const shown = JSON.stringify(links);
    if (place.dataset.links !== shown) {
        place.dataset.links = shown;
        place.replaceChildren(
            ...links.map(([href, text]) => h("a", { href, class: "button quiet" }, text)),
        );
    }
}
