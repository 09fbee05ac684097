/** The service worker, which keeps the files of the page for use without a network. */

const HOUR_MS = 3_600_000;

/** Register it where browsers have it: over https, and on this machine. */
function registerServiceWorker() {
    if (!navigator.serviceWorker) {
        return;
    }
    const url = new URL("service-worker.js", document.baseURI).href;
    /** @type {any} */
    const types = /** @type {any} */ (window).trustedTypes;
    const policy = types?.createPolicy("service-worker", {
        createScriptURL: (/** @type {string} */ text) => text,
    });
    const trusted = policy ? policy.createScriptURL(url) : url;
    const registered = navigator.serviceWorker.register(trusted);
    registered.then(
        (registration) => setInterval(() => void update(registration), HOUR_MS),
        () => {}, // without it, the page works as long as there is a network
    );
}

/**
 * Look for a new version, in a page that is open all day.
 *
 * @param {ServiceWorkerRegistration} registration
 */
async function update(registration) {
    await registration.update().catch(() => {}); // no network
}

registerServiceWorker();
