/** Settings: the username and the e-mail address. */

import { h } from "../h.js";
import { Live } from "../live.js";
import { changeProfile } from "./profile.js";
import { state } from "../state.js";
import { t } from "../texts.js";
import { field, form } from "../elements/form.js";

export class ProfileSettings extends Live {
    #username = h("input", { name: "username", autocomplete: "username", required: true });
    #email = h("input", { name: "email", type: "email", autocomplete: "email", required: true });
    #shown = { username: "", email: "" };

    connectedCallback() {
        if (!this.firstChild) {
            this.append(
                form(
                    t("save"),
                    async ({ username, email }) =>
                        (await changeProfile({ username, email })) ? t("saved") : "",
                    field(t("username"), this.#username),
                    field(t("email"), this.#email),
                ),
            );
        }
        super.connectedCallback();
    }

    render() {
        const profile = state.account?.copy.meta.profile;
        if (!profile) {
            return;
        }
        for (const [name, input] of /** @type {const} */ ([
            ["username", this.#username],
            ["email", this.#email],
        ])) {
            // Text that the person types stays.
            if (input.value === this.#shown[name] && input.value !== profile[name]) {
                input.value = profile[name];
            }
            this.#shown[name] = profile[name];
        }
    }
}

customElements.define("todo-settings-profile", ProfileSettings);
