/** Whether the browser may notify, and what it has notified of. */

/** @param {number} account @returns {string} the key of the local storage */
export const notifiedKey = (account) => `todo-notified-${account}`;

/** @returns {"granted" | "denied" | "default" | "missing"} */
export const permission = () =>
    typeof Notification === "undefined" ? "missing" : Notification.permission;

/** @param {number} account */
export function forgetNotified(account) {
    localStorage.removeItem(notifiedKey(account));
}
