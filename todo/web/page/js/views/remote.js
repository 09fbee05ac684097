/** The base of elements that show what is not in the copy: it is read when they appear. */

import { append, h } from "../h.js";
import { networkText } from "./parts.js";
import { t } from "../texts.js";

/** @typedef {import("../h.js").Child} Child */

export class Remote extends HTMLElement {
    #content = h("div");

    connectedCallback() {
        if (!this.#content.isConnected) {
            this.append(this.#content);
        }
        void this.load();
    }

    /** Read it, and show it or the error. */
    async load() {
        if (!this.#content.firstChild) {
            this.#content.append(h("p", { class: "hint" }, t("status.loading")));
        }
        this.#content.setAttribute("aria-busy", "true");
        try {
            const body = await this.read();
            this.#content.replaceChildren();
            append(this.#content, ...this.show(body));
        } catch (error) {
            const again = () => void this.load();
            this.#content.replaceChildren(
                h(
                    "p",
                    { class: "error", role: "alert" },
                    networkText(error),
                    " ",
                    h("button", { type: "button", class: "link", onclick: again }, t("again")),
                ),
            );
        }
        this.#content.removeAttribute("aria-busy");
    }

    /** @returns {Promise<any>} */
    async read() {
        return null;
    }

    /**
     * @param {any} _body the answer
     * @returns {Child[]}
     */
    show(_body) {
        return [];
    }

    /**
     * Do something to the content, and read it anew. An error is shown below it.
     *
     * @param {() => Promise<unknown>} work
     */
    async act(work) {
        this.querySelector(".acting")?.remove();
        try {
            await work();
        } catch (error) {
            const text = networkText(error);
            this.#content.append(h("p", { class: "error acting", role: "alert" }, text));
            return;
        }
        await this.load();
    }
}
