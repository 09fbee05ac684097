/** Order by drag and drop. Alt+↑ and Alt+↓ do the same by the keyboard. */

/**
 * Let the person drag the rows of a container.
 *
 * @param {HTMLElement} container
 * @param {string} selector of a row; one that can be dragged has draggable="true"
 * @param {(dragged: HTMLElement, target: HTMLElement, where: "before" | "after") => void} dropped
 */
export function makeSortable(container, selector, dropped) {
    /** @type {HTMLElement | null} */
    let dragged = null;
    /** @type {HTMLElement | null} */
    let target = null;

    /** @param {Event} event */
    const rowOf = (event) =>
        /** @type {HTMLElement | null} */ (
            event.target instanceof Element ? event.target.closest(selector) : null
        );

    function unmark() {
        target?.removeAttribute("data-drop");
        target = null;
    }

    container.addEventListener("dragstart", (event) => {
        dragged = rowOf(event);
        if (dragged && event.dataTransfer) {
            event.dataTransfer.effectAllowed = "move";
            event.dataTransfer.setData("text/plain", dragged.querySelector("a")?.textContent ?? "");
        }
    });
    container.addEventListener("dragover", (event) => {
        const row = rowOf(event);
        if (!dragged || !row || row === dragged || row.draggable !== true) {
            return;
        }
        event.preventDefault();
        const { top, height } = row.getBoundingClientRect();
        const where = event.clientY < top + height / 2 ? "before" : "after";
        if (row !== target) {
            unmark();
            target = row;
        }
        row.dataset.drop = where;
    });
    container.addEventListener("drop", (event) => {
        const where = target?.dataset.drop;
        if (dragged && target && (where === "before" || where === "after")) {
            event.preventDefault();
            dropped(dragged, target, where);
        }
        unmark();
    });
    container.addEventListener("dragend", () => {
        dragged = null;
        unmark();
    });
}
