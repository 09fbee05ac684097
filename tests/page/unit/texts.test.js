/** The catalogues of texts: complete, alike, and in use. */

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

/** @typedef {import("../../../todo/web/page/js/texts.js").Text} Text */
/** @typedef {import("../../../todo/web/page/js/texts.js").Catalogue} Catalogue */

const SOURCES = new URL("../../../todo/web/page/js/", import.meta.url);
const TEXTS = new URL("texts/", SOURCES);
/** Languages differ in small numbers; some have a form for millions. */
const INTEGERS = [...Array(1001).keys(), 1_000_000];

const languages = (await readdir(TEXTS)).map((file) => file.replace(/\.js$/, "")).sort();
/** @type {Map<string, Catalogue>} */
const catalogues = new Map();
for (const language of languages) {
    const { default: catalogue } = await import(new URL(`${language}.js`, TEXTS).href);
    catalogues.set(language, catalogue);
}
const english = /** @type {Catalogue} */ (catalogues.get("en"));
const source = await sourceText();

async function sourceText() {
    const paths = await readdir(SOURCES, { recursive: true });
    const files = paths.filter((path) => path.endsWith(".js") && !path.startsWith("texts/"));
    const texts = await Promise.all(files.map((path) => readFile(new URL(path, SOURCES), "utf8")));
    return texts.join("\n");
}

/** @param {RegExp} pattern with groups @returns {string[]} what its groups match in the sources */
const found = (pattern) =>
    [...source.matchAll(pattern)].flatMap(([, ...groups]) => groups.filter(Boolean));

/** @param {string} text */
const namesIn = (text) => [...new Set(text.match(/\{\w+\}/g))].sort();

/** @param {Text} text @returns {Record<string, string>} its plural forms; "other" without any */
const formsOf = (text) => (typeof text === "string" ? { other: text } : text);

/** @param {Catalogue} catalogue */
const sortedKeys = (catalogue) =>
    Object.keys(catalogue).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

test("there is a German translation", () => {
    assert.deepEqual(languages, ["de", "en"]);
});

for (const [language, catalogue] of catalogues) {
    test(`${language}: the keys are those of English, sorted`, () => {
        assert.deepEqual(Object.keys(catalogue), sortedKeys(english));
    });

    test(`${language}: the texts have the names of the English ones`, () => {
        for (const [key, text] of Object.entries(catalogue)) {
            const names = namesIn(formsOf(english[key]).other);
            assert.deepEqual(namesIn(formsOf(text).other), names, key);
            for (const [form, words] of Object.entries(formsOf(text))) {
                const more = namesIn(words).filter((name) => !names.includes(name));
                assert.deepEqual(more, [], `${key}, ${form}`);
            }
        }
    });

    test(`${language}: the texts have the plural forms of integers`, () => {
        const rules = new Intl.PluralRules(language);
        const forms = [...new Set(INTEGERS.map((number) => rules.select(number)))].sort();
        for (const [key, text] of Object.entries(catalogue)) {
            const isPlural = typeof english[key] !== "string";
            assert.equal(typeof text !== "string", isPlural, key);
            assert.deepEqual(Object.keys(formsOf(text)).sort(), isPlural ? forms : ["other"], key);
        }
    });

    test(`${language}: no text is empty, or has spaces around it`, () => {
        for (const [key, text] of Object.entries(catalogue)) {
            for (const words of Object.values(formsOf(text))) {
                assert.ok(words && words === words.trim(), key);
            }
        }
    });
}

/** t("key"), and t(condition ? "key" : "key") */
const KEYS_OF_CALLS = /\bt\(\s*(?:[^?(){},]*\?\s*)?"([^"]+)"(?:\s*:\s*"([^"]+)")?/g;
const PREFIXES_OF_CALLS = /\btextOf\(\s*"([^"]+)"/g;
/** `prefix.${…}` */
const PREFIXES_OF_TEMPLATES = /`([a-z_]+\.(?:[a-z_]+\.)*)\$\{/g;

test("every key of a call of t() has a text", () => {
    const keys = found(KEYS_OF_CALLS);
    assert.ok(keys.length > 200, `only ${keys.length} calls found`);
    const missing = keys.filter((key) => !Object.hasOwn(english, key));
    assert.deepEqual([...new Set(missing)], []);
});

test("every prefix of a call of textOf() has texts", () => {
    const prefixes = found(PREFIXES_OF_CALLS);
    assert.ok(prefixes.length > 0);
    const keys = Object.keys(english);
    const missing = prefixes.filter((prefix) => !keys.some((key) => key.startsWith(prefix)));
    assert.deepEqual(missing, []);
});

test("every text is used", () => {
    const literals = new Set(found(/"([^"\s]+)"/g));
    const prefixes = [...found(PREFIXES_OF_CALLS), ...found(PREFIXES_OF_TEMPLATES)];
    const unused = Object.keys(english).filter(
        (key) => !literals.has(key) && !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    assert.deepEqual(unused, []);
});
