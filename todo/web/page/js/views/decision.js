/** A write that needs the person: what is wrong, and what can be done. */

import { bringBack, decide, sendAgain } from "./decisions.js";
import { instantText } from "../dates.js";
import { SILENT, fieldText, fieldsText, valueText } from "./fields.js";
import { h } from "../h.js";
import { button, field } from "./parts.js";
import { faultText, sentenceOf } from "../problems.js";
import { Problem } from "../api.js";
import { account } from "../state.js";
import { languages, t } from "../texts.js";
import { writeText } from "./writes-text.js";

/** @typedef {import("../types.d.ts").Entry} Entry */

/**
 * @param {Entry} entry
 * @returns {HTMLElement}
 */
export function decision(entry) {
    const bodies = { conflict: ofConflict, gone: ofGone, refused: ofRefused, unknown: ofUnknown };
    const body = entry.state === "waiting" ? [] : bodies[entry.state](entry);
    const when = instantText(entry.at, account().zone, languages.dates);
    return h(
        "div",
        { class: "decision" },
        h("h3", {}, writeText(entry)),
        h("p", { class: "hint" }, when),
        ...body,
    );
}

/** @param {Entry} entry @returns {HTMLElement} the button that gives a write up */
const drop = (entry) =>
    button(t("drop"), () => void decide(entry, null), { class: "danger", "data-key": "drop" });

/** @param {Entry} entry */
const again = (entry) =>
    button(t("send.again"), () => void decide(entry, Object.keys(entry.fields)), {
        class: "primary",
        "data-key": "again",
    });

/**
 * Show mine and theirs, field by field.
 *
 * @param {Entry} entry
 */
function ofConflict(entry) {
    const clashing = entry.problem?.fields ?? [];
    const rest = Object.keys(entry.fields).filter(
        (name) => !clashing.includes(name) && !SILENT.has(name),
    );
    const groups = clashing.map((name) => choice(entry, name));
    const save = (/** @type {Event} */ event) => {
        event.preventDefault();
        void decide(entry, kept(entry, groups));
    };
    return [
        h("p", {}, t("conflict.text")),
        h(
            "form",
            { class: "form", onsubmit: save },
            groups.map(({ element }) => element),
            rest.length > 0 &&
                h("p", { class: "hint" }, t("conflict.rest", { fields: fieldsText(rest) })),
            h(
                "div",
                { class: "actions" },
                drop(entry),
                h("button", { class: "button primary" }, t("conflict.save")),
            ),
        ),
    ];
}

/**
 * @param {Entry} entry
 * @param {{ name: string, isMine: () => boolean }[]} groups
 * @returns {string[]} the names of my fields that are sent
 */
function kept(entry, groups) {
    const theirs = new Set(groups.filter(({ isMine }) => !isMine()).map(({ name }) => name));
    return Object.keys(entry.fields).filter(
        // The occurrence says which date is completed: it is nothing by itself.
        (name) => !theirs.has(name) && !(name === "occurrence" && theirs.has("completed")),
    );
}

/**
 * @param {Entry} entry
 * @param {string} name of the field
 */
function choice(entry, name) {
    const { view, zone } = account();
    const group = `${entry.key}-${name}`;
    const mine = h("input", { type: "radio", name: group, value: "mine", checked: true });
    const theirs = h("input", { type: "radio", name: group, value: "theirs" });
    const option = (
        /** @type {HTMLElement} */ radio,
        /** @type {string} */ who,
        /** @type {any} */ value,
    ) =>
        h(
            "label",
            { class: "side" },
            radio,
            h(
                "span",
                {},
                h("strong", {}, who),
                h("span", { class: "value" }, valueText(name, value, view, zone)),
            ),
        );
    const element = h(
        "fieldset",
        { class: "sides" },
        h("legend", {}, fieldText(name)),
        option(mine, t("conflict.mine"), entry.fields[name]),
        option(theirs, t("conflict.theirs"), entry.problem?.current?.[name]),
    );
    return { name, element, isMine: () => mine.checked };
}

/** @param {Entry} entry */
function ofGone(entry) {
    const isTask = entry.noun === "task" && entry.kind !== "undo";
    return [
        h("p", {}, t(isTask ? "gone.text" : "gone.text.other")),
        h(
            "div",
            { class: "actions" },
            drop(entry),
            isTask &&
                button(t("gone.back"), () => void bringBack(entry), {
                    class: "primary",
                    "data-key": "back",
                }),
        ),
    ];
}

/** @param {Entry} entry */
function ofRefused(entry) {
    const reason = h("p", {}, reasonOf(entry));
    const repairable = wrongTexts(entry);
    if (repairable.length) {
        return [reason, repair(entry, repairable)];
    }
    // The server will refuse these again.
    const code = entry.problem?.code ?? "";
    const isHopeless = ["validation", "not_undoable", "undo_conflict"].includes(code);
    return [reason, h("div", { class: "actions" }, drop(entry), !isHopeless && again(entry))];
}

/** @param {Entry} entry @returns {string[]} the fields with a text that can be written anew */
function wrongTexts({ kind, fields, problem }) {
    if (kind === "quick") {
        return ["text"];
    }
    const named = new Set(problem?.errors.map((fault) => fault.field.split(".")[0]));
    return Object.keys(fields).filter(
        (name) => named.has(name) && typeof fields[name] === "string" && isText(name),
    );
}

/** @param {string} name of a field */
const isText = (name) => ["name", "note", "query", "text"].includes(name);

/** @param {Entry} entry @returns {string} */
function reasonOf({ problem }) {
    const { code = "", detail = "", errors = [] } = problem ?? {};
    if (code === "validation" && errors.length) {
        const texts = errors.map((fault) => `${fieldText(fault.field)}: ${faultText(fault)}`);
        return t("refused.text", { reason: texts.join(" ") });
    }
    return t("refused.text", {
        reason: sentenceOf(new Problem(400, { code, detail, errors }, null)),
    });
}

/**
 * Return a form to write texts anew.
 *
 * @param {Entry} entry
 * @param {string[]} names of its fields
 */
function repair(entry, names) {
    const inputs = names.map((name) => {
        const value = entry.fields[name];
        const input =
            name === "note" || name === "query"
                ? h("textarea", { name, value, rows: 2 })
                : h("input", { name, value, autocomplete: "off" });
        const label =
            name === "text" ? t("refused.line") : t("refused.field", { field: fieldText(name) });
        return { name, input, ...field(label, input) };
    });
    const submit = (/** @type {Event} */ event) => {
        event.preventDefault();
        const { guess, ...fields } = entry.fields;
        const texts = inputs.map(({ name, input }) => [name, input.value.trim()]);
        inputs.forEach(({ input, tell }) => tell(input.value.trim() ? "" : t("name.missing")));
        if (texts.every(([, text]) => text)) {
            const values = { ...fields, ...Object.fromEntries(texts) };
            const more = guess ? { guess: { ...guess, name: values.text } } : {};
            void sendAgain(entry, { ...values, ...more });
        }
    };
    return h(
        "form",
        { class: "form", onsubmit: submit, novalidate: true },
        inputs.map(({ element }) => element),
        h(
            "div",
            { class: "actions" },
            drop(entry),
            h("button", { class: "button primary" }, t("send.again")),
        ),
    );
}

/** @param {Entry} entry */
function ofUnknown(entry) {
    return [
        h("p", {}, t("unknown.text")),
        h("div", { class: "actions" }, drop(entry), again(entry)),
    ];
}
