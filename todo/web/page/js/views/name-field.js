/** The name of a task: one line that grows, which Enter leaves. */

import { h } from "../h.js";
import { t } from "../texts.js";
import { Field, selfSaving } from "./field.js";
import { grow } from "./note-field.js";

const NAME_MAX = 255;

export class NameField extends Field {
    #editing;
    #area;
    #text;

    /**
     * @param {import("./field.js").Editing} editing
     * @param {() => void} left called when Enter leaves it, to put the focus elsewhere
     */
    constructor(editing, left) {
        const area = h("textarea", { rows: 1, maxlength: NAME_MAX, enterkeyhint: "done" });
        super("name", t("field.name"), [area], { hideLabel: true });
        this.#editing = editing;
        this.#area = area;
        this.#text = selfSaving(area, editing, (text) => this.#save(text));
        area.addEventListener("input", () => grow(area));
        area.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && !event.isComposing) {
                event.preventDefault();
                left();
            }
        });
    }

    /** @param {string} text @returns {boolean} */
    #save(text) {
        const name = text.replace(/\s*[\r\n]+\s*/g, " ").trim();
        if (name) {
            this.#editing.save({ name });
        }
        this.#area.value = name || (this.#editing.task?.name ?? "");
        grow(this.#area);
        return true;
    }

    leave() {
        this.#text.leave();
    }

    /** @param {string} name */
    show(name) {
        this.#text.show(name);
        grow(this.#area);
    }
}
