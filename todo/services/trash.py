"""The trash: listed, restored from, emptied."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, literal, select, tuple_
from sqlalchemy.orm import Session

from todo.auth.identity import Identity, KnownAccount, lock_account
from todo.journal import writes
from todo.listing.cursors import NO_PLACE, list_digest, read_cursor, write_cursor, wrong_cursor
from todo.listing.orders import Order
from todo.listing.pages import Page
from todo.models.change import RESTORE
from todo.models.engine import Database
from todo.models.task import StoredTask, Task
from todo.models.trash import STORED, TRASH, StoredTrash, TrashedTask, is_kept
from todo.schemas.task_filter import Paged

ORDER = Order("deletion_date", descending=True)
# Tasks that one transaction erases: on SQLite nobody else can write meanwhile.
AT_ONCE = 1000


def kept(account: KnownAccount, trash_time: timedelta) -> list[ColumnElement[bool]]:
    """Return the conditions that a deleted task is the account's and can be restored."""
    return [TRASH.c.account_id == account.id, is_kept(trash_time)]


def read_trash(db: Database, account: KnownAccount, trash_time: timedelta, query: Paged) -> Page:
    """Return the page of the account's trash. Raises Problem with 400 for a wrong cursor."""
    values = query.values()
    digest = list_digest(account.id, {}, ORDER)
    key = (ORDER.key, TRASH.c.id)
    statement = select(*STORED).where(*kept(account, trash_time)).order_by(*ORDER.directed(*key))
    if "after" in values:
        cursor = read_cursor(values["after"], digest, ORDER)
        if cursor.key is None:
            raise wrong_cursor(NO_PLACE)
        place = tuple_(literal(cursor.key, ORDER.key.type), literal(cursor.id))
        statement = statement.where(ORDER.beyond(tuple_(*key), place))
    # One more than the page has tells whether there is a next one.
    tasks = list(map(StoredTrash._make, db.execute(statement.limit(query.limit + 1))))
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    return Page(tasks[:-1], write_cursor(tasks[-2], digest, ORDER))


def restore_task(session: Session, account: KnownAccount, trashed: Row[Any]) -> StoredTask:
    """Move the task back to the others, and return it."""
    rows = [trashed._asdict()]
    [restored] = writes.move(session, TrashedTask, Task, account.id, RESTORE, rows)
    return StoredTask.of(restored)


def purge_task(session: Session, account: KnownAccount, task_id: int) -> None:
    """Erase the task for good."""
    writes.purge(session, TrashedTask, account.id, [task_id])


def empty_trash(
    session: Session, identity: Identity, trash_time: timedelta, commit: Callable[[], None]
) -> int:
    """Erase all tasks of the account's trash for good, and return how many were there.

    `commit` ends a transaction and begins the next one: a very full trash takes several. Raises
    StaleDataError where the login has ended between two.
    """
    deleted = 0
    account_id = identity.account.id
    # Others may delete between two transactions: their tasks stay.
    begun = TRASH.c.deletion_date <= writes.date_of(session)
    while True:
        found = select(TRASH.c.id, is_kept(trash_time)).where(
            TRASH.c.account_id == account_id, begun
        )
        rows = session.execute(found.limit(AT_ONCE)).all()
        if rows:
            writes.purge(session, TrashedTask, account_id, [row.id for row in rows])
            deleted += sum(row[1] for row in rows)
        if len(rows) < AT_ONCE:
            return deleted
        commit()
        lock_account(session, identity)
