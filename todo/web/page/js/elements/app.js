/** The whole page: the login, or the navigation with a view and the details of a task. */

import { h } from "../h.js";
import { symbol } from "../icons.js";
import { command, listenToKeys, onCommand } from "../keys.js";
import { Live } from "../live.js";
import { currentRoute, go, linkTo, replace } from "../router.js";
import {
    finishLogout,
    finishRemovals,
    known,
    lock,
    onOtherTab,
    removeOtherCopies,
} from "../session.js";
import { announce, closeAccount, openAccount, state } from "../state.js";
import { statusText } from "../status.js";
import { t, textOf } from "../texts.js";
import { prepareSearch } from "../search.js";
import { VIEWS } from "../views.js";
import "./login.js";
import "./nav.js";
import "./toasts.js";

/** The browser opens no database while it deletes one. */
const START_OVER_MS = 1_000;

const MINUTE_MS = 60_000;

export class App extends Live {
    #main = h("main", { id: "main", tabindex: "-1" });
    #aside = h("aside", { "aria-label": t("task"), hidden: true });
    #status = h("a", { class: "status", href: linkTo("unsent") });
    #search = h("input", {
        type: "search",
        "aria-label": t("search"),
        placeholder: t("search"),
        autocomplete: "off",
    });
    #menu = h("button", {
        type: "button",
        class: "menu",
        "aria-expanded": "false",
        "aria-label": t("navigation"),
    });
    #view = "";
    #place = "";
    #task = "";

    connectedCallback() {
        this.#menu.append(symbol("menu"));
        this.#menu.addEventListener("click", () => this.#toggleMenu());
        this.#search.addEventListener("input", () => this.#searched());
        this.#search.addEventListener("focus", () => {
            void prepareSearch(state.account?.view.tasks.values() ?? []);
        });
        window.addEventListener("hashchange", () => {
            const isForm = ["login", "register"].includes(currentRoute().name);
            if (known().account === undefined && !isForm) {
                replace(linkTo("login")); // back, to what an account had shown before its logout
                return;
            }
            this.#toggleMenu(false);
            this.render();
            announce();
        });
        onOtherTab(() => void this.start());
        window.addEventListener("pageshow", (event) => void (event.persisted && this.start()));
        listenToKeys();
        onCommand((name) => this.#obey(name));
        setInterval(announce, MINUTE_MS); // days end, and tasks become late
        super.connectedCallback();
        void this.start();
        finishLogout();
        finishRemovals();
        window.addEventListener("online", finishLogout);
    }

    /** Open the account that this browser shows, or ask for the login. */
    async start() {
        const { account, locked } = known();
        if (account !== undefined && !locked) {
            if (state.account?.copy.account !== account) {
                closeAccount();
                await this.#open(account);
            }
            return;
        }
        closeAccount();
        this.#showLogin();
    }

    /** @param {number} id */
    async #open(id) {
        try {
            await openAccount(
                id,
                (status) => this.#lockIfEnded(id, status),
                () => this.#startOver(),
            );
        } catch {
            this.replaceChildren(
                h("main", {}, h("p", { class: "error" }, t("problem.no_storage"))),
            );
            return;
        }
        if (state.account?.copy.account === id) {
            void removeOtherCopies(id);
            this.#draw();
        }
    }

    /** Begin with a new copy: the browser's data have been deleted while the page is open. */
    #startOver() {
        closeAccount();
        setTimeout(() => void this.start(), START_OVER_MS);
    }

    /**
     * @param {number} id of the account
     * @param {import("../sync.js").Status} status
     */
    #lockIfEnded(id, status) {
        if (status.state === "locked" && state.account?.copy.account === id) {
            this.#renderTask(""); // its fields save what is being typed
            lock(id);
            closeAccount();
            void this.start();
        }
    }

    #showLogin() {
        const login = /** @type {import("./login.js").Login} */ (
            document.createElement("todo-login")
        );
        const previous = known().account;
        login.done = (profile) => {
            const isOther = previous !== undefined && previous !== profile.id;
            // The fragment may have words of the account that was locked.
            if (isOther || ["", "login", "register"].includes(currentRoute().name)) {
                replace(linkTo("today"));
            }
            void this.#open(profile.id).then(keepCopy);
        };
        // Nothing of the account may come back with the next one.
        this.#main.replaceChildren();
        this.#renderTask("");
        this.#search.value = "";
        this.#view = "";
        this.#place = "";
        if (this.classList.contains("in") && known().account === undefined) {
            replace(linkTo("login")); // the fragment may have words of the account
        }
        this.className = "out";
        this.replaceChildren(
            document.createElement("todo-version"),
            h("main", { id: "main" }, login),
            document.createElement("todo-toasts"),
        );
    }

    #draw() {
        if (["", "login", "register"].includes(currentRoute().name)) {
            replace(linkTo("today"));
        }
        this.className = "in";
        this.replaceChildren(
            h(
                "a",
                {
                    class: "skip",
                    href: "#main",
                    onclick: (/** @type {Event} */ event) => this.#skip(event),
                },
                t("skip"),
            ),
            h(
                "header",
                { class: "top" },
                this.#menu,
                h("a", { class: "brand", href: linkTo("today") }, "todo"),
                this.#search,
                h("div", { class: "live", role: "status" }, this.#status),
            ),
            document.createElement("todo-nav"),
            h(
                "div",
                { class: "bars" },
                document.createElement("todo-version"),
                document.createElement("todo-reminders"),
            ),
            this.#main,
            this.#aside,
            document.createElement("todo-toasts"),
            document.createElement("todo-help"),
        );
        this.render();
    }

    render() {
        if (!state.account && this.classList.contains("in")) {
            this.#showLogin();
        }
        if (!state.account || !this.classList.contains("in")) {
            const login = this.querySelector("todo-login");
            const isForm = ["login", "register", ""].includes(currentRoute().name);
            if (login && isForm && this.#view !== location.hash) {
                this.#view = location.hash;
                /** @type {import("./login.js").Login} */ (login).draw();
            }
            return;
        }
        const route = currentRoute();
        const isKnown = Object.hasOwn(VIEWS, route.name);
        const tag = isKnown ? VIEWS[route.name] : "todo-tasks";
        if (!isKnown) {
            replace(linkTo("today"));
        }
        const key = tag === "todo-tasks" ? tag : `${tag}/${route.value}`;
        if (this.#view !== key) {
            this.#view = key;
            this.#main.replaceChildren(document.createElement(tag));
        }
        this.#arriveAt(`${route.name}/${route.value}`);
        this.#renderTask(route.query.get("task") ?? "");
        this.#renderStatus();
        const value = route.name === "search" ? route.value : "";
        if (this.#search.value !== value && document.activeElement !== this.#search) {
            this.#search.value = value;
        }
    }

    /**
     * Put the focus on the title of a view, so that the keyboard and screen readers follow.
     *
     * @param {string} place
     */
    #arriveAt(place) {
        const isSearch = document.activeElement === this.#search;
        if (this.#place !== place && this.#place && !isSearch) {
            window.scrollTo(0, 0);
            this.#main.querySelector("h1")?.focus({ preventScroll: true });
        }
        this.#place = place;
    }

    /** @param {string} id of the task whose details are open */
    #renderTask(id) {
        if (this.#task === id) {
            return;
        }
        this.#task = id;
        const shown = /** @type {import("../views/task.js").TaskDetails | null} */ (
            this.#aside.querySelector("todo-task")
        );
        if (id && shown?.shows?.(id)) {
            return; // a new task has got the id of the server
        }
        this.#aside.hidden = !id;
        this.classList.toggle("with-task", Boolean(id));
        this.#aside.replaceChildren(...(id ? [document.createElement("todo-task")] : []));
    }

    #renderStatus() {
        const { copy, status } = /** @type {import("../state.js").Account} */ (state.account);
        const { text, isStuck } = statusText(copy, status);
        if (this.#status.textContent !== text) {
            this.#status.textContent = text;
        }
        this.#status.title = status.code ? textOf("problem.", status.code, "") : "";
        this.#status.dataset.state = isStuck ? "decide" : status.state;
        this.#status.hidden = !text;
    }

    #searched() {
        const text = this.#search.value;
        const target = linkTo("search", text);
        currentRoute().name === "search" ? replace(target) : go(target);
    }

    /** @param {boolean} [open] */
    #toggleMenu(open = !this.classList.contains("menu-open")) {
        this.classList.toggle("menu-open", open);
        this.#menu.setAttribute("aria-expanded", String(open));
    }

    /** @param {Event} event */
    #skip(event) {
        event.preventDefault();
        this.#main.focus();
    }

    /** @param {string} name */
    #obey(name) {
        if (name.startsWith("go ")) {
            go(linkTo(name.slice(3)));
        } else if (name === "search") {
            this.#search.focus();
            this.#search.select();
        } else if (
            name === "add" &&
            state.account &&
            !this.#main.querySelector("todo-add:not([hidden])")
        ) {
            go(linkTo("inbox"));
            setTimeout(() => command("add"));
        }
    }
}

/** Ask the browser not to remove the copy when its disk is full. Some browsers ask the person. */
async function keepCopy() {
    if (!(await navigator.storage?.persisted?.())) {
        await navigator.storage?.persist?.();
    }
}

customElements.define("todo-app", App);
