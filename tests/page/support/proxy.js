/** A network between a page and the service, which can fail in every way. */

import { Agent, createServer, request as sendRequest } from "node:http";

/**
 * @typedef {object} Seen
 * @property {string} method
 * @property {string} path
 * @property {string} key the Idempotency-Key
 * @property {number | null} status of the service's answer, whether or not the page has got it
 */

/**
 * The treatment of a request: "pass" it on, "refuse" the connection, "lose" the answer after the
 * service has executed it, or "hold" it back until the page gives up; or answer instead.
 *
 * @typedef {"pass" | "refuse" | "lose" | "hold"
 *     | { status: number, headers?: Record<string, string>, body?: object }} Fate
 */

/** @typedef {Awaited<ReturnType<typeof startProxy>>} Proxy */

/** @param {{ method: string }} request */
export const isWrite = ({ method }) => method !== "GET";

/**
 * Start a proxy in front of a service.
 *
 * @param {string} target the URL of the service
 */
export async function startProxy(target) {
    const agent = new Agent({ keepAlive: false });
    const proxy = {
        url: "",
        /** @type {Seen[]} */
        seen: [],
        /** @type {(seen: Seen) => Fate} */
        fate: () => /** @type {Fate} */ ("pass"),
        /** Forget the requests so far, and treat the next ones so. @param {(seen: Seen) => Fate} fate */
        use(fate) {
            proxy.seen = [];
            proxy.fate = fate;
        },
        open() {
            proxy.fate = () => "pass";
        },
        /** Like a tunnel: nothing gets through. */
        cut() {
            proxy.fate = () => "refuse";
        },
        /** @returns {Seen[]} the writes that the service has executed */
        executed: () => proxy.seen.filter((seen) => isWrite(seen) && (seen.status ?? 500) < 300),
        close() {
            server.closeAllConnections();
            agent.destroy();
            server.close();
        },
    };
    const server = createServer((incoming, outgoing) => {
        /** @type {Seen} */
        const seen = {
            method: incoming.method ?? "",
            path: incoming.url ?? "",
            key: String(incoming.headers["idempotency-key"] ?? ""),
            status: null,
        };
        const fate = proxy.fate(seen);
        if (fate === "refuse") {
            incoming.socket.destroy();
            return;
        }
        proxy.seen.push(seen);
        if (typeof fate === "object") {
            const headers = { "Content-Type": "application/problem+json", ...fate.headers };
            outgoing.writeHead(fate.status, headers).end(JSON.stringify(fate.body ?? {}));
            return;
        }
        const { method, url, headers } = incoming;
        const outer = sendRequest(
            new URL(url ?? "", target),
            { method, headers, agent },
            (answer) => {
                seen.status = answer.statusCode ?? 0;
                if (fate === "pass") {
                    outgoing.writeHead(seen.status, answer.rawHeaders);
                    answer.pipe(outgoing);
                } else {
                    answer.resume();
                    answer.on("end", () => fate === "lose" && incoming.socket.destroy());
                }
            },
        );
        outer.on("error", () => incoming.socket.destroy());
        incoming.pipe(outer);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
    proxy.url = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}/`;
    return proxy;
}
