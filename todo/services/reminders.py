"""List, dismiss and snooze the reminders that have fired."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.identity import AccountRow
from todo.journal import writes
from todo.models.engine import Database
from todo.models.reminder import (
    NAMED_COLUMNS,
    REMINDERS,
    NamedReminder,
    Reminder,
    is_current,
    of_task,
)
from todo.models.task import TASKS

Fields = dict[str, Any]


class Page(NamedTuple):
    """The reminders of a page, and the id after which the next page begins, or None."""

    reminders: Sequence[NamedReminder]
    after: int | None


def read_reminders(
    db: Database, account: AccountRow, limit: int, *, after: int | None, due: bool
) -> Page:
    """Return a page of the account's reminders, newest first; with `due`, those to show now."""
    query = select(*NAMED_COLUMNS).where(REMINDERS.c.account_id == account.id)
    query = query.outerjoin(TASKS, of_task())
    if after is not None:
        query = query.where(REMINDERS.c.id < after)
    if due:
        query = query.where(*_is_due())
    query = query.order_by(REMINDERS.c.account_id.desc(), REMINDERS.c.id.desc())
    # One more row shows whether others follow.
    rows = list(map(NamedReminder._make, db.execute(query.limit(limit + 1))))
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _is_due() -> list[ColumnElement[bool]]:
    until = REMINDERS.c.snoozed_until
    awake = or_(until.is_(None), until <= clock.now())
    return [REMINDERS.c.dismissed_date.is_(None), awake, is_current()]


def dismiss(session: Session, account: AccountRow, row: NamedReminder) -> NamedReminder:
    """Dismiss the reminder unless it is dismissed already, and return it."""
    if row.dismissed_date is not None:
        return row
    dismissed = {"dismissed_date": writes.transaction_date(session), "snoozed_until": None}
    return _change(session, account, row, dismissed)


def snooze(
    session: Session, account: AccountRow, row: NamedReminder, until: datetime
) -> NamedReminder:
    """Let the reminder fire again at that time, also if it is dismissed, and return it."""
    return _change(session, account, row, {"dismissed_date": None, "snoozed_until": until})


def _change(
    session: Session, account: AccountRow, row: NamedReminder, columns: Fields
) -> NamedReminder:
    [changed] = writes.change(session, Reminder, account.id, [(row._asdict(), columns)])
    return NamedReminder(**changed)
