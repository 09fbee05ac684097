"""Tasks: what an account has to do."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    case,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, validates

from todo.models.journalled import Journalled
from todo.models.meta import (
    NEVER_REUSE_IDS,
    Base,
    BigInt,
    CodePoints,
    UTCDateTime,
)
from todo.models.sql_json import instant_text, json_text
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


class TaskRow(Journalled):
    """What a task has, on the list and in the trash.

    A due date is an instant or a day: `due_at` holds the instant, or the day's 00:00 UTC
    where `due_all_day` is true. Read it as `due_date`.

    `name_folded` is what tasks are sorted by, `name_words` and `note_words` what is searched.
    They are set with name and note. Python reads `name_folded` only, for a cursor; the others
    serve the database.
    """

    kind: ClassVar[str] = "task"
    moved: ClassVar[bool] = True

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

    @property
    def due_date(self) -> date | datetime | None:
        return due_date_of(self.due_at, all_day=self.due_all_day)

    @property
    def completed(self) -> bool:
        return self.completion_date is not None

    @property
    def owner_id(self) -> int:
        return self.account_id

    @staticmethod
    def recorded(value: Callable[[str], Any]) -> dict[str, Any]:
        return {
            "name": value("name"),
            "note": value("note"),
            "creation_date": value("creation_date"),
            "due_date": due_date_of(value("due_at"), all_day=value("due_all_day")),
            "completed": value("completion_date") is not None,
            "completion_date": value("completion_date"),
        }

    @classmethod
    def recorded_json(cls) -> dict[str, ColumnElement[str]]:
        """Return the recorded fields as JSON in SQL, where many rows are changed at once."""
        due_at = instant_text(cls.due_at)
        day = func.substr(due_at, 1, len("2030-02-01"), type_=Text)
        return {
            "name": json_text(cls.name),
            "note": json_text(cls.note),
            "creation_date": json_text(instant_text(cls.creation_date)),
            "due_date": json_text(case((cls.due_all_day, day), else_=due_at)),
            "completed": case((cls.completion_date.is_(None), "false"), else_="true"),
            "completion_date": json_text(instant_text(cls.completion_date)),
        }


class StoredTask(NamedTuple):
    """A task as a row, of which each attribute is Task's."""

    id: int
    revision: int
    name: str
    note: str | None
    due_at: datetime | None
    due_all_day: bool
    creation_date: datetime
    modification_date: datetime
    completion_date: datetime | None
    name_folded: str = ""  # where it is asked for

    @property
    def due_date(self) -> date | datetime | None:
        return due_date_of(self.due_at, all_day=self.due_all_day)

    @property
    def completed(self) -> bool:
        return self.completion_date is not None


class Task(TaskRow, Base):
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

    @validates("name", "note")
    def _fold(self, key: str, value: str | None) -> str | None:
        # Only where it differs: a deferred column that is set counts as modified.
        if value != getattr(self, key):
            columns = name_columns(value or "") if key == "name" else note_columns(value)
            for column in columns.keys() - {key}:
                setattr(self, column, columns[column])
        return value

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"revision": revision, "modification_date": date}


# What a query of StoredTask selects.
STORED = tuple(getattr(Task, name) for name in StoredTask._fields if name != "name_folded")


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


def columns_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that hold the values, but for `completed`, which depends on the task."""
    columns: dict[str, Any] = {}
    if "name" in values:
        columns |= name_columns(values["name"])
    if "note" in values:
        columns |= note_columns(values["note"])
    if "due_date" in values:
        columns |= due_columns(values["due_date"])
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
