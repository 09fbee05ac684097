/** Ids of objects that were opened before the server had given them a number. */

import { isNew } from "./writes.js";

/** @typedef {import("./types.d.ts").Id} Id */

/**
 * Return the present id of an object.
 *
 * @param {Pick<import("./copy.js").Copy, "outbox" | "done">} copy
 * @param {Id} id
 * @returns {Id}
 */
export function presentId(copy, id) {
    if (!isNew(id)) {
        return id;
    }
    const entries = [...copy.outbox, ...copy.done.map(({ entry }) => entry)];
    return entries.find((entry) => `new:${entry.key}` === id)?.id ?? id;
}
