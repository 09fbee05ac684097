/** The writes of the outbox in words. */

import { fieldsText, shortened } from "./fields.js";
import { t } from "../texts.js";

/** @typedef {import("../types.d.ts").Entry} Entry */
/** @typedef {import("../texts.js").Key} Key */

/**
 * Return what a write does.
 *
 * @param {Entry} entry
 * @returns {string} such as "Complete “Milk”"
 */
export function writeText(entry) {
    const { noun, kind, fields } = entry;
    const name = shortened(entry.name);
    if (noun === "label") {
        return kind === "update"
            ? t("write.label.update", { name, to: shortened(fields.name) })
            : t("write.label.delete", { name });
    }
    if (kind === "update" && "completed" in fields) {
        return t(fields.completed ? "write.complete" : "write.reopen", { name });
    }
    if (kind === "update") {
        return t("write.update", { name, fields: fieldsText(Object.keys(fields)) });
    }
    if (kind === "undo") {
        return t("write.undo", { name: entry.undoes ? writeText(entry.undoes) : name });
    }
    const ofKind = kind === "quick" ? "create" : kind;
    const what = noun !== "task" && ["create", "delete", "move"].includes(ofKind) ? `.${noun}` : "";
    return t(/** @type {Key} */ (`write.${ofKind}${what}`), { name });
}
