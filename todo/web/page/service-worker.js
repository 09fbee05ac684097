// Keeps the page usable without a network. The server puts two constants in front: self.VERSION,
// and self.FILES, the URLs of all files of this version, relative to this script.
//
// A cache holds one version as a whole. A new version takes over at once, because an older one
// could not read a copy that a newer one has upgraded. Pages that are open then go on with the old
// version: they have loaded all but the texts of other languages, so the cache before this one is
// kept for them until the next version comes.
//
// Answers of the API are never looked at: the page keeps its own copy of the data.

const worker = /** @type {ServiceWorkerGlobalScope & { VERSION: string, FILES: string[] }} */ (
    /** @type {unknown} */ (self)
);

// Other services on this origin have caches too, even this one below another path.
const PREFIX = `todo ${worker.registration.scope} `;
const CACHE = PREFIX + worker.VERSION;

const SHELL = worker.registration.scope;
const FILE_URLS = `${SHELL}page/`;

// A network that is there but does not answer, as in a tunnel, must not hold up the page.
const PATIENCE_MS = 2000;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("notificationclick", (event) => event.waitUntil(clicked(event)));
worker.addEventListener("fetch", (event) => {
    const { method, mode } = event.request;
    const [url] = event.request.url.split("#");
    if (method !== "GET") return;
    if (mode === "navigate" && url === SHELL) event.respondWith(shell(event.request));
    else if (url.startsWith(FILE_URLS)) event.respondWith(file(event.request));
});

/** Fill the cache of this version, or fail: the browser then tries again later. */
async function install() {
    const urls = worker.FILES.map((path) => new URL(path, SHELL).href);
    const fetched = await Promise.all([
        fetchOk(new Request(SHELL, { headers: { Accept: "text/html" } })),
        ...urls.map((url) => fetchOk(new Request(url))),
    ]);
    const html = await fetched[0].clone().text();
    // The server may have been updated since it sent this script.
    if (!html.includes(worker.VERSION)) throw new Error("The server has another version.");
    const cache = await caches.open(CACHE);
    await Promise.all([SHELL, ...urls].map((url, index) => cache.put(url, fetched[index])));
    await worker.skipWaiting();
}

/** Delete the caches that no page needs, and serve the pages that are open. */
async function activate() {
    const others = (await caches.keys()).filter(
        (name) => name.startsWith(PREFIX) && name !== CACHE,
    );
    // In the order of their creation, so the last one is that of the version before.
    await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
    await worker.clients.claim();
    for (const client of await worker.clients.matchAll({ type: "window" })) {
        client.postMessage({ type: "version", version: worker.VERSION });
    }
}

/**
 * Answer with the shell of the server, which may be newer, or else with the one of this version.
 * @param {Request} request
 */
async function shell(request) {
    const network = fetch(request).catch(() => undefined);
    const answer = await Promise.race([network, wait(PATIENCE_MS)]);
    if (answer && !isFailure(answer)) return answer;
    const cache = await caches.open(CACHE);
    // The shell varies by Accept, which browsers write differently.
    const cached = await cache.match(SHELL, { ignoreVary: true });
    return cached ?? (await network) ?? Response.error();
}

/**
 * Answer with a file of any version. The server has only the newest.
 * @param {Request} request
 */
async function file(request) {
    return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

/**
 * Open the task of a reminder: in a page that is open, or else in a new one.
 * @param {NotificationEvent} event
 */
async function clicked({ notification }) {
    notification.close();
    const id = notification.data.task;
    const clients = await worker.clients.matchAll({ type: "window" });
    const [client] = [...clients].sort((a, b) => Number(b.focused) - Number(a.focused));
    if (client) {
        client.postMessage({ type: "task", id });
        await client.focus();
    } else {
        await worker.clients.openWindow(`${SHELL}#/today?task=${id}`);
    }
}

/** @param {Request} request */
async function fetchOk(request) {
    const answer = await fetch(request);
    if (!answer.ok) throw new Error(`${request.url} answers ${answer.status}.`);
    return answer;
}

/**
 * Return whether the service, or the proxy in front of it, cannot serve the page now. Redirects are
 * no failure: a proxy may ask for its own login.
 * @param {Response} answer
 */
function isFailure(answer) {
    return answer.status === 429 || answer.status >= 500;
}

/**
 * @param {number} milliseconds
 * @returns {Promise<undefined>}
 */
function wait(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined));
}
