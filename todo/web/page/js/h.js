/** Create DOM nodes. Text is always set as text, never parsed as markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, any>} Attributes */

/**
 * Return an element. An attribute that begins with "on" is an event listener; `true` sets an empty
 * attribute; `false`, null and undefined set none; `value` and `checked` set the property.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    setAttributes(element, attributes);
    append(element, ...children);
    return element;
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function setAttributes(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) {
            element.addEventListener(name.slice(2), value);
        } else if (name === "value" || name === "checked" || name === "indeterminate") {
            /** @type {any} */ (element)[name] = value;
        } else if (value === false || value === null || value === undefined) {
            element.removeAttribute(name);
        } else {
            element.setAttribute(name, value === true ? "" : String(value));
        }
    }
}

/**
 * @param {Node} parent
 * @param {...(Child | Child[])} children
 */
export function append(parent, ...children) {
    for (const child of children.flat()) {
        if (child instanceof Node) {
            parent.appendChild(child);
        } else if (child !== null && child !== undefined && child !== false) {
            parent.appendChild(document.createTextNode(String(child)));
        }
    }
}

/**
 * Make the children exactly these nodes, in this order, and move only what is out of place, so that
 * a node in place keeps its focus and scroll position.
 *
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
    const keep = new Set(wanted);
    for (const child of [...parent.children]) {
        if (!keep.has(child)) {
            child.remove();
        }
    }
    let place = parent.firstElementChild;
    for (const element of wanted) {
        if (element === place) {
            place = place.nextElementSibling;
        } else {
            parent.insertBefore(element, place);
        }
    }
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Return an icon of 24 × 24 units that takes the color of the text.
 *
 * @param {string} path the `d` of its strokes
 * @returns {SVGElement}
 */
export function icon(path) {
    const svg = document.createElementNS(SVG, "svg");
    const stroke = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    stroke.setAttribute("d", path);
    svg.appendChild(stroke);
    return svg;
}
