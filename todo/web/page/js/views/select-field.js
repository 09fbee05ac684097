/** A field with a few choices. */

import { h } from "../h.js";
import { byPosition } from "../positions.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { PRIORITIES, priorityText } from "./values.js";
import { Field } from "./field.js";

/** @typedef {import("../types.d.ts").Task} Task */

export class SelectField extends Field {
    #select;
    #shown = "";

    /**
     * @param {string} name
     * @param {string} label
     * @param {(value: string) => void} save
     */
    constructor(name, label, save) {
        const select = h("select", { onchange: () => save(select.value) });
        super(name, label, [select]);
        this.#select = select;
    }

    /**
     * @param {string} value
     * @param {[string, string][]} options values and texts
     * @param {boolean} [disabled]
     */
    show(value, options, disabled = false) {
        const shown = JSON.stringify(options);
        if (shown !== this.#shown) {
            this.#shown = shown;
            this.#select.replaceChildren(
                ...options.map(([option, text]) => h("option", { value: option }, text)),
            );
        }
        this.#select.value = value;
        this.#select.disabled = disabled;
    }
}

/** @param {Task} task @returns {[string, string][]} */
export function listOptions(task) {
    const lists = [...account().view.lists.values()].filter(
        ({ id, archived }) => !archived || id === task.list_id,
    );
    lists.sort(byPosition);
    return [
        ["", t("inbox")],
        ...lists.map(({ id, name }) => /** @type {any} */ ([String(id), name])),
    ];
}

/** @param {number} priority the present one @returns {[string, string][]} */
export function priorityOptions(priority) {
    const numbers = Object.keys(PRIORITIES).map(Number);
    const all = numbers.includes(priority) ? numbers : [...numbers, priority];
    return all.sort((a, b) => a - b).map((number) => [String(number), priorityText(number)]);
}
