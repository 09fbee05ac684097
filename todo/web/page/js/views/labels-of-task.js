/** The labels of a task: chips, and a field that adds one. */

import { h } from "../h.js";
import { symbol } from "../icons.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { Field } from "./field.js";

/** @typedef {import("./field.js").Editing} Editing */

const LABEL_MAX = 64;
const LABELS_MAX = 20;

export class LabelsField extends Field {
    #editing;
    #chips = h("ul", { class: "chips" });
    #input;
    #known = h("datalist", { id: "task-known-labels" });
    #shown = "";

    /** @param {Editing} editing */
    constructor(editing) {
        const input = h("input", {
            placeholder: t("task.label.add"),
            "aria-label": t("task.label.add"),
            list: "task-known-labels",
            maxlength: LABEL_MAX,
            autocomplete: "off",
            autocapitalize: "none",
            enterkeyhint: "done",
        });
        const group = h("div", {});
        super("labels", t("labels"), [group], { group: true });
        group.append(this.#chips, input, this.#known);
        this.#editing = editing;
        this.#input = input;
        input.addEventListener("focus", () => this.#fillKnown());
        input.addEventListener("blur", () => this.leave());
        input.addEventListener("keydown", (event) => {
            if (event.isComposing) {
                return;
            }
            if (event.key === "Enter" || event.key === ",") {
                event.preventDefault();
                this.leave();
            } else if (event.key === "Escape" && input.value) {
                event.stopPropagation();
                input.value = "";
            }
        });
    }

    /** Add what has been typed. */
    leave() {
        const typed = this.#input.value.split(",").map((label) => label.trim().replace(/^@/, ""));
        const names = typed.filter(Boolean);
        const { task } = this.#editing;
        if (!task || !names.length) {
            return;
        }
        const known = knownLabels();
        const labels = [...task.labels];
        for (const name of names) {
            if (!labels.some((label) => folded(label) === folded(name))) {
                labels.push(known.get(folded(name)) ?? name);
            }
        }
        if (labels.length > LABELS_MAX) {
            this.fault(t("task.label.many", { count: LABELS_MAX }));
            return;
        }
        this.fault("");
        this.#input.value = "";
        this.#editing.save({ labels });
    }

    /** @param {string} label */
    #remove(label) {
        const { task } = this.#editing;
        if (task) {
            this.#input.focus();
            this.#editing.save({ labels: task.labels.filter((other) => other !== label) });
        }
    }

    #fillKnown() {
        const { task } = this.#editing;
        const names = [...knownLabels().values()].filter((name) => !task?.labels.includes(name));
        this.#known.replaceChildren(...names.sort().map((value) => h("option", { value })));
    }

    /** @param {string[]} labels */
    show(labels) {
        const shown = JSON.stringify(labels);
        if (shown === this.#shown) {
            return;
        }
        this.#shown = shown;
        this.#chips.hidden = labels.length === 0;
        this.#chips.replaceChildren(
            ...labels.map((label) =>
                h(
                    "li",
                    { class: "chip" },
                    h("span", {}, `@${label}`),
                    h(
                        "button",
                        {
                            type: "button",
                            class: "small",
                            "aria-label": t("task.label.remove", { label }),
                            onclick: () => this.#remove(label),
                        },
                        symbol("close"),
                    ),
                ),
            ),
        );
    }
}

/** @param {string} label */
const folded = (label) => label.normalize("NFC").toLowerCase();

/** @returns {Map<string, string>} the spelling of each label */
function knownLabels() {
    const known = new Map();
    for (const { labels } of account().view.tasks.values()) {
        for (const label of labels) {
            known.set(folded(label), label);
        }
    }
    return known;
}
