/** Questions in a dialog. */

import { h } from "../h.js";
import { t } from "../texts.js";

/**
 * Ask the person.
 *
 * @param {string} question
 * @param {string} yes the text of the button that agrees
 * @param {...(Node | string)} more shown below the question
 * @returns {Promise<boolean>}
 */
export function confirm(question, yes, ...more) {
    return new Promise((resolve) => {
        const cancel = h("button", { type: "button", class: "button" }, t("cancel"));
        const agree = h("button", { type: "button", class: "button primary" }, yes);
        const actions = h("div", { class: "actions" }, cancel, agree);
        const dialog = h(
            "dialog",
            { "aria-label": question },
            h("p", {}, question),
            ...more,
            actions,
        );
        cancel.addEventListener("click", () => dialog.close());
        agree.addEventListener("click", () => dialog.close("yes"));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
        agree.focus();
    });
}
