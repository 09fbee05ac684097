/** Parts that many views have: titles, buttons, fields, and sentences about the network. */

import { Unreachable } from "../api.js";
import { h } from "../h.js";
import { sentenceOf } from "../problems.js";
import { t } from "../texts.js";

/** @typedef {import("../h.js").Child} Child */

let fields = 0;

/** @returns {HTMLHeadingElement} the title of a view, which can have the focus */
export const heading = (/** @type {string} */ text) => h("h1", { tabindex: "-1" }, text);

/** Name the view in the title of the window. @param {string} title */
export function nameWindow(title) {
    document.title = `${title} – todo`;
}

/**
 * @param {Child | Child[]} content
 * @param {(event: Event) => void} onclick
 * @param {import("../h.js").Attributes} [attributes] `class` is added to that of a button
 */
export function button(content, onclick, { class: kind = "", ...attributes } = {}) {
    return h(
        "button",
        { type: "button", class: `button ${kind}`.trim(), onclick, ...attributes },
        content,
    );
}

/**
 * Return a label with its control, and the places of a hint and of an error, which are tied to it.
 *
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [hint]
 * @returns {{ element: HTMLElement, tell: (problem: string) => void }} `tell` shows an error
 */
export function field(label, control, hint = "") {
    fields += 1;
    const id = `field-${fields}`;
    control.id = id;
    const error = h("p", { class: "error", id: `${id}-error` });
    const described = [`${id}-error`];
    const element = h("div", { class: "field" }, h("label", { for: id }, label), control);
    if (hint) {
        element.append(h("p", { class: "hint", id: `${id}-hint` }, hint));
        described.push(`${id}-hint`);
    }
    element.append(error);
    control.setAttribute("aria-describedby", described.join(" "));
    const tell = (/** @type {string} */ problem) => {
        error.textContent = problem;
        problem
            ? control.setAttribute("aria-invalid", "true")
            : control.removeAttribute("aria-invalid");
    };
    return { element, tell };
}

/**
 * Return a sentence about an error of something that is not in the copy.
 *
 * @param {unknown} error
 */
export const networkText = (error) =>
    error instanceof Unreachable ? t("network.needed") : sentenceOf(error);
