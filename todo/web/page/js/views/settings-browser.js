/** Settings of this browser: notifications, and whether it keeps the copy. */

import { h } from "../h.js";
import { permission } from "../notifications.js";
import { t } from "../texts.js";

export class BrowserSettings extends HTMLElement {
    connectedCallback() {
        void this.#draw();
    }

    async #draw() {
        const kept = await navigator.storage?.persisted?.();
        this.replaceChildren(
            h("h3", {}, t("notifications")),
            h("p", { role: "status" }, t(`notifications.${permission()}`)),
            permission() === "default"
                ? this.#button(t("notifications.show"), () => Notification.requestPermission())
                : "",
            h("h3", {}, t("storage")),
            h("p", { role: "status" }, t(kept ? "storage.kept" : "storage.lost")),
            kept || !navigator.storage?.persist
                ? ""
                : this.#button(t("storage.keep"), () => navigator.storage.persist()),
        );
    }

    /**
     * @param {string} text
     * @param {() => Promise<unknown>} ask
     */
    #button(text, ask) {
        const click = async () => {
            await ask();
            await this.#draw();
        };
        return h("button", { type: "button", class: "button", onclick: () => void click() }, text);
    }
}

customElements.define("todo-settings-browser", BrowserSettings);
