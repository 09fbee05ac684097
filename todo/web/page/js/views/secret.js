/** A secret that the server shows once: it is in this dialog, and nowhere else. */

import { h } from "../h.js";
import { t } from "../texts.js";

/**
 * Show a secret until the person closes the dialog.
 *
 * @param {string} title
 * @param {string} text what it is for
 * @param {string} secret
 * @returns {Promise<void>}
 */
export function showSecret(title, text, secret) {
    return new Promise((resolve) => {
        const value = h("output", { class: "secret", tabindex: "0" }, secret);
        const said = h("span", { class: "said", role: "status" });
        const copy = h("button", { type: "button", class: "button primary" }, t("secret.copy"));
        const close = h("button", { type: "button", class: "button" }, t("secret.close"));
        const dialog = h(
            "dialog",
            { "aria-labelledby": "secret-title", class: "ask" },
            h("h2", { id: "secret-title" }, title),
            h("p", {}, text),
            value,
            h("p", { class: "hint" }, t("secret.once")),
            h("div", { class: "actions" }, said, close, copy),
        );
        copy.addEventListener("click", async () => {
            try {
                await navigator.clipboard.writeText(secret);
                said.textContent = t("secret.copied");
            } catch {
                // Over plain http, browsers have no clipboard for scripts.
                getSelection()?.selectAllChildren(value);
                said.textContent = t("secret.select");
            }
        });
        close.addEventListener("click", () => dialog.close());
        // Escape would lose the secret by mistake.
        dialog.addEventListener("cancel", (event) => event.preventDefault());
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve();
        });
        document.body.append(dialog);
        dialog.showModal();
        copy.focus();
    });
}
