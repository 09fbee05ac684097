/** Log out, after a warning if something would be lost. */

import { h } from "../h.js";
import { unsentOf } from "../outbox.js";
import { downloadOutbox } from "./outbox-file.js";
import { onCommand } from "../keys.js";
import { endSession } from "../session.js";
import { account, closeAccount } from "../state.js";
import { t } from "../texts.js";

/** Time to send what has just been written. */
const PATIENCE_MS = 3_000;

let busy = false;

onCommand((name) => void (name === "log out" && logOut()));

/** Log out, unless the person wants to keep changes that are not saved yet. */
async function logOut() {
    if (busy) {
        return;
    }
    busy = true;
    try {
        const { copy, sync } = account();
        if (unsentOf(copy).length) {
            await Promise.race([sync(), new Promise((done) => setTimeout(done, PATIENCE_MS))]);
        }
        if (unsentOf(copy).length === 0 || (await warn(copy))) {
            closeAccount();
            await endSession(copy.account);
        }
    } finally {
        busy = false;
    }
}

/**
 * @param {import("../copy.js").Copy} copy
 * @returns {Promise<boolean>} whether to log out anyway
 */
function warn(copy) {
    return new Promise((resolve) => {
        const button = (/** @type {string} */ style, /** @type {string} */ text) =>
            h("button", { type: "button", class: `button ${style}` }, text);
        const cancel = button("primary", t("cancel"));
        const download = button("", t("logout.download"));
        const anyway = button("danger", t("logout.anyway"));
        const dialog = h(
            "dialog",
            { "aria-labelledby": "logout-title", class: "ask" },
            h("h2", { id: "logout-title" }, t("logout")),
            h("p", {}, t("logout.unsent", { count: unsentOf(copy).length })),
            h("p", { class: "hint" }, t("logout.advice")),
            h("div", { class: "actions" }, anyway, download, cancel),
        );
        cancel.addEventListener("click", () => dialog.close());
        download.addEventListener("click", () => downloadOutbox(copy));
        anyway.addEventListener("click", () => dialog.close("yes"));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
        cancel.focus();
    });
}
