"""Pages of task lists: the query, and the cursor of the next page.

Keyset pagination: a page begins after a task, not at an offset. Its cost does not grow with the
list, and concurrent inserts and deletes move no other task to another page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    select,
    true,
    tuple_,
    union_all,
)

from todo.auth.identity import AccountRow
from todo.listing.cursors import (
    NOT_A_CURSOR,
    Cursor,
    cursor_problem,
    decode_cursor,
    encode_cursor,
    list_digest,
)
from todo.listing.dates import is_due_on
from todo.listing.due_order import DueKey, in_due_order
from todo.listing.filters import (
    FilterShape,
    belongs_to_account,
    filter_conditions,
    filter_shape,
    has_due_range,
    has_labels,
    parameters,
    parametrized_conditions,
    rare_label,
    without_priority_bounds,
)
from todo.listing.orders import KEYS, RANGES, Order, order_of
from todo.listing.parameters import PARAMETERS, Condition
from todo.listing.search import TASK_WORDS, contains
from todo.models.engine import Database, dialect_of
from todo.models.label import TASK_LABELS
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
    """The tasks of a list with a sort key, in order; or those without one, by id.

    A list by due date has two segments with a key, to be merged.
    """

    key: Any  # the column of the index to use; None in a list by id
    is_null: bool
    all_day: bool | None = None  # in a list by due date: whether the tasks are due on days
    is_tie: bool | None = None  # after a cursor: whether the tasks have its key, or later ones

    @property
    def place(self) -> str:
        """The prefix of the parameters with the place in this segment to begin after."""
        if self.all_day is None or self.is_null:
            return "after"
        return "after_day" if self.all_day else "after_time"


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
    key = order.key_of(tasks[-2], account.zone)
    if isinstance(key, DueKey) and cursor is not None and isinstance(cursor.key, DueKey):
        key = key.not_before(cursor.key, descending=order.descending)
    last = Cursor(key, tasks[-2].id)
    return Page(tasks[:-1], encode_cursor(last, list_digest(account.id, filters, order)))


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
        values |= cursor.parameters
    statement = _statement(ListQuery(dialect.name, filter_shape(filters), order, position))
    tasks = list(map(TaskRow._make, db.execute(statement, values).all()))
    if order.name != "due_date":
        return tasks
    return in_due_order(tasks, account.zone, descending=order.descending)[:limit]


# More than the shapes in use; each takes a few kilobytes.
@lru_cache(maxsize=256)
def _statement(listing: ListQuery) -> Select[Any] | CompoundSelect[Any]:
    """Return the query of a page, with bind parameters.

    Cached per list shape, because building the query costs more than running it.
    """
    order = listing.order
    segments = [_segment_query(listing, segment) for segment in _segments(listing)]
    if len(segments) == 1:
        # For a list by id, the same plan is best for every account.
        has_stable_plan = listing.shape == filter_shape({}) and order.name == "id"
        return segments[0].execution_options(**PREPARED) if has_stable_plan else segments[0]
    union = union_all(*(segment.subquery().select() for segment in segments))
    if order.name == "due_date":
        return union  # in_due_order() sorts it
    both = union.subquery("both")
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
    if listing.position is Position.WITH_KEY and listing.order.has_few_keys:
        # SQLite seeks by the key of the cursor only, and would read all tasks with that key.
        first, *others = segments
        return [replace(first, is_tie=True), replace(first, is_tie=False), *others]
    return segments


def _all_segments(order: Order, choices: dict[str, Any]) -> list[Segment]:
    if order.name == "id":
        return [Segment(_null_column(choices), is_null=True)]
    with_key, without_key = [Segment(order.key, is_null=False)], [Segment(order.key, is_null=True)]
    if order.name == "due_date":
        with_key = [Segment(order.key, is_null=False, all_day=day) for day in (True, False)]
        without_key = [Segment(order.key, is_null=True, all_day=False)]
    if not order.key.nullable:
        return with_key
    match _have_key(order, choices):
        case True:
            return with_key
        case False:
            return without_key
        case None:
            return with_key + without_key


def _have_key(order: Order, choices: dict[str, Any]) -> bool | None:
    """Return whether the matching tasks have a sort key, or None if only some may have one."""
    if order.name == "priority":
        levels = choices.get("priority")
        return None if not levels or {0} < set(levels) else levels != (0,)
    prefix = next(prefix for prefix, name in RANGES.items() if name == order.name)
    if prefix in NULL_KEY_FILTERS and choices.get(prefix) == NULL_KEY_FILTERS[prefix]:
        return False
    has_range = choices.keys() & {prefix, f"{prefix}_after", f"{prefix}_before"}
    return True if has_range else None


def _null_column(choices: dict[str, Any]) -> Any:
    """Return a column that is null in all matching tasks: its index is then sorted by id."""
    if not choices.keys().isdisjoint({"search", "label"}):
        return None  # the list starts from the words or labels
    for prefix, value in NULL_KEY_FILTERS.items():
        if choices.get(prefix) == value:
            return KEYS[RANGES[prefix]]
    return None


def _segment_query(listing: ListQuery, segment: Segment) -> Select[Any]:
    order, position = listing.order, listing.position
    if segment.is_tie is not None:
        listing = replace(listing, shape=without_priority_bounds(listing.shape))
    query, task_id, matching = _matching(listing, segment.all_day)
    # The cursor precedes the other conditions: with two on the same column, SQLite seeks by the
    # first one, and would otherwise read a range from its start to the cursor.
    after_id = bindparam(f"{segment.place}_id", type_=BigInt)
    if position is Position.WITH_KEY and not segment.is_null:
        after_key = bindparam(f"{segment.place}_key", type_=segment.key.type)
        if segment.is_tie is None:
            after = tuple_(after_key, after_id)
            query = query.where(order.is_after(tuple_(segment.key, task_id), after))
        elif segment.is_tie:
            query = query.where(segment.key == after_key, order.is_after(task_id, after_id))
        else:
            query = query.where(order.is_after(segment.key, after_key))
    elif position is Position.WITHOUT_KEY:
        query = query.where(order.is_after(task_id, after_id))
    if segment.all_day is not None:
        query = query.where(is_due_on(all_day=segment.all_day))
    if segment.key is not None and segment.key.nullable:
        query = query.where(segment.key.is_(None) if segment.is_null else segment.key.is_not(None))
    query = query.where(*matching)
    # FTS5 returns rows by id, so any column before the id would make SQLite sort.
    account = [_account_column(listing)] if task_id is TASKS.c.id else []
    key = [] if segment.key is None else [segment.key]
    if order.name == "position" and "list" in dict(listing.shape):
        key = [TASKS.c.list_id, *key]  # the same for all, but PostgreSQL does not see that of NULL
    return query.order_by(*order.order_by_columns(*account, *key, task_id)).limit(LIMIT)


def _account_column(listing: ListQuery) -> ColumnElement[int]:
    """Return the first column to sort by.

    PostgreSQL uses the order of an index only if ORDER BY has all its columns.
    """
    is_filtered = has_due_range(listing.shape) and listing.order.name != "due_date"
    if listing.dialect_name == "sqlite" and is_filtered:
        # SQLite would read a whole list in order rather than sort the few tasks that are due. The
        # sum hides the order of the indexes.
        return TASKS.c.account_id + 0
    return TASKS.c.account_id


def _matching(listing: ListQuery, all_day: bool | None) -> tuple[Select[Any], Any, list[Condition]]:
    """Return the query without conditions, its id column, and the conditions of the filters."""
    dialect_name, query, choices = listing.dialect_name, select(*TASK_COLUMNS), dict(listing.shape)
    if "label" in choices and "search" not in choices and listing.order.name == "id":
        return _matching_first_label(listing, query)
    if "search" not in choices or dialect_name == "postgresql":
        matching = parametrized_conditions(dialect_name, listing.shape, all_day=all_day)
        return query, TASKS.c.id, matching
    # Start from FTS5, which returns the matching tasks by id.
    query = query.select_from(TASK_WORDS).join(TASKS, TASKS.c.id == TASK_WORDS.c.rowid)
    others = tuple((name, choice) for name, choice in listing.shape if name != "search")
    matching = [
        contains(dialect_name, PARAMETERS["search"]),
        belongs_to_account(dialect_name, by_id=True),
        *filter_conditions(dialect_name, others, all_day=all_day),
    ]
    return query, TASK_WORDS.c.rowid, matching


def _matching_first_label(
    listing: ListQuery, query: Select[Any]
) -> tuple[Select[Any], Any, list[Condition]]:
    """Return the same for a list that starts from the tasks of a label, which are by id."""
    columns, count = TASK_LABELS.c, dict(listing.shape)["label"]
    others = tuple((name, choice) for name, choice in listing.shape if name != "label")
    labelled = [
        columns.account_id == PARAMETERS["account_id"],
        columns.key == rare_label(PARAMETERS, count),
    ]
    matching = [
        TASKS.c.id == columns.task_id,
        belongs_to_account(listing.dialect_name, by_id=True),
        has_labels(PARAMETERS, range(count if count > 1 else 0)),
        *filter_conditions(listing.dialect_name, others),
    ]
    if listing.dialect_name == "sqlite":
        query = query.select_from(TASK_LABELS).join(TASKS, true())
        return query, columns.task_id, [*labelled, *matching]
    # With a limit, PostgreSQL looks up each task. Otherwise, it may merge the label with the tasks
    # of all accounts, or start parallel workers for a single page.
    task = query.where(*matching).limit(1).lateral("task")
    return select(task).select_from(TASK_LABELS).join(task, true()), columns.task_id, labelled
