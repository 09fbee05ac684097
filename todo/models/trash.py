"""The trash: deleted tasks, until they are restored or go for good."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index
from sqlalchemy.orm import Mapped, mapped_column

from todo import clock
from todo.models.meta import Base, BigInt, UTCDateTime
from todo.models.task import TaskRow

TRASH_DAYS = "todo.trash_days"


class TrashedTask(TaskRow, Base):
    """A deleted task, as it was, under the id that it had and gets back.

    Its row is moved here and back by `Rows` of todo/models/rows.py: no query of tasks can find
    it by mistake, and their indexes and words are without it.
    """

    __tablename__ = "trash"
    __table_args__ = (Index("ix_trash_deletion", "account_id", "deletion_date", "id"),)

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    deletion_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"deletion_date": date}


def is_kept(days: int) -> ColumnElement[bool]:
    """Return the condition that a trashed task is there, where tasks are kept so many days.

    What is not is as good as gone, though its row may still wait to be purged.
    """
    return TrashedTask.deletion_date > kept_since(days)


def kept_since(days: int) -> datetime:
    """Return the moment after which a trashed task must have been deleted to be there."""
    return clock.now() - timedelta(days=days)
