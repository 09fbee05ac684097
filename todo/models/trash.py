"""The trash: deleted tasks, until they are restored or purged."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Index, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo import clock
from todo.models.journalled import columns_except, row_class
from todo.models.meta import Base, BigInt, UTCDateTime
from todo.models.task import IS_OCCURRENCE, IS_SUBTASK, DerivedFields, TaskColumns


class TrashedTask(TaskColumns, Base):
    """A deleted task. It keeps its fields and its id, also when it is restored.

    todo/journal/writes.py moves rows here and back, so that no query of tasks includes deleted ones
    by mistake, and the indexes of tasks do not contain them.
    """

    __tablename__ = "trash"
    __table_args__ = (
        Index("ix_trash_deletion", "account_id", "deletion_date", "id"),
        Index("ix_trash_uid", "account_id", "uid", unique=True),
        Index("ix_trash_parent", "account_id", "parent_id", **IS_SUBTASK),
        Index("ix_trash_occurrence", "account_id", "occurrence_of", "id", **IS_OCCURRENCE),
    )

    is_trash: ClassVar[bool] = True

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    deletion_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"deletion_date": date}


TRASH: Table = inspect(TrashedTask).local_table  # type: ignore[assignment]

TRASH_COLUMNS = columns_except(TRASH, TrashedTask.database_only)


class TrashRow(row_class(TRASH_COLUMNS), DerivedFields):  # type: ignore[misc]
    """A row of a query of TRASH_COLUMNS."""

    __slots__ = ()


def is_restorable(retention: timedelta) -> ColumnElement[bool]:
    """Return the condition for deleted tasks within the retention.

    Older tasks count as purged, even if the purge has not deleted them yet.
    """
    return TRASH.c.deletion_date > clock.now() - retention
