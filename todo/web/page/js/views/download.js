/** Files that the page makes, for the person to keep. */

import { h } from "../h.js";

/**
 * Save JSON as a file.
 *
 * @param {string} name of the file
 * @param {unknown} value
 */
export function downloadJson(name, value) {
    const blob = new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: "application/json" });
    const url = URL.createObjectURL(blob);
    const link = h("a", { href: url, download: name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
    // Some browsers read the file only after the click has been handled.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
