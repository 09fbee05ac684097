"""Conditions on the dates of tasks. docs/tasks.md has the truth table of due dates."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, false, not_, or_, true

from todo import clock
from todo.days import first_day_from, start_of, today
from todo.listing.due_order import stored_day
from todo.listing.parameters import PARAMETERS, Condition, Values
from todo.models.task import TASKS

# The indexes by due date begin with the account and this column. A condition on it lets the
# database seek by their next column, the date.
_DAY_OR_TIME = TASKS.c.due_all_day.in_([false(), true()])


def is_open() -> Condition:
    return TASKS.c.completion_date.is_(None)


def is_completed() -> Condition:
    return TASKS.c.completion_date.is_not(None)


def is_due_on(*, all_day: bool) -> Condition:
    """Return the condition for tasks due on a day, or for all others."""
    return TASKS.c.due_all_day if all_day else not_(TASKS.c.due_all_day)


def due(when: str, values: Values = PARAMETERS, *, all_day: bool | None = None) -> Condition:
    """Return the condition for tasks due at that time; due_parameters() has the values."""
    match when:
        case "none":
            return and_(is_due_on(all_day=False), TASKS.c.due_at.is_(None))
        case "any":
            is_dated = TASKS.c.due_at.is_not(None)
            return and_(_DAY_OR_TIME, is_dated) if all_day is None else is_dated
        case "overdue":
            return and_(is_open(), due_before(when, values, all_day))
        case "upcoming":
            return and_(is_open(), due_after(when, values, all_day))
    return and_(
        due_after(f"{when}_begins", values, all_day), due_before(f"{when}_ends", values, all_day)
    )


def due_parameters(when: str, zone: ZoneInfo) -> dict[str, Any]:
    """Return the values for due(), with days in the account's time zone."""
    day = today(zone)
    match when:
        case "none" | "any":
            return {}
        case "overdue" | "upcoming":
            return bound_values(when, clock.now(), stored_day(day))
        case "today":
            first, days = day, 1
        case "tomorrow":
            first, days = day + timedelta(days=1), 1
        case _:  # week
            first, days = day, 7
    ends = first + timedelta(days=days)
    return bound_values(f"{when}_begins", *instant_and_midnight(first, zone)) | bound_values(
        f"{when}_ends", *instant_and_midnight(ends, zone)
    )


def due_after(name: str, values: Values, all_day: bool | None) -> Condition:
    """Return the condition for tasks due at the bound or later."""
    if all_day is not None:
        return TASKS.c.due_at >= values[f"{name}_midnight" if all_day else name]
    return and_(
        # These two let the database use an index.
        _DAY_OR_TIME,
        TASKS.c.due_at >= values[f"{name}_earlier"],
        or_(
            and_(is_due_on(all_day=True), TASKS.c.due_at >= values[f"{name}_midnight"]),
            and_(is_due_on(all_day=False), TASKS.c.due_at >= values[name]),
        ),
    )


class DateColumns(NamedTuple):
    """The columns of a date."""

    at: Any
    all_day: Any


START = DateColumns(TASKS.c.start_at, TASKS.c.start_all_day)


def at_or_after(columns: DateColumns, name: str, values: Values) -> Condition:
    """Return the condition for tasks with this date at the bound or later."""
    midnight = and_(columns.all_day, columns.at >= values[f"{name}_midnight"])
    return or_(midnight, and_(not_(columns.all_day), columns.at >= values[name]))


def due_before(name: str, values: Values, all_day: bool | None) -> Condition:
    """Return the condition for tasks due before the bound."""
    if all_day is not None:
        return TASKS.c.due_at < values[f"{name}_midnight" if all_day else name]
    return and_(
        _DAY_OR_TIME,
        TASKS.c.due_at < values[f"{name}_later"],
        or_(
            and_(is_due_on(all_day=True), TASKS.c.due_at < values[f"{name}_midnight"]),
            and_(is_due_on(all_day=False), TASKS.c.due_at < values[name]),
        ),
    )


def bound_values(name: str, instant: datetime, midnight: datetime) -> dict[str, datetime]:
    """Return the values of a bound: an instant for times, and a midnight in UTC for days."""
    return {
        name: instant,
        f"{name}_midnight": midnight,
        f"{name}_earlier": min(instant, midnight),
        f"{name}_later": max(instant, midnight),
    }


def instant_and_midnight(value: date | datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instant of the value, and the first day that begins at that instant or later.

    The day is returned as `due_at` stores it.
    """
    if not isinstance(value, datetime):
        return start_of(value, zone), stored_day(value)
    return value, stored_day(first_day_from(value, zone))
