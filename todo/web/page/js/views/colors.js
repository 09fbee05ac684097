/** A choice of colors: a palette with names, and one of the person's own. */

import { h } from "../h.js";
import { swatch } from "../icons.js";
import { t } from "../texts.js";

/** @typedef {import("../texts.js").Key} Key */

/** @type {[Key, string][]} */
const PALETTE = [
    ["color.red", "#d64545"],
    ["color.orange", "#d9730d"],
    ["color.yellow", "#c9a20c"],
    ["color.green", "#3f9142"],
    ["color.teal", "#1f9d94"],
    ["color.blue", "#3366d6"],
    ["color.purple", "#8250c4"],
    ["color.pink", "#c94b8c"],
    ["color.brown", "#8d6748"],
    ["color.gray", "#6b7280"],
];
const FIRST_OWN = "#4c6ef5";

let groups = 0;

/**
 * Return the choice.
 *
 * @param {string | null} color as `#rrggbb`
 * @returns {{ element: HTMLElement, value: () => string | null }}
 */
export function colorField(color) {
    groups += 1;
    const name = `color-${groups}`;
    const isOwn = color !== null && !PALETTE.some(([, value]) => value === color);
    const own = h("input", {
        type: "color",
        value: isOwn ? color : FIRST_OWN,
        "aria-label": t("color.own"),
    });
    const option = (
        /** @type {string} */ value,
        /** @type {Key} */ key,
        /** @type {boolean} */ checked,
    ) => {
        const radio = h("input", { type: "radio", name, value, checked });
        return h(
            "label",
            { class: "color", title: t(key) },
            radio,
            swatch(value === "own" ? null : value),
            h("span", { class: "hidden" }, t(key)),
        );
    };
    const last = option("own", "color.own", isOwn);
    own.addEventListener("input", () => {
        /** @type {HTMLInputElement} */ (last.querySelector("input")).checked = true;
    });
    const element = h(
        "fieldset",
        { class: "colors" },
        h("legend", {}, t("color")),
        option("", "color.none", color === null),
        PALETTE.map(([key, value]) => option(value, key, value === color)),
        last,
        own,
    );
    const value = () => {
        const chosen = /** @type {HTMLInputElement | null} */ (
            element.querySelector("input:checked")
        )?.value;
        return chosen === "own" ? own.value : chosen || null;
    };
    return { element, value };
}
