"""The reminders of tasks as they are stored: times in UTC, in the zone of the task or account."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from todo.auth.identity import AccountRow
from todo.days import find_zone, instant_of
from todo.http.errors import Fault, validation_problem
from todo.models.json import to_json
from todo.reminders import parse_duration

NO_DUE_DATE = Fault(
    "reminders", "no_due_date", "A reminder before the due date needs one.", "/reminders"
)
_REPEATED = "Each reminder may be given only once."
_OUT_OF_RANGE = "With its time zone, this is before year 1 or after year 9999."

Fields = dict[str, Any]
Stored = dict[str, str]


def reminder_columns(account: AccountRow, task: Mapping[str, Any], fields: Fields) -> Fields:
    """Return the column for the reminders among the fields of a task, which has other columns.

    A local time is in the zone of the task. A new zone keeps the local times of reminders that are
    not among the fields, or are there as they were shown. Raise Problem 400 for a reminder that is
    given twice, or a time that is not in the years 1 to 9999 in UTC.
    """
    old, new = task.get("timezone"), fields.get("timezone", task.get("timezone"))
    stored = task.get("reminders") or []
    kept = stored if new and new != old else []
    if "reminders" not in fields and not kept:
        return {}
    zone = find_zone(new) if new else account.zone
    old_zone = find_zone(old) if old else account.zone
    found: list[Stored] = []
    for index, reminder in enumerate(fields.get("reminders", stored) or []):
        try:
            each = _in_utc(reminder, zone)
            moved = _moved(each, old_zone, zone) if each in kept else each
        except (ValueError, OverflowError):
            fault = Fault(f"reminders.{index}.at", "date", _OUT_OF_RANGE, f"/reminders/{index}/at")
            raise validation_problem([fault]) from None
        found.append(moved)
    unique = {_identity(each): each for each in found}
    # Two times that differ in the old zone may be the same in the new one.
    if len(unique) < len(found) and not kept:
        raise validation_problem([Fault("reminders", "duplicate", _REPEATED, "/reminders")])
    return {"reminders": list(unique.values())}


def _in_utc(reminder: Mapping[str, Any], zone: tzinfo) -> Stored:
    """Return the reminder with its time in UTC, as it is stored."""
    at = reminder.get("at")
    if not isinstance(at, datetime):
        return dict(reminder)
    return _at(instant_of(at, zone) if at.tzinfo is None else at)


def _moved(reminder: Stored, old_zone: tzinfo, zone: tzinfo) -> Stored:
    """Return the reminder at the same local time in another zone."""
    if "at" not in reminder:
        return reminder
    # This keeps the occurrence of a local time that is repeated in both zones.
    local = datetime.fromisoformat(reminder["at"]).astimezone(old_zone)
    return _at(local.replace(tzinfo=zone).astimezone(UTC))


def _at(instant: datetime) -> Stored:
    return {"at": to_json(instant).decode().strip('"')}


def _identity(reminder: Stored) -> Any:
    """Return what equal reminders have in common: PT60M is PT1H."""
    return reminder.get("at") or parse_duration(reminder["before"])


def reminders_without_due_date(
    rows: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[int, Fault]]:
    """Yield a fault for each row with a reminder before a missing due date, with its index."""
    for index, row in enumerate(rows):
        if row["due_at"] is None and any("before" in each for each in row["reminders"] or []):
            yield index, NO_DUE_DATE


def refuse_without_due_date(updates: Iterable[tuple[Fields, Fields]]) -> None:
    """Raise Problem 400 if a task would have a reminder before a missing due date.

    `updates` pairs each task with the columns to set.
    """
    if any(reminders_without_due_date(row | columns for row, columns in updates)):
        raise validation_problem([NO_DUE_DATE])
