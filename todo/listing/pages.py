"""Pages of task lists: the query, and the cursor of the next page.

Keyset pagination: a page begins after a task, not at an offset. Its cost does not grow with the
list, and concurrent inserts and deletes move no other task to another page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Integer, Select, bindparam, select, tuple_, union_all

from todo.auth.identity import AccountRow
from todo.listing.cursors import (
    NOT_A_CURSOR,
    Cursor,
    cursor_problem,
    decode_cursor,
    encode_cursor,
    list_digest,
)
from todo.listing.filters import (
    PARAMETERS,
    Condition,
    FilterShape,
    belongs_to_account,
    filter_conditions,
    filter_shape,
    parameters,
    parametrized_conditions,
)
from todo.listing.orders import KEYS, RANGES, Order, order_of
from todo.listing.search import TASK_WORDS, contains
from todo.models.engine import Database, dialect_of
from todo.models.meta import BigInt
from todo.models.prepared import PREPARED
from todo.models.task import TASK_COLUMNS, TASKS, TaskRow
from todo.schemas.task_filter import TaskPage

# The filter values that select the tasks without this date.
NULL_KEY_FILTERS = {"due": "none", "completed": False}

LIMIT: BindParameter[int] = bindparam("limit", type_=Integer)


@dataclass(frozen=True)
class Page:
    """The tasks of a page, and the cursor of the next page or None."""

    tasks: Sequence[Any]
    after: str | None


class Position(Enum):
    """The kind of cursor: a task with or without a sort key."""

    WITH_KEY = auto()
    WITHOUT_KEY = auto()


@dataclass(frozen=True)
class ListQuery:
    """The part of a request for a page that determines the SQL; the key of the query cache."""

    dialect_name: str
    shape: FilterShape
    order: Order
    position: Position | None


@dataclass(frozen=True)
class Segment:
    """The tasks of a list with a sort key, in order; or those without one, by id."""

    key: Any  # the column of the index to use; None in a list by id
    is_null: bool


def read_page(db: Database, account: AccountRow, query: TaskPage) -> Page:
    """Return a page of the account's tasks. Raise Problem 400 for an invalid cursor."""
    values, filters = query.values(), query.filters()
    order = order_of(filters, values.get("sort"))
    cursor = None
    if "after" in values:
        cursor = decode_cursor(values["after"], list_digest(account.id, filters, order), order)
    tasks = _read(db, account, filters, order, cursor, query.limit + 1)
    # One extra task was read: it shows whether there is a next page.
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    after = encode_cursor(tasks[-2], list_digest(account.id, filters, order), order)
    return Page(tasks[:-1], after)


def _read(  # noqa: PLR0913, PLR0917
    db: Database,
    account: AccountRow,
    filters: dict[str, Any],
    order: Order,
    cursor: Cursor | None,
    limit: int,
) -> list[TaskRow]:
    dialect = dialect_of(db)
    values = parameters(dialect, account, filters) | {"limit": limit}
    position = None
    if cursor is not None:
        position = Position.WITHOUT_KEY if cursor.key is None else Position.WITH_KEY
        values |= {"after_key": cursor.key, "after_id": cursor.id}
    statement = _statement(ListQuery(dialect.name, filter_shape(filters), order, position))
    return list(map(TaskRow._make, db.execute(statement, values).all()))


# More than the shapes in use; each takes a few kilobytes.
@lru_cache(maxsize=256)
def _statement(listing: ListQuery) -> Select[Any]:
    """Return the query of a page, with bind parameters.

    Cached per list shape, because building the query costs more than running it.
    """
    order = listing.order
    segments = [_segment_query(listing, segment) for segment in _segments(listing)]
    if len(segments) == 1:
        # For a list by id, the same plan is best for every account.
        has_stable_plan = not listing.shape and order.name == "id"
        return segments[0].execution_options(**PREPARED) if has_stable_plan else segments[0]
    both = union_all(*(segment.subquery().select() for segment in segments)).subquery("both")
    key = both.c[order.key.key]
    return (
        select(both).order_by(key.is_(None), *order.order_by_columns(key, both.c.id)).limit(LIMIT)
    )


def _segments(listing: ListQuery) -> list[Segment]:
    """Return the segments of the list that the page may include, in order.

    Tasks without a key are a separate segment, so that they come last in both directions of the
    index. Raise Problem 400 if no segment has the cursor.
    """
    segments = _all_segments(listing.order, dict(listing.shape))
    if listing.position is Position.WITHOUT_KEY:
        segments = [segment for segment in segments if segment.is_null]
    if not segments or (listing.position is Position.WITH_KEY and segments[0].is_null):
        raise cursor_problem(NOT_A_CURSOR)
    return segments


def _all_segments(order: Order, choices: dict[str, Any]) -> list[Segment]:
    if order.name == "id":
        return [Segment(None if "search" in choices else _null_column(choices), is_null=True)]
    with_key, without_key = Segment(order.key, is_null=False), Segment(order.key, is_null=True)
    if not order.key.nullable:
        return [with_key]
    prefix = next(prefix for prefix, name in RANGES.items() if name == order.name)
    if choices.get(prefix) == NULL_KEY_FILTERS[prefix]:
        return [without_key]
    if choices.keys() & {prefix, f"{prefix}_after", f"{prefix}_before"}:
        return [with_key]
    return [with_key, without_key]


def _null_column(choices: dict[str, Any]) -> Any:
    """Return a column that is null in all matching tasks: its index is then sorted by id."""
    for prefix, value in NULL_KEY_FILTERS.items():
        if choices.get(prefix) == value:
            return KEYS[RANGES[prefix]]
    return None


def _segment_query(listing: ListQuery, segment: Segment) -> Select[Any]:
    order, position = listing.order, listing.position
    query, task_id, matching = _matching(listing)
    # The cursor precedes the other conditions: with two on the same column, SQLite seeks by the
    # first one, and would otherwise read a range from its start to the cursor.
    after_id = bindparam("after_id", type_=BigInt)
    if position is Position.WITH_KEY and not segment.is_null:
        after = tuple_(bindparam("after_key", type_=segment.key.type), after_id)
        query = query.where(order.is_after(tuple_(segment.key, task_id), after))
    elif position is Position.WITHOUT_KEY:
        query = query.where(order.is_after(task_id, after_id))
    if segment.key is not None and segment.key.nullable:
        query = query.where(segment.key.is_(None) if segment.is_null else segment.key.is_not(None))
    query = query.where(*matching)
    # PostgreSQL uses the order of an index only if ORDER BY has all its columns. FTS5 returns rows
    # by id, so any column before the id would make SQLite sort.
    account = [] if task_id is TASK_WORDS.c.rowid else [TASKS.c.account_id]
    key = [] if segment.key is None else [segment.key]
    return query.order_by(*order.order_by_columns(*account, *key, task_id)).limit(LIMIT)


def _matching(listing: ListQuery) -> tuple[Select[Any], Any, list[Condition]]:
    """Return the query without conditions, its id column, and the conditions of the filters."""
    dialect_name, query = listing.dialect_name, select(*TASK_COLUMNS)
    if "search" not in dict(listing.shape) or dialect_name == "postgresql":
        return query, TASKS.c.id, parametrized_conditions(dialect_name, listing.shape)
    # Start from FTS5, which returns the matching tasks by id.
    query = query.select_from(TASK_WORDS).join(TASKS, TASKS.c.id == TASK_WORDS.c.rowid)
    others = tuple((name, choice) for name, choice in listing.shape if name != "search")
    matching = [
        contains(dialect_name, PARAMETERS["search"]),
        belongs_to_account(dialect_name, by_id=True),
        *filter_conditions(dialect_name, others),
    ]
    return query, TASK_WORDS.c.rowid, matching
