/** The entry: load the texts, show the page, and let it work without a network. */

import { loadTexts } from "./texts.js";

const LATE = new URL("late.js", import.meta.url).href;
const RELOADED = "todo-reloaded";
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** Load the rest, also if the network has gone, or the service was updated, since the page began. */
async function loadLate() {
    for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
        try {
            await import("./late.js");
            sessionStorage.removeItem(RELOADED);
            return;
        } catch (error) {
            await new Promise((resolve) => setTimeout(resolve, wait));
            if (await fetch(LATE).catch(() => null)) {
                reloadOnce(error);
                return;
            }
        }
    }
}

/**
 * Load the page again: browsers keep a failed import, and the service has no files of an older
 * version. A second failure has another reason.
 *
 * @param {unknown} error
 */
function reloadOnce(error) {
    if (sessionStorage.getItem(RELOADED)) {
        throw error; // the page says that something went wrong
    }
    sessionStorage.setItem(RELOADED, "late");
    location.reload();
}

await loadTexts();
await import("./elements/app.js");
document.body.append(document.createElement("todo-app"));
await loadLate();
