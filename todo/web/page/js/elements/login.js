/** Register and log in. */

import { Problem } from "../api.js";
import { h } from "../h.js";
import { currentRoute, linkTo } from "../router.js";
import { forget, known, startSession } from "../session.js";
import { t } from "../texts.js";
import { confirm } from "./confirm.js";
import { field, showFaults } from "./form.js";

export class Login extends HTMLElement {
    /** Called with the profile. @type {(profile: import("../types.d.ts").Profile) => void} */
    done = () => {};
    #error = h("p", { class: "error", role: "alert" });

    connectedCallback() {
        this.draw();
    }

    draw() {
        const { name, value } = currentRoute();
        const registers = name === "register";
        const { account, locked, names } = known();
        const waiting = locked && account ? names[account] : "";
        this.#error.textContent = "";
        document.title = `${t(registers ? "register" : "login")} – todo`;
        this.replaceChildren(
            h("p", { class: "welcome" }, h("strong", {}, "todo"), h("span", {}, t("welcome"))),
            h("h1", {}, t(registers ? "register" : "login")),
            registers && value ? h("p", { class: "notice" }, t("login.invitation")) : "",
            waiting && !registers
                ? h("p", { class: "notice" }, t("login.again", { name: waiting }))
                : "",
            h(
                "form",
                {
                    class: "form",
                    onsubmit: (/** @type {SubmitEvent} */ event) =>
                        void this.#submit(event, registers, value),
                },
                inputField("username", t("username"), {
                    autocomplete: "username",
                    value: waiting,
                }),
                registers &&
                    inputField("email", t("email"), { type: "email", autocomplete: "email" }),
                inputField("password", t("password"), {
                    type: "password",
                    autocomplete: registers ? "new-password" : "current-password",
                }),
                registers && h("p", { class: "hint" }, t("password.hint")),
                this.#error,
                h(
                    "button",
                    { type: "submit", class: "button primary wide" },
                    t(registers ? "register" : "login"),
                ),
            ),
            h(
                "p",
                { class: "other" },
                t(registers ? "login.instead" : "register.instead"),
                " ",
                h(
                    "a",
                    { href: linkTo(registers ? "login" : "register") },
                    t(registers ? "login" : "register"),
                ),
            ),
            ...(registers ? [] : Object.entries(names).map((kept) => this.#forgetting(...kept))),
        );
        this.querySelector("input")?.focus();
    }

    /**
     * Offer to remove what is kept of an account, which may have been deleted elsewhere.
     *
     * @param {string} id
     * @param {string} name
     */
    #forgetting(id, name) {
        const ask = async () => {
            if (await confirm(t("login.forget.ask", { name }), t("login.forget.yes"))) {
                await forget(Number(id));
                this.draw();
            }
        };
        const text = t("login.forget", { name });
        return h(
            "p",
            { class: "other" },
            h("button", { type: "button", class: "link", onclick: () => void ask() }, text),
        );
    }

    /**
     * @param {SubmitEvent} event
     * @param {boolean} registers
     * @param {string} invitation
     */
    async #submit(event, registers, invitation) {
        event.preventDefault();
        const form = /** @type {HTMLFormElement} */ (event.currentTarget);
        const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
        const values = /** @type {any} */ (Object.fromEntries(new FormData(form)));
        if (registers) {
            values.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
            if (invitation) {
                values.invitation = invitation;
            }
        }
        button.disabled = true;
        showFaults(form, this.#error, null);
        try {
            this.done(await startSession(registers ? "accounts" : "accounts/login", values));
        } catch (error) {
            button.disabled = false;
            showFaults(form, this.#error, values.invitation ? ofInvitation(error) : error);
        }
    }
}

/** @param {unknown} error of a registration with an invitation */
const ofInvitation = (error) =>
    error instanceof Problem && error.code === "invitation_required"
        ? new Problem(error.status, { ...error.body, code: "invitation_over" }, null)
        : error;

/**
 * @param {string} name
 * @param {string} label
 * @param {Record<string, any>} attributes
 */
const inputField = (name, label, attributes) =>
    field(label, h("input", { name, required: true, ...attributes }));

customElements.define("todo-login", Login);
