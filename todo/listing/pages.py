"""A page of a list of tasks: the query that reads it, and the cursor of the next one.

A page begins after a task, not at a number ("keyset"): its cost does not grow with the list, and
what is inserted or deleted meanwhile moves no other task to another page.
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

# What a filter asks for where it wants the tasks without such a date.
NULL_KEY_FILTERS = {"due": "none", "completed": False}

LIMIT: BindParameter[int] = bindparam("limit", type_=Integer)


@dataclass(frozen=True)
class Page:
    """The tasks of a page, and the cursor after which the next one begins, or None."""

    tasks: Sequence[Any]
    after: str | None


class Position(Enum):
    """What a page begins after: a task that has a key in the list's order, or one that has none."""

    WITH_KEY = auto()
    WITHOUT_KEY = auto()


@dataclass(frozen=True)
class ListQuery:
    """What tells the query of one page from that of another, but for values."""

    dialect_name: str
    shape: FilterShape
    order: Order
    position: Position | None


@dataclass(frozen=True)
class Segment:
    """The tasks of a list that have a key, in its order; or those without one, by their id."""

    key: Any  # the column that leads to the index; None for a list by id alone
    is_null: bool


def read_page(db: Database, account: AccountRow, query: TaskPage) -> Page:
    """Return the page of the account's tasks. Raises Problem with 400 for a wrong cursor."""
    values, filters = query.values(), query.filters()
    order = order_of(filters, values.get("sort"))
    cursor = None
    if "after" in values:
        cursor = decode_cursor(values["after"], list_digest(account.id, filters, order), order)
    tasks = _read(db, account, filters, order, cursor, query.limit + 1)
    # One more than the page has tells whether there is a next one.
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


# Far more than there are lists that people look at; each takes some kilobytes.
@lru_cache(maxsize=256)
def _statement(listing: ListQuery) -> Select[Any]:
    """Return the query of the tasks of a page; its values are parameters.

    Made once for each kind of list: to make it costs more than to run it.
    """
    order = listing.order
    segments = [_segment_query(listing, segment) for segment in _segments(listing)]
    if len(segments) == 1:
        # An account's tasks by their ids have one best plan, whoever the account is.
        has_stable_plan = not listing.shape and order.name == "id"
        return segments[0].execution_options(**PREPARED) if has_stable_plan else segments[0]
    both = union_all(*(segment.subquery().select() for segment in segments)).subquery("both")
    key = both.c[order.key.key]
    return (
        select(both).order_by(key.is_(None), *order.order_by_columns(key, both.c.id)).limit(LIMIT)
    )


def _segments(listing: ListQuery) -> list[Segment]:
    """Return the segments of the list that the page can be of, in their order.

    Tasks without a key are a segment of their own, or they could not come last from an index
    that is read in both directions. Raises Problem with 400 where the cursor is of no segment.
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
    what = next(what for what, name in RANGES.items() if name == order.name)
    if choices.get(what) == NULL_KEY_FILTERS[what]:
        return [without_key]
    if choices.keys() & {what, f"{what}_after", f"{what}_before"}:
        return [with_key]
    return [with_key, without_key]


def _null_column(choices: dict[str, Any]) -> Any:
    """Return a column that is null in all tasks that match, and so leads to an index by id."""
    for what, value in NULL_KEY_FILTERS.items():
        if choices.get(what) == value:
            return KEYS[RANGES[what]]
    return None


def _segment_query(listing: ListQuery, segment: Segment) -> Select[Any]:
    order, position = listing.order, listing.position
    query, task_id, matching = _matching(listing)
    # First of all conditions: of two on the same column, SQLite begins at the first in the index,
    # and would read a range from its beginning to the cursor.
    after_id = bindparam("after_id", type_=BigInt)
    if position is Position.WITH_KEY and not segment.is_null:
        after = tuple_(bindparam("after_key", type_=segment.key.type), after_id)
        query = query.where(order.is_after(tuple_(segment.key, task_id), after))
    elif position is Position.WITHOUT_KEY:
        query = query.where(order.is_after(task_id, after_id))
    if segment.key is not None and segment.key.nullable:
        query = query.where(segment.key.is_(None) if segment.is_null else segment.key.is_not(None))
    query = query.where(*matching)
    # PostgreSQL reads an index in its order only if ORDER BY names all its columns. FTS5 yields
    # tasks by id: there any column before the id would make SQLite sort.
    account = [] if task_id is TASK_WORDS.c.rowid else [TASKS.c.account_id]
    key = [] if segment.key is None else [segment.key]
    return query.order_by(*order.order_by_columns(*account, *key, task_id)).limit(LIMIT)


def _matching(listing: ListQuery) -> tuple[Select[Any], Any, list[Condition]]:
    """Return a query of tasks, the column of their ids, and the conditions that they match."""
    dialect_name, query = listing.dialect_name, select(*TASK_COLUMNS)
    if "search" not in dict(listing.shape) or dialect_name == "postgresql":
        return query, TASKS.c.id, parametrized_conditions(dialect_name, listing.shape)
    # FTS5 yields the tasks of the words by their id, and must come first.
    query = query.select_from(TASK_WORDS).join(TASKS, TASKS.c.id == TASK_WORDS.c.rowid)
    others = tuple((name, choice) for name, choice in listing.shape if name != "search")
    matching = [
        contains(dialect_name, PARAMETERS["search"]),
        belongs_to_account(dialect_name, searched=True),
        *filter_conditions(dialect_name, others),
    ]
    return query, TASK_WORDS.c.rowid, matching
