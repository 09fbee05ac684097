"""The filters of tasks as SQL conditions. docs/tasks.md has the truth table.

The conditions name their values as bind parameters, so lists with the same filters but other values
share one cached query.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    and_,
    any_,
    bindparam,
    cast,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.visitors import replacement_traverse

from todo import clock
from todo.auth.identity import AccountRow
from todo.days import first_day_from, start_of, today
from todo.listing.orders import KEYS, RANGES
from todo.listing.search import TASK_WORDS, TRASH_WORDS, contains, search_query
from todo.models.meta import BigInt
from todo.models.task import TASKS
from todo.models.trash import TRASH

LAST_INSTANT = datetime.max.replace(tzinfo=UTC)

Condition = ColumnElement[bool]

# The names of filters, each with its value if the SQL depends on the value, otherwise None.
FilterShape = tuple[tuple[str, Any], ...]
_SHAPING_FILTERS = ("completed", "due")

Values = Mapping[str, Any]


class _Parameters(dict[str, BindParameter[Any]]):
    def __missing__(self, name: str) -> BindParameter[Any]:
        return bindparam(name)


# A bind parameter for each name. The account id needs a type, because it is used in an array.
PARAMETERS: Values = _Parameters(account_id=bindparam("account_id", type_=BigInt))

# The columns that filters use -> the same columns of deleted tasks.
_IN_TRASH: dict[Any, Any] = {
    **{column: TRASH.c[column.key] for column in TASKS.c},
    TASK_WORDS.c.rowid: TRASH_WORDS.c.rowid,
    TASK_WORDS.c.task_words: TRASH_WORDS.c.trash_words,
}


def conditions(dialect: Dialect, account: AccountRow, filters: dict[str, Any]) -> list[Condition]:
    """Return the conditions for the account's tasks that match every filter."""
    return parametrized_conditions(
        dialect.name, filter_shape(filters), parameters(dialect, account, filters)
    )


def trash_condition(dialect: Dialect, account: AccountRow, filters: dict[str, Any]) -> Condition:
    """Return the condition for the account's deleted tasks that match every filter."""
    matching = and_(*conditions(dialect, account, filters))
    return replacement_traverse(matching, {}, lambda element, **_: _IN_TRASH.get(element))


def filter_shape(filters: dict[str, Any]) -> FilterShape:
    """Return the part of the filters that determines the SQL: all but the compared values."""
    return tuple(
        (name, value if name in _SHAPING_FILTERS else None) for name, value in filters.items()
    )


def parametrized_conditions(
    dialect_name: str, shape: FilterShape, values: Values = PARAMETERS
) -> list[Condition]:
    """Return the conditions with these values; by default, with bind parameters."""
    by_id = not dict(shape).keys().isdisjoint({"id", "search"})
    return [
        belongs_to_account(dialect_name, values, by_id=by_id),
        *filter_conditions(dialect_name, shape, values),
    ]


def parameters(dialect: Dialect, account: AccountRow, filters: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the bind parameters in parametrized_conditions()."""
    values: dict[str, Any] = {"account_id": account.id}
    for name, value in filters.items():
        if name == "due":
            values |= due_parameters(value, account.zone)
        elif name == "search":
            values["search"] = search_query(dialect, account.id, value)
        elif name == "id":
            values["ids"] = value
        elif name != "completed":
            values |= _bound_values(name, *_instant_and_midnight(value, account.zone))
    return values


def belongs_to_account(
    dialect_name: str, values: Values = PARAMETERS, *, by_id: bool = False
) -> Condition:
    """Return the condition for the account's tasks; `by_id` if other filters lead to their ids."""
    account_id = values["account_id"]
    if dialect_name == "postgresql":
        # For a single value, the planner may scan the primary key across all accounts, expecting to
        # find this account's tasks soon. For an array, it uses an index on the account.
        return TASKS.c.account_id == any_(array([cast(account_id, BigInt)]))
    # SQLite cannot estimate a word search, and reads a whole list in order rather than sort a few
    # tasks. The sum hides the indexes of the account, so it starts with the words or ids.
    return (TASKS.c.account_id + 0 if by_id else TASKS.c.account_id) == account_id


def filter_conditions(
    dialect_name: str, shape: FilterShape, values: Values = PARAMETERS
) -> list[Condition]:
    """Return the conditions for tasks of any account that match every filter."""
    return [_condition(dialect_name, name, choice, values) for name, choice in shape]


def _condition(dialect_name: str, name: str, choice: Any, values: Values) -> Condition:
    match name:
        case "completed":
            return is_completed() if choice else is_open()
        case "due":
            return due(choice, values)
        case "due_after":
            return _due_after(name, values)
        case "due_before":
            return _due_before(name, values)
        case "id":
            return TASKS.c.id.in_(values["ids"])
        case "search":
            return _search(dialect_name, values)
    prefix, _, bound = name.partition("_")
    column = KEYS[RANGES[prefix]]
    return column >= values[name] if bound == "after" else column < values[name]


def is_open() -> Condition:
    return TASKS.c.completion_date.is_(None)


def is_completed() -> Condition:
    return TASKS.c.completion_date.is_not(None)


def due(when: str, values: Values = PARAMETERS) -> Condition:
    """Return the condition for tasks due at that time; due_parameters() has the values."""
    match when:
        case "none":
            return TASKS.c.due_at.is_(None)
        case "any":
            return TASKS.c.due_at.is_not(None)
        case "overdue":
            return and_(is_open(), _due_before(when, values))
        case "upcoming":
            return and_(is_open(), _due_after(when, values))
    return and_(_due_after(f"{when}_begins", values), _due_before(f"{when}_ends", values))


def due_parameters(when: str, zone: ZoneInfo) -> dict[str, Any]:
    """Return the values for due(), with days in the account's time zone."""
    day = today(zone)
    match when:
        case "none" | "any":
            return {}
        case "overdue" | "upcoming":
            return _bound_values(when, clock.now(), _midnight(day))
        case "today":
            first, days = day, 1
        case "tomorrow":
            first, days = day + timedelta(days=1), 1
        case _:  # week
            first, days = day, 7
    ends = first + timedelta(days=days)
    return _bound_values(f"{when}_begins", *_instant_and_midnight(first, zone)) | _bound_values(
        f"{when}_ends", *_instant_and_midnight(ends, zone)
    )


def _due_after(name: str, values: Values) -> Condition:
    """Return the condition for tasks due at the bound or later."""
    return and_(
        TASKS.c.due_at >= values[f"{name}_earlier"],  # lets the database use an index
        or_(
            and_(TASKS.c.due_all_day, TASKS.c.due_at >= values[f"{name}_midnight"]),
            and_(not_(TASKS.c.due_all_day), TASKS.c.due_at >= values[name]),
        ),
    )


def _due_before(name: str, values: Values) -> Condition:
    """Return the condition for tasks due before the bound."""
    return and_(
        TASKS.c.due_at < values[f"{name}_later"],
        or_(
            and_(TASKS.c.due_all_day, TASKS.c.due_at < values[f"{name}_midnight"]),
            and_(not_(TASKS.c.due_all_day), TASKS.c.due_at < values[name]),
        ),
    )


def _bound_values(name: str, instant: datetime, midnight: datetime) -> dict[str, datetime]:
    """Return the values of a bound: an instant for times, and a midnight in UTC for days."""
    return {
        name: instant,
        f"{name}_midnight": midnight,
        f"{name}_earlier": min(instant, midnight),
        f"{name}_later": max(instant, midnight),
    }


def _instant_and_midnight(value: date | datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instant of the value, and the first day that begins at that instant or later.

    The day is returned as `due_at` stores it: its midnight in UTC.
    """
    if not isinstance(value, datetime):
        return start_of(value, zone), _midnight(value)
    day = first_day_from(value, zone)
    return value, LAST_INSTANT if day is None else _midnight(day)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _search(dialect_name: str, values: Values) -> Condition:
    condition = contains(dialect_name, values["search"])
    if dialect_name == "postgresql":
        return condition
    return TASKS.c.id.in_(select(TASK_WORDS.c.rowid).where(condition))
