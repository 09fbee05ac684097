"""The start and due dates of tasks, in the time zone of the task or of the account."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from todo.auth.identity import AccountRow
from todo.days import find_zone, instant_of, start_of
from todo.http.errors import Fault, validation_problem
from todo.models.task import DATE_FIELDS, columns_of

LATE_START = Fault(
    "start_date", "late_start", "A task must not start after its due date.", "/start_date"
)

Fields = dict[str, Any]


def date_columns(account: AccountRow, task: Mapping[str, Any], fields: Fields) -> Fields:
    """Return the columns for the dates among the fields of a task, which has other columns.

    A local time is in the zone of the task. A new zone keeps the local times of dates that are not
    among the fields; without a new one, their instants.
    """
    old, new = task.get("timezone"), fields.get("timezone", task.get("timezone"))
    zone = find_zone(new) if new else account.zone
    dates = {name: _instant(name, fields[name], zone) for name in DATE_FIELDS if name in fields}
    if new and new != old:
        old_zone = find_zone(old) if old else account.zone
        for name in set(DATE_FIELDS) - dates.keys():
            prefix = name.removesuffix("_date")
            at = task.get(f"{prefix}_at")
            if at is not None and not task[f"{prefix}_all_day"]:
                local = at.astimezone(old_zone).replace(tzinfo=None)
                dates[name] = _instant(name, local, zone)
    return columns_of(dates)


def _instant(name: str, value: date | datetime | None, zone: tzinfo) -> date | datetime | None:
    """Return the date with a local time as an instant. Raise Problem 400 if there is none."""
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return value
    try:
        return instant_of(value, zone)
    except ValueError:
        message = "This is before year 1 or after year 9999 in UTC."
        raise validation_problem([Fault(name, "date", message, f"/{name}")]) from None


def late_starts(
    account: AccountRow, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[int, Fault]]:
    """Yield a fault for each row that starts after its due date, with the row's index."""
    for index, row in enumerate(rows):
        if row["start_at"] is not None and row["due_at"] is not None and _is_late(account, row):
            yield index, LATE_START


def refuse_late_start(account: AccountRow, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise Problem 400 if a task starts after its due date."""
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
