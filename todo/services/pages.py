"""A page of a list of tasks: the query that reads it, and the path of the next one.

A page begins after a task, not at a number ("keyset"): its cost does not grow with the list, and
what is inserted or deleted meanwhile moves no other task to another page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, select, tuple_, union_all
from sqlalchemy.orm import aliased, undefer

from todo.models import Task
from todo.models.task import TaskRow
from todo.request import Request
from todo.schemas.task_filter import TaskPage
from todo.services.cursors import (
    NO_PLACE,
    Cursor,
    list_digest,
    read_cursor,
    write_cursor,
    wrong_cursor,
)
from todo.services.filters import Condition, conditions, filter_conditions, of_account
from todo.services.links import next_path
from todo.services.orders import KEYS, RANGES, Order, order_of
from todo.services.search import TASK_WORDS, contains

# What a filter asks for where it wants the tasks without such a date.
NO_KEY = {"due": "none", "completed": False}


@dataclass(frozen=True)
class Page:
    """The tasks of a page, and the path of the next one, or None."""

    tasks: Sequence[TaskRow]
    next: str | None


@dataclass(frozen=True)
class Part:
    """The tasks of a list that have a key, in its order; or those without one, by their id."""

    key: Any  # the column that leads to the index; None for a list by id alone
    is_null: bool


def read_page(request: Request, query: TaskPage) -> Page:
    """Return the page of the asker's tasks. Raises Problem with 400 for a wrong cursor."""
    values, filters = query.values(), query.filters()
    order = order_of(filters, values.get("sort"))
    digest = list_digest(request.identity.account.id, filters, order)
    cursor = read_cursor(values["after"], digest, order) if "after" in values else None
    # One more than the page has tells whether there is a next one.
    statement = _statement(request, filters, order, cursor, query.limit + 1)
    tasks = list(request.dbsession.scalars(statement))
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    path = request.route_path("tasks", username=request.identity.account.username)
    cursor_after = write_cursor(tasks[-2], digest, order)
    return Page(tasks[:-1], next_path(request, path, "after", cursor_after))


def _statement(
    request: Request, filters: dict[str, Any], order: Order, cursor: Cursor | None, limit: int
) -> Select[Task]:
    parts = [
        _part_query(request, filters, order, cursor, part).limit(limit)
        for part in _parts(order, filters, cursor)
    ]
    if len(parts) == 1:
        return parts[0].options(undefer(Task.name_folded)) if order.name == "name" else parts[0]
    both = aliased(Task, union_all(*(part.subquery().select() for part in parts)).subquery())
    key = getattr(both, order.key.key)
    return select(both).order_by(key.is_(None), *order.directed(key, both.id)).limit(limit)


def _parts(order: Order, filters: dict[str, Any], cursor: Cursor | None) -> list[Part]:
    """Return the parts of the list that the page can be of, in their order.

    Tasks without a key are a part of their own, or they could not come last from an index
    that is read in both directions. Raises Problem with 400 where the cursor is of no part.
    """
    parts = _all_parts(order, filters)
    if cursor is not None and cursor.key is None:
        parts = [part for part in parts if part.is_null]
    if not parts or (cursor is not None and cursor.key is not None and parts[0].is_null):
        raise wrong_cursor(NO_PLACE)
    return parts


def _all_parts(order: Order, filters: dict[str, Any]) -> list[Part]:
    if order.name == "id":
        return [Part(None if "search" in filters else _null_column(filters), is_null=True)]
    with_key, without_key = Part(order.key, is_null=False), Part(order.key, is_null=True)
    if not order.key.nullable:
        return [with_key]
    what = next(what for what, name in RANGES.items() if name == order.name)
    if filters.get(what) == NO_KEY[what]:
        return [without_key]
    if filters.keys() & {what, f"{what}_after", f"{what}_before"}:
        return [with_key]
    return [with_key, without_key]


def _null_column(filters: dict[str, Any]) -> Any:
    """Return a column that is null in all tasks that match, and so leads to an index by id."""
    for what, value in NO_KEY.items():
        if filters.get(what) == value:
            return KEYS[RANGES[what]]
    return None


def _part_query(
    request: Request, filters: dict[str, Any], order: Order, cursor: Cursor | None, part: Part
) -> Select[Task]:
    query, task_id, matching = _matching(request, filters)
    # First of all conditions: of two on the same column, SQLite begins at the first in the index,
    # and would read a range from its beginning to the cursor.
    if cursor is not None and not part.is_null:
        place = tuple_(literal(cursor.key, part.key.type), literal(cursor.id))
        query = query.where(order.beyond(tuple_(part.key, task_id), place))
    elif cursor is not None and cursor.key is None:
        query = query.where(order.beyond(task_id, cursor.id))
    if part.key is not None and part.key.nullable:
        query = query.where(part.key.is_(None) if part.is_null else part.key.is_not(None))
    query = query.where(*matching)
    # PostgreSQL reads an index in its order only if ORDER BY names all its columns. FTS5 yields
    # tasks by id: there any column before the id would make SQLite sort.
    account = [] if task_id is TASK_WORDS.c.rowid else [Task.account_id]
    key = [] if part.key is None else [part.key]
    return query.order_by(*order.directed(*account, *key, task_id))


def _matching(
    request: Request, filters: dict[str, Any]
) -> tuple[Select[Task], Any, list[Condition]]:
    """Return a query of tasks, the column of their ids, and the conditions that they match."""
    dialect = request.dbsession.get_bind().dialect
    if "search" not in filters or dialect.name == "postgresql":
        return select(Task), Task.id, conditions(request, filters)
    # FTS5 yields the tasks of the words by their id, and must come first.
    query = select(Task).select_from(TASK_WORDS).join(Task, Task.id == TASK_WORDS.c.rowid)
    others = {name: value for name, value in filters.items() if name != "search"}
    matching = [
        contains(dialect, request.identity.account.id, filters["search"]),
        of_account(request, searched=True),
        *filter_conditions(request, others),
    ]
    return query, TASK_WORDS.c.rowid, matching
