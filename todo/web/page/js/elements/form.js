/** Forms that send a request at once, and say at the fields what is wrong. */

import { Problem } from "../api.js";
import { h } from "../h.js";
import { faultText, sentenceOf } from "../problems.js";

/** @typedef {import("../h.js").Child} Child */
/** @typedef {Record<string, string>} Values */

/**
 * Return a field with its label, and a hint that belongs to it.
 *
 * @param {string} label
 * @param {HTMLElement} control an input, select or textarea with a name
 * @param {string} [hint]
 */
export function field(label, control, hint = "") {
    const element = h("label", {}, h("span", {}, label), control);
    if (!hint) {
        return element;
    }
    const id = `hint-${(count += 1)}`;
    control.setAttribute("aria-describedby", id);
    return h("div", {}, element, h("p", { class: "hint", id }, hint));
}

let count = 0;

/**
 * Return a form. `work` answers with what to say after a success, or with "" for nothing.
 *
 * @param {string} button
 * @param {(values: Values, form: HTMLFormElement) => Promise<string>} work
 * @param {...(Child | Child[])} fields
 */
export function form(button, work, ...fields) {
    const error = h("p", { class: "error", role: "alert" });
    const said = h("span", { class: "said", role: "status" });
    const submit = h("button", { type: "submit", class: "button primary" }, button);
    const row = h("div", { class: "submit" }, submit, said);
    const element = h("form", { class: "form" }, ...fields, error, row);
    let busy = false;
    element.addEventListener("input", () => (said.textContent = ""));
    element.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (busy) {
            return;
        }
        busy = true;
        said.textContent = "";
        // A disabled button would lose the focus.
        submit.setAttribute("aria-busy", "true");
        showFaults(element, error, null);
        const values = /** @type {Values} */ (Object.fromEntries(new FormData(element)));
        try {
            said.textContent = await work(values, element);
        } catch (problem) {
            showFaults(element, error, problem);
        }
        busy = false;
        submit.removeAttribute("aria-busy");
    });
    return element;
}

/**
 * Show an error at the fields it names, and put the focus into the first one.
 *
 * @param {HTMLFormElement} element
 * @param {HTMLElement} place for what concerns no field
 * @param {unknown} error null clears all
 */
export function showFaults(element, place, error) {
    element.querySelectorAll(".fault").forEach((fault) => fault.remove());
    for (const input of element.querySelectorAll("[aria-invalid]")) {
        input.removeAttribute("aria-invalid");
        const others = input.getAttribute("aria-describedby")?.split(" ") ?? [];
        const kept = others.filter((id) => !id.startsWith("fault-"));
        kept.length
            ? input.setAttribute("aria-describedby", kept.join(" "))
            : input.removeAttribute("aria-describedby");
    }
    place.textContent = "";
    if (!error) {
        return;
    }
    const faults = error instanceof Problem ? error.errors : [];
    const named = faults.filter((fault) => controlOf(element, fault));
    named.forEach((fault) => showFault(controlOf(element, fault), fault));
    if (named.length) {
        controlOf(element, named[0]).focus();
    }
    if (named.length < Math.max(1, faults.length)) {
        place.textContent = sentenceOf(error);
    }
}

/**
 * @param {HTMLFormElement} element
 * @param {import("../types.d.ts").Fault} fault
 */
const controlOf = (element, fault) =>
    /** @type {HTMLInputElement} */ (element.elements.namedItem(fault.field));

/**
 * @param {HTMLInputElement} control
 * @param {import("../types.d.ts").Fault} fault
 */
function showFault(control, fault) {
    const id = `fault-${(count += 1)}`;
    const ids = [control.getAttribute("aria-describedby"), id].filter(Boolean);
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", ids.join(" "));
    control.parentElement?.append(h("span", { class: "fault", id }, faultText(fault)));
}

/**
 * Return a request that was refused for a wrong current password as a fault of that field.
 *
 * @param {unknown} error
 */
export function asPasswordFault(error) {
    if (!(error instanceof Problem && error.code === "reauthentication_required")) {
        return error;
    }
    const errors = [{ field: "current_password", code: "wrong_password", message: error.message }];
    return new Problem(error.status, { ...error.body, errors }, null);
}
