"""The report: Markdown tables of ratios and promises, and a chart."""

import os
import platform
import sqlite3
import statistics
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.load import CONNECTIONS, JOBS, Run
from benchmarks.systems import SYSTEMS

Results = dict[tuple[str, str], list[Run]]  # (system, job) -> its runs, one per round

# The system that all others are compared with.
SUBJECT = "todo"

PACKAGES = (
    *("pyramid", "SQLAlchemy", "psycopg2-binary", "msgspec", "pydantic", "waitress", "Flask"),
    *("Flask-SQLAlchemy", "Django", "djangorestframework", "fastapi", "uvicorn", "uvloop"),
    *("httptools", "gunicorn", "granian"),
)


@dataclass(frozen=True)
class Ratio:
    """The ratio of two runs of the same round: median, minimum and maximum over all rounds."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


@dataclass(frozen=True)
class Side:
    """The numerator or denominator of a ratio."""

    system: str
    job: str
    value: str  # an attribute of Run


@dataclass(frozen=True)
class Promise:
    """A promise: the lower or upper limit of a ratio."""

    name: str
    over: Side
    under: Side
    least: float | None = None
    most: float | None = None

    def holds(self, ratio: float) -> bool:
        return (self.least is None or ratio >= self.least) and (
            self.most is None or ratio <= self.most
        )

    @property
    def limit(self) -> str:
        return f"at least {self.least:g}" if self.most is None else f"at most {self.most:g}"


def compared(name: str, value: str, over: str, under: str, job: str, **limits: float) -> Promise:
    """Return the promise that compares two systems at the same job."""
    full = f"{name}, {JOBS[job]}: {over} / {under}"
    return Promise(full, Side(over, job, value), Side(under, job, value), **limits)


def promises() -> list[Promise]:
    """Return all promises."""
    return [
        # Each on one core, with the same server.
        *(
            compared("CPU", "cpu", "flask", "todo", job, least=least)
            for job, least in (("list", 2), ("one", 2), ("create", 1))
        ),
        *(
            Promise(f"{system}, {JOBS[job]}: p99 / p50", *sides(system, job), most=4)
            for system in ("todo", "todo-best")
            for job in JOBS
        ),
    ]


def sides(system: str, job: str) -> tuple[Side, Side]:
    return Side(system, job, "p99"), Side(system, job, "p50")


def ratio(results: Results, over: Side, under: Side) -> Ratio | None:
    """Return the ratio of two sides, or None if one was not measured."""
    pairs = zip(
        results.get((over.system, over.job), []),
        results.get((under.system, under.job), []),
        strict=False,
    )
    found = [
        getattr(above, over.value) / below_value
        for above, below in pairs
        if (below_value := getattr(below, under.value))
    ]
    return Ratio(statistics.median(found), min(found), max(found)) if found else None


def median(results: Results, side: Side) -> float:
    return statistics.median(getattr(run, side.value) for run in results[side.system, side.job])


def table(head: list[str], rows: list[list[str]], left: int) -> str:
    """Return a Markdown table. The first `left` columns are text, the others numbers."""
    lines = [
        head,
        ["---"] * left + ["--:"] * (len(head) - left),
        *rows,
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def promises_table(results: Results) -> str:
    """Return the table of the measured promises and whether each holds."""
    rows = []
    for promise in promises():
        seen = ratio(results, promise.over, promise.under)
        if seen is None:
            continue
        verdict = "yes" if promise.holds(seen.median) else "**no**"
        rows.append([promise.name, verdict, promise.limit, str(seen)])
    head = ["ratio", "holds", "limit", "measured: median (min to max)"]
    return table(head, rows, left=2) if rows else "No promise was measured."


def job_table(results: Results, job: str) -> str:
    """Return the table of all systems at one job."""
    rows = []
    for system in SYSTEMS:
        if (system.name, job) not in results:
            continue
        medians = {
            value: median(results, Side(system.name, job, value))
            for value in ("rate", "p50", "p99", "cpu", "database")
        }
        ratios = [
            ratio(results, Side(system.name, job, value), Side(SUBJECT, job, value))
            for value in ("cpu", "rate")
        ]
        rows.append(
            [
                system.name,
                system.label,
                f"{medians['rate']:.0f}",
                f"{medians['p50']:.2f}",
                f"{medians['p99']:.2f}",
                f"{medians['cpu']:.3f}",
                f"{medians['database']:.3f}",
                *(str(each or "") for each in ratios),
            ]
        )
    head = [
        *("system", "description", "requests/s", "p50 ms", "p99 ms", "CPU ms", "PostgreSQL ms"),
        *(f"CPU / {SUBJECT}", f"requests/s / {SUBJECT}"),
    ]
    return table(head, rows, left=2)


def tables(results: Results) -> str:
    """Return all tables, in Markdown."""
    parts = [promises_table(results)]
    for job, title in JOBS.items():
        if any(measured == job for _, measured in results):
            parts.append(f"### {title}\n\n{job_table(results, job)}")
    return "\n\n".join(parts)


def machine(postgresql: str) -> str:
    """Return a list of the hardware and versions. `postgresql` is the version of the server."""
    info = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    facts = [
        f"processor: {names[0] if names else platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores",
        f"memory: {memory:.0f} GiB",
        f"system: {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, PostgreSQL {postgresql}, "
        f"SQLite {sqlite3.sqlite_version}, {' '.join(wrk.split()[:2])}",
        ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    ]
    return "\n".join(f"* {fact}" for fact in facts)


def document(results: Results, postgresql: str, rounds: int, seconds: int, picture: Path) -> str:
    """Return RESULTS.md."""
    return f"""# Benchmark results

This page compares the speed of the service with that of the same small service in other frameworks.
`make bench` wrote it on {datetime.now(UTC):%Y-%m-%d}; [compare.py](compare.py) has the method.

* Each figure is the median of {rounds} rounds. In each round every system does every job once, for
  {seconds} s, under `wrk` with one thread and {CONNECTIONS} connections.
* A ratio compares two runs of the same round. Its median, minimum and maximum are over all rounds.
* "CPU" is the CPU time of the server processes per request. PostgreSQL has its own column. SQLite
  runs within the server, so "CPU" includes it.
* PostgreSQL runs with `fsync = off` and `autovacuum = off`, and SQLite's file is in memory if the
  machine has `/dev/shm`, so the speed of the disk does not affect the results.
* All features of this project are on, including those that the others lack: revisions, the journal,
  full-text search, and the write limit, which is set above the load.
* Systems on waitress have the same number of threads and are pinned to the same core by `taskset`,
  as in [todo@.service](../deploy/todo@.service). "Best" is a framework on the server that suits it,
  behind nginx with [nginx.conf](../deploy/nginx.conf), without TLS. The CPU time of nginx is not
  counted.
* The lists of the other frameworks have no pages and no filters; they return the same 50 tasks.

{machine(postgresql)}

![CPU per request]({picture.name})

## Promises

{tables(results).replace("### ", "## ")}
"""


def draw(results: Results, file: Path) -> None:
    """Draw the CPU time per request, by job and system. Equal figures give an equal file."""
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "todo"
    mpl.rcParams["font.size"] = 9
    systems = list(reversed(SYSTEMS))
    jobs = [job for job in JOBS if job != "unchanged"]
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    panels = figure.subplots(1, len(jobs), sharey=True)
    for panel, job in zip(panels, jobs, strict=True):
        values = [median(results, Side(system.name, job, "cpu")) for system in systems]
        colors = ["#b5541c" if system.title.startswith("todo") else "#8aa1b5" for system in systems]
        drawn = panel.barh([system.label for system in systems], values, color=colors)
        panel.bar_label(drawn, fmt="%.2f", padding=2)
        panel.set_title(JOBS[job])
        panel.set_xlim(0, 1.25 * max(values))
        panel.tick_params(left=False)
        panel.spines[["top", "right", "left"]].set_visible(False)
    figure.supxlabel("milliseconds of server CPU time per request (less is better)")
    figure.savefig(file, metadata={"Date": None})
