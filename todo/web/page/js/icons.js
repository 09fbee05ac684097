/** The icons: strokes on a square of 24 × 24 units. */

import { h, icon } from "./h.js";

const STROKES = {
    add: "M12 5v14M5 12h14",
    archive: "M4 7h16v3H4zM6 10v9h12v-9M10 14h4",
    bell: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
    calendar: "M4 6h16v14H4zM4 10h16M8 3v5M16 3v5",
    check: "M5 12.5l4.5 4.5L19 7.5",
    clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l3 2",
    close: "M6 6l12 12M18 6L6 18",
    down: "M12 5v14M6 13l6 6 6-6",
    drag: "M9 6v.01M15 6v.01M9 12v.01M15 12v.01M9 18v.01M15 18v.01",
    filter: "M4 6h16M7 12h10M10 18h4",
    help: "M9 9a3 3 0 1 1 4 2.8c-.7.4-1 .9-1 1.7M12 17v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
    history: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4l3 2",
    inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5a3 3 0 0 0 6 0h5",
    label: "M4 4h8l8 8-8 8-8-8zM8 8v.01",
    list: "M8 6h12M8 12h12M8 18h12M4 6v.01M4 12v.01M4 18v.01",
    logout: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
    menu: "M4 6h16M4 12h16M4 18h16",
    note: "M5 6h14M5 11h14M5 16h9",
    repeat: "M17 3l3 3-3 3M4 11V9a3 3 0 0 1 3-3h13M7 21l-3-3 3-3M20 13v2a3 3 0 0 1-3 3H4",
    search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4.5 4.5",
    settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
    sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19",
    trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
    undo: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
    up: "M12 19V5M6 11l6-6 6 6",
    warning: "M12 4l9 16H3zM12 10v4M12 17v.01",
};

/** @param {keyof typeof STROKES} name */
export const symbol = (name) => icon(STROKES[name]);

/** Return the mark of a list in its color. @param {string | null} color null for none */
export function swatch(color) {
    const element = h("span", { class: "swatch" });
    if (color) {
        element.style.setProperty("--color", color);
    }
    return element;
}
