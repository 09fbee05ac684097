"""Lists of tasks."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Table, Text, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.journalled import Journalled, columns_except, row_class
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, CodePoints, UTCDateTime
from todo.positions import POSITION_MAX

NAME_MAX = 255
NOTE_MAX = 1000


class List(Journalled, Base):
    """A list of tasks. A task without a list is in the inbox.

    The tasks of an archived list are left out of other lists.
    """

    __tablename__ = "lists"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_MAX}", name="name_length"),
        CheckConstraint(f"length(note) <= {NOTE_MAX}", name="note_length"),
        CheckConstraint("length(color) = 7", name="color_length"),
        CheckConstraint(f"length(position) <= {POSITION_MAX}", name="position_length"),
        # The target of the tasks' foreign key: a task and its list have the same account.
        Index("ix_lists_account_id_id", "account_id", "id", unique=True),
        NEVER_REUSE_IDS,
    )

    kind: ClassVar[str] = "list"
    database_only: ClassVar[frozenset[str]] = frozenset({"size"})
    unrecorded: ClassVar[frozenset[str]] = database_only | {
        *("id", "account_id", "revision", "modification_date")
    }

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    revision: Mapped[int] = mapped_column(BigInt)
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    note: Mapped[str | None] = mapped_column(Text)
    color: Mapped[str | None] = mapped_column(String(7))  # #rrggbb
    archived: Mapped[bool] = mapped_column(default=False)
    position: Mapped[str] = mapped_column(CodePoints)
    size: Mapped[int] = mapped_column(Integer, deferred=True)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    modification_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"revision": revision, "modification_date": date}


LISTS: Table = inspect(List).local_table  # type: ignore[assignment]

LIST_COLUMNS = columns_except(LISTS, List.database_only)


class ListRow(row_class(LIST_COLUMNS)):  # type: ignore[misc]
    """A row of a query of LIST_COLUMNS."""

    __slots__ = ()
