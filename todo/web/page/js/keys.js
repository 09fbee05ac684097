/** The keyboard map. Elements listen to the commands; `?` shows this table. */

/** @typedef {import("./texts.js").Key} Key */

/** @type {{ keys: string, command: string, text: Key }[]} */
export const KEYS = [
    { keys: "a", command: "add", text: "key.add" },
    { keys: "j", command: "next", text: "key.next" },
    { keys: "k", command: "previous", text: "key.previous" },
    { keys: "x", command: "complete", text: "key.complete" },
    { keys: "e", command: "edit", text: "key.edit" },
    { keys: "d", command: "delete", text: "key.delete" },
    { keys: "Alt+ArrowUp", command: "up", text: "key.up" },
    { keys: "Alt+ArrowDown", command: "down", text: "key.down" },
    { keys: "u", command: "undo", text: "key.undo" },
    { keys: "/", command: "search", text: "key.search" },
    { keys: "g t", command: "go today", text: "key.today" },
    { keys: "g u", command: "go upcoming", text: "key.upcoming" },
    { keys: "g i", command: "go inbox", text: "key.inbox" },
    { keys: "g c", command: "go completed", text: "key.completed" },
    { keys: "g h", command: "go changes", text: "key.changes" },
    { keys: "g s", command: "go settings", text: "key.settings" },
    { keys: "?", command: "help", text: "key.help" },
];

const COMMAND = "todo:command";
const SEQUENCE_MS = 1500;

/**
 * Call a function for each command.
 *
 * @param {(command: string) => void} listener
 * @returns {() => void} a function that ends it
 */
export function onCommand(listener) {
    const handler = (/** @type {Event} */ event) =>
        listener(/** @type {CustomEvent<string>} */ (event).detail);
    document.addEventListener(COMMAND, handler);
    return () => document.removeEventListener(COMMAND, handler);
}

/** @param {string} command */
export function command(command) {
    document.dispatchEvent(new CustomEvent(COMMAND, { detail: command }));
}

/** Turn keys into commands, except in fields, and while a dialog is open. */
export function listenToKeys() {
    let prefix = "";
    let typed = 0;
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.isComposing || isTyping(event.target)) {
            return;
        }
        const key = event.altKey ? `Alt+${event.key}` : event.key;
        const keys = prefix && Date.now() - typed < SEQUENCE_MS ? `${prefix} ${key}` : key;
        prefix = "";
        const found = KEYS.find((item) => item.keys === keys);
        if (found) {
            event.preventDefault();
            command(found.command);
        } else if (KEYS.some((item) => item.keys.startsWith(`${key} `))) {
            prefix = key;
            typed = Date.now();
        }
    });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
    return (
        target instanceof HTMLElement &&
        (target.closest("input:not([type=checkbox]), textarea, select, dialog[open]") !== null ||
            document.querySelector("dialog[open]") !== null)
    );
}
