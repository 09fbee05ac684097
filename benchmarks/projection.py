"""Project what one leader of PostgreSQL carries, from the costs of a request and a day's requests.

The days are assumptions; docs/scaling.md says where their figures come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PEAK = 1 / 8  # share of a day's requests in its busiest hour
BUSY = 0.5  # of a core, in that hour: the rest is for vacuum, backups, jobs and bad minutes
LEADERS = (2, 8, 32)  # cores
JOURNAL_DAYS = 90  # the default of todo.journal_days
WRITES = ("create", "complete", "edit")


@dataclass(frozen=True)
class Cost:
    """The cost of a request: ms of CPU time and bytes of WAL."""

    service: float
    postgresql: float
    wal: float


@dataclass(frozen=True)
class Day:
    """The requests of an account on a day, by job."""

    title: str
    requests: Mapping[str, int]

    def total(self, costs: Mapping[str, Cost], name: str) -> float:
        """Return the sum of a cost over the day."""
        return sum(count * getattr(costs[job], name) for job, count in self.requests.items())

    @property
    def writes(self) -> int:
        return sum(self.requests[job] for job in WRITES)


# The page asks for changes every 3 seconds while it is visible and every minute while it is not,
# and once more after each write, on each device. The first request of a token in a minute records
# its use.
DAYS = (
    Day(
        "busy: page visible for 2 hours, hidden for 8",
        {
            "unchanged": 2280,
            "used": 600,
            "changes": 100,
            "list": 10,
            "create": 15,
            "complete": 20,
            "edit": 15,
        },
    ),
    Day(
        "usual: page visible for 10 minutes",
        {
            "unchanged": 190,
            "used": 10,
            "changes": 20,
            "list": 5,
            "create": 3,
            "complete": 5,
            "edit": 2,
        },
    ),
)


def per_core(milliseconds: float) -> float:
    """Return the accounts whose busiest hour one core carries, from the CPU time of their day."""
    return 3_600_000 * BUSY / (milliseconds * PEAK)


def projection(costs: Mapping[str, Cost], rows: Mapping[str, float]) -> str:
    """Return the projection in Markdown. `rows` are the bytes of a row by table."""
    return "\n".join(["## Projection", "", ASSUMPTIONS, *_days(costs, rows), "", *_leaders(costs)])


ASSUMPTIONS = f"""\
Assumed: the busiest hour has an eighth of a day's requests, and a core is used for {BUSY:.0%} of
it. The service runs on other machines than the leader, and adds processes as it needs them. The CPU
time of a request stays the same on a leader with more cores and more accounts. No run has checked
these assumptions; [Scaling](../docs/scaling.md) says what breaks them.
"""


def _days(costs: Mapping[str, Cost], rows: Mapping[str, float]) -> list[str]:
    lines = [
        "| day of an account | requests | writes | PostgreSQL: CPU s | service: CPU s "
        "| accounts per core of PostgreSQL | accounts per core of the service | WAL MB "
        "| tasks, MB per year | journal of 90 days, MB |",
        "| --- |" + " --: |" * 9,
    ]
    for day in DAYS:
        cpu = {name: day.total(costs, name) for name in ("postgresql", "service")}
        cells = [
            f"{sum(day.requests.values()):,}",
            str(day.writes),
            *(f"{milliseconds / 1000:.2f}" for milliseconds in cpu.values()),
            *(rounded(per_core(milliseconds)) for milliseconds in cpu.values()),
            f"{day.total(costs, 'wal') / 1e6:.2f}",
            f"{365 * day.requests['create'] * rows['tasks'] / 1e6:.1f}",
            f"{JOURNAL_DAYS * day.writes * rows['changes'] / 1e6:.1f}",
        ]
        lines.append(f"| {day.title} | {' | '.join(cells)} |")
    return lines


def _leaders(costs: Mapping[str, Cost]) -> list[str]:
    lines = [
        "| leader | day of its accounts | accounts | requests/s in the busiest hour | writes/s "
        "| commits/s, with the uses of tokens | WAL MB/s | cores of the service |",
        "| --- | --- |" + " --: |" * 6,
    ]
    for cores in LEADERS:
        for day in DAYS:
            accounts = cores * per_core(day.total(costs, "postgresql"))
            per_second = accounts * PEAK / 3600
            cells = [
                rounded(accounts),
                rounded(per_second * sum(day.requests.values())),
                rounded(per_second * day.writes),
                rounded(per_second * (day.writes + day.requests["used"])),
                f"{per_second * day.total(costs, 'wal') / 1e6:.1f}",
                f"{accounts / per_core(day.total(costs, 'service')):.0f}",
            ]
            lines.append(f"| {cores} cores | {day.title.partition(':')[0]} | {' | '.join(cells)} |")
    return lines


def rounded(number: float) -> str:
    """Return the number with two significant digits."""
    return f"{float(f'{number:.2g}'):,.0f}"
