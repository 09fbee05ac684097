"""Fire the reminders of tasks, each once, in any number of processes.

A process locks the accounts of a batch and skips those that others have locked. Under the lock, it
reads the tasks again, stores the reminders that have fired, and advances `remind_at`, in a single
transaction. So a process that is killed has fired a reminder or not, and another one goes on.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, Table, bindparam, literal, select, tuple_, update
from sqlalchemy.orm import Session

from todo import clock
from todo.days import find_zone
from todo.jobs.purge import end_of_batch
from todo.jobs.runner import Pause
from todo.journal import writes
from todo.models.account import ACCOUNTS
from todo.models.journalled import RECORDED
from todo.models.prepared import PREPARED
from todo.models.reminder import (
    REMINDER_COLUMNS,
    REMINDERS,
    Reminder,
    is_current,
    of_task,
)
from todo.models.task import TASKS, schedule_of
from todo.reminders import LATE
from todo.settings import Settings

BATCH_SIZE = 200  # tasks or reminders of one transaction

Fields = dict[str, Any]
Locked = dict[int, str]  # the time zones of locked accounts

# The columns that schedule_of() needs, without texts.
_SCHEDULE = [
    TASKS.c[name]
    for name in ("id", "account_id", "reminders", "due_at", "due_all_day", "timezone", "remind_at")
]
_ADVANCE = (
    update(TASKS)
    .where(TASKS.c.id == bindparam("task_id"))
    .values(remind_at=bindparam("next_at"))
    .execution_options(**RECORDED, **PREPARED)
)


def fire_reminders(engine: Engine, settings: Settings, pause: Pause = time.sleep) -> int:
    """Fire all reminders that are due, and return their number.

    Each batch is committed. `pause` waits between batches, or raises to stop. Accounts that other
    transactions have locked are left to the next call.
    """
    fired = 0
    with Session(engine) as session:
        end_batch = end_of_batch(session, pause)
        for name, fire in (("remind_at", _fire), ("snoozed_until", _fire_again)):
            table = TASKS if name == "remind_at" else REMINDERS
            for batch in _batches(session, table, name):
                fired += _in_accounts(session, batch, fire)
                end_batch()
    return fired


def _batches(session: Session, table: Table, column: str) -> Iterator[Sequence[Any]]:
    """Yield the id and account of all rows whose time in the column has come, in batches."""
    now = clock.now()
    key = (table.c[column], table.c.id)
    query = (
        select(*key, table.c.account_id)
        .join(ACCOUNTS, ACCOUNTS.c.id == table.c.account_id)
        .where(key[0] <= now, ACCOUNTS.c.closed_date.is_(None))
        .order_by(*key)
        .limit(BATCH_SIZE)
    )
    following = query
    while batch := session.execute(following).all():
        yield batch
        place = tuple_(literal(batch[-1][0], key[0].type), literal(batch[-1].id))
        following = query.where(tuple_(*key) > place)
    session.rollback()  # on SQLite, an open transaction blocks all writers


def _in_accounts(
    session: Session,
    batch: Sequence[Any],
    fire: Callable[[Session, Locked, list[int]], int],
) -> int:
    """Lock the accounts of the rows, fire their reminders, and return their number."""
    accounts = select(ACCOUNTS.c.id, ACCOUNTS.c.timezone).where(
        ACCOUNTS.c.id.in_({row.account_id for row in batch}), ACCOUNTS.c.closed_date.is_(None)
    )
    lock = accounts.order_by(ACCOUNTS.c.id).with_for_update(key_share=True, skip_locked=True)
    locked = {row.id: row.timezone for row in session.execute(lock)}
    ids = [row.id for row in batch if row.account_id in locked]
    return fire(session, locked, ids) if ids else 0


def _fire(session: Session, locked: Locked, ids: list[int]) -> int:
    """Fire the reminders of these tasks up to now, and return their number."""
    now = writes.transaction_date(session)
    due = select(*_SCHEDULE).where(
        TASKS.c.id.in_(ids), TASKS.c.account_id.in_(locked), TASKS.c.remind_at <= now
    )
    fired = _fired(session, locked, ids)
    new: dict[int, list[Fields]] = defaultdict(list)
    advanced = []
    for task in session.execute(due).all():
        schedule = schedule_of(task._asdict(), find_zone(locked[task.account_id]))
        instants = set(schedule.instants())
        for at in sorted(each for each in instants if task.remind_at <= each <= now):
            if (task.id, at) not in fired:
                new[task.account_id].append(_reminder(task, at, now))
        following = min((each for each in instants if each > now), default=None)
        advanced.append({"task_id": task.id, "next_at": following})
    for account_id, rows in new.items():
        writes.create(session, Reminder, account_id, rows)
    if advanced:
        session.execute(_ADVANCE, advanced)
    return sum(map(len, new.values()))


def _fired(session: Session, locked: Locked, ids: list[int]) -> set[tuple[int, datetime]]:
    """Return the tasks and instants of the reminders of these tasks that have fired."""
    columns = REMINDERS.c
    query = select(columns.task_id, columns.at).where(
        columns.account_id.in_(locked), columns.task_id.in_(ids)
    )
    return {(row.task_id, row.at) for row in session.execute(query)}


def _reminder(task: Row[Any], at: datetime, now: datetime) -> Fields:
    return {
        "task_id": task.id,
        "at": at,
        "due_at": task.due_at,
        "due_all_day": task.due_all_day,
        "fired_date": now,
        "late": now - at > LATE,
    }


def _fire_again(session: Session, locked: Locked, ids: list[int]) -> int:
    """Fire these snoozed reminders again, and return their number.

    If the task is no longer open, or has another due date, the snooze ends without it.
    """
    now = writes.transaction_date(session)
    columns = REMINDERS.c
    due = (
        select(*REMINDER_COLUMNS, is_current().label("current"))
        .outerjoin(TASKS, of_task())
        .where(columns.id.in_(ids), columns.account_id.in_(locked), columns.snoozed_until <= now)
    )
    updates: dict[int, list[tuple[Fields, Fields]]] = defaultdict(list)
    for reminder in session.execute(due).all():
        again = {"fired_date": now} if reminder.current else {}
        updates[reminder.account_id].append((reminder._asdict(), {"snoozed_until": None, **again}))
    for account_id, rows in updates.items():
        writes.change(session, Reminder, account_id, rows)
    return sum(len(columns) > 1 for rows in updates.values() for _, columns in rows)
