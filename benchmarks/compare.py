"""This project beside its peers: the same five jobs, on the same PostgreSQL, in one run.

`make bench` runs it, for about eleven minutes. Every system is started, and fills a database of its
own; then rounds begin. In each, every system does every job once, for some seconds; so what the
machine does meanwhile is the same for all, and ratios are taken within a round. It prints tables,
and writes benchmarks/RESULTS.md and benchmarks/results.svg.

BENCH_SECONDS and BENCH_ROUNDS change its length. BENCH_SYSTEMS=todo,floor and BENCH_JOBS=list,one
measure a part, which is printed alone.
"""

import logging
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import psycopg2

from benchmarks import report
from benchmarks.load import JOBS, Target, drive, jobs_of, postgresql_pid, verify, write_accounts
from benchmarks.systems import SYSTEMS, System, running
from tests.support.databases import execute, own_postgresql_server

RESULTS = Path(__file__).with_name("RESULTS.md")
PICTURE = Path(__file__).with_name("results.svg")
MEMORY = Path("/dev/shm")
WARM_UP_SECONDS = 1


def number(variable: str, default: int) -> int:
    """Return what the environment says, a whole number from 1."""
    text = os.environ.get(variable) or str(default)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise SystemExit(f"{variable} must be a whole number from 1, not {text}")
    return int(text)


def chosen(variable: str, names: list[str]) -> list[str]:
    """Return those of the names that the environment lists, or all."""
    wanted = [each for each in os.environ.get(variable, "").replace(",", " ").split() if each]
    if unknown := set(wanted) - set(names):
        raise SystemExit(f"{variable}: there is no {', '.join(sorted(unknown))}; {names}")
    return [name for name in names if not wanted or name in wanted]


def stopped(*_: object) -> NoReturn:
    raise SystemExit("stopped")


def main() -> None:
    """Measure and report."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    signal.signal(signal.SIGTERM, stopped)
    logging.disable(logging.INFO)  # Alembic tells each migration
    rounds, seconds = number("BENCH_ROUNDS", 7), number("BENCH_SECONDS", 1)
    names = chosen("BENCH_SYSTEMS", [system.name for system in SYSTEMS])
    jobs = chosen("BENCH_JOBS", list(JOBS))
    systems = [system for system in SYSTEMS if system.name in names]
    results, postgresql = measure(systems, jobs, rounds, seconds)
    print(report.tables(results))
    if systems == list(SYSTEMS) and jobs == list(JOBS):
        report.draw(results, PICTURE)
        RESULTS.write_text(report.document(results, postgresql, rounds, seconds, PICTURE))
        print(f"\nwritten: {RESULTS.name}, {PICTURE.name}")


def measure(
    systems: list[System], jobs: list[str], rounds: int, seconds: int
) -> tuple[report.Results, str]:
    """Return the runs, and the version of PostgreSQL."""
    results: report.Results = {}
    completed: dict[tuple[str, str], int] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="todo-bench-")))
        memory = MEMORY if MEMORY.is_dir() else None
        sqlite = Path(stack.enter_context(tempfile.TemporaryDirectory("-todo-bench", dir=memory)))
        server = stack.enter_context(own_postgresql_server())
        # All systems keep their connections at the same time.
        execute(server.url, "ALTER SYSTEM SET max_connections = 400")
        # Else PostgreSQL would vacuum after one system while another is measured.
        execute(server.url, "ALTER SYSTEM SET autovacuum = off")
        server.stop("fast")
        server.start()
        postgres = postgresql_pid(server.url)
        started = []
        for system in systems:
            tell(f"starting {system.name}")
            it = stack.enter_context(running(system, server.url, sqlite, folder))
            file = folder / f"{system.name}.accounts"
            write_accounts(it.accounts, verify(it), file)
            started.append(Target(it, file, postgres))
        # Round 0 warms them up.
        for round_ in range(rounds + 1):
            # Each is the first of a round sometimes, and the last.
            begin = round_ % len(started)
            for job in jobs:
                for each in started[begin:] + started[:begin]:
                    if job not in jobs_of(each.running):
                        continue
                    key = each.running.system.name, job
                    tell(f"round {round_} of {rounds}: {job}, {key[0]}")
                    run = drive(
                        each, job, completed.get(key, 0), seconds if round_ else WARM_UP_SECONDS
                    )
                    completed[key] = run.completed
                    if round_:
                        results.setdefault(key, []).append(run)
        tell("verifying once more")
        for each in started:
            verify(each.running)
        tell("")
        return results, postgresql_version(server.url)


def postgresql_version(url: str) -> str:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        return f"{connection.info.parameter_status('server_version')}"
    finally:
        connection.close()


def tell(what: str) -> None:
    """Show what is done now, on the last line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
