/** Places of tasks that are moved before the server has answered: as in todo/positions.py. */

/** @typedef {import("./types.d.ts").Fields} Fields */
/** @typedef {import("./types.d.ts").Id} Id */

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** @param {string} text @param {number} index */
const digit = (text, index) => (index < text.length ? DIGITS.indexOf(text[index]) : 0);

/**
 * Return a string between two positions in byte order.
 *
 * @param {string} before "" for the beginning
 * @param {string | null} after null for the end
 * @returns {string}
 */
export function between(before, after) {
    let result = "";
    let open = after === null;
    for (let index = 0; ; index += 1) {
        const low = digit(before, index);
        open ||= index >= /** @type {string} */ (after).length; // equal positions
        const high = open ? DIGITS.length : digit(/** @type {string} */ (after), index);
        if (high - low > 1) {
            return result + DIGITS[(low + high) >> 1];
        }
        result += DIGITS[low];
        open ||= high > low;
    }
}

/**
 * Compare for Array.sort by position; equal positions by id.
 *
 * @param {{ position: string, id: number | string }} a
 * @param {{ position: string, id: number | string }} b
 */
export function byPosition(a, b) {
    if (a.position !== b.position) {
        return a.position < b.position ? -1 : 1;
    }
    return a.id < b.id ? -1 : 1;
}

/**
 * Return the position of an object that is moved to a place among others.
 *
 * @param {{ id: Id, position: string }[]} others
 * @param {Fields} place one of before, after, first and last
 */
export function placed(others, place) {
    const wanted = place.before ?? place.after;
    const target = others.find(({ id }) => id === wanted);
    if (place.first) {
        return between("", neighbor(others, 1)?.position ?? null);
    }
    if (!target) {
        return between(neighbor(others, -1)?.position ?? "", null);
    }
    return place.before === undefined
        ? between(target.position, neighbor(others, 1, target)?.position ?? null)
        : between(neighbor(others, -1, target)?.position ?? "", target.position);
}

/**
 * Return the next object after another one, or the next before it.
 *
 * @param {{ id: Id, position: string }[]} others in any order: to sort thousands takes too long
 * @param {1 | -1} direction
 * @param {{ id: Id, position: string }} [from] otherwise the first or the last of all
 */
function neighbor(others, direction, from) {
    let found;
    for (const other of others) {
        const isBeyond = !from || byPosition(other, from) === direction;
        if (isBeyond && other !== from && (!found || byPosition(found, other) === direction)) {
            found = other;
        }
    }
    return found;
}

/** @param {Iterable<{ position: string }>} objects */
export function lastPosition(objects) {
    let last = "";
    for (const { position } of objects) {
        last = position > last ? position : last;
    }
    return last;
}
