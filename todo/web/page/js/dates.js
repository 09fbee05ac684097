/**
 * Dates of the API: a day such as "2030-02-01", or an instant in UTC such as
 * "2030-02-01T09:30:00Z". Days and times are shown in the account's time zone, and written in the
 * browser's language.
 */

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
const DAY_MS = 86_400_000;

/**
 * @param {string} language
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(language, options) {
    const key = language + JSON.stringify(options);
    let found = formats.get(key);
    if (!found) {
        found = new Intl.DateTimeFormat(language, options);
        formats.set(key, found);
    }
    return found;
}

/** @param {string} date @returns {boolean} whether it is a whole day */
export const isDay = (date) => date.length === 10;

/**
 * Return the day and the time of an instant in a zone.
 *
 * @param {number | string} instant milliseconds, or a date of the API
 * @param {string} zone IANA name
 * @returns {{ day: string, time: string }} such as "2030-02-01" and "09:30"
 */
export function local(instant, zone) {
    const date = new Date(instant);
    const parts = format("en-CA", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
    }).formatToParts(date);
    /** @type {Record<string, string>} */
    const values = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
    const year = values.year.padStart(4, "0");
    return {
        day: `${year}-${values.month}-${values.day}`,
        time: `${values.hour}:${values.minute}`,
    };
}

/**
 * Return the instant of a local time. A time that clocks skip is read with the offset before, and of
 * one that occurs twice the first is meant, as the server does.
 *
 * @param {string} day
 * @param {string} time such as "09:30"
 * @param {string} zone
 * @returns {string} such as "2030-02-01T09:30:00Z"
 */
export function instantOf(day, time, zone) {
    const wanted = Date.parse(`${day}T${time}:00Z`);
    const offsetAt = (/** @type {number} */ instant) => {
        const seen = local(instant, zone);
        return Date.parse(`${seen.day}T${seen.time}:00Z`) - Math.floor(instant / 60_000) * 60_000;
    };
    // The offset a day before and a day after are those before and after a change of clocks.
    const offsets = [offsetAt(wanted - DAY_MS), offsetAt(wanted + DAY_MS)];
    const fitting = offsets
        .map((offset) => wanted - offset)
        .filter((instant) => {
            const seen = local(instant, zone);
            return seen.day === day && seen.time === time;
        });
    const instant = fitting.length ? Math.min(...fitting) : wanted - offsets[0];
    return new Date(instant).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Days of instants, for lists of thousands of tasks. @type {Map<string, string>} */
const days = new Map();
const DAYS_KEPT = 50_000;

/**
 * @param {string | null} date
 * @param {string} zone
 * @returns {string | null} its day in the zone
 */
export function dayOf(date, zone) {
    if (date === null || isDay(date)) {
        return date;
    }
    const key = zone + date;
    let day = days.get(key);
    if (day === undefined) {
        day = local(date, zone).day;
        if (days.size >= DAYS_KEPT) {
            days.clear();
        }
        days.set(key, day);
    }
    return day;
}

/**
 * @param {string} day
 * @param {number} count
 */
export function addDays(day, count) {
    return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

/** @param {string} from @param {string} to @returns {number} days from one day to another */
export const daysBetween = (from, to) =>
    Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);

/**
 * Compare for sorting: a day is at its start, before the times of the day.
 *
 * @param {string} a
 * @param {string} b
 * @param {string} zone
 */
export function compareDates(a, b, zone) {
    if (isDay(a) === isDay(b)) {
        return a < b ? -1 : a > b ? 1 : 0;
    }
    const [first, second] = [dayOf(a, zone), dayOf(b, zone)];
    if (first !== second) {
        return /** @type {string} */ (first) < /** @type {string} */ (second) ? -1 : 1;
    }
    return isDay(a) ? -1 : 1;
}

/**
 * Return whether an open task with this due date is late.
 *
 * @param {string} date
 * @param {string} today
 * @param {number} now milliseconds
 */
export function isOverdue(date, today, now) {
    return isDay(date) ? date < today : Date.parse(date) < now;
}

/**
 * @param {string} day
 * @param {string} language
 * @param {Intl.DateTimeFormatOptions} [options]
 * @returns {string} such as "Fri 1 February"
 */
export function dayText(
    day,
    language,
    options = { weekday: "short", day: "numeric", month: "long" },
) {
    return format(language, { timeZone: "UTC", ...options }).format(new Date(`${day}T00:00:00Z`));
}

/**
 * @param {string} date an instant
 * @param {string} zone
 * @param {string} language
 * @returns {string} its time, such as "9:30"
 */
export function timeText(date, zone, language) {
    const options = /** @type {const} */ ({ timeZone: zone, hour: "numeric", minute: "2-digit" });
    return format(language, options).format(new Date(date));
}

/**
 * @param {string} date an instant
 * @param {string} zone
 * @param {string} language
 * @returns {string} day and time
 */
export function instantText(date, zone, language) {
    const options = /** @type {const} */ ({
        timeZone: zone,
        dateStyle: "medium",
        timeStyle: "short",
    });
    return format(language, options).format(new Date(date));
}
