/** Errors in the person's words, with what to do. */

import { Problem } from "./api.js";
import { t, textOf } from "./texts.js";

/**
 * Return a sentence about an error.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function sentenceOf(error) {
    if (!(error instanceof Problem)) {
        return t("problem.unreachable");
    }
    if (error.code === "validation" && error.errors.length) {
        return error.errors.map((fault) => faultText(fault)).join(" ");
    }
    if (!error.code && error.isTemporary) {
        return t("problem.unavailable");
    }
    return textOf("problem.", error.code, error.message) + waitText(error.retryAfter);
}

/** @param {number | null} seconds */
function waitText(seconds) {
    if (!seconds) {
        return "";
    }
    return seconds < 100
        ? ` ${t("problem.wait", { count: seconds })}`
        : ` ${t("problem.wait.minutes", { count: Math.ceil(seconds / 60) })}`;
}

/** @param {import("./types.d.ts").Fault} fault */
export const faultText = (fault) => textOf("fault.", fault.code, fault.message);
