/** The form of a list: its name, note and color; and to archive or delete it. */

import { change, remove } from "../actions.js";
import { colorField } from "./colors.js";
import { h } from "../h.js";
import { presentId } from "../ids.js";
import { button, field } from "./parts.js";
import { go, linkTo } from "../router.js";
import { account } from "../state.js";
import { t } from "../texts.js";
import { confirm } from "../elements/confirm.js";

/** @typedef {import("../types.d.ts").List} List */

/**
 * @param {List} list as it is when the form opens
 * @returns {HTMLFormElement}
 */
export function listForm(list) {
    const name = h("input", {
        name: "name",
        value: list.name,
        maxlength: 255,
        autocomplete: "off",
    });
    const note = h("textarea", { name: "note", value: list.note ?? "", maxlength: 1000, rows: 2 });
    const color = colorField(list.color);
    const names = field(t("name"), name);
    const present = () => {
        const { copy, view } = account();
        return view.lists.get(presentId(copy, list.id));
    };
    const close = () => go(linkTo("lists"));
    const save = async (/** @type {Event} */ event) => {
        event.preventDefault();
        const values = {
            name: name.value.trim(),
            note: note.value.trim() || null,
            color: color.value(),
        };
        names.tell(values.name ? "" : t("name.missing"));
        const now = present();
        if (!values.name) {
            name.focus();
            return;
        }
        // Fields that the person has left alone keep the values that they got elsewhere meanwhile.
        const changed = Object.fromEntries(
            Object.entries(values).filter(
                ([key, value]) => value !== /** @type {any} */ (list)[key],
            ),
        );
        if (now) {
            await change("list", now, changed);
        }
        close();
    };
    const archive = async () => {
        const now = present();
        now && (await change("list", now, { archived: !list.archived }));
        close();
    };
    return h(
        "form",
        {
            class: "form",
            novalidate: true,
            onsubmit: save,
            onkeydown: (/** @type {KeyboardEvent} */ event) =>
                void (event.key === "Escape" && close()),
        },
        names.element,
        field(t("note"), note).element,
        color.element,
        h(
            "div",
            { class: "actions" },
            button(t("delete"), () => void ask(present(), close), { class: "danger first" }),
            button(t(list.archived ? "list.unarchive" : "list.archive"), () => void archive()),
            button(t("cancel"), close),
            h("button", { class: "button primary" }, t("save")),
        ),
        !list.archived && h("p", { class: "hint" }, t("list.archive.hint")),
    );
}

/**
 * Ask before a list is deleted with its tasks.
 *
 * @param {List | undefined} list
 * @param {() => void} close
 */
async function ask(list, close) {
    if (!list) {
        close();
        return;
    }
    const count = [...account().view.tasks.values()].filter(
        ({ list_id: id }) => id === list.id,
    ).length;
    const question = count
        ? t("list.delete.ask", { name: list.name, count })
        : t("list.delete.ask.empty", { name: list.name });
    if (await confirm(question, t("delete"))) {
        await remove("list", list);
        close();
    }
}
