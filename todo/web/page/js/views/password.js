/** The current password, which some requests need unless the login is less than ten minutes old. */

import { Problem } from "../api.js";
import { h } from "../h.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { asPasswordFault, field, form } from "../elements/form.js";

/** @typedef {{ current_password?: string }} Password to put into the body of a request */

/**
 * Make a request, and again with the current password if the server asks for it.
 *
 * @template T
 * @param {(password: Password) => Promise<T>} request
 * @returns {Promise<T | undefined>} undefined if the person cancels
 */
export async function withPassword(request) {
    try {
        return await request({});
    } catch (error) {
        if (!(error instanceof Problem && error.code === "reauthentication_required")) {
            throw error;
        }
        return await ask(request);
    }
}

/**
 * @template T
 * @param {(password: Password) => Promise<T>} request
 * @returns {Promise<T | undefined>}
 */
function ask(request) {
    return new Promise((resolve, reject) => {
        const cancel = h("button", { type: "button", class: "button" }, t("cancel"));
        const work = async (
            /** @type {import("../elements/form.js").Values} */ { current_password },
        ) => {
            try {
                const answer = await request({ current_password });
                dialog.close();
                resolve(answer);
            } catch (error) {
                if (stays(error)) {
                    throw asPasswordFault(error);
                }
                dialog.close();
                reject(error);
            }
            return "";
        };
        const element = form(t("password.confirm"), work, usernameField(), currentPasswordField());
        element.querySelector(".submit")?.prepend(cancel);
        const dialog = h(
            "dialog",
            { "aria-labelledby": "password-title", class: "ask" },
            h("h2", { id: "password-title" }, t("password.ask")),
            h("p", { class: "hint" }, t("password.why")),
            element,
        );
        cancel.addEventListener("click", () => dialog.close());
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(undefined); // without effect if the request has been made
        });
        document.body.append(dialog);
        dialog.showModal();
        /** @type {HTMLInputElement} */ (element.elements.namedItem("current_password")).focus();
    });
}

/** @param {unknown} error @returns {boolean} whether the same password or another may do */
const stays = (error) =>
    !(error instanceof Problem) || error.isTemporary || error.code === "reauthentication_required";

/** Return a field for password managers, which want to know whose password it is. */
export const usernameField = () =>
    h("input", {
        type: "text",
        autocomplete: "username",
        value: account().copy.meta.profile?.username ?? "",
        readonly: true,
        hidden: true,
    });

/** @returns {HTMLElement} the field for the present password */
export const currentPasswordField = () =>
    field(
        t("password.current"),
        h("input", {
            name: "current_password",
            type: "password",
            autocomplete: "current-password",
            required: true,
        }),
    );
