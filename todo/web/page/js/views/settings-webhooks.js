/** Settings: the webhooks, which tell other services of changes. */

import { send } from "../api.js";
import { instantText } from "../dates.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { networkText } from "./parts.js";
import { account } from "../state.js";
import { languages, t, textOf } from "../texts.js";
import { confirm } from "../elements/confirm.js";
import { field, form } from "../elements/form.js";
import { withPassword } from "./password.js";
import { Remote } from "./remote.js";
import { showSecret } from "./secret.js";

/** @typedef {{ date: string, status: number | null, error: string | null, milliseconds: number }} Answer */
/**
 * @typedef {{ id: number, url: string, events: string[], enabled: boolean,
 *     disabled_reason: string | null, failing_since: string | null,
 *     next_attempt_date: string | null, last_answer: Answer | null }} Webhook
 */

const EVENTS = ["task.*", "list.*", "filter.*", "reminder.*", "profile.*"];

const path = () => `${pathOf(account().copy)}/webhooks`;

export class WebhookSettings extends Remote {
    async read() {
        return (await send("GET", path())).body;
    }

    /** @param {{ webhooks: Webhook[] }} body */
    show({ webhooks }) {
        return [
            h("p", { class: "hint" }, t("webhooks.meaning")),
            h(
                "ul",
                { class: "cards" },
                webhooks.map((webhook) => this.#card(webhook)),
            ),
            h(
                "details",
                {},
                h("summary", {}, t("webhooks.create")),
                form(
                    t("webhooks.create"),
                    (values, element) => this.#create(values, element),
                    field(
                        t("webhooks.url"),
                        h("input", {
                            name: "url",
                            type: "url",
                            required: true,
                            maxlength: 2000,
                            autocomplete: "off",
                            placeholder: "https://hooks.example.com/todo",
                        }),
                    ),
                    eventBoxes(),
                ),
            ),
        ];
    }

    /** @param {Webhook} webhook */
    #card(webhook) {
        const tested = h("p", { class: "hint", role: "status" });
        const { url, enabled } = webhook;
        const toggle = () => void this.act(() => patch(webhook, { enabled: !enabled }));
        return h(
            "li",
            {},
            h(
                "div",
                { class: "grow" },
                h("strong", {}, url),
                h("p", { class: "hint" }, eventsText(webhook.events)),
                stateLines(webhook).map((line) => h("p", { class: "hint" }, line)),
                tested,
                h(
                    "div",
                    { class: "tools" },
                    button(t(enabled ? "webhooks.disable" : "webhooks.enable"), url, toggle),
                    button(t("webhooks.test"), url, () => void this.#test(webhook, tested)),
                    button(t("delete"), url, () => void this.#delete(webhook)),
                ),
            ),
        );
    }

    /**
     * @param {import("../elements/form.js").Values} values
     * @param {HTMLFormElement} element
     */
    async #create({ url }, element) {
        const chosen = new FormData(element).getAll("event");
        const events = chosen.length === EVENTS.length || !chosen.length ? ["*"] : chosen;
        const answer = await withPassword((password) =>
            send("POST", path(), { body: { url, events, ...password } }),
        );
        if (answer) {
            const text = t("webhooks.secret", { url });
            await showSecret(t("webhooks.created"), text, answer.body.secret);
            await this.load();
        }
        return "";
    }

    /**
     * @param {Webhook} webhook
     * @param {HTMLElement} place
     */
    async #test(webhook, place) {
        place.textContent = t("webhooks.testing");
        try {
            const { body } = await send("POST", `${path()}/${webhook.id}/test`);
            place.textContent = t("webhooks.tested", { answer: answerText(body.answer) });
        } catch (error) {
            place.textContent = networkText(error);
        }
    }

    /** @param {Webhook} webhook */
    async #delete(webhook) {
        if (await confirm(t("webhooks.ask", { url: webhook.url }), t("delete"))) {
            await this.act(() => send("DELETE", `${path()}/${webhook.id}`));
        }
    }
}

/**
 * @param {Webhook} webhook
 * @param {object} body
 */
const patch = ({ id }, body) => send("PATCH", `${path()}/${id}`, { body });

/**
 * @param {string} text
 * @param {string} url of the webhook, which tells the buttons of several apart
 * @param {() => void} onclick
 */
const button = (text, url, onclick) =>
    h(
        "button",
        { type: "button", class: "button quiet", "aria-label": `${text}: ${url}`, onclick },
        text,
    );

function eventBoxes() {
    return h(
        "fieldset",
        { class: "boxes" },
        h("legend", {}, t("webhooks.events")),
        EVENTS.map((event) =>
            h(
                "label",
                { class: "box" },
                h("input", { type: "checkbox", name: "event", value: event, checked: true }),
                h("span", {}, eventText(event)),
            ),
        ),
    );
}

/** @param {string} event */
const eventText = (event) => textOf("webhooks.event.", event, event);

/** @param {string[]} events */
const eventsText = (events) =>
    new Intl.ListFormat(languages.texts, { type: "unit" }).format(events.map(eventText));

/** @param {string} date */
const dateText = (date) => instantText(date, account().zone, languages.dates);

/** @param {Answer} answer */
const answerText = ({ status, error, milliseconds }) =>
    error === null
        ? t("webhooks.delivered", { status: status ?? "", milliseconds })
        : status === null
          ? error
          : t("webhooks.refused", { status });

/** @param {Webhook} webhook @returns {string[]} how it is, and what it has last been answered */
function stateLines({ enabled, disabled_reason, failing_since, next_attempt_date, last_answer }) {
    const lines = [];
    if (!enabled) {
        lines.push(textOf("webhooks.off.", disabled_reason ?? "", t("webhooks.off.paused")));
    }
    if (last_answer) {
        const values = { date: dateText(last_answer.date), answer: answerText(last_answer) };
        lines.push(t("webhooks.last", values));
    } else {
        lines.push(t("webhooks.nothing"));
    }
    if (failing_since) {
        lines.push(t("webhooks.failing", { date: dateText(failing_since) }));
    }
    if (enabled && next_attempt_date) {
        lines.push(t("webhooks.next", { date: dateText(next_attempt_date) }));
    }
    return lines;
}

customElements.define("todo-settings-webhooks", WebhookSettings);
