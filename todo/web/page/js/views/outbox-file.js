/** The unsent writes as a file, for a person who wants to keep them elsewhere. */

import { unsentOf } from "../outbox.js";
import { downloadJson } from "./download.js";

/** @typedef {import("../copy.js").Copy} Copy */

/**
 * Download the writes that are not saved yet, as JSON.
 *
 * @param {Copy} copy
 */
export function downloadOutbox(copy) {
    const changes = unsentOf(copy).map(
        ({ at, noun, kind, id, name, fields, before, state, problem }) => {
            return { at, noun, kind, id, name, fields, before, state, problem };
        },
    );
    const content = { username: copy.meta.profile?.username ?? null, changes };
    downloadJson(`todo-unsaved-${new Date().toISOString().slice(0, 10)}.json`, content);
}
