"""The page about the costs of requests: tables of costs, rates and storage, and the projection."""

import os
import platform
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.projection import Cost, projection, rounded

RATES = ("rate", "p50", "p99")


@dataclass
class Runs:
    """The runs of a job: requests per second, ms of latency, and what a request cost.

    That is ms of CPU time and bytes of WAL.
    """

    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    service: list[float] = field(default_factory=list)
    postgresql: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Method:
    """How the runs were made: their number and length, connections, and the machine."""

    rounds: int
    seconds: int
    connections: int
    postgresql: str  # its version
    sync: float  # ms that the disk takes to sync a block of 8 KiB


INTRODUCTION = """\
# The cost of a request

`make bench-leader` wrote this page. PostgreSQL syncs each commit to the disk (`fsync`,
`full_page_writes` and `synchronous_commit` are on) and has no standby. All processes and wrk share
the cores, so rates and latencies are those of this small machine; the projection uses the CPU times
per request. Each job ran {rounds} times for {seconds} s with one process of the service, and as
often with two, over {connections} connections. Writes carry an `Idempotency-Key`, as those of the
page do.
"""


def document(
    method: Method,
    titles: Mapping[str, str],
    results: Mapping[int, Mapping[str, Runs]],
    rows: Mapping[str, float],
) -> str:
    """Return the page.

    `titles` are those of the jobs, `results` the runs by number of processes and job, and `rows`
    the bytes of a row by table.
    """
    runs = {job: [each[job] for each in results.values()] for job in titles}
    costs = {job: cost(each) for job, each in runs.items()}
    parts = [
        INTRODUCTION.format(**vars(method)),
        f"* {processor()}, {os.cpu_count()} cores, shared with other work",
        f"* Linux {platform.release()}, Python {platform.python_version()},"
        f" PostgreSQL {method.postgresql}",
        f"* the temporary folder's disk syncs 8 KiB in {method.sync:.2f} ms (median)",
        *cost_lines(titles, runs),
        *rate_lines(titles, results),
        "\n## Storage\n",
        "A row takes, with its part of the indexes and packed by `VACUUM FULL`:\n",
        *(f"* `{table}`: {size:,.0f} bytes" for table, size in rows.items()),
        "",
        projection(costs, rows),
        "",
    ]
    return "\n".join(parts)


def processor() -> str:
    """Return the model of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


def values(several: list[Runs], name: str) -> list[float]:
    """Return the values of all runs."""
    return [value for runs in several for value in getattr(runs, name)]


def cost(several: list[Runs]) -> Cost:
    """Return the cost of a request: CPU times of the lowest run, and the median of the WAL.

    Other programs on the machine only add to CPU times, by emptied caches and shared cores.
    """
    return Cost(
        service=min(values(several, "service")),
        postgresql=min(values(several, "postgresql")),
        wal=statistics.median(values(several, "wal")),
    )


def cost_lines(titles: Mapping[str, str], jobs: Mapping[str, list[Runs]]) -> Iterator[str]:
    """Yield the table of costs."""
    yield "\n## Costs\n"
    yield (
        "CPU times include all processes of the service, and all children of PostgreSQL. Other\n"
        "programs on the machine only add to them, so the projection uses those of the lowest run."
        "\n"
    )
    yield (
        "| request | PostgreSQL, CPU ms: lowest | median | service, CPU ms: lowest | median "
        "| requests/s of a core of PostgreSQL | WAL, bytes |"
    )
    yield "| --- |" + " --: |" * 6
    for job, several in jobs.items():
        cells = [
            f"{find(values(several, name)):.2f}"
            for name in ("postgresql", "service")
            for find in (min, statistics.median)
        ]
        least = cost(several)
        cells += [rounded(1000 / least.postgresql), f"{least.wal:,.0f}"]
        yield f"| {titles[job]} | {' | '.join(cells)} |"


def rate_lines(
    titles: Mapping[str, str], results: Mapping[int, Mapping[str, Runs]]
) -> Iterator[str]:
    """Yield the table of rates and latencies, by the number of processes of the service."""
    yield "\n## Rates\n"
    yield (
        "| request | 1 process: requests/s | p50 ms | p99 ms "
        "| 2 processes: requests/s | p50 ms | p99 ms |"
    )
    yield "| --- |" + " --: |" * 6
    for job, title in titles.items():
        cells = []
        for runs in (results[1][job], results[2][job]):
            rate, p50, p99 = (statistics.median(getattr(runs, name)) for name in RATES)
            cells.append(f"{rate:,.0f} | {p50:.1f} | {p99:.1f}")
        yield f"| {title} | {' | '.join(cells)} |"
