/** The note of a task: its links can be clicked; anything else in it, and the focus, edits it. */

import { h } from "../h.js";
import { withLinks } from "./links.js";
import { t } from "../texts.js";
import { Field, selfSaving } from "./field.js";

const NOTE_MAX = 10_000;

export class NoteField extends Field {
    #shown = h("div", { class: "note-shown" });
    #area;
    #text;
    #note = "";

    /** @param {import("./field.js").Editing} editing */
    constructor(editing) {
        const area = h("textarea", {
            rows: 3,
            maxlength: NOTE_MAX,
            placeholder: t("task.note.add"),
        });
        super("note", t("note"), [area]);
        this.#area = area;
        area.before(this.#shown);
        this.#text = selfSaving(area, editing, (text) => {
            editing.save({ note: text === "" ? null : text });
            return true;
        });
        area.addEventListener("focus", () => this.#draw());
        area.addEventListener("blur", () => this.#draw());
        area.addEventListener("input", () => grow(area));
        this.#shown.addEventListener("click", (event) => {
            const isLink = event.target instanceof Element && event.target.closest("a");
            if (!isLink && !getSelection()?.toString()) {
                area.focus();
            }
        });
    }

    leave() {
        this.#text.leave();
    }

    /** @param {string | null} note */
    show(note) {
        this.#text.show(note ?? "");
        this.#draw();
    }

    /** Show the text with its links, unless one edits it. */
    #draw() {
        const isEdited = document.activeElement === this.#area || this.#area.value === "";
        this.#shown.hidden = isEdited;
        // It stays in the order of the focus, so that the keyboard can begin to edit it.
        this.#area.classList.toggle("hidden", !isEdited);
        if (this.#area.value !== this.#note) {
            this.#note = this.#area.value;
            this.#shown.replaceChildren(...withLinks(this.#note));
        }
        grow(this.#area);
    }
}

/** Give a text all the lines it needs. @param {HTMLTextAreaElement} area */
export function grow(area) {
    area.style.height = "auto";
    if (area.scrollHeight && !area.classList.contains("hidden")) {
        area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
    }
}
