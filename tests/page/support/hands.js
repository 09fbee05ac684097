/** The hands and eyes of a person. */

import assert from "node:assert/strict";

/** @typedef {import("puppeteer-core").Page} Page */

/**
 * Press the first button with this text or name that is shown.
 *
 * @param {Page} tab
 * @param {string} name
 * @param {string} [within] a selector
 */
export async function pressButton(tab, name, within = "body") {
    await tab
        .waitForFunction(
            (css, text) => {
                const found = [...document.querySelectorAll(`:is(${css}) :is(button, a)`)].find(
                    (element) =>
                        [element.textContent?.trim(), element.getAttribute("aria-label")].includes(
                            text,
                        ) && element.checkVisibility(),
                );
                // At once: the page may draw the element anew at any time.
                /** @type {HTMLElement | undefined} */ (found)?.click();
                return found !== undefined;
            },
            {},
            within,
            name,
        )
        .catch(() => assert.fail(`no button “${name}” in ${within}`));
}

/**
 * Wait until an element has a text.
 *
 * @param {Page} tab
 * @param {string} selector
 * @param {string} text
 */
export async function waitForText(tab, selector, text) {
    await tab
        .waitForFunction(
            (css, part) => document.querySelector(css)?.textContent?.includes(part),
            {},
            selector,
            text,
        )
        .catch(async () => {
            const shown = await tab.$eval(selector, (element) => element.textContent);
            assert.fail(`${selector} has no “${text}”: ${shown}`);
        });
}

/** @param {Page} tab @returns {Promise<string>} what has the focus, in words; "" for nothing */
export function focused(tab) {
    return tab.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body || !element.isConnected) {
            return "";
        }
        const row = element.closest("todo-row, .item")?.querySelector(".name")?.textContent;
        const label = /** @type {HTMLInputElement} */ (element).labels?.[0];
        const name = element.getAttribute("aria-label") ?? (label ?? element).textContent?.trim();
        return row ?? (name || element.getAttribute("name") || element.localName);
    });
}

/**
 * Wait until something has the focus.
 *
 * @param {Page} tab
 * @param {string} expected as `focused` says it
 */
export async function waitForFocus(tab, expected) {
    const end = Date.now() + 5_000;
    while ((await focused(tab)) !== expected && Date.now() < end) {
        await tab.evaluate(() => new Promise(requestAnimationFrame));
    }
    assert.equal(await focused(tab), expected);
}
