/**
 * Recurrence rules (docs/recurrence.md): a simple RRULE becomes choices of a form, and back.
 *
 * A rule that says more than the form can show is not understood: it is kept as it is, and the
 * server describes it.
 */

/** In the order of the rules of the server: Monday is 0. */
export const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
export const FREQUENCIES = /** @type {const} */ (["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
export const POSITIONS = [1, 2, 3, 4, -1];
export const NUMBER_MAX = 999;

const WORKDAYS = [0, 1, 2, 3, 4];
const PARTS = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTHDAY", "BYDAY"];

/**
 * @typedef {object} Rule
 * @property {typeof FREQUENCIES[number]} freq
 * @property {number} interval
 * @property {number[]} weekdays of a weekly rule; none stands for that of the due date
 * @property {number | null} monthDay of a monthly rule, -1 is the last; null for that of the due date
 * @property {{ position: number, weekday: number } | null} nth of a monthly rule, such as the first
 *     Monday
 * @property {number | null} count how many dates there are from the due date on
 * @property {string | null} until the last day
 * @property {string} untilTime its time, such as "T090000Z", or ""
 */

/** @typedef {"none" | "daily" | "workdays" | "weekly" | "monthly" | "monthEnd" | "yearly" |
 *     "custom" | "written"} Choice */

/** The choices of the form. @type {Choice[]} */
export const CHOICES = [
    "none",
    "daily",
    "workdays",
    "weekly",
    "monthly",
    "monthEnd",
    "yearly",
    "custom",
    "written",
];

/**
 * @param {Partial<Rule>} parts
 * @returns {Rule}
 */
export const rule = (parts) => ({
    freq: "DAILY",
    interval: 1,
    weekdays: [],
    monthDay: null,
    nth: null,
    count: null,
    until: null,
    untilTime: "",
    ...parts,
});

/**
 * Return the rule of a text, or null if it says more than a form can show, or is wrong.
 *
 * @param {string} text
 * @returns {Rule | null}
 */
export function parseRule(text) {
    const pairs = text
        .toUpperCase()
        .split(";")
        .map((part) => part.split("="));
    const names = pairs.map(([name]) => name);
    const isKnown = pairs.every((pair) => pair.length === 2 && PARTS.includes(pair[0]));
    if (!isKnown || new Set(names).size < names.length) {
        return null;
    }
    const values = Object.fromEntries(pairs);
    const freq = FREQUENCIES.find((name) => name === values.FREQ);
    const interval = numberOf(values.INTERVAL ?? "1");
    const count = values.COUNT === undefined ? null : numberOf(values.COUNT);
    const end = endOf(values.UNTIL);
    const days = daysOf(freq, values.BYDAY, values.BYMONTHDAY);
    const hasBoth = count !== null && end?.until;
    if (!freq || !interval || count === 0 || !end || !days || hasBoth) {
        return null;
    }
    return rule({ freq, interval, count, ...end, ...days });
}

/** @param {string} text @returns {number} 0 if it is not a number that a rule may have */
const numberOf = (text) => (/^[0-9]{1,3}$/.test(text) ? Number(text) : 0);

/** @param {string | undefined} text of UNTIL */
function endOf(text) {
    if (text === undefined) {
        return { until: null, untilTime: "" };
    }
    const match = /^(\d{4})(\d\d)(\d\d)(T\d{6}Z)?$/.exec(text);
    return match && { until: match.slice(1, 4).join("-"), untilTime: match[4] ?? "" };
}

/**
 * @param {string | undefined} freq
 * @param {string | undefined} byDay
 * @param {string | undefined} byMonthDay
 * @returns {Partial<Rule> | null}
 */
function daysOf(freq, byDay, byMonthDay) {
    if (byDay === undefined && byMonthDay === undefined) {
        return {};
    }
    if (freq === "WEEKLY" && byDay !== undefined && byMonthDay === undefined) {
        const weekdays = byDay.split(",").map((name) => WEEKDAYS.indexOf(name));
        const isValid = weekdays.every((weekday) => weekday >= 0);
        return isValid ? { weekdays: [...new Set(weekdays)].sort() } : null;
    }
    if (freq !== "MONTHLY" || (byDay !== undefined && byMonthDay !== undefined)) {
        return null;
    }
    if (byMonthDay !== undefined) {
        const day = byMonthDay === "-1" ? -1 : numberOf(byMonthDay);
        return day && day <= 31 ? { monthDay: day } : null;
    }
    const match = /^([1-4]|-1)([A-Z]{2})$/.exec(byDay ?? "");
    const weekday = match ? WEEKDAYS.indexOf(match[2]) : -1;
    return match && weekday >= 0 ? { nth: { position: Number(match[1]), weekday } } : null;
}

/**
 * Return the text of a rule, as the server writes it.
 *
 * @param {Rule} rule
 * @returns {string}
 */
export function formatRule({ freq, interval, weekdays, monthDay, nth, count, until, untilTime }) {
    const byDay = nth
        ? `${nth.position}${WEEKDAYS[nth.weekday]}`
        : [...weekdays]
              .sort()
              .map((weekday) => WEEKDAYS[weekday])
              .join();
    const parts = [
        `FREQ=${freq}`,
        interval > 1 && `INTERVAL=${interval}`,
        count !== null && `COUNT=${count}`,
        until !== null && `UNTIL=${until.replaceAll("-", "")}${untilTime}`,
        monthDay !== null && `BYMONTHDAY=${monthDay}`,
        byDay && `BYDAY=${byDay}`,
    ];
    return parts.filter(Boolean).join(";");
}

/** @param {string} day @returns {number} its weekday; Monday is 0 */
export const weekdayOf = (day) => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;

/** @param {string} day such as "2030-02-01" @returns {number} of its month */
export const monthDayOf = (day) => Number(day.slice(8));

/** @param {number[]} weekdays @returns {boolean} whether they are Monday to Friday */
export const areWorkdays = (weekdays) => String(weekdays) === String(WORKDAYS);

/**
 * Return the choice that stands for a rule.
 *
 * @param {string | null} text
 * @param {string} day the due day
 * @returns {Choice}
 */
export function choiceOf(text, day) {
    const parsed = text === null ? null : parseRule(text);
    if (parsed === null) {
        return text === null ? "none" : "written";
    }
    const { freq, interval, weekdays, monthDay, nth } = parsed;
    if (interval > 1 || nth) {
        return "custom";
    }
    switch (freq) {
        case "WEEKLY":
            if (areWorkdays(weekdays)) {
                return "workdays";
            }
            return String(weekdays) === "" || String(weekdays) === String(weekdayOf(day))
                ? "weekly"
                : "custom";
        case "MONTHLY":
            if (monthDay === -1) {
                return "monthEnd";
            }
            return monthDay === null || monthDay === monthDayOf(day) ? "monthly" : "custom";
        default:
            return freq === "DAILY" ? "daily" : "yearly";
    }
}

/** @type {Partial<Record<Choice, Partial<Rule>>>} */
const SIMPLE = {
    daily: { freq: "DAILY" },
    workdays: { freq: "WEEKLY", weekdays: WORKDAYS },
    weekly: { freq: "WEEKLY" },
    monthly: { freq: "MONTHLY" },
    monthEnd: { freq: "MONTHLY", monthDay: -1 },
    yearly: { freq: "YEARLY" },
};

/**
 * Return the rule of a choice, which keeps the end of the present rule.
 *
 * @param {Choice} choice
 * @param {string | null} present the text of the present rule
 * @returns {string | null}
 */
export function ruleOfChoice(choice, present) {
    const parsed = present === null ? null : parseRule(present);
    const { count = null, until = null, untilTime = "" } = parsed ?? {};
    const simple = SIMPLE[choice];
    if (simple) {
        return formatRule(rule({ ...simple, count, until, untilTime }));
    }
    return choice === "none" ? null : (present ?? formatRule(rule({ freq: "WEEKLY" })));
}
