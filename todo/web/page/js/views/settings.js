/** The settings: of the account, and of this browser. */

import { h } from "../h.js";
import { command } from "../keys.js";
import { heading, nameWindow } from "./parts.js";
import { t } from "../texts.js";
import "./settings-account.js";
import "./settings-browser.js";
import "./settings-export.js";
import "./settings-password.js";
import "./settings-profile.js";
import "./settings-tokens.js";
import "./settings-usage.js";
import "./settings-webhooks.js";
import "./settings-zone.js";

/** @typedef {import("../texts.js").Key} Key */

/** @type {[Key, string][]} */
const SECTIONS = [
    ["settings.profile", "todo-settings-profile"],
    ["settings.zone", "todo-settings-zone"],
    ["settings.browser", "todo-settings-browser"],
    ["settings.password", "todo-settings-password"],
    ["settings.tokens", "todo-settings-tokens"],
    ["settings.webhooks", "todo-settings-webhooks"],
    ["settings.usage", "todo-settings-usage"],
    ["settings.export", "todo-settings-export"],
];

export class Settings extends HTMLElement {
    connectedCallback() {
        if (this.firstChild) {
            return;
        }
        nameWindow(t("settings"));
        const title = heading(t("settings"));
        this.append(
            h("div", { class: "head" }, title),
            ...SECTIONS.map(([key, tag]) => section(key, document.createElement(tag))),
            section("settings.help", help()),
            section("settings.account", document.createElement("todo-settings-account")),
        );
        // A new password ends all other sessions.
        this.addEventListener("tokens", () => {
            const tokens = /** @type {import("./remote.js").Remote} */ (
                this.querySelector("todo-settings-tokens")
            );
            void tokens.load();
        });
        title.focus();
    }
}

/**
 * @param {Key} key
 * @param {Node} content
 */
const section = (key, content) => h("section", { class: "setting" }, h("h2", {}, t(key)), content);

function help() {
    const show = () => command("help");
    return h(
        "ul",
        { class: "plain" },
        h("li", {}, h("button", { type: "button", class: "link", onclick: show }, t("help"))),
        h("li", {}, h("a", { class: "docs", href: "docs" }, t("settings.docs"))),
    );
}

customElements.define("todo-settings", Settings);
