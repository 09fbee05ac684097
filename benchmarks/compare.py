"""Compare this project with other frameworks: the same jobs, on the same PostgreSQL server.

`make bench` runs this in about eleven minutes. It starts all systems, each with its own database,
and measures in rounds. In each round every system does every job once, for some seconds. Ratios are
taken within a round, because other load on the machine then affects both sides. The results go to
standard output, benchmarks/RESULTS.md and benchmarks/results.svg.

BENCH_SECONDS and BENCH_ROUNDS change the duration. BENCH_SYSTEMS=todo,floor and
BENCH_JOBS=list,one restrict the run; its results are then only printed.
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
from tests.support.databases import execute, temporary_postgresql_server

RESULTS = Path(__file__).with_name("RESULTS.md")
PICTURE = Path(__file__).with_name("results.svg")
MEMORY = Path("/dev/shm")
WARM_UP_SECONDS = 1


def positive_integer(variable: str, default: int) -> int:
    """Return the value of an environment variable. Raise SystemExit unless it is 1 or more."""
    text = os.environ.get(variable) or str(default)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise SystemExit(f"{variable} must be a whole number of at least 1, not {text}")
    return int(text)


def selected(variable: str, names: list[str]) -> list[str]:
    """Return the names that the environment variable lists; all if it is not set."""
    wanted = [each for each in os.environ.get(variable, "").replace(",", " ").split() if each]
    if unknown := set(wanted) - set(names):
        raise SystemExit(
            f"{variable}: unknown names {', '.join(sorted(unknown))}; choose from {names}"
        )
    return [name for name in names if not wanted or name in wanted]


def exit_on_signal(*_: object) -> NoReturn:
    raise SystemExit("stopped")


def main() -> None:
    """Measure, print and write the results."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    signal.signal(signal.SIGTERM, exit_on_signal)
    logging.disable(logging.INFO)  # Alembic logs each migration
    rounds, seconds = positive_integer("BENCH_ROUNDS", 7), positive_integer("BENCH_SECONDS", 1)
    names = selected("BENCH_SYSTEMS", [system.name for system in SYSTEMS])
    jobs = selected("BENCH_JOBS", list(JOBS))
    systems = [system for system in SYSTEMS if system.name in names]
    results, postgresql = measure(systems, jobs, rounds, seconds)
    print(report.tables(results))
    if systems == list(SYSTEMS) and jobs == list(JOBS):
        report.draw(results, PICTURE)
        RESULTS.write_text(report.document(results, postgresql, rounds, seconds, PICTURE))
        print(f"\nwrote {RESULTS.name}, {PICTURE.name}")


def measure(
    systems: list[System], jobs: list[str], rounds: int, seconds: int
) -> tuple[report.Results, str]:
    """Run all rounds. Return the runs and the version of PostgreSQL."""
    results: report.Results = {}
    completed: dict[tuple[str, str], int] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="todo-bench-")))
        memory = MEMORY if MEMORY.is_dir() else None
        sqlite = Path(stack.enter_context(tempfile.TemporaryDirectory("-todo-bench", dir=memory)))
        server = stack.enter_context(temporary_postgresql_server())
        # All systems keep their connections open at the same time.
        execute(server.url, "ALTER SYSTEM SET max_connections = 400")
        # Autovacuum would clean up after one system while another is measured.
        execute(server.url, "ALTER SYSTEM SET autovacuum = off")
        server.stop("fast")
        server.start()
        postgres = postgresql_pid(server.url)
        started = []
        for system in systems:
            show_progress(f"starting {system.name}")
            running_system = stack.enter_context(running(system, server.url, sqlite, folder))
            file = folder / f"{system.name}.accounts"
            write_accounts(running_system.accounts, verify(running_system), file)
            started.append(Target(running_system, file, postgres))
        # Round 0 is the warm-up.
        for round_ in range(rounds + 1):
            # Rotate, so that each system is sometimes first and sometimes last.
            begin = round_ % len(started)
            for job in jobs:
                for each in started[begin:] + started[:begin]:
                    if job not in jobs_of(each.running):
                        continue
                    key = each.running.system.name, job
                    show_progress(f"round {round_} of {rounds}: {job}, {key[0]}")
                    run = drive(
                        each, job, completed.get(key, 0), seconds if round_ else WARM_UP_SECONDS
                    )
                    completed[key] = run.completed
                    if round_:
                        results.setdefault(key, []).append(run)
        show_progress("verifying again")
        for each in started:
            verify(each.running)
        show_progress("")
        return results, postgresql_version(server.url)


def postgresql_version(url: str) -> str:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        return f"{connection.info.parameter_status('server_version')}"
    finally:
        connection.close()


def show_progress(what: str) -> None:
    """Show the current step on the last line of the terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
