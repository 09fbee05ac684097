"""The columns that hold the start and due dates of tasks."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from todo.days import local_of

DATE_FIELDS = ("start_date", "due_date")


def date_of(at: datetime | None, *, all_day: bool | None) -> date | datetime | None:
    """Return a due or start date from its columns."""
    return at.date() if at and all_day else at


def local_time(
    at: datetime | None, zone: ZoneInfo | None, *, all_day: bool | None
) -> datetime | None:
    """Return the local time of an instant in the zone; None for a day, or without a zone."""
    if at is None or zone is None or all_day:
        return None
    return local_of(at, zone)


def due_columns(due_date: date | datetime | None) -> dict[str, Any]:
    """Return the columns that hold the due date."""
    return _date_columns("due", due_date)


def start_columns(start_date: date | datetime | None) -> dict[str, Any]:
    """Return the columns that hold the start date."""
    return _date_columns("start", start_date)


def _date_columns(name: str, value: date | datetime | None) -> dict[str, Any]:
    # In Python, a datetime is also a date, so check for it first.
    if value is None or isinstance(value, datetime):
        return {f"{name}_at": value, f"{name}_all_day": False}
    return {f"{name}_at": datetime.combine(value, time(), UTC), f"{name}_all_day": True}
