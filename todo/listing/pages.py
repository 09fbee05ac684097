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

from todo.auth.identity import KnownAccount
from todo.listing.cursors import (
    NO_PLACE,
    Cursor,
    list_digest,
    read_cursor,
    write_cursor,
    wrong_cursor,
)
from todo.listing.filters import (
    NAMED,
    Condition,
    Kinds,
    filter_shape,
    kinds,
    of_account,
    parameters,
    shape,
)
from todo.listing.orders import KEYS, RANGES, Order, order_of
from todo.listing.search import TASK_WORDS, contains
from todo.models.engine import Database, dialect_of
from todo.models.meta import BigInt
from todo.models.prepared import PREPARED
from todo.models.task import STORED, TASKS, StoredTask
from todo.schemas.task_filter import TaskPage

# What a filter asks for where it wants the tasks without such a date.
NO_KEY = {"due": "none", "completed": False}

LIMIT: BindParameter[int] = bindparam("limit", type_=Integer)


@dataclass(frozen=True)
class Page:
    """The tasks of a page, and the cursor after which the next one begins, or None."""

    tasks: Sequence[Any]
    after: str | None


class Place(Enum):
    """What a page begins after: a task that has a key in the list's order, or one that has none."""

    WITH_KEY = auto()
    WITHOUT_KEY = auto()


@dataclass(frozen=True)
class List:
    """What tells the query of one page from that of another, but for values."""

    dialect_name: str
    kinds: Kinds
    order: Order
    place: Place | None


@dataclass(frozen=True)
class Part:
    """The tasks of a list that have a key, in its order; or those without one, by their id."""

    key: Any  # the column that leads to the index; None for a list by id alone
    is_null: bool


def read_page(db: Database, account: KnownAccount, query: TaskPage) -> Page:
    """Return the page of the account's tasks. Raises Problem with 400 for a wrong cursor."""
    values, filters = query.values(), query.filters()
    order = order_of(filters, values.get("sort"))
    cursor = None
    if "after" in values:
        cursor = read_cursor(values["after"], list_digest(account.id, filters, order), order)
    tasks = _read(db, account, filters, order, cursor, query.limit + 1)
    # One more than the page has tells whether there is a next one.
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    after = write_cursor(tasks[-2], list_digest(account.id, filters, order), order)
    return Page(tasks[:-1], after)


def _read(  # noqa: PLR0913, PLR0917
    db: Database,
    account: KnownAccount,
    filters: dict[str, Any],
    order: Order,
    cursor: Cursor | None,
    limit: int,
) -> list[StoredTask]:
    dialect = dialect_of(db)
    values = parameters(dialect, account, filters) | {"limit": limit}
    place = None
    if cursor is not None:
        place = Place.WITHOUT_KEY if cursor.key is None else Place.WITH_KEY
        values |= {"after_key": cursor.key, "after_id": cursor.id}
    statement = _statement(List(dialect.name, kinds(filters), order, place))
    return list(map(StoredTask._make, db.execute(statement, values).all()))


# Far more than there are lists that people look at; each takes some kilobytes.
@lru_cache(maxsize=256)
def _statement(asked: List) -> Select[Any]:
    """Return the query of the tasks of a page; its values are parameters.

    Made once for each kind of list: to make it costs more than to run it.
    """
    order = asked.order
    parts = [_part_query(asked, part) for part in _parts(asked)]
    if len(parts) == 1:
        # An account's tasks by their ids have one best plan, whoever the account is.
        one_plan = not asked.kinds and order.name == "id"
        return parts[0].execution_options(**PREPARED) if one_plan else parts[0]
    both = union_all(*(part.subquery().select() for part in parts)).subquery("both")
    key = both.c[order.key.key]
    return select(both).order_by(key.is_(None), *order.directed(key, both.c.id)).limit(LIMIT)


def _parts(asked: List) -> list[Part]:
    """Return the parts of the list that the page can be of, in their order.

    Tasks without a key are a part of their own, or they could not come last from an index
    that is read in both directions. Raises Problem with 400 where the cursor is of no part.
    """
    parts = _all_parts(asked.order, dict(asked.kinds))
    if asked.place is Place.WITHOUT_KEY:
        parts = [part for part in parts if part.is_null]
    if not parts or (asked.place is Place.WITH_KEY and parts[0].is_null):
        raise wrong_cursor(NO_PLACE)
    return parts


def _all_parts(order: Order, choices: dict[str, Any]) -> list[Part]:
    if order.name == "id":
        return [Part(None if "search" in choices else _null_column(choices), is_null=True)]
    with_key, without_key = Part(order.key, is_null=False), Part(order.key, is_null=True)
    if not order.key.nullable:
        return [with_key]
    what = next(what for what, name in RANGES.items() if name == order.name)
    if choices.get(what) == NO_KEY[what]:
        return [without_key]
    if choices.keys() & {what, f"{what}_after", f"{what}_before"}:
        return [with_key]
    return [with_key, without_key]


def _null_column(choices: dict[str, Any]) -> Any:
    """Return a column that is null in all tasks that match, and so leads to an index by id."""
    for what, value in NO_KEY.items():
        if choices.get(what) == value:
            return KEYS[RANGES[what]]
    return None


def _part_query(asked: List, part: Part) -> Select[Any]:
    order, place = asked.order, asked.place
    query, task_id, matching = _matching(asked)
    # First of all conditions: of two on the same column, SQLite begins at the first in the index,
    # and would read a range from its beginning to the cursor.
    after_id = bindparam("after_id", type_=BigInt)
    if place is Place.WITH_KEY and not part.is_null:
        after = tuple_(bindparam("after_key", type_=part.key.type), after_id)
        query = query.where(order.beyond(tuple_(part.key, task_id), after))
    elif place is Place.WITHOUT_KEY:
        query = query.where(order.beyond(task_id, after_id))
    if part.key is not None and part.key.nullable:
        query = query.where(part.key.is_(None) if part.is_null else part.key.is_not(None))
    query = query.where(*matching)
    # PostgreSQL reads an index in its order only if ORDER BY names all its columns. FTS5 yields
    # tasks by id: there any column before the id would make SQLite sort.
    account = [] if task_id is TASK_WORDS.c.rowid else [TASKS.c.account_id]
    key = [] if part.key is None else [part.key]
    return query.order_by(*order.directed(*account, *key, task_id)).limit(LIMIT)


def _matching(asked: List) -> tuple[Select[Any], Any, list[Condition]]:
    """Return a query of tasks, the column of their ids, and the conditions that they match."""
    dialect_name, query = asked.dialect_name, select(*STORED)
    if "search" not in dict(asked.kinds) or dialect_name == "postgresql":
        return query, TASKS.c.id, shape(dialect_name, asked.kinds)
    # FTS5 yields the tasks of the words by their id, and must come first.
    query = query.select_from(TASK_WORDS).join(TASKS, TASKS.c.id == TASK_WORDS.c.rowid)
    others = tuple((name, choice) for name, choice in asked.kinds if name != "search")
    matching = [
        contains(dialect_name, NAMED["search"]),
        of_account(dialect_name, searched=True),
        *filter_shape(dialect_name, others),
    ]
    return query, TASK_WORDS.c.rowid, matching
