"""Reminders that have fired. Those that a task still has are its field `reminders`."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, ForeignKey, Index, Integer, Table, and_, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.journalled import Journalled, columns_except, row_class
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime, where
from todo.models.task import TASKS
from todo.models.task_dates import date_of

RETENTION = timedelta(days=30)  # after a reminder has fired, unless it is snoozed


class Reminder(Journalled, Base):
    """A reminder of a task that has fired.

    `at` is the instant that it was for, so a task fires once for each. The due date is the one that
    the task had then. The task may be in the trash, or purged.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        Index("ix_reminders_at", "account_id", "task_id", "at", unique=True),
        Index("ix_reminders_account_id_id", "account_id", "id"),
        Index("ix_reminders_fired", "fired_date"),
        Index("ix_reminders_unseen", "account_id", "id", **where("dismissed_date IS NULL")),
        Index("ix_reminders_snoozed", "snoozed_until", "id", **where("snoozed_until IS NOT NULL")),
        NEVER_REUSE_IDS,
    )

    kind: ClassVar[str] = "reminder"
    is_undoable: ClassVar[bool] = False
    database_only: ClassVar[frozenset[str]] = frozenset({"size"})
    unrecorded: ClassVar[frozenset[str]] = database_only | {
        *("id", "account_id", "revision", "modification_date"),
        *("due_at", "due_all_day"),  # recorded as due_date
    }

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    revision: Mapped[int] = mapped_column(BigInt)
    task_id: Mapped[int] = mapped_column(BigInt)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_all_day: Mapped[bool]
    fired_date: Mapped[datetime] = mapped_column(UTCDateTime)
    late: Mapped[bool]  # it fired more than a day after `at`
    snoozed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dismissed_date: Mapped[datetime | None] = mapped_column(UTCDateTime)
    size: Mapped[int] = mapped_column(Integer, deferred=True)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    modification_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @classmethod
    def recorded(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        due_date: date | None = date_of(row["due_at"], all_day=row["due_all_day"])
        return {**super().recorded(row), "due_date": due_date}

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"revision": revision, "modification_date": date}


REMINDERS: Table = inspect(Reminder).local_table  # type: ignore[assignment]

REMINDER_COLUMNS = columns_except(REMINDERS, Reminder.database_only)


class ReminderRow(row_class(REMINDER_COLUMNS)):  # type: ignore[misc]
    """A row of a query of REMINDER_COLUMNS."""

    __slots__ = ()


# A reminder with the name of its task, or null if that is deleted.
NAMED_COLUMNS = [*REMINDER_COLUMNS, TASKS.c.name]


class NamedReminder(row_class(NAMED_COLUMNS)):  # type: ignore[misc]
    """A row of a query of NAMED_COLUMNS."""

    __slots__ = ()


def of_task() -> ColumnElement[bool]:
    """Return the condition that joins a reminder with its task."""
    return and_(TASKS.c.account_id == REMINDERS.c.account_id, TASKS.c.id == REMINDERS.c.task_id)


def is_current() -> ColumnElement[bool]:
    """Return the condition for reminders whose tasks are open and have the same due date as then.

    The query must join them with of_task().
    """
    return and_(
        TASKS.c.completion_date.is_(None),
        TASKS.c.due_at.is_not_distinct_from(REMINDERS.c.due_at),
        TASKS.c.due_all_day == REMINDERS.c.due_all_day,
    )
