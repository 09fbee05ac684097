"""The filters of tasks as conditions of SQL. docs/tasks.md has the truth table."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, any_, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import array

from todo import clock
from todo.days import first_day_from, start_of, today
from todo.models import Task
from todo.models.rows import Rows
from todo.models.task import TaskRow
from todo.request import Request
from todo.services.orders import KEYS, RANGES
from todo.services.search import TASK_WORDS, contains

AFTER_ALL_DAYS = datetime.max.replace(tzinfo=UTC)

Condition = ColumnElement[bool]


def conditions(request: Request, filters: dict[str, Any]) -> list[Condition]:
    """Return what holds of the asker's tasks that match every filter."""
    return [
        of_account(request, searched="search" in filters),
        *filter_conditions(request, filters),
    ]


def of_account(request: Request, *, searched: bool = False) -> Condition:
    """Return the condition that a task is the asker's; `searched` where it is found by words."""
    account_id = request.identity.account.id
    if request.dbsession.get_bind().dialect.name == "postgresql":
        # Given a single number, the planner may walk the primary key through everybody's tasks,
        # hoping to meet the account's soon. Of an array it cannot assume that, and takes the
        # account's part of an index.
        return Task.account_id == any_(array([literal(account_id)]))
    # SQLite knows nothing of the words: it shall begin with them, and has no index of a sum.
    return (Task.account_id + 0 if searched else Task.account_id) == account_id


def of_account_by_id(request: Request, model: type[TaskRow]) -> Condition:
    """Return the condition that rows, which are found by their ids, are the asker's.

    The sum keeps the databases from beginning with all that the account has.
    """
    return model.account_id + 0 == request.identity.account.id


def rows_of(request: Request, model: type[TaskRow], *matching: Condition) -> Rows:
    """Return the asker's rows that match, to be written at once."""
    return Rows(request.dbsession, model, request.identity.account.id, list(matching))


def filter_conditions(request: Request, filters: dict[str, Any]) -> list[Condition]:
    """Return what holds of anybody's tasks that match every filter."""
    return [_condition(request, name, value) for name, value in filters.items()]


def _condition(request: Request, name: str, value: Any) -> Condition:
    zone = request.timezone
    match name:
        case "completed":
            return is_completed() if value else is_open()
        case "due":
            return due(value, zone)
        case "due_after":
            return _due_after(*_bounds(value, zone))
        case "due_before":
            return _due_before(*_bounds(value, zone))
        case "id":
            return Task.id.in_(value)
        case "search":
            return _search(request, value)
    what, _, bound = name.partition("_")
    instant, _ = _bounds(value, zone)
    column = KEYS[RANGES[what]]
    return column >= instant if bound == "after" else column < instant


def is_open() -> Condition:
    return Task.completion_date.is_(None)


def is_completed() -> Condition:
    return Task.completion_date.is_not(None)


def due(when: str, zone: ZoneInfo) -> Condition:
    """Return the condition that a task is due then; `zone` has the days of the account."""
    now, day = clock.now(), today(zone)
    match when:
        case "none":
            return Task.due_at.is_(None)
        case "any":
            return Task.due_at.is_not(None)
        case "overdue":
            return and_(is_open(), _due_before(now, _midnight(day)))
        case "upcoming":
            return and_(is_open(), _due_after(now, _midnight(day)))
        case "today":
            first, days = day, 1
        case "tomorrow":
            first, days = day + timedelta(days=1), 1
        case _:  # week
            first, days = day, 7
    last = first + timedelta(days=days)
    return and_(_due_after(*_bounds(first, zone)), _due_before(*_bounds(last, zone)))


def _due_after(instant: datetime, midnight: datetime) -> Condition:
    """Return the condition that a task is due at the instant, or on the day, or later."""
    return and_(
        Task.due_at >= min(instant, midnight),  # what an index finds
        or_(
            and_(Task.due_all_day, Task.due_at >= midnight),
            and_(not_(Task.due_all_day), Task.due_at >= instant),
        ),
    )


def _due_before(instant: datetime, midnight: datetime) -> Condition:
    """Return the condition that a task is due before the instant, or before the day."""
    return and_(
        Task.due_at < max(instant, midnight),
        or_(
            and_(Task.due_all_day, Task.due_at < midnight),
            and_(not_(Task.due_all_day), Task.due_at < instant),
        ),
    )


def _bounds(value: date | datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instant that the value means, and the first day that begins then or later.

    The day is given as `due_at` holds it: its 00:00 in UTC.
    """
    if not isinstance(value, datetime):
        return start_of(value, zone), _midnight(value)
    day = first_day_from(value, zone)
    return value, AFTER_ALL_DAYS if day is None else _midnight(day)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _search(request: Request, search: str) -> Condition:
    dialect = request.dbsession.get_bind().dialect
    condition = contains(dialect, request.identity.account.id, search)
    if dialect.name == "postgresql":
        return condition
    return Task.id.in_(select(TASK_WORDS.c.rowid).where(condition))
