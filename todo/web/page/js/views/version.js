/** Whether the browser has a newer version of the page than this one. */

const own = document.querySelector('meta[name="version"]')?.getAttribute("content");

/** @type {Set<() => void>} */
const listeners = new Set();
let isOld = false;

/** @returns {boolean} */
export const hasNewVersion = () => isOld;

/**
 * Call a function when a newer version takes over.
 *
 * @param {() => void} listener
 * @returns {() => void} a function that ends it
 */
export function onNewVersion(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.type === "version" && data.version !== own) {
        isOld = true;
        listeners.forEach((listener) => listener());
    }
});
