/** Links in notes. */

import { h } from "../h.js";

const URL_IN_TEXT = /\bhttps?:\/\/[^\s<>"']+/giu;
const CLOSING = /[.,;:!?)\]}]+$/u;

/**
 * Return a text with its http and https URLs as links.
 *
 * @param {string} text
 * @returns {(string | HTMLAnchorElement)[]}
 */
export function withLinks(text) {
    /** @type {(string | HTMLAnchorElement)[]} */
    const parts = [];
    let end = 0;
    for (const match of text.matchAll(URL_IN_TEXT)) {
        const href = trimmed(match[0]);
        if (URL.canParse(href)) {
            parts.push(text.slice(end, match.index));
            const attributes = { href, rel: "noopener nofollow ugc", target: "_blank" };
            parts.push(h("a", attributes, href));
            end = match.index + href.length;
        }
    }
    parts.push(text.slice(end));
    return parts.filter((part) => part !== "");
}

/**
 * Return a URL without the punctuation of the sentence around it.
 *
 * @param {string} url
 */
export function trimmed(url) {
    let text = url;
    for (let ending = CLOSING.exec(text); ending; ending = CLOSING.exec(text)) {
        const last = text[text.length - 1];
        if (last === ")" && text.split("(").length > text.split(")").length - 1) {
            break; // as in https://en.wikipedia.org/wiki/List_(computing)
        }
        text = text.slice(0, -1);
    }
    return text;
}
