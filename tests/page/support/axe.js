/** axe-core: the rules of WCAG 2.2 AA. */

import { readFileSync } from "node:fs";

const SOURCE = readFileSync(
    new URL("../node_modules/axe-core/axe.min.js", import.meta.url),
    "utf-8",
);
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Return what is wrong with the tab as it is.
 *
 * @param {import("puppeteer-core").Page} tab
 * @returns {Promise<string[]>} a line for each element with a fault
 */
export async function violations(tab) {
    await tab.evaluate(SOURCE);
    return tab.evaluate(async (tags) => {
        const { axe } = /** @type {any} */ (window);
        const results = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
        return results.violations.flatMap((/** @type {any} */ rule) =>
            rule.nodes.map(
                (/** @type {any} */ node) =>
                    `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`,
            ),
        );
    }, TAGS);
}
