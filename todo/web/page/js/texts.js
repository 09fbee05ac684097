/** The texts of the page in the person's language. A translation is a file in texts/. */

import english from "./texts/en.js";

/** @typedef {keyof typeof english} Key */
/** @typedef {string | Record<string, string>} Text plural forms by Intl.PluralRules, of `count` */
/** @typedef {Record<string, Text>} Catalogue */

/** Languages with a file; English is the fallback. */
const TRANSLATIONS = ["de"];

/** @type {Catalogue} */
let catalogue = english;

/** The language of the texts, and that of dates: the browser's, also if the texts have none. */
export const languages = { texts: "en", dates: navigator.languages?.[0] ?? "en" };

let plurals = new Intl.PluralRules("en");

/** Load the catalogue of the first of the browser's languages that has one. */
export async function loadTexts() {
    for (const language of navigator.languages ?? []) {
        const name = language.split("-")[0];
        if (name === "en") {
            break;
        }
        if (TRANSLATIONS.includes(name)) {
            const module = await import(`./texts/${name}.js`);
            catalogue = module.default;
            languages.texts = name;
            plurals = new Intl.PluralRules(name);
            break;
        }
    }
    document.documentElement.lang = languages.texts;
}

/**
 * Return a text, with its {names} replaced by values.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
    const text = catalogue[key] ?? english[key];
    const form =
        typeof text === "string"
            ? text
            : (text[plurals.select(Number(values.count))] ?? text.other);
    return form.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * Return a text for a code of the server, or a fallback in the server's words.
 *
 * @param {string} prefix such as "problem."
 * @param {string} code
 * @param {string} fallback
 */
export function textOf(prefix, code, fallback) {
    const key = prefix + code;
    return key in english ? t(/** @type {Key} */ (key)) : fallback;
}
