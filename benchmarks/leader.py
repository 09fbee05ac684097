"""Measure what a request costs PostgreSQL and the service, and project what one leader carries.

`make bench-leader` runs this in about four minutes and writes benchmarks/leader.md. PostgreSQL
syncs each commit to the disk, and one or two processes of the service serve wrk over loopback. CPU
times are those that the kernel reports for the processes and their children. LEADER_SECONDS
changes the duration of a run.
"""

import json
import logging
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg2
from sqlalchemy import select

from benchmarks.data import StoredAccount
from benchmarks.leader_report import Method, Runs, document
from benchmarks.load import TICK, ask, family, postgresql_pid, stat
from benchmarks.systems import OWN, Running, System, on_pserve, running
from tests.support.databases import (
    PostgreSQL,
    execute,
    session_on,
    temporary_postgresql_server,
)
from tests.support.factories import make_token
from todo.models.account import ACCOUNTS

SECONDS = int(os.environ.get("LEADER_SECONDS", "4"))
ROUNDS = 3
CONNECTIONS = 8
SYNCS = 300
TOKENS = 150  # more of each account that is read; enough for a run of the job "used"
RESULTS = Path(__file__).with_suffix(".md")
TABLES = ("tasks", "changes", "idempotency_keys")
SCRIPT = Path(__file__).with_suffix(".lua")

NEW = {
    "name": "Water the plants in room 7",
    "note": "One litre each, and two in summer, before the sun is on them",
    "due_date": "2030-02-01T09:30:00Z",
}


@dataclass(frozen=True)
class Job:
    """A kind of request, and the accounts that send it: `first` up to `last`."""

    title: str
    first: int
    last: int


# Accounts that are read never change, so their answers keep their length.
JOBS = {
    "unchanged": Job("poll of the changes without news (304)", 0, 20),
    "used": Job("the same, first request of its token in a minute", 0, 20),
    "changes": Job("poll of the changes with one change", 0, 20),
    "list": Job("list of 50 tasks", 0, 20),
    "create": Job("create a task", 20, 40),
    "complete": Job("complete or reopen a task (PATCH)", 40, 58),
    "edit": Job("change name and note (PATCH)", 40, 58),
    "hot": Job("complete, all requests in one account", 58, 60),
}


@dataclass
class Target:
    """A running service, the database, and the number of requests sent so far, by job."""

    running: Running
    ports: list[int]
    url: str
    postmaster: int
    folder: Path
    tokens: dict[str, list[str]]  # by the path of the account's tasks
    sent: dict[str, int] = field(default_factory=dict)


def main() -> None:
    """Measure, and write the results."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    logging.disable(logging.INFO)  # Alembic logs each migration
    results: dict[int, dict[str, Runs]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="todo-leader-")))
        server = stack.enter_context(temporary_postgresql_server())
        make_durable(server)
        for processes in (1, 2):
            results[processes], rows = measure(server.url, folder, processes)
        major, minor = divmod(query(server.url, "SHOW server_version_num"), 10_000)
        method = Method(
            ROUNDS, SECONDS, CONNECTIONS, f"{major:.0f}.{minor:.0f}", sync_latency(folder)
        )
    titles = {job: kind.title for job, kind in JOBS.items()}
    RESULTS.write_text(document(method, titles, results, rows))
    print(f"wrote {RESULTS.name}")


def make_durable(server: PostgreSQL) -> None:
    """Turn on what the tests turn off, so that commits wait for the disk."""
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        execute(server.url, f"ALTER SYSTEM SET {name} = on")
    server.stop("fast")
    server.start()


def query(url: str, statement: str) -> float:
    """Return the only value of the statement's answer, a number."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return float(cursor.fetchone()[0])  # type: ignore[index]
    finally:
        connection.close()


def measure(
    postgresql: str, folder: Path, processes: int
) -> tuple[dict[str, Runs], dict[str, float]]:
    """Run all jobs in rounds with this many processes.

    Return the runs by job, and the bytes of a row by table.
    """
    commands = tuple(on_pserve(core) for core in range(-1, processes - 1))
    system = System(f"todo-{processes}", "todo", "waitress", OWN, commands)
    results = {job: Runs() for job in JOBS}
    with running(system, postgresql, folder, folder) as service:
        target = make_target(service, postgresql, folder)
        for job in JOBS:
            write_requests(target, job)
            drive(target, job, 3)  # plans, caches
        for _ in range(ROUNDS):
            for job, runs in results.items():
                record(target, job, runs)
        return results, {table: row_size(target.url, table) for table in TABLES}


def row_size(url: str, table: str) -> float:
    """Return the bytes of a row with its part of the indexes, after the table was packed."""
    execute(url, f"VACUUM FULL {table}")
    return query(url, f"SELECT pg_total_relation_size('{table}')::float / count(*) FROM {table}")


def make_target(service: Running, postgresql: str, folder: Path) -> Target:
    """Return the target of a service that `running` has started."""
    ports, url = [], ""
    for pid in service.pids:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        url = next(e for e in environ if e.startswith(b"DATABASE_URL=")).partition(b"=")[2].decode()
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        port = next(each for each in arguments if each.startswith(b"http_port="))
        ports.append(int(port.partition(b"=")[2]))
    for account in service.accounts:  # the newest change is a small one
        path, bearer = f"{account.path}/{account.ids[0]}", f"Bearer {account.token}"
        ask(service, "PATCH", path, {"priority": 1}, Authorization=bearer)
    tokens = more_tokens(url, service.accounts[: JOBS["used"].last])
    return Target(service, ports, url, postgresql_pid(postgresql), folder, tokens)


def more_tokens(url: str, accounts: list[StoredAccount]) -> dict[str, list[str]]:
    """Store more tokens of each account, and return them by the path of the account's tasks."""
    with session_on(url) as session:
        found = session.execute(select(ACCOUNTS.c.username, ACCOUNTS.c.id))
        ids = {row.username: row.id for row in found}
        made = {
            account.path: [
                make_token(session, ids[account.path.split("/")[-2]])[1] for _ in range(TOKENS)
            ]
            for account in accounts
        }
        session.commit()
    return made


# --- requests


def write_requests(target: Target, job: str) -> None:
    """Write the requests of the job, one file for each process: it gets a part of the accounts."""
    kind = JOBS[job]
    accounts = target.running.accounts[kind.first : kind.last]
    for number in range(len(target.ports)):
        mine = accounts[number :: len(target.ports)]
        if job == "hot":  # one account, and a part of its tasks for each process
            mine = [replace(accounts[0], ids=accounts[0].ids[number :: len(target.ports)])]
        lines = ["\t".join(each) for each in requests_of(target, job, mine)]
        (target.folder / f"{job}-{number}").write_text("\n".join(lines) + "\n")


def requests_of(target: Target, job: str, accounts: list[StoredAccount]) -> Iterator[list[str]]:
    """Yield method, path, token, ETag and body of each request; neighbours differ in account."""
    if job == "used":
        polls = [simple_request(target, "unchanged", account) for account in accounts]
        for index in range(TOKENS):
            for account, (method, path, _, *rest) in zip(accounts, polls, strict=True):
                yield [method, path, target.tokens[account.path][index], *rest]
        return
    if job in ("unchanged", "changes", "list", "create"):
        for account in accounts:
            yield simple_request(target, job, account)
        return
    for is_first in (True, False):  # the second pass restores what the first one has changed
        fields: Mapping[str, object] = {"completed": is_first}
        if job == "edit":
            fields = NEW | ({"name": "Repot the palms in room 8"} if is_first else {})
        for index in range(len(accounts[0].ids)):
            for account in accounts:
                path = f"{account.path}/{account.ids[index]}"
                yield ["PATCH", path, account.token, "-", json.dumps(fields)]


def simple_request(target: Target, job: str, account: StoredAccount) -> list[str]:
    if job == "create":
        return ["POST", account.path, account.token, "-", json.dumps(NEW)]
    if job == "list":
        return ["GET", f"{account.path}?limit=50", account.token, "-", "-"]
    bearer = f"Bearer {account.token}"
    etag = ask(target.running, "GET", account.path, Authorization=bearer)[2]
    revision = int(etag.strip('"'))
    changes = account.path.removesuffix("/tasks") + "/changes?since="
    if job == "unchanged":
        return ["GET", f"{changes}{revision}", account.token, etag, "-"]
    return ["GET", f"{changes}{revision - 1}", account.token, "-", "-"]


# --- runs


def record(target: Target, job: str, runs: Runs) -> None:
    """Run the job once, and add its speed and costs to the runs."""
    if job == "used":
        execute(target.url, "UPDATE tokens SET last_used_date = now() - INTERVAL '1 hour'")
    before = costs(target)
    seen = drive(target, job, SECONDS)
    count = sum(each["requests"] for each in seen)
    for name, used in costs(target).items():
        getattr(runs, name).append((used - before[name]) / count)
    runs.rate.append(sum(each["requests"] / each["microseconds"] * 1e6 for each in seen))
    runs.p50.append(max(each["p50"] for each in seen) / 1000)
    runs.p99.append(max(each["p99"] for each in seen) / 1000)


def costs(target: Target) -> dict[str, float]:
    """Return the CPU times in ms and the bytes of WAL up to now."""
    return {
        "service": cpu(target.running.pids),
        "postgresql": cpu((target.postmaster,)),
        "wal": query(target.url, "SELECT pg_current_wal_insert_lsn() - '0/0'"),
    }


def drive(target: Target, job: str, seconds: int) -> list[dict[str, int]]:
    """Run wrk on each process at once. Raise SystemExit if any request fails."""
    connections = CONNECTIONS // len(target.ports)
    started = []
    for number, port in enumerate(target.ports):
        file = target.folder / f"{job}-{number}"
        command = [
            *("wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"),
            *("--timeout=10s", f"--script={SCRIPT}", f"http://127.0.0.1:{port}"),
            *("--", str(file), str(target.sent.get(file.name, 0))),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append((file.name, process))
    seen = []
    for name, process in started:
        output = process.communicate(timeout=seconds + 30)[0]
        found = json.loads(output.strip().splitlines()[-1])
        if process.returncode or found["failed"] or not found["requests"]:
            raise SystemExit(f"{job}: wrk failed:\n{output}")
        target.sent[name] = target.sent.get(name, 0) + found["requests"]
        seen.append(found)
    return seen


def cpu(pids: tuple[int, ...]) -> float:
    """Return the CPU time in ms of the processes and all their descendants, also ended ones."""
    ticks = 0
    for each in (each for pid in pids for each in family(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended just now
            # utime, stime, cutime, cstime: proc_pid_stat(5).
            ticks += sum(map(int, stat(each)[11:15]))
    return 1000 * ticks / TICK


def sync_latency(folder: Path) -> float:
    """Return the median time in ms that the disk takes to sync a block of 8 KiB."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"\0" * 8192)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


if __name__ == "__main__":
    main()
