/** Settings: all data of the account as a file. */

import { send } from "../api.js";
import { local } from "../dates.js";
import { downloadJson } from "./download.js";
import { h } from "../h.js";
import { pathOf } from "../outbox.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { form } from "../elements/form.js";

/** Save everything that the account has as a file. */
async function downloadExport() {
    const { copy, zone } = account();
    const { body } = await send("GET", `${pathOf(copy)}/export`);
    downloadJson(`todo-${body.username}-${local(Date.now(), zone).day}.json`, body);
    return t("export.done");
}

export class ExportSettings extends HTMLElement {
    connectedCallback() {
        const meaning = h("p", { class: "hint" }, t("export.meaning"));
        this.replaceChildren(form(t("export.button"), downloadExport, meaning));
    }
}

customElements.define("todo-settings-export", ExportSettings);
