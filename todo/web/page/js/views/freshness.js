/** When a view reads again what is not in the copy. */

import { account } from "../state.js";

export class Freshness {
    /** @type {number | null} */
    #revision = null;
    #wasReachable = true;

    /**
     * Return whether to read again: at first, after each change of the account, and when the server
     * can be reached again.
     */
    isOver() {
        const { copy, status } = account();
        const { revision } = copy.meta;
        const isReachable = status.state === "ok" || status.state === "starting";
        const isBack = isReachable && !this.#wasReachable;
        this.#wasReachable = isReachable;
        const isNew = revision !== this.#revision;
        this.#revision = revision;
        return revision !== null && (isNew || isBack);
    }
}
