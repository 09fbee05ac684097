"""Tasks, and the columns that hold their fields."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    Time,
    inspect,
)
from sqlalchemy.orm import Mapped, mapped_column

from todo import clock
from todo.days import find_zone
from todo.models.account import TIMEZONE_MAX
from todo.models.journalled import Journalled, columns_except, row_class
from todo.models.json import JSONList
from todo.models.label import label_key
from todo.models.meta import (
    NEVER_REUSE_IDS,
    Base,
    BigInt,
    CodePoints,
    DueAsNull,
    UTCDateTime,
    ZeroAsNull,
    where,
)
from todo.models.task_dates import DATE_FIELDS, date_of, due_columns, local_time, start_columns
from todo.positions import POSITION_MAX
from todo.recurrence.rule import RULE_MAX
from todo.reminders import LATE, Schedule
from todo.words import fold, indexed_words

NAME_MAX = 255
NOTE_MAX = 10_000
UID_MAX = 255
PRIORITY_MAX = 9
TIMED_FIELDS = (*DATE_FIELDS, "reminders")  # their columns depend on the time zone of the task
DEPTH_MAX = 5  # levels of tasks, of which the first has no parent

# Every indexed word starts with its account's id, so a search for a common word reads only this
# account's entries. PostgreSQL indexes this expression; SQLite has the FTS5 tables `task_words`
# and `trash_words`, which triggers of migrations 0004 and 0008 fill.
ACCOUNT_DIGITS = 16  # hexadecimal
WORDS = (
    "array_to_tsvector(string_to_array(substr(replace("
    "name_words || note_words || coalesce(label_words, ''), ' ',"
    f" ' ' || lpad(to_hex(account_id), {ACCOUNT_DIGITS}, '0')), 2), ' '))"
)

# Conditions of partial indexes.
IS_OPEN = where("completion_date IS NULL")
IS_COMPLETED = where("completion_date IS NOT NULL")
IS_SUBTASK = where("parent_id IS NOT NULL")
HAS_START = where("start_at IS NOT NULL")
IS_LABELLED = where("label_keys IS NOT NULL")
IS_OCCURRENCE = where("occurrence_of IS NOT NULL")
HAS_REMINDER = where("remind_at IS NOT NULL")


COUNTERS = frozenset({"subtasks_total", "subtasks_open"})


class DerivedFields:
    """The fields of a task that derive from other columns, for ORM objects and rows."""

    due_at: Any
    due_all_day: Any
    start_at: Any
    start_all_day: Any
    completion_date: Any

    @property
    def start_date(self) -> date | datetime | None:
        return date_of(self.start_at, all_day=self.start_all_day)

    @property
    def due_date(self) -> date | datetime | None:
        return date_of(self.due_at, all_day=self.due_all_day)

    @property
    def completed(self) -> bool:
        return self.completion_date is not None


class TaskColumns(DerivedFields, Journalled):
    """The columns of a task, both in lists and in the trash.

    `due_date` is an instant or a day. `due_at` stores the instant or, if `due_all_day` is true,
    00:00 UTC of the day. So does `start_date`. `due_local` and `start_local` are the local times of
    instants in the task's time zone.

    `name_folded` is the sort key of names; `name_words`, `note_words` and `label_words` are for
    search. `label_keys` are the labels without regard to case; triggers of migration 0015 index
    them in TASK_LABELS. columns_of() sets these with name, note and labels. `size` is explained in
    todo/models/size.py.

    `recurrence_time` is the local time at which a task recurs, since it has gone on. It differs
    from that of `due_at` on a day on which the clocks skip it.
    """

    kind: ClassVar[str] = "task"
    database_only: ClassVar[frozenset[str]] = frozenset(
        {
            *("name_folded", "name_words", "note_words", "label_keys", "label_words", "size"),
            *("due_local", "start_local"),
        }
    )
    unrecorded: ClassVar[frozenset[str]] = database_only | {
        *("id", "account_id", "revision", "modification_date", "deletion_date"),
        *("due_at", "due_all_day"),  # recorded as due_date
        *("start_at", "start_all_day"),  # recorded as start_date
        "recurrence_time",
    }

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    revision: Mapped[int] = mapped_column(BigInt, server_default="0")
    uid: Mapped[str] = mapped_column(String(UID_MAX))
    list_id: Mapped[int | None] = mapped_column(BigInt)
    parent_id: Mapped[int | None] = mapped_column(BigInt)
    position: Mapped[str] = mapped_column(CodePoints)
    priority: Mapped[int | None] = mapped_column(ZeroAsNull, default=0)
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    name_folded: Mapped[str] = mapped_column(CodePoints, deferred=True)
    name_words: Mapped[str] = mapped_column(Text, deferred=True)
    note: Mapped[str | None] = mapped_column(Text)
    note_words: Mapped[str] = mapped_column(Text, default="", deferred=True)
    labels: Mapped[list[str]] = mapped_column(JSONList, nullable=True)
    label_keys: Mapped[list[str]] = mapped_column(JSONList, nullable=True, deferred=True)
    label_words: Mapped[str | None] = mapped_column(Text, deferred=True)
    reminders: Mapped[list[dict[str, str]]] = mapped_column(JSONList, nullable=True)
    size: Mapped[int] = mapped_column(Integer, server_default="0", deferred=True)
    start_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    start_all_day: Mapped[bool | None] = mapped_column(default=False)
    start_local: Mapped[datetime | None] = mapped_column(DateTime, deferred=True)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_all_day: Mapped[bool] = mapped_column(default=False)
    due_local: Mapped[datetime | None] = mapped_column(DateTime, deferred=True)
    # A zone name of the IANA database. Without one, times without an offset are in the zone of the
    # account.
    timezone: Mapped[str | None] = mapped_column(String(TIMEZONE_MAX))
    recurrence: Mapped[str | None] = mapped_column(String(RULE_MAX))
    recurrence_from: Mapped[str] = mapped_column(DueAsNull, nullable=True, default="due")
    recurrence_time: Mapped[time | None] = mapped_column(Time)
    occurrence_of: Mapped[int | None] = mapped_column(BigInt)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    modification_date: Mapped[datetime] = mapped_column(UTCDateTime)
    completion_date: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @classmethod
    def recorded(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super().recorded(row),
            "start_date": date_of(row["start_at"], all_day=row["start_all_day"]),
            "due_date": date_of(row["due_at"], all_day=row["due_all_day"]),
            "completed": row["completion_date"] is not None,
        }

    @classmethod
    def computed_columns(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        zone = find_zone(row["timezone"]) if row["timezone"] else None
        return {
            **super().computed_columns(row),
            "start_local": local_time(row["start_at"], zone, all_day=row["start_all_day"]),
            "due_local": local_time(row["due_at"], zone, all_day=row["due_all_day"]),
        }

    @classmethod
    def columns_of(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        # `completed` follows from completion_date.
        return columns_of({name: value for name, value in fields.items() if name != "completed"})


class Task(TaskColumns, Base):
    """A task. It is completed if and only if it has a completion date.

    Its revision is the account's revision at its last change. `subtasks_total` and `subtasks_open`
    count its direct subtasks; todo/journal/writes.py keeps them current. They are not part of the
    task's version.

    `remind_at` is null if no reminder is left to fire. The job fires those from this time on, and
    must look at the task then. It is set when the task changes, not later than the first of them,
    whose time may depend on the zone of the account; todo/jobs/reminders.py advances it.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_MAX}", name="name_length"),
        CheckConstraint(f"length(note) <= {NOTE_MAX}", name="note_length"),
        CheckConstraint(f"length(name_folded) <= {NAME_MAX}", name="name_folded_length"),
        CheckConstraint("due_at IS NOT NULL OR NOT due_all_day", name="due_all_day"),
        CheckConstraint(f"length(uid) BETWEEN 1 AND {UID_MAX}", name="uid_length"),
        CheckConstraint(f"length(position) <= {POSITION_MAX}", name="position_length"),
        CheckConstraint("recurrence IS NULL OR due_at IS NOT NULL", name="recurrence_due"),
        CheckConstraint(f"priority BETWEEN 1 AND {PRIORITY_MAX}", name="priority_range"),
        # A task, its list and its parent have the same account. Checked when a transaction ends,
        # because an undo restores a list, a parent and their tasks in any order.
        ForeignKeyConstraint(
            ["account_id", "list_id"],
            ["lists.account_id", "lists.id"],
            deferrable=True,
            initially="DEFERRED",
        ),
        ForeignKeyConstraint(
            ["account_id", "parent_id"],
            ["tasks.account_id", "tasks.id"],
            deferrable=True,
            initially="DEFERRED",
        ),
        # Each order and each filter of a list has an index; see docs/tasks.md.
        Index("ix_tasks_account_id_id", "account_id", "id", unique=True),
        Index("ix_tasks_uid", "account_id", "uid", unique=True),
        Index("ix_tasks_position", "account_id", "position", "id"),
        Index("ix_tasks_list", "account_id", "list_id", "position", "id"),
        Index("ix_tasks_parent", "account_id", "parent_id", "position", "id", **IS_SUBTASK),
        Index("ix_tasks_start", "account_id", "start_at", "id", **HAS_START),
        Index("ix_tasks_occurrence", "account_id", "occurrence_of", "id", **IS_OCCURRENCE),
        Index("ix_tasks_labelled", "account_id", "id", **IS_LABELLED),
        Index("ix_tasks_remind", "remind_at", "id", **HAS_REMINDER),
        Index("ix_tasks_priority", "account_id", "priority", "id"),
        Index("ix_tasks_name", "account_id", "name_folded", "id"),
        Index("ix_tasks_creation", "account_id", "creation_date", "id"),
        Index("ix_tasks_modification", "account_id", "modification_date", "id"),
        Index("ix_tasks_completion", "account_id", "completion_date", "id"),
        Index(
            "ix_tasks_completed",
            "account_id",
            "id",
            **IS_COMPLETED,
        ),
        # Days and times are apart: a list by due date merges them (todo/listing/due_order.py).
        Index("ix_tasks_due", "account_id", "due_all_day", "due_at", "id"),
        Index(
            "ix_tasks_open_due",
            "account_id",
            "due_all_day",
            "due_at",
            "id",
            **IS_OPEN,
        ),
        NEVER_REUSE_IDS,
    )

    database_only: ClassVar[frozenset[str]] = TaskColumns.database_only | {"remind_at"}
    unrecorded: ClassVar[frozenset[str]] = TaskColumns.unrecorded | COUNTERS | {"remind_at"}
    timed: ClassVar[Mapping[str, frozenset[str]]] = MappingProxyType(
        {
            "remind_at": frozenset(
                {"reminders", "due_at", "due_all_day", "timezone", "completion_date"}
            )
        }
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    subtasks_total: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    subtasks_open: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    remind_at: Mapped[datetime | None] = mapped_column(UTCDateTime, deferred=True)

    @classmethod
    def computed_columns(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        is_reminded = row["reminders"] and row["completion_date"] is None
        since = clock.now() - LATE
        remind_at = schedule_of(row).first(since) if is_reminded else None
        return super().computed_columns(row) | {"remind_at": remind_at}

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"revision": revision, "modification_date": date}

    @classmethod
    def counted_in(cls, row: Mapping[str, Any]) -> tuple[int | None, Mapping[str, int]]:
        is_open = row["completion_date"] is None
        return row["parent_id"], {"subtasks_total": 1, "subtasks_open": int(is_open)}


TASKS: Table = inspect(Task).local_table  # type: ignore[assignment]

TASK_COLUMNS = columns_except(TASKS, Task.database_only)


class TaskRow(row_class(TASK_COLUMNS), DerivedFields):  # type: ignore[misc]
    """A row of a query of TASK_COLUMNS."""

    __slots__ = ()

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Self:
        """Return the task with these columns."""
        return cls(*(columns[name] for name in cls._fields))

    @property
    def subtasks(self) -> dict[str, int]:
        return {"total": self.subtasks_total, "open": self.subtasks_open}


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


def label_columns(names: list[str]) -> dict[str, Any]:
    """Return the columns that hold the labels."""
    return {
        "labels": names,
        "label_keys": list(map(label_key, names)),
        "label_words": indexed_words(" ".join(names)) or None,
    }


def schedule_of(row: Mapping[str, Any], zone: ZoneInfo | None = None) -> Schedule:
    """Return the reminders of a task with their dates; `zone` is that of its account."""
    zone = find_zone(row["timezone"]) if row["timezone"] else zone
    return Schedule(row["reminders"] or [], row["due_at"], bool(row["due_all_day"]), zone)


# The fields that are kept in other columns than one of the same name.
_COLUMNS_OF_FIELDS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "name": name_columns,
    "note": note_columns,
    "labels": label_columns,
    "start_date": start_columns,
    "due_date": due_columns,
}


def columns_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that hold these fields.

    `completed` remains, because its column depends on the task.
    """
    columns: dict[str, Any] = {}
    for name, value in fields.items():
        columns_of_field = _COLUMNS_OF_FIELDS.get(name)
        columns |= columns_of_field(value) if columns_of_field else {name: value}
    return columns
