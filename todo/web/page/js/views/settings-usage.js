/** Settings: how much the account stores. */

import { send } from "../api.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { account } from "../state.js";
import { languages, t } from "../texts.js";
import { Remote } from "./remote.js";

/** @typedef {{ bytes: number, quota: number | null }} Used */

export class UsageSettings extends Remote {
    async read() {
        return (await send("GET", `${pathOf(account().copy)}/usage`)).body;
    }

    /** @param {{ tasks: Used, journal: Used, keys: Used }} body */
    show({ tasks, journal, keys }) {
        return [
            bar(t("usage.tasks"), tasks, t("usage.tasks.hint")),
            bar(t("usage.journal"), journal, t("usage.journal.hint")),
            bar(t("usage.keys"), keys, t("usage.keys.hint")),
        ];
    }
}

/**
 * @param {string} name
 * @param {Used} used
 * @param {string} hint
 */
function bar(name, { bytes, quota }, hint) {
    const values = { used: megabytes(bytes), quota: quota === null ? "" : megabytes(quota) };
    const text = quota === null ? values.used : t("usage.of", values);
    return h(
        "div",
        { class: "usage" },
        h("p", {}, h("strong", {}, name), h("span", {}, text)),
        quota !== null && h("meter", { "aria-label": name, max: quota, value: bytes }, text),
        h("p", { class: "hint" }, hint),
    );
}

/** @param {number} bytes */
const megabytes = (bytes) =>
    new Intl.NumberFormat(languages.dates, {
        style: "unit",
        unit: "megabyte",
        maximumFractionDigits: bytes < 10_000_000 ? 2 : 0,
    }).format(bytes / 1_000_000);

customElements.define("todo-settings-usage", UsageSettings);
