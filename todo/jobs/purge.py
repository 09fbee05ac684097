"""The purge: delete expired rows in small batches, so that no other transaction waits long."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, func, select, tuple_
from sqlalchemy.orm import Session

from todo import clock
from todo.journal import writes
from todo.journal.retention import IN_ORDER, forget_old, forget_oldest
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

# The earliest date of each account.
_FIRST_TRASHED = select(func.min(TRASH.c.deletion_date)).where(TRASH.c.account_id == ACCOUNTS.c.id)
_FIRST_CHANGE = (
    select(CHANGES.c.date).where(CHANGES.c.account_id == ACCOUNTS.c.id).order_by(*IN_ORDER).limit(1)
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
    for account_id in _accounts(session, _FIRST_TRASHED.scalar_subquery() <= until):
        while batch := purge_trash(session, account_id, until):
            end_batch()
            deleted["trashed tasks"] += batch
        session.rollback()  # release the account's lock
    until = now - settings.journal_retention
    for account_id in _accounts(session, _FIRST_CHANGE.scalar_subquery() <= until):
        while batch := purge_changes(session, account_id, until):
            end_batch()
            deleted["changes"] += batch
        session.rollback()
    deleted["changes"] += _trim_journals(session, settings.quota_journal, end_batch)
    return deleted


def _trim_journals(session: Session, quota: int, end_batch: Callable[[], None]) -> int:
    """Delete the oldest changes of accounts above the quota, and return their number."""
    count = 0
    for account_id in _accounts(session, ACCOUNTS.c.journal_bytes > quota) if quota else ():
        while batch := trim_journal(session, account_id, quota):
            end_batch()
            count += batch
        session.rollback()
    return count


def _accounts(session: Session, condition: ColumnElement[bool]) -> Iterator[int]:
    """Yield the ids of the accounts that match."""
    last = 0
    query = select(ACCOUNTS.c.id).where(condition).order_by(ACCOUNTS.c.id)
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

    Skip the account if another transaction is writing to it.
    """
    first = select(CHANGES.c.date).where(CHANGES.c.account_id == account_id)
    date = session.scalar(first.order_by(*IN_ORDER).limit(1))
    if date is None or date > until or not _lock(session, account_id):
        return 0
    return forget_old(session, account_id, until)


def trim_journal(session: Session, account_id: int, quota: int) -> int:
    """Delete a batch of the account's oldest changes beyond its quota; return their number.

    Skip the account if another transaction is writing to it.
    """
    if not _lock(session, account_id):
        return 0
    account = session.execute(
        select(ACCOUNTS.c.revision, ACCOUNTS.c.journal_bytes).where(ACCOUNTS.c.id == account_id)
    ).one()
    excess = account.journal_bytes - quota
    return forget_oldest(session, account_id, excess, account.revision) if excess > 0 else 0


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
