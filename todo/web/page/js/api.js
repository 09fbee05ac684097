/** Requests to the API. The session is a cookie, which scripts cannot read. */

/** @typedef {import("./types.d.ts").Fault} Fault */

const TIMEOUT_MS = 30_000;
/** A smaller difference may be the way of the answer. */
const SKEW_MS = 60_000;

/** How far the browser's clock is behind that of the service, in milliseconds. */
let skew = 0;

/** @returns {number} the time of the service as far as it is known, as Date.now() */
export const serverNow = () => Date.now() + skew;

/** An answer of 4xx or 5xx (RFC 9457). */
export class Problem extends Error {
    /**
     * @param {number} status
     * @param {any} body
     * @param {number | null} retryAfter seconds
     */
    constructor(status, body, retryAfter) {
        super(body?.detail ?? `HTTP ${status}`);
        this.status = status;
        /** @type {string} */
        this.code = body?.code ?? "";
        /** @type {Fault[]} */
        this.errors = body?.errors ?? [];
        this.body = body ?? {};
        this.retryAfter = retryAfter;
    }

    /** Whether the same request may succeed later. */
    get isTemporary() {
        return this.status === 429 || this.status >= 500 || this.code === "conflict";
    }
}

/** No answer came: there is no network, or the service does not answer in time. */
export class Unreachable extends Error {}

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} body
 * @property {number | null} revision the revision to undo, if the request changed something
 */

/**
 * Send a request below /api/v1/.
 *
 * @param {string} method
 * @param {string} path such as "accounts/me/tasks"
 * @param {{ body?: unknown, key?: string, etag?: string, known?: string }} [options] `key` is an
 *     Idempotency-Key, `etag` an If-Match and `known` an If-None-Match
 * @returns {Promise<Answer>} 2xx or 304
 * @throws {Problem | Unreachable}
 */
export async function send(method, path, { body, key, etag, known } = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    if (key) {
        headers["Idempotency-Key"] = key;
    }
    if (etag) {
        headers["If-Match"] = etag;
    }
    if (known) {
        headers["If-None-Match"] = known;
    }
    try {
        const response = await fetch(new URL(`api/v1/${path}`, document.baseURI), {
            method,
            headers,
            body: body === undefined ? undefined : JSON.stringify(body),
            cache: "no-store", // a shared computer must not keep the tasks after the logout
            signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const difference = Date.parse(response.headers.get("Date") ?? "") - Date.now();
        skew = Math.abs(difference) > SKEW_MS ? difference : 0;
        return await read(response);
    } catch (error) {
        throw error instanceof Problem ? error : new Unreachable(String(error));
    }
}

/**
 * @param {Response} response
 * @returns {Promise<Answer>}
 */
async function read(response) {
    const text = await response.text();
    const body =
        text && response.headers.get("Content-Type")?.includes("json") ? parse(text) : null;
    const isEmpty = response.status === 204 || response.status === 304;
    if (response.status >= 400 || (body === null && !isEmpty)) {
        const wait = Number(response.headers.get("Retry-After"));
        // A success that is not JSON comes from a captive portal or a proxy.
        const status = response.ok ? 502 : response.status;
        throw new Problem(status, body, Number.isFinite(wait) && wait > 0 ? wait : null);
    }
    const undo = /changes\/(\d+)\/undo>; rel="undo"/.exec(response.headers.get("Link") ?? "");
    return { status: response.status, body, revision: undo && Number(undo[1]) };
}

/**
 * Return the query of the next page, null after the last one.
 *
 * @param {{ next: string | null }} body of a list
 */
export const nextQuery = ({ next }) => (next === null ? null : next.slice(next.indexOf("?") + 1));

/** @param {string} text */
function parse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}
