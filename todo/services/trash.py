"""List, restore and purge deleted tasks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, literal, select, tuple_
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow, Identity, lock_account
from todo.journal import writes
from todo.listing.cursors import (
    NOT_A_CURSOR,
    cursor_problem,
    decode_cursor,
    encode_cursor,
    list_digest,
)
from todo.listing.orders import Order
from todo.listing.pages import Page
from todo.models.change import RESTORE
from todo.models.engine import Database
from todo.models.task import Task, TaskRow
from todo.models.trash import TRASH, TRASH_COLUMNS, TrashedTask, TrashRow, is_restorable
from todo.schemas.task_filter import Paged

ORDER = Order("deletion_date", descending=True)
# Tasks that one transaction purges; on SQLite, it blocks other writers.
BATCH_SIZE = 1000


def restorable(account: AccountRow, trash_retention: timedelta) -> list[ColumnElement[bool]]:
    """Return the conditions for deleted tasks of the account that can be restored."""
    return [TRASH.c.account_id == account.id, is_restorable(trash_retention)]


def read_trash(db: Database, account: AccountRow, trash_retention: timedelta, query: Paged) -> Page:
    """Return a page of the account's trash. Raise Problem 400 if the cursor is invalid."""
    values = query.values()
    digest = list_digest(account.id, {}, ORDER)
    key = (ORDER.key, TRASH.c.id)
    statement = (
        select(*TRASH_COLUMNS)
        .where(*restorable(account, trash_retention))
        .order_by(*ORDER.order_by_columns(*key))
    )
    if "after" in values:
        cursor = decode_cursor(values["after"], digest, ORDER)
        if cursor.key is None:
            raise cursor_problem(NOT_A_CURSOR)
        position = tuple_(literal(cursor.key, ORDER.key.type), literal(cursor.id))
        statement = statement.where(ORDER.is_after(tuple_(*key), position))
    # Read one more row than the page has, to see whether there is a next page.
    tasks = list(map(TrashRow._make, db.execute(statement.limit(query.limit + 1))))
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    return Page(tasks[:-1], encode_cursor(tasks[-2], digest, ORDER))


def restore_task(session: Session, account: AccountRow, trashed: Row[Any]) -> TaskRow:
    """Move the task out of the trash, and return it."""
    rows = [trashed._asdict()]
    [restored] = writes.move(session, TrashedTask, Task, account.id, RESTORE, rows)
    return TaskRow.of(restored)


def purge_task(session: Session, account: AccountRow, task_id: int) -> None:
    """Delete the task permanently."""
    writes.purge(session, TrashedTask, account.id, [task_id])


def empty_trash(
    session: Session, identity: Identity, trash_retention: timedelta, commit: Callable[[], None]
) -> int:
    """Delete all tasks in the account's trash permanently, and return their number.

    A large trash takes several transactions: `commit` ends one and begins the next. Raise
    StaleDataError if the token has ended between two of them.
    """
    deleted = 0
    account_id = identity.account.id
    # Keep tasks that other requests move to the trash between two transactions.
    begun = TRASH.c.deletion_date <= writes.transaction_date(session)
    while True:
        found = select(TRASH.c.id, is_restorable(trash_retention)).where(
            TRASH.c.account_id == account_id, begun
        )
        rows = session.execute(found.limit(BATCH_SIZE)).all()
        if rows:
            writes.purge(session, TrashedTask, account_id, [row.id for row in rows])
            deleted += sum(row[1] for row in rows)
        if len(rows) < BATCH_SIZE:
            return deleted
        commit()
        lock_account(session, identity)
