/** Settings: log out, and delete the account. */

import { Problem, send } from "../api.js";
import { h } from "../h.js";
import { command } from "../keys.js";
import { pathOf } from "../outbox.js";
import { endSession } from "../session.js";
import { account, closeAccount } from "../state.js";
import { t } from "../texts.js";
import { asPasswordFault, field, form } from "../elements/form.js";
import { currentPasswordField, usernameField } from "./password.js";
import "./settings-export.js";

export class AccountSettings extends HTMLElement {
    connectedCallback() {
        this.replaceChildren(
            h(
                "p",
                {},
                h(
                    "button",
                    { type: "button", class: "button", onclick: () => command("log out") },
                    t("logout"),
                ),
            ),
            h("h3", {}, t("account.delete")),
            h(
                "details",
                {},
                h("summary", {}, t("account.delete.open")),
                h("p", {}, t("account.delete.meaning")),
                document.createElement("todo-settings-export"),
                deletionForm(),
            ),
        );
    }
}

function deletionForm() {
    const { copy } = account();
    const username = copy.meta.profile?.username ?? "";
    const element = form(
        t("account.delete"),
        (values) => deleteAccount(values),
        usernameField(),
        currentPasswordField(),
        field(
            t("account.delete.type", { username }),
            h("input", { name: "typed", autocomplete: "off", required: true }),
        ),
    );
    element.querySelector("button")?.classList.replace("primary", "danger");
    return element;
}

/** @param {import("../elements/form.js").Values} values */
async function deleteAccount({ current_password, typed }) {
    const { copy } = account();
    if (typed !== copy.meta.profile?.username) {
        const errors = [{ field: "typed", code: "other_username", message: "" }];
        throw new Problem(400, { code: "validation", errors }, null);
    }
    try {
        await send("DELETE", pathOf(copy), { body: { current_password } });
    } catch (error) {
        throw asPasswordFault(error);
    }
    closeAccount();
    await endSession(copy.account);
    return "";
}

customElements.define("todo-settings-account", AccountSettings);
