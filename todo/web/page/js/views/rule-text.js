/** Rules and durations in words, from the catalogue of texts; names of weekdays by Intl. */

import { dayText } from "../dates.js";
import { areWorkdays, monthDayOf, weekdayOf } from "./rule.js";
import { languages, t } from "../texts.js";

/** @typedef {import("./rule.js").Rule} Rule */
/** @typedef {import("./rule.js").Choice} Choice */
/** @typedef {import("../texts.js").Key} Key */

const MONDAY = "2024-01-01";

/**
 * @param {number} weekday Monday is 0
 * @param {"long" | "short"} [length]
 */
export function weekdayName(weekday, length = "long") {
    const day = MONDAY.slice(0, 9) + String(weekday + 1);
    return dayText(day, languages.texts, { weekday: length });
}

/** @param {number} number @returns {string} such as "2nd" */
export function ordinal(number) {
    const category = new Intl.PluralRules(languages.texts, { type: "ordinal" }).select(number);
    const known = ["one", "two", "few"].includes(category) ? category : "other";
    return t(/** @type {Key} */ (`ordinal.${known}`), { number });
}

/** @param {number} position 1 to 4, or -1 for the last */
export const positionName = (position) =>
    t(/** @type {Key} */ (`position.${position === -1 ? "last" : position}`));

/** @param {string[]} words */
const joined = (words) =>
    new Intl.ListFormat(languages.texts, { type: "conjunction" }).format(words);

/**
 * Return a rule in words. Parts that follow from the due date are named.
 *
 * @param {Rule} rule
 * @param {string | null} day the due day
 * @returns {string} such as "every 2 weeks on Monday, 5 times"
 */
export function describe(rule, day) {
    const text = sentence(rule, day);
    if (rule.count !== null) {
        return t("rule.count", { text, count: rule.count });
    }
    if (rule.until !== null) {
        const options = /** @type {const} */ ({ day: "numeric", month: "long", year: "numeric" });
        return t("rule.until", { text, day: dayText(rule.until, languages.texts, options) });
    }
    return text;
}

/**
 * @param {Rule} rule
 * @param {string | null} day
 */
function sentence({ freq, interval: count, weekdays, monthDay, nth }, day) {
    if (freq === "DAILY") {
        return t("rule.daily", { count });
    }
    if (freq === "YEARLY") {
        return t("rule.yearly", { count });
    }
    if (freq === "WEEKLY") {
        if (count === 1 && areWorkdays(weekdays)) {
            return t("rule.workdays");
        }
        const shown = weekdays.length || day === null ? weekdays : [weekdayOf(day)];
        const days = joined(shown.map((weekday) => weekdayName(weekday)));
        return days ? t("rule.weekly.on", { count, days }) : t("rule.weekly", { count });
    }
    if (nth) {
        const position = positionName(nth.position);
        return t("rule.monthly.nth", { count, position, weekday: weekdayName(nth.weekday) });
    }
    if (monthDay === -1) {
        return t("rule.monthly.end", { count });
    }
    const number = monthDay ?? (day === null ? null : monthDayOf(day));
    return number === null
        ? t("rule.monthly", { count })
        : t("rule.monthly.on", { count, day: ordinal(number) });
}

/**
 * @param {Choice} choice
 * @param {string} day the due day
 * @returns {string} its text in the form
 */
export function choiceText(choice, day) {
    return t(/** @type {Key} */ (`choice.${choice}`), {
        weekday: weekdayName(weekdayOf(day)),
        day: ordinal(monthDayOf(day)),
    });
}

const DURATION = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const UNITS = ["week", "day", "hour", "minute", "second"];

/**
 * Return a duration before the due date in words (RFC 3339, appendix A).
 *
 * @param {string} duration such as "PT15M"
 * @returns {string} such as "15 minutes before it is due"
 */
export function beforeText(duration) {
    const numbers = DURATION.exec(duration)?.slice(1) ?? [];
    const parts = UNITS.map((unit, index) => ({ unit, number: Number(numbers[index] ?? 0) }))
        .filter(({ number }) => number)
        .map(({ unit, number }) =>
            new Intl.NumberFormat(languages.texts, {
                style: "unit",
                unit,
                unitDisplay: "long",
            }).format(number),
        );
    const text = new Intl.ListFormat(languages.texts, { type: "unit" }).format(parts);
    return text ? t("reminder.before", { duration: text }) : t("reminder.atdue");
}
