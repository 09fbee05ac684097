/** Settings: the sessions, and the API tokens for programs. */

import { send } from "../api.js";
import { addDays, instantText, local } from "../dates.js";
import { deviceText } from "./devices.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { account } from "../state.js";
import { languages, t } from "../texts.js";
import { confirm } from "../elements/confirm.js";
import { field, form } from "../elements/form.js";
import { withPassword } from "./password.js";
import { Remote } from "./remote.js";
import { showSecret } from "./secret.js";

/**
 * @typedef {{ id: number, kind: string, name: string | null, scope: string, client: string | null,
 *     last_used_date: string, expiration_date: string, current: boolean }} Token
 */

const DAYS = 90;
const MOST_DAYS = 366;

export class TokenSettings extends Remote {
    async read() {
        return (await send("GET", `${pathOf(account().copy)}/tokens`)).body;
    }

    /** @param {{ tokens: Token[] }} body */
    show({ tokens }) {
        const sessions = tokens.filter(({ kind }) => kind === "session");
        const others = tokens.filter(({ kind }) => kind !== "session");
        return [
            h("h3", {}, t("sessions")),
            h(
                "ul",
                { class: "cards" },
                sessions.map((token) => this.#card(token)),
            ),
            (sessions.length > 1 || others.length > 0) &&
                h(
                    "button",
                    { type: "button", class: "button", onclick: () => void this.#revokeOthers() },
                    t("sessions.end"),
                ),
            h("h3", {}, t("tokens")),
            h("p", { class: "hint" }, t("tokens.meaning")),
            h(
                "ul",
                { class: "cards" },
                others.map((token) => this.#card(token)),
            ),
            h(
                "details",
                {},
                h("summary", {}, t("tokens.create")),
                form(t("tokens.create"), (values) => this.#create(values), ...newTokenFields()),
            ),
        ];
    }

    /** @param {Token} token */
    #card(token) {
        const name = token.name ?? deviceText(token.client);
        const used = t("tokens.used", { date: dateText(token.last_used_date) });
        const ends = t("tokens.until", { date: dateText(token.expiration_date) });
        const scope = token.kind === "session" ? "" : `${scopeText(token.scope)} · `;
        const revoke = () => void this.#revoke(token, name);
        const text = t(token.kind === "session" ? "logout" : "tokens.revoke");
        return h(
            "li",
            {},
            h(
                "div",
                { class: "grow" },
                h("strong", {}, name),
                token.current && h("span", { class: "badge" }, t("sessions.this")),
                h("p", { class: "hint" }, `${scope}${used} · ${ends}`),
            ),
            !token.current &&
                h(
                    "button",
                    {
                        type: "button",
                        class: "button quiet",
                        "aria-label": `${text}: ${name}`,
                        onclick: revoke,
                    },
                    text,
                ),
        );
    }

    /**
     * @param {Token} token
     * @param {string} name
     */
    async #revoke(token, name) {
        const question = token.kind === "session" ? "sessions.ask" : "tokens.ask";
        const yes = token.kind === "session" ? "logout" : "tokens.revoke";
        if (await confirm(t(question, { name }), t(yes))) {
            await this.act(() => send("DELETE", `${pathOf(account().copy)}/tokens/${token.id}`));
        }
    }

    async #revokeOthers() {
        if (await confirm(t("sessions.end.ask"), t("sessions.end"))) {
            await this.act(() => send("DELETE", `${pathOf(account().copy)}/tokens`));
        }
    }

    /** @param {import("../elements/form.js").Values} values */
    async #create({ name, scope, expires }) {
        const answer = await withPassword((password) =>
            send("POST", `${pathOf(account().copy)}/tokens`, {
                // A day means its start, and the person means all of it.
                body: { name, scope, expires: expires ? addDays(expires, 1) : null, ...password },
            }),
        );
        if (answer) {
            const text = t("tokens.secret", { name });
            await showSecret(t("tokens.created"), text, answer.body.token);
            await this.load();
        }
        return "";
    }
}

function newTokenFields() {
    const today = local(Date.now(), account().zone).day;
    return [
        field(
            t("tokens.name"),
            h("input", { name: "name", required: true, maxlength: 64, autocomplete: "off" }),
            t("tokens.name.hint"),
        ),
        field(
            t("tokens.scope"),
            h(
                "select",
                { name: "scope" },
                h("option", { value: "read" }, t("tokens.read")),
                h("option", { value: "write" }, t("tokens.write")),
            ),
        ),
        field(
            t("tokens.expires"),
            h("input", {
                name: "expires",
                type: "date",
                value: addDays(today, DAYS),
                min: addDays(today, 1),
                max: addDays(today, MOST_DAYS - 1),
            }),
        ),
    ];
}

/** @param {string} date */
const dateText = (date) => instantText(date, account().zone, languages.dates);

/** @param {string} scope */
const scopeText = (scope) =>
    scope === "read" ? t("tokens.read") : scope === "write" ? t("tokens.write") : scope;

customElements.define("todo-settings-tokens", TokenSettings);
