/**
 * A field of a task that is saved by itself.
 *
 * Typed text stays until it is saved or taken back: a value from the server is shown only in a
 * field without the focus. A text is saved with the version of the task that was shown when the
 * person began to type, so that the server notices if somebody else has changed the same field.
 */

import { change } from "../actions.js";
import { h, setAttributes } from "../h.js";
import { faultText } from "../problems.js";
import { linkTo } from "../router.js";
import { t } from "../texts.js";

/** @typedef {import("../types.d.ts").Task} Task */
/** @typedef {import("../types.d.ts").Entry} Entry */
/** @typedef {import("../types.d.ts").Fields} Fields */

/** The open task, for its fields. */
export class Editing {
    /** As it is shown now. @type {Task | null} */
    task = null;
    /** As it was when the focus came into a field. @type {Task | null} */
    #begun = null;
    /** The time zone of the task. */
    zone = "UTC";
    /** The time zone of the account. */
    accountZone = "UTC";
    today = "";

    begin() {
        this.#begun = this.task;
    }

    /** @param {Fields} fields */
    save(fields) {
        if (this.task) {
            const begun = this.#begun ?? this.task;
            this.#begun = null;
            void change("task", { ...begun, id: this.task.id }, fields);
        }
    }
}

export class Field {
    #mark = h("span", { class: "mark" });
    #fault;
    /** @type {HTMLElement} */
    element;
    /** The control that a fault is about. @type {HTMLElement} */
    faulty;
    /** A fault that the page has found itself. */
    #own = "";

    /**
     * @param {string} name of the field
     * @param {string} label
     * @param {HTMLElement[]} controls the first one belongs to the label
     * @param {{ group?: boolean, hideLabel?: boolean }} [options]
     */
    constructor(name, label, controls, { group = false, hideLabel = false } = {}) {
        this.name = name;
        const id = `task-${name}`;
        this.#fault = h("p", { class: "fault", id: `${id}-fault`, role: "status" });
        this.faulty = this.control = controls[0];
        const title = group
            ? h("span", { id: `${id}-label` }, label)
            : h("label", { for: id }, label);
        if (group) {
            controls[0].setAttribute("role", "group");
            controls[0].setAttribute("aria-labelledby", `${id}-label`);
        } else {
            controls[0].id = id;
        }
        title.classList.toggle("hidden", hideLabel);
        this.element = h(
            "div",
            { class: "task-field", "data-field": name },
            h("div", { class: "task-label" }, title, this.#mark),
            controls,
            this.#fault,
        );
    }

    /**
     * @param {string} text "" for none
     * @param {HTMLElement} [faulty] the control at fault, or one around it
     */
    fault(text, faulty = this.control) {
        this.#own = text;
        if (faulty !== this.faulty) {
            this.#show("");
            this.faulty = faulty;
        }
        this.#show(text);
    }

    /** @param {string} text */
    #show(text) {
        if (this.#fault.textContent !== text) {
            this.#fault.textContent = text;
        }
        const inputs = [this.faulty, ...this.faulty.querySelectorAll("input, select")];
        for (const input of inputs.filter((element) =>
            element.matches("input, select, textarea"),
        )) {
            setAttributes(input, {
                "aria-invalid": text ? "true" : null,
                "aria-describedby": text ? this.#fault.id : null,
            });
        }
    }

    /**
     * Show whether the field is saved.
     *
     * @param {Entry[]} entries the writes of the task that the server has not acknowledged
     */
    showState(entries) {
        const own = entries.filter(({ fields }) => this.name in fields);
        const entry = own.find(({ state }) => state !== "waiting") ?? own[0];
        const state = entry?.state ?? "";
        if (this.#mark.dataset.state !== state) {
            this.#mark.dataset.state = state;
            this.#mark.replaceChildren(...(entry ? [markOf(entry)] : []));
        }
        const faults = entry?.problem?.errors.filter(({ field }) => field === this.name) ?? [];
        this.#show(this.#own || faults.map(faultText).join(" "));
    }
}

/** @param {Entry} entry */
function markOf(entry) {
    return entry.state === "waiting"
        ? h("span", { class: "unsaved waiting" }, t("unsaved"))
        : h("a", { class: `unsaved ${entry.state}`, href: linkTo("unsent") }, t("unsaved.decide"));
}

/**
 * Save a text when it is left, and take back what was typed on Escape.
 *
 * @param {HTMLInputElement | HTMLTextAreaElement} input
 * @param {Editing} editing
 * @param {(text: string) => boolean} save returns false to keep the text as it is
 * @returns {{ show: (text: string) => void, leave: () => void }} `show` shows the stored text
 */
export function selfSaving(input, editing, save) {
    let stored = "";
    let isKept = false;
    const leave = () => {
        isKept = input.value !== stored && !save(input.value);
        if (!isKept) {
            stored = input.value;
        }
    };
    input.addEventListener("focus", () => editing.begin());
    input.addEventListener("blur", leave);
    input.addEventListener("keydown", (event) => {
        const { key, isComposing } = /** @type {KeyboardEvent} */ (event);
        if (key === "Escape" && input.value !== stored && !isComposing) {
            event.preventDefault();
            event.stopPropagation();
            isKept = false;
            input.value = stored;
            input.dispatchEvent(new Event("input"));
        } else if (key === "Enter" && input.tagName === "INPUT" && !isComposing) {
            event.preventDefault();
            input.blur();
            input.focus();
        }
    });
    return {
        show(text) {
            const typing = document.activeElement === input && input.value !== stored;
            if (typing || isKept) {
                return;
            }
            stored = text;
            if (input.value !== text) {
                input.value = text;
                input.dispatchEvent(new Event("input"));
            }
        },
        leave,
    };
}
