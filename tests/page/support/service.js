/** The service as a user runs it: `pserve development.ini` with a separate database. */

import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ROOT = new URL("../../../", import.meta.url).pathname;
const BIN = join(ROOT, ".venv/bin");
export const PASSWORD = "correct horse battery";

// The developer's environment may configure another service.
const { DATABASE_URL, ...ENVIRON } = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(READING_|TODO_)/.test(name)),
);

// All browsers have the same address.
const WITHOUT_LIMITS = {
    TODO_LIMIT_LOGINS_ADDRESS: "0",
    TODO_LIMIT_READS: "0",
    TODO_LIMIT_REGISTRATIONS: "0",
};

// Removed when the tests end, like the services that a failed test has left.
const temporary = mkdtempSync(join(tmpdir(), "todo-page-"));
/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();
process.once("exit", () => {
    children.forEach((child) => child.kill("SIGKILL"));
    rmSync(temporary, { recursive: true, force: true });
});
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) {
    process.once(signal, () => process.exit(1));
}

/**
 * Return the URL of a new database, a copy of one that is migrated once.
 *
 * @param {string} folder
 */
function newDatabase(folder) {
    const template = join(temporary, "template.sqlite");
    if (!existsSync(template)) {
        migrate(`sqlite:///${template}`);
    }
    const path = join(folder, "todo.sqlite");
    copyFileSync(template, path);
    return `sqlite:///${path}`;
}

/** @param {string} url */
function migrate(url) {
    const env = { ...ENVIRON, DATABASE_URL: url };
    const parameters = ["-c", "development.ini", "upgrade", "head"];
    execFileSync(join(BIN, "alembic"), parameters, { cwd: ROOT, env, stdio: "pipe" });
}

/** @typedef {Awaited<ReturnType<typeof startService>>} Service */

/**
 * Start the service on a free port, with a new database.
 *
 * With DATABASE_URL in the environment, all services share that database.
 *
 * @param {Record<string, string>} [environment] settings (docs/settings.md)
 */
export async function startService(environment = {}) {
    const folder = mkdtempSync(join(temporary, "service-"));
    const env = {
        ...ENVIRON,
        DATABASE_URL: DATABASE_URL ?? newDatabase(folder),
        ...WITHOUT_LIMITS,
        ...environment,
    };
    if (DATABASE_URL) {
        migrate(DATABASE_URL);
    }
    let log = "";
    const run = (/** @type {number} */ wanted) => runPserve(env, wanted, (text) => (log += text));
    let { port, child } = await run(0);
    const url = `http://127.0.0.1:${port}/`;
    return {
        url,
        /** Stop it as an administrator does: running requests end. */
        async stop() {
            await end(child, "SIGTERM");
        },
        /** Stop it as a power failure does. */
        async kill() {
            await end(child, "SIGKILL");
        },
        /** Start it again, on the same port with the same data. */
        async start() {
            ({ child } = await run(port));
        },
        /** Let it stop answering with SIGSTOP, or go on with SIGCONT. @param {NodeJS.Signals} name */
        signal(name) {
            child.kill(name);
        },
        /** @returns {string} the log so far */
        log() {
            return log;
        },
        /** Stop it for good, and remove its data. */
        async close() {
            await end(child, "SIGTERM");
            rmSync(folder, { recursive: true });
        },
        /**
         * Send a request; return the body of the answer.
         *
         * @param {string} method
         * @param {string} path below /api/v1/
         * @param {unknown} [body]
         * @param {string} [token]
         * @returns {Promise<any>}
         */
        async send(method, path, body, token) {
            const response = await fetch(`${url}api/v1/${path}`, {
                method,
                headers: {
                    "Content-Type": "application/json",
                    ...(token && { Authorization: `Bearer ${token}` }),
                },
                body: body === undefined ? undefined : JSON.stringify(body),
            });
            return response.json();
        },
        /**
         * Register an account; return its token.
         *
         * @param {string} username
         * @returns {Promise<string>}
         */
        async register(username) {
            const email = `${username}@example.com`;
            const { token } = await this.send("POST", "accounts", {
                username,
                email,
                password: PASSWORD,
            });
            return token;
        },
    };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {number} port 0 for a free one
 * @param {(text: string) => void} onLog
 * @returns {Promise<{ port: number, child: import("node:child_process").ChildProcess }>}
 */
function runPserve(env, port, onLog) {
    const child = spawn(join(BIN, "pserve"), ["development.ini", `http_port=${port}`], {
        cwd: ROOT,
        env,
        stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    child.once("exit", () => children.delete(child));
    let errors = "";
    child.stderr.setEncoding("utf-8").on("data", (text) => {
        errors += text;
        onLog(text);
    });
    return new Promise((resolve, reject) => {
        let output = "";
        child.stdout.setEncoding("utf-8").on("data", (text) => {
            output += text;
            const line = /^todo listens on http:\/\/\S+:(\d+)$/m.exec(output);
            if (line) {
                // A service that a failed test has left must not keep the process alive.
                for (const part of [child, child.stdout, child.stderr]) {
                    /** @type {{ unref?: () => void }} */ (part).unref?.();
                }
                resolve({ port: Number(line[1]), child });
            }
        });
        child.once("exit", (code) => reject(new Error(`pserve ended with ${code}: ${errors}`)));
    });
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
async function end(child, signal) {
    if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.ref();
        child.kill(signal);
        await ended;
    }
}
