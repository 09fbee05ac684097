"""The order by due date, in which a day sorts by its start in the account's time zone.

An index cannot have this order, because it changes with the zone. It has days and times apart; each
kind has a fixed order. A page reads both kinds and merges them here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Self
from zoneinfo import ZoneInfo

from todo.days import first_day_after, start_of
from todo.models.task import TaskRow

LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


def stored_day(day: date | None) -> datetime:
    """Return the day as `due_at` stores it, its midnight in UTC; for None, the end of all days."""
    return LAST_INSTANT if day is None else datetime.combine(day, time(), UTC)


# A place among the days or among the times: after the task with this `due_at` and id. Ids begin at
# 1, so id 0 is before all tasks with this `due_at`.
Place = tuple[datetime, int]


@dataclass(frozen=True)
class DueKey:
    """The place of a task in a list by due date: among the days and among the times."""

    days: Place
    times: Place

    @classmethod
    def of(cls, task: Any, zone: ZoneInfo) -> Self:
        """Return the key of a task that has a due date."""
        place = (task.due_at, task.id)
        if task.due_all_day:
            return cls(place, (start_of(task.due_date, zone), 0))
        return cls((stored_day(first_day_after(task.due_at, zone)), 0), place)

    def not_before(self, previous: "DueKey", *, descending: bool) -> "DueKey":
        """Return the key with no place before that of the previous page.

        After a change of the account's time zone, a place could lie before it and repeat tasks.
        """
        last = min if descending else max
        return DueKey(last(self.days, previous.days), last(self.times, previous.times))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the conditions for the days and the times after this place."""
        names = ("after_day_key", "after_day_id", "after_time_key", "after_time_id")
        return dict(zip(names, (*self.days, *self.times), strict=True))


def in_due_order(tasks: Iterable[TaskRow], zone: ZoneInfo, *, descending: bool) -> list[TaskRow]:
    """Return the tasks by due date, those without one last."""

    def key(task: TaskRow) -> Any:
        day = task.due_all_day
        begins = start_of(task.due_at.date(), zone) if day else task.due_at
        # A zone may skip a day, which then starts with the next one: `due_at` tells them apart.
        return begins, not day, task.due_at, task.id

    dated: list[TaskRow] = []
    undated: list[TaskRow] = []
    for task in tasks:
        (undated if task.due_at is None else dated).append(task)
    dated.sort(key=key, reverse=descending)
    undated.sort(key=lambda task: task.id, reverse=descending)
    return dated + undated
