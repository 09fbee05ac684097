"""The report: ratios, and which promises hold, as tables in Markdown and as a picture."""

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

Results = dict[tuple[str, str], list[Run]]  # (system, job) -> its runs, one a round

# All others are compared with it.
SUBJECT = "todo"

PACKAGES = (
    *("pyramid", "SQLAlchemy", "psycopg2-binary", "msgspec", "pydantic", "waitress", "Flask"),
    *("Flask-SQLAlchemy", "Django", "djangorestframework", "fastapi", "uvicorn", "uvloop"),
    *("httptools", "gunicorn", "granian"),
)


@dataclass(frozen=True)
class Ratio:
    """A ratio of two runs of the same round: the median of the rounds, and how far they are."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


@dataclass(frozen=True)
class Side:
    """One side of a ratio."""

    system: str
    job: str
    value: str  # of a Run


@dataclass(frozen=True)
class Bar:
    """The bar of a ratio: at least the limit, or at most."""

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


def compared(name: str, value: str, over: str, under: str, job: str, **limits: float) -> Bar:
    """Return the bar of two systems at the same job."""
    full = f"{name}, {JOBS[job]}: {over} / {under}"
    return Bar(full, Side(over, job, value), Side(under, job, value), **limits)


def bars() -> list[Bar]:
    """Return all that is promised."""
    return [
        # Each on one core, on the same server.
        *(
            compared("CPU", "cpu", "flask", "todo", job, least=least)
            for job, least in (("list", 2), ("one", 2), ("create", 1))
        ),
        *(
            Bar(f"{system}, {JOBS[job]}: p99 / p50", *sides(system, job), most=4)
            for system in ("todo", "todo-best")
            for job in JOBS
        ),
    ]


def sides(system: str, job: str) -> tuple[Side, Side]:
    return Side(system, job, "p99"), Side(system, job, "p50")


def ratio(results: Results, over: Side, under: Side) -> Ratio | None:
    """Return the ratio of two sides, or None where one was not measured."""
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
    """Return a table; the first columns, `left` of them, are text, and the others numbers."""
    lines = [
        head,
        ["---"] * left + ["--:"] * (len(head) - left),
        *rows,
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bars_table(results: Results) -> str:
    """Return the promises that were measured, and whether each holds."""
    rows = []
    for bar in bars():
        seen = ratio(results, bar.over, bar.under)
        if seen is None:
            continue
        verdict = "yes" if bar.holds(seen.median) else "**no**"
        rows.append([bar.name, verdict, bar.limit, str(seen)])
    head = ["ratio", "holds", "limit", "seen: median (least to most)"]
    return table(head, rows, left=2) if rows else "None of the promises was measured."


def job_table(results: Results, job: str) -> str:
    """Return all systems at one job."""
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
        *("system", "what", "requests/s", "p50 ms", "p99 ms", "CPU ms", "PostgreSQL ms"),
        *(f"CPU / {SUBJECT}", f"requests/s / {SUBJECT}"),
    ]
    return table(head, rows, left=2)


def tables(results: Results) -> str:
    """Return all tables, in Markdown."""
    parts = [bars_table(results)]
    for job, title in JOBS.items():
        if any(measured == job for _, measured in results):
            parts.append(f"### {title}\n\n{job_table(results, job)}")
    return "\n\n".join(parts)


def machine(postgresql: str) -> str:
    """Return what the figures were measured on. `postgresql` is the version of the server."""
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
    return f"""# This project and its peers

`make bench` wrote this on {datetime.now(UTC):%Y-%m-%d}; [compare.py](compare.py) says how it is \
measured.

* Each figure is the median of {rounds} rounds; in each round every system does every job for
  {seconds} s, in turn, by `wrk` with one thread and {CONNECTIONS} connections.
* A ratio is that of two runs of the same round, and its median, least and most those of the rounds.
* "CPU" is what the processes of the server use for a request, without PostgreSQL, which stands
  beside it; SQLite has no process of its own, so it is a part of its "CPU". "All CPU" has both.
* PostgreSQL does not wait for the disk here (`fsync = off`), nor clean up (`autovacuum = off`), and
  SQLite's file is in memory where the machine lets it: the disk is the same for all, and
  none is favoured.
* All of this project is on, also what no peer has: revisions, the journal, full-text search, the
  limit of writes, which is set above the load.
* What runs on waitress has the same number of threads, and is kept to the same core by `taskset`,
  as [todo@.service](../deploy/todo@.service) does. "Best" is each on the server that suits it,
  behind nginx with [our file](../deploy/nginx.conf), of which TLS is left out; nginx's CPU is not
  counted.
* The lists of the peers have no pages and no filters; they answer the same 50 tasks.

{machine(postgresql)}

![CPU per request]({picture.name})

## What is promised

{tables(results).replace("### ", "## ")}
"""


def draw(results: Results, file: Path) -> None:
    """Draw the CPU of a request, by job and system; the same figures make the same file."""
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
    figure.supxlabel("milliseconds of CPU that the server uses for a request; less is better")
    figure.savefig(file, metadata={"Date": None})
