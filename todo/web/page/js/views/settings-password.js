/** Settings: a new password. */

import { h } from "../h.js";
import { changePassword } from "./profile.js";
import { t } from "../texts.js";
import { asPasswordFault, field, form } from "../elements/form.js";
import { currentPasswordField, usernameField } from "./password.js";

export class PasswordSettings extends HTMLElement {
    connectedCallback() {
        if (!this.firstChild) {
            this.append(
                form(
                    t("password.change"),
                    (values, element) => this.#change(values, element),
                    usernameField(),
                    currentPasswordField(),
                    field(
                        t("password.new"),
                        secret("password", "new-password"),
                        t("password.hint"),
                    ),
                    field(t("password.again"), secret("password2", "new-password")),
                    h("p", { class: "hint" }, t("password.ends")),
                ),
            );
        }
    }

    /**
     * @param {any} values
     * @param {HTMLFormElement} element
     */
    async #change(values, element) {
        try {
            await changePassword(values);
        } catch (error) {
            throw asPasswordFault(error);
        }
        element.reset();
        this.dispatchEvent(new Event("tokens", { bubbles: true }));
        return t("password.changed");
    }
}

/**
 * @param {string} name
 * @param {string} autocomplete
 */
const secret = (name, autocomplete) =>
    h("input", { name, type: "password", autocomplete, required: true });

customElements.define("todo-settings-password", PasswordSettings);
