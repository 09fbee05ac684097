/** Links in notes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { trimmed, withLinks } from "../../../todo/web/page/js/views/links.js";

/** A link as h.js makes it, without a browser. */
class FakeNode {
    /** @type {Record<string, string>} */
    attributes = {};
    text = "";

    /** @param {string} tag */
    constructor(tag) {
        this.tag = tag;
    }

    /** @param {string} name @param {string} value */
    setAttribute(name, value) {
        this.attributes[name] = value;
    }

    /** @param {string} text */
    appendChild(text) {
        this.text += text;
    }
}

Object.assign(globalThis, {
    Node: FakeNode,
    document: {
        createElement: (/** @type {string} */ tag) => new FakeNode(tag),
        createTextNode: (/** @type {string} */ text) => text,
    },
});

/** @param {string} text @returns {string[]} its parts; links in brackets */
const partsOf = (text) =>
    /** @type {any[]} */ (withLinks(text)).map((part) =>
        typeof part === "string" ? part : `[${part.attributes.href}]`,
    );

test("URLs of http and https become links, the text around them stays", () => {
    assert.deepEqual(partsOf("See https://example.com/a?b=1#c, or http://example.com."), [
        "See ",
        "[https://example.com/a?b=1#c]",
        ", or ",
        "[http://example.com]",
        ".",
    ]);
    assert.deepEqual(partsOf("nothing"), ["nothing"]);
    assert.deepEqual(partsOf(""), []);
    assert.deepEqual(partsOf("a\nHTTPS://EXAMPLE.COM\nb"), ["a\n", "[HTTPS://EXAMPLE.COM]", "\nb"]);
});

test("a link opens apart, and tells and passes on nothing", () => {
    const [link] = /** @type {any[]} */ (withLinks("https://example.com/"));
    assert.equal(link.tag, "a");
    assert.equal(link.text, "https://example.com/");
    assert.deepEqual(link.attributes, {
        href: "https://example.com/",
        rel: "noopener nofollow ugc",
        target: "_blank",
    });
});

test("other schemes, and what is no URL, are text", () => {
    const texts = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//http",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "xhttps://example.com",
        "http://",
        "https://[",
        "www.example.com",
    ];
    for (const text of texts) {
        assert.deepEqual(partsOf(text), [text]);
    }
});

test("markup around a URL ends it", () => {
    assert.deepEqual(partsOf('<a href="https://example.com">x</a>'), [
        '<a href="',
        "[https://example.com]",
        '">x</a>',
    ]);
    assert.deepEqual(partsOf("https://example.com/'onclick='x"), [
        "[https://example.com/]",
        "'onclick='x",
    ]);
});

test("punctuation after a URL is not part of it, brackets within are", () => {
    /** @type {[string, string][]} */
    const table = [
        ["https://example.com/.", "https://example.com/"],
        ["https://example.com/a!?", "https://example.com/a"],
        ["https://example.com/a).", "https://example.com/a"],
        ["https://example.com/a_(b)", "https://example.com/a_(b)"],
        ["https://example.com/a_(b)).", "https://example.com/a_(b)"],
        ["https://example.com/a]", "https://example.com/a"],
        ["https://example.com/a;b", "https://example.com/a;b"],
    ];
    for (const [url, expected] of table) {
        assert.equal(trimmed(url), expected);
    }
});
