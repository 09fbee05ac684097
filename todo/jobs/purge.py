"""The purge: delete expired rows in small batches, so that no other transaction waits long."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import takewhile

from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, select, tuple_
from sqlalchemy.orm import Session

from todo import clock
from todo.journal import writes
from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.models.idempotency_key import IDEMPOTENCY_KEYS
from todo.models.invitation import INVITATIONS
from todo.models.limit import LIMIT_COUNTS
from todo.models.released_username import RELEASED_USERNAMES
from todo.models.token import TOKENS, TokenKind
from todo.models.trash import TRASH, TrashedTask
from todo.settings import Settings

BATCH_SIZE = 500  # rows per transaction
# Seconds between batches on SQLite: other processes poll for the write lock every 0.1 seconds.
BATCH_PAUSE = 0.2

_IN_ORDER = (CHANGES.c.account_id, CHANGES.c.revision, CHANGES.c.kind, CHANGES.c.object_id)

# The earliest date of each account.
_FIRST_TRASHED = select(func.min(TRASH.c.deletion_date)).where(TRASH.c.account_id == ACCOUNTS.c.id)
_FIRST_CHANGE = (
    select(CHANGES.c.date)
    .where(CHANGES.c.account_id == ACCOUNTS.c.id)
    .order_by(*_IN_ORDER)
    .limit(1)
)


def purge_expired(
    session: Session, settings: Settings, pause: Callable[[float], object] = time.sleep
) -> dict[str, int]:
    """Delete all expired rows and return their numbers by name.

    Each batch is committed. `pause` waits between batches, or raises to stop the purge.
    """
    now = clock.now()

    def end_batch() -> None:
        session.commit()
        pause(BATCH_PAUSE if session.get_bind().dialect.name == "sqlite" else 0)

    def purge(table: Table, condition: ColumnElement[bool]) -> int:
        count = 0
        while batch := _delete(session, table, condition):
            count += batch
            end_batch()
        session.rollback()
        return count

    idle = TOKENS.c.last_used_date <= now - settings.session_idle
    deleted = {
        "expired sessions and tokens": purge(TOKENS, TOKENS.c.expiration_date <= now),
        "idle sessions": purge(TOKENS, and_(TOKENS.c.kind == TokenKind.SESSION, idle)),
        "limit counts": purge(LIMIT_COUNTS, LIMIT_COUNTS.c.expiration_date <= now),
        "idempotency keys": purge(IDEMPOTENCY_KEYS, IDEMPOTENCY_KEYS.c.expiration_date <= now),
        "released usernames": purge(
            RELEASED_USERNAMES, RELEASED_USERNAMES.c.expiration_date <= now
        ),
        "invitations": purge(INVITATIONS, INVITATIONS.c.expiration_date <= now),
        "trashed tasks": 0,
        "changes": 0,
    }
    until = now - settings.trash_retention
    for account_id in _accounts(session, _FIRST_TRASHED, until):
        while batch := purge_trash(session, account_id, until):
            end_batch()
            deleted["trashed tasks"] += batch
        session.rollback()  # release the account's lock
    until = now - settings.journal_retention
    for account_id in _accounts(session, _FIRST_CHANGE, until):
        while batch := purge_changes(session, account_id, until):
            end_batch()
            deleted["changes"] += batch
        session.rollback()
    return deleted


def _accounts(session: Session, first: Select[datetime], until: datetime) -> Iterator[int]:
    """Yield the ids of the accounts whose earliest date is not after `until`."""
    last = 0
    query = select(ACCOUNTS.c.id).where(first.scalar_subquery() <= until).order_by(ACCOUNTS.c.id)
    while ids := session.scalars(query.where(ACCOUNTS.c.id > last).limit(BATCH_SIZE)).all():
        session.rollback()  # on SQLite, an open transaction blocks all writers
        yield from ids
        last = ids[-1]
    session.rollback()


def purge_trash(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's tasks that were deleted up to `until`; return their number.

    Skip the account if another transaction is writing to it.
    """
    expired = (
        select(TRASH.c.id)
        .where(TRASH.c.account_id == account_id, TRASH.c.deletion_date <= until)
        .limit(BATCH_SIZE)
    )
    # Select under the lock, so that no request can restore one of these tasks concurrently.
    ids = session.scalars(expired).all() if _lock(session, account_id) else []
    if ids:
        writes.purge(session, TrashedTask, account_id, ids)
    return len(ids)


def purge_changes(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's changes up to `until`, oldest first; return their number.

    Delete whole revisions: the feed detects missing changes by the first revision that is kept.
    Skip the account if another transaction is writing to it.
    """
    mine = CHANGES.c.account_id == account_id
    oldest = (
        select(CHANGES.c.revision, CHANGES.c.date)
        .where(mine)
        .order_by(*_IN_ORDER)
        .limit(BATCH_SIZE)
    )
    first = session.execute(oldest.limit(1)).one_or_none()
    if first is None or first.date > until or not _lock(session, account_id):
        return 0
    rows = session.execute(oldest)
    old = [revision for revision, date in takewhile(lambda row: row.date <= until, rows)]
    if not old:  # another process deleted them before this one got the lock
        return 0
    deletion = delete(CHANGES).where(mine, CHANGES.c.revision <= old[-1])
    return len(session.scalars(deletion.returning(CHANGES.c.revision)).all())


def _lock(session: Session, account_id: int) -> bool:
    """Lock the account's row unless another transaction has; return whether it is locked."""
    account = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id)
    locked = account.with_for_update(key_share=True, skip_locked=True)
    return session.scalar(locked) is not None


def _delete(session: Session, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete a batch of rows, except locked ones, and return their number."""
    key = tuple(table.primary_key)
    found = select(*key).where(condition).limit(BATCH_SIZE).with_for_update(skip_locked=True)
    rows = session.execute(found).all()
    if rows:
        session.execute(delete(table).where(tuple_(*key).in_([tuple(row) for row in rows])))
    return len(rows)
