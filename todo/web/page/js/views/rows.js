/** A list of rows that are drawn anew only if what they show has changed, and keep the focus. */

import { arrange, h } from "../h.js";

/**
 * @typedef {object} Row
 * @property {string | number} key
 * @property {unknown} shown what the row shows, as JSON: it is drawn again if this changes
 * @property {() => (Node | string | null | false)[]} draw
 */

const FOCUSABLE = "button:not([disabled]), a[href], input, select, textarea";

export class Rows {
    /** @type {Map<string, { shown: string, element: HTMLElement }>} */
    #known = new Map();

    /**
     * @param {HTMLElement} parent an ul or ol
     * @param {() => HTMLElement} fallback gets the focus if no row is left
     */
    constructor(parent, fallback) {
        this.parent = parent;
        this.fallback = fallback;
    }

    /**
     * Let a row have another key, such as the id that the server has given: it stays as it is.
     *
     * @param {string | number} from
     * @param {string | number} to
     */
    rename(from, to) {
        const known = this.#known.get(String(from));
        if (known) {
            this.#known.delete(String(from));
            this.#known.set(String(to), known);
            known.element.dataset.id = String(to);
        }
    }

    /** @param {Row[]} rows */
    update(rows) {
        const active = /** @type {HTMLElement | null} */ (document.activeElement);
        const place = [...this.parent.children].findIndex((child) => child.contains(active));
        const row = this.parent.children[place];
        const elements = rows.map((item) => this.#element(item));
        arrange(this.parent, elements);
        this.parent.hidden = rows.length === 0;
        const keys = new Set(rows.map(({ key }) => String(key)));
        for (const key of this.#known.keys()) {
            keys.has(key) || this.#known.delete(key);
        }
        if (active && row && document.activeElement !== active) {
            this.#focusAgain(active, row, place);
        }
    }

    /** @param {Row} row */
    #element({ key, shown, draw }) {
        const text = JSON.stringify(shown);
        let known = this.#known.get(String(key));
        if (known?.shown !== text) {
            const element = known?.element ?? h("li", { class: "item", "data-id": key });
            known = { shown: text, element };
            this.#known.set(String(key), known);
            element.replaceChildren(.../** @type {Node[]} */ (draw().filter(Boolean)));
        }
        return known.element;
    }

    /**
     * Focus the same control of a row that was drawn again or moved; if it has left, that of the row
     * which took its place.
     *
     * @param {HTMLElement} focused
     * @param {Element} row
     * @param {number} place of the row
     */
    #focusAgain(focused, row, place) {
        const rows = this.parent.children;
        const present = row.isConnected ? row : rows[Math.min(place, rows.length - 1)];
        const name = CSS.escape(focused.dataset.key ?? "");
        const same = name && present?.querySelector(`[data-key="${name}"]:not([disabled])`);
        const target = focused.isConnected ? focused : same || present?.querySelector(FOCUSABLE);
        present?.setAttribute("tabindex", "-1"); // for a row without a control
        /** @type {HTMLElement} */ (target || present || this.fallback()).focus();
    }
}
