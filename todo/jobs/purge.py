"""The purge: rows that have expired are deleted, in batches that block nobody for long."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import takewhile

from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, not_, select, tuple_
from sqlalchemy.orm import Session

from todo import clock
from todo.journal import writes
from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.models.idempotency_key import IDEMPOTENCY_KEYS
from todo.models.limit import LIMIT_COUNTS
from todo.models.released_username import RELEASED_USERNAMES
from todo.models.token import TOKENS, TokenKind
from todo.models.trash import TRASH, TrashedTask, is_restorable
from todo.settings import Settings

BATCH_SIZE = 500  # rows of one transaction
# Seconds between two, on SQLite: a process that waits to write looks every tenth of a second.
BATCH_PAUSE = 0.2

_IN_ORDER = (CHANGES.c.account_id, CHANGES.c.revision, CHANGES.c.kind, CHANGES.c.object_id)

# The first date of each account.
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
    """Delete all that has expired, and return how many rows of each kind.

    Each batch is committed. `pause` waits between two, or raises to stop.
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
        "trashed tasks": 0,
        "changes": 0,
    }
    since = now - settings.journal_retention
    for account_id in _accounts(session, _FIRST_TRASHED, now - settings.trash_retention):
        while batch := purge_trash(session, account_id, settings):
            end_batch()
            deleted["trashed tasks"] += batch
        session.rollback()  # give the account's lock back
    for account_id in _accounts(session, _FIRST_CHANGE, since):
        while batch := purge_changes(session, account_id, since):
            end_batch()
            deleted["changes"] += batch
        session.rollback()
    return deleted


def _accounts(session: Session, first: Select[datetime], until: datetime) -> Iterator[int]:
    """Yield the ids of the accounts whose first date is not later."""
    last = 0
    query = select(ACCOUNTS.c.id).where(first.scalar_subquery() <= until).order_by(ACCOUNTS.c.id)
    while ids := session.scalars(query.where(ACCOUNTS.c.id > last).limit(BATCH_SIZE)).all():
        session.rollback()  # on SQLite, everybody else waits for a transaction to end
        yield from ids
        last = ids[-1]
    session.rollback()


def purge_trash(session: Session, account_id: int, settings: Settings) -> int:
    """Erase a batch of the account's tasks whose time in the trash is over; return how many.

    Waits for nobody: while another transaction writes to the account, they are left for later.
    """
    expired = (
        select(TRASH.c.id)
        .where(TRASH.c.account_id == account_id, not_(is_restorable(settings.trash_retention)))
        .limit(BATCH_SIZE)
    )
    # Read under the lock: no request can restore one of these any more.
    ids = session.scalars(expired).all() if _lock(session, account_id) else []
    if ids:
        writes.purge(session, TrashedTask, account_id, ids)
    return len(ids)


def purge_changes(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's oldest changes that were made until then; return how many.

    Revisions go whole: a reader of the feed tells by the first revision whether any is missing.
    Waits for nobody: while another transaction writes to the account, they are left for later.
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
    if not old:  # another process has deleted them before the lock was taken
        return 0
    ended = delete(CHANGES).where(mine, CHANGES.c.revision <= old[-1])
    return len(session.scalars(ended.returning(CHANGES.c.revision)).all())


def _lock(session: Session, account_id: int) -> bool:
    """Take the account's row, and tell whether that was possible without a wait."""
    account = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id)
    locked = account.with_for_update(key_share=True, skip_locked=True)
    return session.scalar(locked) is not None


def _delete(session: Session, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete a batch of rows and return how many. Skips rows that another transaction locks."""
    key = tuple(table.primary_key)
    found = select(*key).where(condition).limit(BATCH_SIZE).with_for_update(skip_locked=True)
    rows = session.execute(found).all()
    if rows:
        session.execute(delete(table).where(tuple_(*key).in_([tuple(row) for row in rows])))
    return len(rows)
