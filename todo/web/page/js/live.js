/** The base of elements that show the state: they render at first and after each change. */

import { subscribe } from "./state.js";

export class Live extends HTMLElement {
    /** @type {(() => void) | null} */
    #end = null;

    connectedCallback() {
        this.#end = subscribe(() => this.render());
        this.render();
    }

    disconnectedCallback() {
        this.#end?.();
    }

    render() {}
}
