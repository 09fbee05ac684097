/** Says that a newer version of the page is ready. It never reloads by itself. */

import { h } from "../h.js";
import { t } from "../texts.js";
import { hasNewVersion, onNewVersion } from "./version.js";

export class Version extends HTMLElement {
    #end = () => {};

    connectedCallback() {
        this.setAttribute("role", "status");
        this.#end = onNewVersion(() => this.#draw());
        this.#draw();
    }

    disconnectedCallback() {
        this.#end();
    }

    #draw() {
        if (hasNewVersion() && !this.firstChild) {
            const reload = () => location.reload();
            this.append(
                h(
                    "p",
                    {},
                    t("version.new"),
                    " ",
                    h(
                        "button",
                        { type: "button", class: "link", onclick: reload },
                        t("version.reload"),
                    ),
                ),
            );
        }
    }
}

customElements.define("todo-version", Version);
