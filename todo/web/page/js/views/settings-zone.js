/** Settings: the time zone of the account. */

import { h } from "../h.js";
import { Live } from "../live.js";
import { changeProfile } from "./profile.js";
import { state } from "../state.js";
import { t } from "../texts.js";
import { field, form } from "../elements/form.js";

export class ZoneSettings extends Live {
    #select = h("select", { name: "timezone" });
    #shown = "";

    connectedCallback() {
        if (!this.firstChild) {
            const work = async (
                /** @type {import("../elements/form.js").Values} */ { timezone },
            ) => ((await changeProfile({ timezone })) ? t("saved") : "");
            this.append(
                form(t("save"), work, field(t("settings.zone"), this.#select, t("zone.meaning"))),
            );
        }
        super.connectedCallback();
    }

    render() {
        const zone = state.account?.zone;
        if (zone && zone !== this.#shown) {
            this.#shown = zone;
            this.#select.replaceChildren(
                ...zonesWith(zone).map((name) =>
                    h("option", { value: name, selected: name === zone }, name.replace(/_/g, " ")),
                ),
            );
        }
    }
}

/**
 * Return the zones that the browser knows, that of the account and that of this device.
 *
 * @param {string} zone
 */
function zonesWith(zone) {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    return [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC", here, zone])].sort();
}

customElements.define("todo-settings-zone", ZoneSettings);
