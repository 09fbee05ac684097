"""The purge: delete expired rows in small batches, so that no other transaction waits long."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, literal, select, update
from sqlalchemy.orm import Session

from todo import clock
from todo.jobs.words import erase_deleted_words
from todo.journal import writes
from todo.journal.retention import IN_ORDER, forget_old, forget_oldest
from todo.models import batches
from todo.models.account import ACCOUNTS
from todo.models.batches import delete_batch, words_of
from todo.models.change import CHANGES
from todo.models.idempotency_key import IDEMPOTENCY_KEYS
from todo.models.invitation import INVITATIONS
from todo.models.journalled import RECORDED
from todo.models.limit import LIMIT_COUNTS
from todo.models.released_username import RELEASED_USERNAMES
from todo.models.reminder import REMINDER_COLUMNS, REMINDERS, RETENTION, Reminder
from todo.models.task import TASKS
from todo.models.token import TOKENS, TokenKind
from todo.models.trash import TRASH
from todo.services.trash import purge_batch
from todo.settings import Settings

# Seconds between batches on SQLite: other processes poll for the write lock every 0.1 seconds.
BATCH_PAUSE = 0.2

EndBatch = Callable[[], None]  # commits, and pauses

_NO_WEIGHT: ColumnElement[int] = literal(0)

# The tables with many rows of an account, and the weights of their rows.
_OWNED = (
    (TASKS, words_of(TASKS)),
    (TRASH, words_of(TRASH)),
    (REMINDERS, REMINDERS.c.size),
    (CHANGES, CHANGES.c.size),
    (IDEMPOTENCY_KEYS, IDEMPOTENCY_KEYS.c.size),
)

# The earliest date of each account.
_FIRST_TRASHED = select(func.min(TRASH.c.deletion_date)).where(TRASH.c.account_id == ACCOUNTS.c.id)
_FIRST_CHANGE = (
    select(CHANGES.c.date).where(CHANGES.c.account_id == ACCOUNTS.c.id).order_by(*IN_ORDER).limit(1)
)


def purge_expired(
    session: Session, settings: Settings, pause: Callable[[float], object] = time.sleep
) -> dict[str, int]:
    """Delete all expired rows and closed accounts, and return their numbers by name.

    Each batch is committed. `pause` waits between batches, or raises to stop the purge.
    """
    end_batch = end_of_batch(session, pause)
    deleted = {"closed accounts": _erase_closed(session, end_batch)}
    for name, table, condition, weight in _expired(settings):
        deleted[name] = _delete_all(session, end_batch, table, condition, weight)
    deleted |= _purge_accounts(session, end_batch, settings)
    erase_deleted_words(session, end_batch)
    return deleted


def end_of_batch(session: Session, pause: Callable[[float], object]) -> EndBatch:
    """Return the function that ends a batch."""

    def end_batch() -> None:
        session.commit()
        pause(BATCH_PAUSE if session.get_bind().dialect.name == "sqlite" else 0)

    return end_batch


def _expired(settings: Settings) -> Iterator[tuple[str, Table, ColumnElement[bool], Any]]:
    """Yield a name for each kind of expired row, its table, condition and weight."""
    now = clock.now()
    idle = TOKENS.c.last_used_date <= now - settings.session_idle
    idle_session = and_(TOKENS.c.kind == TokenKind.SESSION, idle)
    yield "expired sessions and tokens", TOKENS, TOKENS.c.expiration_date <= now, _NO_WEIGHT
    yield "idle sessions", TOKENS, idle_session, _NO_WEIGHT
    for name, table, weight in (
        ("limit counts", LIMIT_COUNTS, _NO_WEIGHT),
        ("idempotency keys", IDEMPOTENCY_KEYS, IDEMPOTENCY_KEYS.c.size),
        ("released usernames", RELEASED_USERNAMES, _NO_WEIGHT),
        ("invitations", INVITATIONS, _NO_WEIGHT),
    ):
        yield name, table, table.c.expiration_date <= now, weight


def _purge_accounts(session: Session, end_batch: EndBatch, settings: Settings) -> dict[str, int]:
    """Shorten the trash, reminders and journal of each account; return the numbers of rows."""
    now, quota = clock.now(), settings.quota_journal
    trashed, recorded = now - settings.trash_retention, now - settings.journal_retention
    fired = now - RETENTION

    def purge_each(
        condition: ColumnElement[bool], purge_batch: Callable[..., int], *arguments: Any
    ) -> int:
        count = 0
        for account_id in accounts_with(session, condition):
            while batch := purge_batch(session, account_id, *arguments):
                count += batch
                end_batch()
            session.rollback()  # release the account's lock
        return count

    old_trash = _FIRST_TRASHED.scalar_subquery() <= trashed
    old_changes = _FIRST_CHANGE.scalar_subquery() <= recorded
    deleted = {
        "trashed tasks": purge_each(old_trash, purge_trash, trashed),
        "reminders": purge_each(
            ACCOUNTS.c.id.in_(select(REMINDERS.c.account_id).where(*_old_reminders(fired))),
            purge_reminders,
            fired,
        ),
        "changes": purge_each(old_changes, purge_changes, recorded),
    }
    if quota:
        deleted["changes"] += purge_each(ACCOUNTS.c.journal_bytes > quota, trim_journal, quota)
    return deleted


def _erase_closed(session: Session, end_batch: EndBatch) -> int:
    """Delete the closed accounts with all their rows, and return their number."""
    count = 0
    for account_id in accounts_with(session, ACCOUNTS.c.closed_date.is_not(None)):
        _detach_subtasks(session, end_batch, account_id)
        for table, weight in _OWNED:
            _delete_all(session, end_batch, table, table.c.account_id == account_id, weight)
        count += _delete_all(session, end_batch, ACCOUNTS, ACCOUNTS.c.id == account_id, _NO_WEIGHT)
    return count


def _detach_subtasks(session: Session, end_batch: EndBatch, account_id: int) -> None:
    """Clear the parents of the account's tasks: a batch may delete a parent before its subtasks."""
    subtasks = select(TASKS.c.id).where(
        TASKS.c.account_id == account_id, TASKS.c.parent_id.is_not(None)
    )
    batch = TASKS.c.id.in_(subtasks.limit(batches.BATCH_SIZE))
    detached = update(TASKS).where(batch).values(parent_id=None).returning(TASKS.c.id)
    while session.scalars(detached, execution_options=RECORDED).all():
        end_batch()
    session.rollback()


def _delete_all(
    session: Session,
    end_batch: EndBatch,
    table: Table,
    condition: ColumnElement[bool],
    weight: ColumnElement[int],
) -> int:
    """Delete all rows that match, in batches, and return their number."""
    count = 0
    while batch := delete_batch(session, table, condition, weight):
        count += batch
        end_batch()
    session.rollback()
    return count


def accounts_with(session: Session, condition: ColumnElement[bool]) -> Iterator[int]:
    """Yield the ids of the accounts that match."""
    last = 0
    query = select(ACCOUNTS.c.id).where(condition).order_by(ACCOUNTS.c.id)
    while ids := session.scalars(query.where(ACCOUNTS.c.id > last).limit(batches.BATCH_SIZE)).all():
        session.rollback()  # on SQLite, an open transaction blocks all writers
        yield from ids
        last = ids[-1]
    session.rollback()


def purge_trash(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's tasks that were deleted up to `until`; return their number.

    Skip the account if another transaction is writing to it.
    """
    expired = (
        select(TRASH.c.id, words_of(TRASH))
        .where(TRASH.c.account_id == account_id, TRASH.c.deletion_date <= until)
        .limit(batches.BATCH_SIZE)
    )

    def go_on() -> None:
        session.commit()
        session.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id).with_for_update())

    # Select under the lock, so that no request can restore one of these tasks concurrently.
    rows = session.execute(expired).all() if lock(session, account_id) else []
    return len(purge_batch(session, account_id, rows, go_on))


def purge_reminders(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's reminders that fired up to `until`; return their number.

    Skip the account if another transaction is writing to it.
    """
    if not lock(session, account_id):
        return 0
    old = select(*REMINDER_COLUMNS).where(
        REMINDERS.c.account_id == account_id, *_old_reminders(until)
    )
    rows = session.execute(old.order_by(REMINDERS.c.id).limit(batches.BATCH_SIZE)).all()
    writes.delete(session, Reminder, account_id, [row._asdict() for row in rows])
    return len(rows)


def _old_reminders(until: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions for reminders that fired up to `until` and do not fire again."""
    return [REMINDERS.c.fired_date <= until, REMINDERS.c.snoozed_until.is_(None)]


def purge_changes(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's changes up to `until`, oldest first; return their number.

    Skip the account if another transaction is writing to it.
    """
    first = select(CHANGES.c.date).where(CHANGES.c.account_id == account_id)
    date = session.scalar(first.order_by(*IN_ORDER).limit(1))
    if date is None or date > until or not lock(session, account_id):
        return 0
    return forget_old(session, account_id, until)


def trim_journal(session: Session, account_id: int, quota: int) -> int:
    """Delete a batch of the account's oldest changes beyond its quota; return their number.

    Skip the account if another transaction is writing to it.
    """
    if not lock(session, account_id):
        return 0
    account = session.execute(
        select(ACCOUNTS.c.revision, ACCOUNTS.c.journal_bytes).where(ACCOUNTS.c.id == account_id)
    ).one()
    excess = account.journal_bytes - quota
    return forget_oldest(session, account_id, excess, account.revision) if excess > 0 else 0


def lock(session: Session, account_id: int) -> bool:
    """Lock the account's row unless another transaction has; return whether it is locked."""
    account = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id)
    locked = account.with_for_update(key_share=True, skip_locked=True)
    return session.scalar(locked) is not None
