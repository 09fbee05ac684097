"""List, restore and purge deleted tasks."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow, Identity, lock_account
from todo.journal import writes
from todo.journal.retention import erase_values, recorded_sizes
from todo.listing.cursors import (
    NOT_A_CURSOR,
    Cursor,
    cursor_problem,
    decode_cursor,
    encode_cursor,
    list_digest,
)
from todo.listing.filters import trash_condition
from todo.listing.orders import Order
from todo.listing.pages import Page
from todo.models import batches
from todo.models.batches import first_batch, words_of
from todo.models.engine import Database, dialect_of
from todo.models.task import Task, TaskRow
from todo.models.trash import TRASH, TRASH_COLUMNS, TrashedTask, TrashRow, is_restorable
from todo.schemas.task_filter import TrashPage
from todo.services.matching import count_query, read_matching, refuse_without_filter
from todo.services.placement import columns_of_restored, subtasks_of

Commit = Callable[[], None]  # commits, and begins the next transaction

ORDER = Order("deletion_date", descending=True)
MOST_AT_ONCE = 10_000  # tasks that one request deletes permanently
MOST_CHARACTERS = 10_000_000  # of their words, which are removed from the index


def restorable(account: AccountRow, trash_retention: timedelta) -> list[ColumnElement[bool]]:
    """Return the conditions for deleted tasks of the account that can be restored."""
    return [TRASH.c.account_id == account.id, is_restorable(trash_retention)]


def read_trash(
    db: Database, account: AccountRow, trash_retention: timedelta, query: TrashPage
) -> Page:
    """Return a page of the account's trash. Raise Problem 400 if the cursor is invalid."""
    values, filters = query.values(), query.filters()
    digest = list_digest(account.id, filters, ORDER)
    after = None
    if "after" in values:
        cursor = decode_cursor(values["after"], digest, ORDER)
        if cursor.key is None:
            raise cursor_problem(NOT_A_CURSOR)
        after = (cursor.key, cursor.id)
    matching = _restorable_matches(db, account, filters, trash_retention)
    # Read one more row than the page has, to see whether there is a next page.
    statement = _in_order(TRASH_COLUMNS, matching, after).limit(query.limit + 1)
    tasks = list(map(TrashRow._make, db.execute(statement)))
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    last = tasks[-2]
    return Page(tasks[:-1], encode_cursor(Cursor(last.deletion_date, last.id), digest))


def _restorable_matches(
    db: Database, account: AccountRow, filters: dict[str, Any], trash_retention: timedelta
) -> list[ColumnElement[bool]]:
    """Return the conditions for tasks that match every filter and can be restored."""
    # With two bounds on the same column, SQLite stops at the first one: that of a filter.
    return [trash_condition(dialect_of(db), account, filters), is_restorable(trash_retention)]


def _in_order(
    columns: Sequence[Any],
    matching: Sequence[ColumnElement[bool]],
    after: tuple[Any, int] | None,
) -> Select[Any]:
    """Return the query for matching tasks after this deletion date and id, last deleted first."""
    key = (ORDER.key, TRASH.c.id)
    query = select(*columns).order_by(*ORDER.order_by_columns(TRASH.c.account_id, *key))
    if after is not None:
        position = tuple_(literal(after[0], ORDER.key.type), literal(after[1]))
        query = query.where(ORDER.is_after(tuple_(*key), position))
    return query.where(*matching)


def restore_task(session: Session, account: AccountRow, trashed: Row[Any]) -> TaskRow:
    """Move the task, and the subtasks deleted with it, out of the trash, and return the task."""
    restored, *_ = _restore(session, account, [trashed._asdict()])
    return TaskRow.of(restored)


def _restore(
    session: Session, account: AccountRow, rows: list[dict[str, Any]], *, dry_run: bool = False
) -> list[dict[str, Any]]:
    """Move the tasks, and the subtasks deleted with them, out of the trash, and return them."""
    rows = [*rows, *subtasks_of(session, account, TrashedTask, rows, with_texts=True)]
    if dry_run:
        return rows
    places = columns_of_restored(session, account, rows)
    return writes.restore(session, Task, account.id, rows, places)


def restore_tasks(
    session: Session,
    account: AccountRow,
    filters: dict[str, Any],
    trash_retention: timedelta,
    *,
    dry_run: bool,
) -> int:
    """Move all tasks that match, and the subtasks deleted with them, out of the trash.

    Return their number. Raise Problem 400 without a filter, and Problem 409 if too many match.
    """
    refuse_without_filter(filters)
    matching = _restorable_matches(session, account, filters, trash_retention)
    rows = [task._asdict() for task in read_matching(session, TrashedTask, matching)]
    return len(_restore(session, account, rows, dry_run=dry_run))


def purge_task(session: Session, identity: Identity, task_id: int, commit: Commit) -> None:
    """Delete the task permanently. A long history takes several transactions: see empty_trash()."""
    row = select(TRASH.c.id, words_of(TRASH)).where(TRASH.c.id == task_id)
    found = session.execute(row).all()

    def go_on() -> None:
        commit()
        lock_account(session, identity)

    purge_batch(session, identity.account.id, found, go_on)


def purge_batch(
    session: Session, account_id: int, rows: Sequence[Any], commit: Commit
) -> Sequence[Any]:
    """Delete the first of these deleted tasks permanently, as many as one transaction may.

    The last column of a row is the number of characters of its words. Return the rows. If the first
    one has a long history, erase that before, in transactions that `commit` ends.
    """
    if not rows:
        return []
    sizes = recorded_sizes(session, account_id, Task.kind, [row.id for row in rows])
    # The words are removed from an index, which takes ten times as long as erasing values.
    weighted = [(row, row[-1] + sizes.get(row.id, 0) // 10) for row in rows]
    batch = [row for row, _ in first_batch(weighted)]
    ids = [row.id for row in batch]
    if weighted[0][1] > batches.BATCH_WEIGHT:
        while erase_values(session, account_id, Task.kind, ids):
            commit()
    writes.purge(session, TrashedTask, account_id, ids)
    return batch


def count_trash(
    db: Database, account: AccountRow, filters: dict[str, Any], trash_retention: timedelta
) -> int:
    """Return the number of the account's deleted tasks that match."""
    matching = _restorable_matches(db, account, filters, trash_retention)
    return db.scalar(count_query(TrashedTask, matching)) or 0


def empty_trash(
    session: Session,
    identity: Identity,
    filters: dict[str, Any],
    trash_retention: timedelta,
    commit: Commit,
) -> tuple[int, int]:
    """Delete tasks in the account's trash that match permanently, last deleted first.

    Return the number of tasks, and of those that are left because one request deletes no more.
    Many tasks take several transactions: `commit` ends one and begins the next. Raise
    StaleDataError if the token has ended between two of them.
    """
    account, counts = identity.account, is_restorable(trash_retention).label("counts")
    columns = (TRASH.c.id, TRASH.c.deletion_date, counts, words_of(TRASH))
    matching = [trash_condition(dialect_of(session), account, filters)]
    purged, deleted, characters, after = 0, 0, 0, None

    def go_on() -> None:
        commit()
        lock_account(session, identity)

    while True:
        size = min(batches.BATCH_SIZE, MOST_AT_ONCE - purged)
        found = session.execute(_in_order(columns, matching, after).limit(size)).all()
        rows = purge_batch(session, account.id, found, go_on)
        purged += len(rows)
        deleted += sum(row.counts for row in rows)
        characters += sum(row[-1] for row in rows)
        if len(rows) == len(found) < size:
            return deleted, 0
        if purged >= MOST_AT_ONCE or characters >= MOST_CHARACTERS:
            return deleted, count_trash(session, account, filters, trash_retention)
        # The next batch begins here, so that it reads no task again, and none deleted since.
        after = (rows[-1].deletion_date, rows[-1].id)
        go_on()
