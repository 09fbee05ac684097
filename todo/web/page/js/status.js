/** How the copy is in step with the server, in words. */

import { unsentOf } from "./outbox.js";
import { t } from "./texts.js";

/**
 * @param {import("./copy.js").Copy} copy
 * @param {import("./sync.js").Status} status
 * @returns {{ text: string, isStuck: boolean }} "" if all is well; `isStuck` if the person must act
 */
export function statusText(copy, status) {
    const unsent = unsentOf(copy);
    const stuck = unsent.filter((entry) => entry.state !== "waiting").length;
    return {
        text: textFor(status, unsent.length, stuck, copy.meta.revision === null),
        isStuck: stuck > 0,
    };
}

/**
 * @param {import("./sync.js").Status} status
 * @param {number} count of writes that wait
 * @param {number} stuck those of them that need the person
 * @param {boolean} isEmpty whether nothing has been read yet
 */
function textFor(status, count, stuck, isEmpty) {
    if (stuck) {
        return t("status.decide", { count: stuck });
    }
    if (status.state === "offline") {
        return count ? t("status.offline.unsent", { count }) : t("status.offline");
    }
    if (status.state === "busy") {
        return busyText(status.code ?? "", count);
    }
    if (count) {
        return t("status.unsent", { count });
    }
    return isEmpty ? t("status.loading") : "";
}

/**
 * @param {string} code of the problem
 * @param {number} count of writes that wait
 */
function busyText(code, count) {
    const isFull = code.startsWith("storage_");
    if (count) {
        return t(isFull ? "status.readonly" : "status.busy", { count });
    }
    return t(isFull ? "status.readonly.idle" : "status.busy.idle");
}
