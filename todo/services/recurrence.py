"""The dates of tasks that recur, in the time zone of the task or of the account."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any

from todo.auth.identity import AccountRow
from todo.days import find_zone, in_whole_seconds, instant_of, local_of
from todo.http.errors import Fault, validation_problem
from todo.models.task_dates import date_of, due_columns
from todo.recurrence.dates import dates, next_after
from todo.recurrence.rule import Rule, format_rule, parse_rule
from todo.services.dates import date_columns

UNDATED = Fault(
    "due_date",
    "missing",
    "A task that recurs needs a due date: set due_date, or set recurrence to null.",
    "/due_date",
)
NEVER = Fault(
    "recurrence",
    "recurrence",
    "By this rule, the task would not come back within 100 years.",
    "/recurrence",
)

Fields = dict[str, Any]


def recurrence_faults(
    account: AccountRow, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[int, Fault]]:
    """Yield a fault for each row with an unfit recurrence, with the row's index."""
    for index, row in enumerate(rows):
        if row["recurrence"] is None:
            continue
        if row["due_at"] is None:
            yield index, UNDATED
        elif _never_recurs(account, row):
            yield index, NEVER


def refuse_unfit_recurrence(account: AccountRow, updates: Iterable[tuple[Fields, Fields]]) -> None:
    """Raise Problem 400 if a task, whose rule or dates change, has an unfit recurrence.

    `updates` pairs each task with the columns to set.
    """
    names = ("recurrence", "due_at", "due_all_day", "timezone")
    rows = [
        row | columns
        for row, columns in updates
        if any(columns.get(name, row[name]) != row[name] for name in names)
    ]
    for _, fault in recurrence_faults(account, rows):
        raise validation_problem([fault])


def zone_of(account: AccountRow, task: Mapping[str, Any]) -> tzinfo:
    """Return the time zone in which the task recurs."""
    return find_zone(task["timezone"]) if task["timezone"] else account.zone


def occurrences(rule: Rule, due_date: date | datetime, zone: tzinfo) -> Iterator[date | datetime]:
    """Yield the due dates of a task that recurs by the rule: the given one, and all later ones."""
    first, local_time = _local(due_date, zone)
    for day in dates(rule, first):
        following = due_date if day == first else _at(day, local_time, zone)
        if following is None or (day != first and _is_after(following, rule.until, zone)):
            return
        yield following


def preview_dates(account: AccountRow, rule: Rule, preview: Fields) -> list[date | datetime]:
    """Return the first due dates of a task that recurs by the rule, in the zone of the preview.

    Raise Problem 400 for a rule that yields no second date.
    """
    row = {"timezone": None, "recurrence": preview["recurrence"]} | preview
    row |= date_columns(account, row, {"due_date": preview["due_date"]})
    for _, fault in recurrence_faults(account, [row]):
        raise validation_problem([fault])
    found = occurrences(rule, due_date_of(row), zone_of(account, row))
    return list(islice(found, preview["count"]))


def next_columns(
    account: AccountRow, task: Mapping[str, Any], now: datetime, *, catch_up: bool
) -> Fields | None:
    """Return the columns of the due date, rule and time of the task's next occurrence.

    It is the first one after the current one and, unless `catch_up`, after now. If the task recurs
    from its completion, it is the first one after today, counted from today, or from the current
    one if the rule yields none from today. Return None if the current one is the last.
    """
    zone, rule = zone_of(account, task), parse_rule(task["recurrence"])
    first, local_time = _local(due_date_of(task), zone)
    local_time = _nominal_time(task, first, local_time, zone)
    today = now.astimezone(zone).date()
    if task["recurrence_from"] == "completion":
        # FREQ=DAILY;INTERVAL=7;BYDAY=MO yields nothing from a Tuesday.
        first, after = today if _recurs(rule, today) else first, today
        catch_up = True
    else:
        # Today's time may be yet to come.
        after = first if catch_up else today - timedelta(days=local_time is not None)
    while found := next_after(rule, first, after):
        after, left = found
        due = _at(after, local_time, zone)
        if due is None or _is_after(due, rule.until, zone):
            return None
        if catch_up or local_time is None or due > now:
            return due_columns(due) | {
                "recurrence": format_rule(left),
                "recurrence_time": local_time,
            }
    return None


def time_columns(task: Mapping[str, Any], columns: Fields) -> Fields:
    """Return the columns that forget the time at which a task recurs, if its due date changes."""
    is_new = columns.get("due_at", task["due_at"]) != task["due_at"]
    return {"recurrence_time": None} if is_new and task["recurrence_time"] else {}


def due_date_of(task: Mapping[str, Any]) -> Any:
    """Return the due date of a task as answers show it: a day, an instant or None."""
    due_date = date_of(task["due_at"], all_day=task["due_all_day"])
    return in_whole_seconds(due_date) if isinstance(due_date, datetime) else due_date


def _local(due_date: date | datetime, zone: tzinfo) -> tuple[date, time | None]:
    """Return the local day and time of the due date; a whole day has no time."""
    if isinstance(due_date, datetime):
        local = local_of(due_date, zone)
        return local.date(), local.time()
    return due_date, None


def _nominal_time(
    task: Mapping[str, Any], day: date, local_time: time | None, zone: tzinfo
) -> time | None:
    """Return the time at which the task recurs, which the clocks may have skipped on this day."""
    nominal: time | None = task["recurrence_time"]
    if local_time is None or nominal is None or _at(day, nominal, zone) != due_date_of(task):
        return local_time
    return nominal


def _at(day: date, local_time: time | None, zone: tzinfo) -> date | datetime | None:
    """Return the due date on the day; None after year 9999."""
    if local_time is None:
        return day
    try:
        return instant_of(datetime.combine(day, local_time), zone)
    except ValueError:
        return None


def _is_after(due: date | datetime, until: date | datetime | None, zone: tzinfo) -> bool:
    """Return whether the date is after that of UNTIL (RFC 5545, section 3.3.10)."""
    if not isinstance(until, datetime):
        return False  # dates() ends there
    return due > until if isinstance(due, datetime) else due > local_of(until, zone).date()


def _never_recurs(account: AccountRow, task: Mapping[str, Any]) -> bool:
    first, _ = _local(due_date_of(task), zone_of(account, task))
    return not _recurs(parse_rule(task["recurrence"]), first)


def _recurs(rule: Rule, first: date) -> bool:
    """Return whether the rule has a second date, without its end."""
    return next_after(replace(rule, count=None, until=None), first, first) is not None
