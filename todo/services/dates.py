"""The start and due dates of tasks, in the time zone of the task or of the account."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from todo.auth.identity import AccountRow
from todo.days import find_zone, in_whole_seconds, instant_of, start_of
from todo.http.errors import Fault, validation_problem
from todo.models.task import columns_of
from todo.models.task_dates import DATE_FIELDS
from todo.services.reminder_times import reminder_columns

LATE_START = Fault(
    "start_date", "late_start", "A task must not start after its due date.", "/start_date"
)
OUT_OF_RANGE = "With its time zone, this is before year 1 or after year 9999."
_COLUMNS = ("start_at", "start_all_day", "due_at", "due_all_day", "timezone")

Fields = dict[str, Any]


def date_columns(account: AccountRow, task: Mapping[str, Any], fields: Fields) -> Fields:
    """Return the columns for the dates among the fields of a task, which has other columns.

    A local time is in the zone of the task. A new zone keeps the local times of dates that are not
    among the fields, or are there as they were shown. Raise Problem 400 for a time that is not
    in the years 1 to 9999, in UTC or in the old zone.
    """
    old, new = task.get("timezone"), fields.get("timezone", task.get("timezone"))
    zone = find_zone(new) if new else account.zone
    is_moved = bool(new) and new != old
    old_zone = find_zone(old) if old else account.zone
    dates: Fields = {}
    faults = []
    for name in DATE_FIELDS:
        instant = _instant_of(task, name) if is_moved else None
        try:
            if name in fields and not (instant and fields[name] == in_whole_seconds(instant)):
                dates[name] = in_zone(fields[name], zone)
            elif instant:
                # This keeps the occurrence of a local time that is repeated in both zones.
                local = instant.astimezone(old_zone)
                dates[name] = local.replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            faults.append(Fault(name, "date", OUT_OF_RANGE, f"/{name}"))
    if faults:
        raise validation_problem(faults)
    return columns_of(dates)


def in_zone(value: date | datetime | None, zone: tzinfo) -> date | datetime | None:
    """Return the date with a local time as an instant. Raise ValueError if it has none."""
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return value
    return instant_of(value, zone)


def _instant_of(task: Mapping[str, Any], name: str) -> datetime | None:
    """Return the start or due date of a stored task if it is an instant."""
    prefix = name.removesuffix("_date")
    at: datetime | None = task.get(f"{prefix}_at")
    return None if at is None or task[f"{prefix}_all_day"] else at


def late_starts(
    account: AccountRow, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[int, Fault]]:
    """Yield a fault for each row that starts after its due date, with the row's index."""
    for index, row in enumerate(rows):
        if row["start_at"] is not None and row["due_at"] is not None and _is_late(account, row):
            yield index, LATE_START


def refuse_late_start(account: AccountRow, updates: Iterable[tuple[Fields, Fields]]) -> None:
    """Raise Problem 400 if a task, whose dates or zone change, starts after its due date.

    `updates` pairs each task with the columns to set. A task that is late because the account's
    zone has changed can still be changed otherwise.
    """
    rows = [
        row | columns
        for row, columns in updates
        if any(columns.get(name, row[name]) != row[name] for name in _COLUMNS)
    ]
    if any(late_starts(account, rows)):
        raise validation_problem([LATE_START])


def _is_late(account: AccountRow, row: Mapping[str, Any]) -> bool:
    zone = find_zone(row["timezone"]) if row["timezone"] else account.zone
    if row["start_all_day"] == row["due_all_day"]:
        return bool(row["start_at"] > row["due_at"])
    if row["start_all_day"]:
        return bool(start_of(row["start_at"].date(), zone) > row["due_at"])
    last_day: date = row["due_at"].date()
    # The day ends at the start of the next one.
    return last_day != date.max and row["start_at"] >= start_of(last_day + timedelta(days=1), zone)


def timed_columns(account: AccountRow, task: Fields, fields: Fields) -> Fields:
    """Return the columns for the fields whose times depend on the zone of the task."""
    return date_columns(account, task, fields) | reminder_columns(account, task, fields)
