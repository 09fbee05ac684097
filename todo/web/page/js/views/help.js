/** The keyboard map, in a dialog. */

import { h } from "../h.js";
import { KEYS, onCommand } from "../keys.js";
import { t } from "../texts.js";

const NAMES = /** @type {Record<string, string>} */ ({ ArrowUp: "↑", ArrowDown: "↓" });

export class Help extends HTMLElement {
    #end = () => {};

    connectedCallback() {
        this.#end = onCommand((name) => {
            if (name === "help") {
                this.#show();
            }
        });
    }

    disconnectedCallback() {
        this.#end();
    }

    #show() {
        const back = /** @type {HTMLElement | null} */ (document.activeElement);
        const rows = KEYS.map(({ keys, text }) =>
            h("tr", {}, h("th", { scope: "row" }, keyCaps(keys)), h("td", {}, t(text))),
        );
        const close = h("button", { type: "submit", class: "button" }, t("close"));
        const dialog = h(
            "dialog",
            { class: "help", "aria-labelledby": "help-title" },
            // With the focus on the button, a small window would show the end of the map.
            h("h2", { id: "help-title", tabindex: "-1", autofocus: true }, t("help")),
            h("table", {}, h("tbody", {}, rows)),
            h("form", { method: "dialog", class: "actions" }, close),
        );
        dialog.addEventListener("close", () => {
            dialog.remove();
            back?.focus();
        });
        this.append(dialog);
        dialog.showModal();
    }
}

/** @param {string} keys such as "g t" or "Alt+ArrowUp" */
function keyCaps(keys) {
    return keys.split(/([ +])/).map((part) => {
        if (part === " ") {
            return ` ${t("key.then")} `;
        }
        return part === "+" ? "+" : h("kbd", {}, NAMES[part] ?? part);
    });
}

customElements.define("todo-help", Help);
