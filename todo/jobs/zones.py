"""Correct the instants of tasks after a change of the rules of their time zones.

The local time is what the owner of a task has chosen. Its instant was derived by the rules that the
machine had then.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, literal, not_, select, tuple_
from sqlalchemy.orm import Session

from todo import clock
from todo.days import find_zone, instant_of, zone_names
from todo.jobs.purge import accounts_with, end_of_batch, lock
from todo.journal import writes
from todo.listing.dates import is_open
from todo.models import batches
from todo.models.account import ACCOUNTS
from todo.models.task import TASK_COLUMNS, TASKS, Task
from todo.models.task_dates import local_time

DATES = ("start", "due")

_LOCAL = [TASKS.c[f"{name}_local"] for name in DATES]
_COLUMNS = [TASKS.c.timezone, *_LOCAL, *(TASKS.c[f"{name}_at"] for name in DATES)]


def correct_instants(session: Session, pause: Callable[[float], object]) -> int:
    """Correct the future dates of open tasks, and return the number of changed tasks.

    Each batch is committed. `pause` waits between batches, or raises to stop.
    """
    count = 0
    end_batch = end_of_batch(session, pause)
    for name in DATES:
        has_later = exists().where(TASKS.c.account_id == ACCOUNTS.c.id, *_later(name, clock.now()))
        for account_id in accounts_with(session, has_later):
            after, last = clock.now(), 0
            while rows := session.execute(_batch(account_id, name, after, last)).all():
                session.rollback()
                outdated = [row.id for row in rows if _corrected(row)]
                count += _correct(session, account_id, outdated) if outdated else 0
                if outdated or len(rows) == batches.BATCH_SIZE:
                    end_batch()
                after, last = getattr(rows[-1], f"{name}_at"), rows[-1].id
            session.rollback()
    return count


def _later(name: str, after: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions for open tasks with this date at an instant, from this one on."""
    at, all_day = TASKS.c[f"{name}_at"], TASKS.c[f"{name}_all_day"]
    return [is_open(), not_(all_day), at >= after]


def _batch(account_id: int, name: str, after: datetime, last: int) -> Select[Any]:
    """Return the query for the account's next tasks with such a date, without their texts.

    They may have no zone: otherwise, a batch would read all tasks of an account without zones.
    """
    key = (TASKS.c[f"{name}_at"], TASKS.c.id)
    place = tuple_(literal(after, key[0].type), last)
    of_account = (TASKS.c.account_id == account_id, *_later(name, after), tuple_(*key) > place)
    query = select(TASKS.c.id, *_COLUMNS).where(*of_account)
    return query.order_by(*key).limit(batches.BATCH_SIZE)


def _corrected(row: Any) -> dict[str, datetime]:
    """Return the columns with wrong instants, which have other local times than the stored ones.

    If the machine does not have the zone, every instant would look wrong.
    """
    if row.timezone not in zone_names():
        return {}
    zone, columns = find_zone(row.timezone), {}
    for name in DATES:
        at, local = getattr(row, f"{name}_at"), getattr(row, f"{name}_local")
        # An instant with the right local time may be its second occurrence.
        if local is None or at <= clock.now() or local_time(at, zone, all_day=False) == local:
            continue
        try:
            instant = instant_of(local, zone)
        except ValueError:  # after year 9999
            continue
        if instant != at:
            columns[f"{name}_at"] = instant
    return columns


def _correct(session: Session, account_id: int, ids: Sequence[int]) -> int:
    """Correct the tasks of the account, and return their number.

    Skip the account if another transaction is writing to it.
    """
    if not lock(session, account_id):
        return 0
    query = select(*TASK_COLUMNS, *_LOCAL).where(
        TASKS.c.account_id == account_id, TASKS.c.id.in_(ids), is_open()
    )
    rows = [(row._asdict(), _corrected(row)) for row in session.execute(query)]
    updates = [(row, columns) for row, columns in rows if columns]
    writes.change(session, Task, account_id, updates)
    return len(updates)
