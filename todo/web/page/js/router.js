/** The page's views by the fragment of the URL, such as #/list/3 or #/today?task=17. */

/**
 * @typedef {object} Route
 * @property {string} name the first part, such as "list"
 * @property {string} value the second part, or ""
 * @property {URLSearchParams} query
 */

/** @returns {Route} */
export function currentRoute() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, ...rest] = path.split("/");
    return { name, value: decode(rest.join("/")), query: new URLSearchParams(query) };
}

/** @param {string} text */
function decode(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

/**
 * Return the fragment of a view.
 *
 * @param {string} name
 * @param {string | number} [value]
 * @param {Record<string, string | number>} [query]
 */
export function linkTo(name, value = "", query = {}) {
    const path = value === "" ? name : `${name}/${encodeURIComponent(value)}`;
    const pairs = new URLSearchParams(
        Object.entries(query).map(
            ([key, item]) => /** @type {[string, string]} */ ([key, String(item)]),
        ),
    );
    const text = pairs.toString();
    return `#/${path}${text && `?${text}`}`;
}

/** Return the fragment of the present view with the details of a task. @param {string | number} id */
export function linkToTask(id) {
    const { name, value, query } = currentRoute();
    return linkTo(name, value, { ...Object.fromEntries(query), task: id });
}

/** @param {string} fragment */
export function go(fragment) {
    location.hash = fragment;
}

/** Replace the present view, so that the back button does not return to it. @param {string} fragment */
export function replace(fragment) {
    location.replace(fragment);
}
