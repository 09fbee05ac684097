/**
 * Search in the copy while the person types, as the server does: every word, the last may be
 * incomplete.
 */

/** @typedef {import("./types.d.ts").Task} Task */

/** Tasks that are folded before other work gets its turn. */
const PORTION = 500;

/** @type {WeakMap<Task, string>} */
const folded = new WeakMap();

/**
 * Return a text without case and accents, in words separated by single spaces.
 *
 * @param {string} text
 */
export function fold(text) {
    return text
        .normalize("NFKD")
        .replace(/\p{M}/gu, "")
        .toLowerCase()
        .replace(/ß/g, "ss")
        .replace(/æ/g, "ae")
        .replace(/œ/g, "oe")
        .replace(/ø/g, "o")
        .replace(/ł/g, "l")
        .replace(/đ/g, "d")
        .replace(/[^\p{L}\p{N}\p{Extended_Pictographic}]+/gu, " ")
        .trim();
}

/** Scripts without spaces between words: their characters match anywhere. */
const UNSPACED =
    /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Mymr}\p{Extended_Pictographic}]/u;

/**
 * Return the tasks with every word, newest first.
 *
 * @param {Iterable<Task>} tasks
 * @param {string} query
 * @returns {Task[]}
 */
export function search(tasks, query) {
    const words = fold(query).split(" ").filter(Boolean);
    if (!words.length) {
        return [];
    }
    const last = words.length - 1;
    const isPrefix = !/\s$/.test(query);
    const wanted = words.map((word, index) => {
        if (UNSPACED.test(word)) {
            return word;
        }
        return index === last && isPrefix ? ` ${word}` : ` ${word} `;
    });
    const found = [];
    for (const task of tasks) {
        const text = textOf(task);
        if (wanted.every((word) => text.includes(word))) {
            found.push(task);
        }
    }
    return found.sort((a, b) => (a.creation_date < b.creation_date ? 1 : -1));
}

/**
 * Fold the texts of tasks before the person has typed the first letter.
 *
 * @param {Iterable<Task>} tasks
 */
export async function prepareSearch(tasks) {
    let count = 0;
    for (const task of tasks) {
        textOf(task);
        count += 1;
        if (count % PORTION === 0) {
            await new Promise((resolve) => setTimeout(resolve));
        }
    }
}

/** @param {Task} task */
function textOf(task) {
    let text = folded.get(task);
    if (text === undefined) {
        text = ` ${fold([task.name, task.note ?? "", ...task.labels].join(" "))} `;
        folded.set(task, text);
    }
    return text;
}
