"""The trash: deleted tasks, until they are restored or go for good."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo import clock
from todo.models.journalled import columns_except
from todo.models.meta import Base, BigInt, UTCDateTime
from todo.models.task import DueAndDone, TaskColumns, row_class


class TrashedTask(TaskColumns, Base):
    """A deleted task, as it was, under the id that it had and gets back.

    todo/journal/writes.py moves its row here and back: no query of tasks can find it by mistake,
    and their indexes and words are without it.
    """

    __tablename__ = "trash"
    __table_args__ = (Index("ix_trash_deletion", "account_id", "deletion_date", "id"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    deletion_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"deletion_date": date}


TRASH: Table = inspect(TrashedTask).local_table  # type: ignore[assignment]

# The columns of a deleted task that are read.
TRASH_COLUMNS = columns_except(TRASH, TrashedTask.database_only)
_Stored = row_class(TRASH_COLUMNS)


class TrashRow(_Stored, DueAndDone):  # type: ignore[valid-type, misc]
    """A deleted task as a query of TRASH_COLUMNS reads it."""

    __slots__ = ()


def is_restorable(time: timedelta) -> ColumnElement[bool]:
    """Return the condition that a deleted task is still there, where they are kept for the time.

    Other rows count as gone, though they may still wait to be purged.
    """
    return TRASH.c.deletion_date > clock.now() - time
