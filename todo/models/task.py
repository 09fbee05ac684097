"""Tasks: what an account has to do."""

from collections import namedtuple
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, Self

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.journalled import Journalled, columns_except
from todo.models.meta import (
    NEVER_REUSE_IDS,
    Base,
    BigInt,
    CodePoints,
    UTCDateTime,
)
from todo.words import fold, indexed_words

NAME_MAX = 255
NOTE_MAX = 10_000


# The account is part of every indexed word: a word that everybody uses is found among one's own.
# PostgreSQL keeps the words in an index over this expression; SQLite in the FTS5 table
# `task_words`, which triggers of the migration fill.
ACCOUNT_DIGITS = 16  # hexadecimal
WORDS = (
    "array_to_tsvector(string_to_array(substr(replace(name_words || note_words, ' ',"
    f" ' ' || lpad(to_hex(account_id), {ACCOUNT_DIGITS}, '0')), 2), ' '))"
)

IS_OPEN = text("completion_date IS NULL")
IS_COMPLETED = text("completion_date IS NOT NULL")


class DueAndDone:
    """The fields of a task that are made of other columns, for objects and rows alike."""

    due_at: Any
    due_all_day: Any
    completion_date: Any

    @property
    def due_date(self) -> date | datetime | None:
        return due_date_of(self.due_at, all_day=self.due_all_day)

    @property
    def completed(self) -> bool:
        return self.completion_date is not None


class TaskColumns(DueAndDone, Journalled):
    """The columns of a task, on the list and in the trash.

    A due date is an instant or a day: `due_at` holds the instant, or the day's 00:00 UTC
    where `due_all_day` is true. Read it as `due_date`.

    `name_folded` is the sort key of names, `name_words` and `note_words` are searched; columns_of()
    sets them with name and note.
    """

    kind: ClassVar[str] = "task"
    database_only: ClassVar[frozenset[str]] = frozenset({"name_folded", "name_words", "note_words"})
    unrecorded: ClassVar[frozenset[str]] = database_only | {
        *("id", "account_id", "revision", "modification_date", "deletion_date"),
        *("due_at", "due_all_day"),  # recorded as due_date
    }

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    revision: Mapped[int] = mapped_column(BigInt, server_default="0")
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    name_folded: Mapped[str] = mapped_column(CodePoints, deferred=True)
    name_words: Mapped[str] = mapped_column(Text, deferred=True)
    note: Mapped[str | None] = mapped_column(Text)
    note_words: Mapped[str] = mapped_column(Text, deferred=True)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_all_day: Mapped[bool] = mapped_column(default=False)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    modification_date: Mapped[datetime] = mapped_column(UTCDateTime)
    completion_date: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def recorded(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super().recorded(row),
            "due_date": due_date_of(row["due_at"], all_day=row["due_all_day"]),
            "completed": row["completion_date"] is not None,
        }


class Task(TaskColumns, Base):
    """A task. It is completed exactly when it has a completion date.

    Its revision is that of its account at its last change.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_MAX}", name="name_length"),
        CheckConstraint(f"length(note) <= {NOTE_MAX}", name="note_length"),
        CheckConstraint(f"length(name_folded) <= {NAME_MAX}", name="name_folded_length"),
        CheckConstraint("due_at IS NOT NULL OR NOT due_all_day", name="due_all_day"),
        # Each order and each filter of a list has its index: docs/tasks.md.
        Index("ix_tasks_account_id_id", "account_id", "id"),
        Index("ix_tasks_name", "account_id", "name_folded", "id"),
        Index("ix_tasks_creation", "account_id", "creation_date", "id"),
        Index("ix_tasks_modification", "account_id", "modification_date", "id"),
        Index("ix_tasks_completion", "account_id", "completion_date", "id"),
        Index(
            "ix_tasks_completed",
            "account_id",
            "id",
            sqlite_where=IS_COMPLETED,
            postgresql_where=IS_COMPLETED,
        ),
        Index("ix_tasks_due", "account_id", "due_at", "id"),
        Index(
            "ix_tasks_open_due",
            "account_id",
            "due_at",
            "id",
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"revision": revision, "modification_date": date}


TASKS: Table = inspect(Task).local_table  # type: ignore[assignment]

TASK_COLUMNS = columns_except(TASKS, Task.database_only)


def row_class(columns: list[Column[Any]]) -> Any:
    """Return the class of the rows of a query of these columns."""
    return namedtuple("_Stored", [column.key for column in columns])


_Stored = row_class(TASK_COLUMNS)


class TaskRow(_Stored, DueAndDone):  # type: ignore[valid-type, misc]
    """A task as a query of TASK_COLUMNS reads it."""

    __slots__ = ()

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Self:
        """Return the task that has these columns."""
        return cls(*(columns[name] for name in cls._fields))


def name_columns(name: str) -> dict[str, Any]:
    """Return the columns that hold the name."""
    return {
        "name": name,
        "name_folded": fold(name)[:NAME_MAX],
        "name_words": indexed_words(name),
    }


def note_columns(note: str | None) -> dict[str, Any]:
    """Return the columns that hold the note."""
    return {"note": note, "note_words": indexed_words(note)}


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that hold the values of fields.

    A field with columns of its own has them here; `completed` is left out, for its column depends
    on the task; any other field is a column of the same name.
    """
    columns = dict(values)
    columns.pop("completed", None)
    if "name" in values:
        columns |= name_columns(values["name"])
    if "note" in values:
        columns |= note_columns(values["note"])
    if "due_date" in values:
        columns |= due_columns(columns.pop("due_date"))
    return columns


def due_date_of(due_at: datetime | None, *, all_day: bool) -> date | datetime | None:
    """Return the due date that the columns hold."""
    return due_at.date() if due_at and all_day else due_at


def due_columns(due_date: date | datetime | None) -> dict[str, Any]:
    """Return the columns that hold the due date."""
    # A datetime is a date to Python, so it is asked for first.
    if due_date is None or isinstance(due_date, datetime):
        return {"due_at": due_date, "due_all_day": False}
    return {"due_at": datetime.combine(due_date, time(), UTC), "due_all_day": True}
