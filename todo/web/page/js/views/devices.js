/** A browser and its system, from the User-Agent of a login. */

import { t } from "../texts.js";

const BROWSERS = [
    ["Edg/", "Edge"],
    ["OPR/", "Opera"],
    ["SamsungBrowser/", "Samsung Internet"],
    ["Firefox/", "Firefox"],
    ["FxiOS/", "Firefox"],
    ["CriOS/", "Chrome"],
    ["Chrome/", "Chrome"],
    ["Safari/", "Safari"],
];
const SYSTEMS = [
    ["Android", "Android"],
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Windows", "Windows"],
    ["CrOS", "ChromeOS"],
    ["Mac OS", "macOS"],
    ["Linux", "Linux"],
];

/**
 * @param {string} agent
 * @returns {{ browser: string, system: string }} "" for what is not known
 */
function deviceOf(agent) {
    const named = (/** @type {string[][]} */ table) =>
        table.find(([mark]) => agent.includes(mark))?.[1] ?? "";
    return { browser: named(BROWSERS), system: named(SYSTEMS) };
}

/** @param {string | null} agent @returns {string} such as "Firefox on Linux" */
export function deviceText(agent) {
    const { browser, system } = deviceOf(agent ?? "");
    return browser && system
        ? t("sessions.device", { browser, system })
        : browser || system || agent || t("sessions.unknown");
}
