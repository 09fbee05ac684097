"""Tasks: what an account has to do."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, object_session

from todo import clock
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

NAME_MAX = 255
NOTE_MAX = 10_000


class Task(Base):
    """A task. It is completed exactly when it has a completion date.

    A due date is an instant or a day: `due_at` holds the instant, or the day's 00:00 UTC
    where `due_all_day` is true. Read and set it as `due_date`.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_MAX}", name="name_length"),
        CheckConstraint(f"length(note) <= {NOTE_MAX}", name="note_length"),
        CheckConstraint("due_at IS NOT NULL OR NOT due_all_day", name="due_all_day"),
        Index("ix_tasks_account_id_id", "account_id", "id"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    note: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_all_day: Mapped[bool] = mapped_column(default=False)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    modification_date: Mapped[datetime] = mapped_column(UTCDateTime)
    completion_date: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @property
    def due_date(self) -> date | datetime | None:
        return self.due_at.date() if self.due_at and self.due_all_day else self.due_at

    @due_date.setter
    def due_date(self, value: date | datetime | None) -> None:
        # A datetime is a date to Python, so it is asked for first.
        self.due_all_day = value is not None and not isinstance(value, datetime)
        if value is None or isinstance(value, datetime):
            self.due_at = value
        else:
            self.due_at = datetime.combine(value, time(), UTC)

    @property
    def completed(self) -> bool:
        return self.completion_date is not None

    @classmethod
    def create(cls, account_id: int, values: dict[str, Any]) -> "Task":
        """Return a new task of the account."""
        now = clock.now()
        task = cls(account_id=account_id, creation_date=now, modification_date=now)
        task._set(values, now)
        return task

    def change(self, values: dict[str, Any]) -> None:
        """Set the attributes named in `values` and leave the rest; a real change is dated."""
        now = clock.now()
        self._set(values, now)
        session = object_session(self)
        if session is None or session.is_modified(self):
            self.modification_date = now

    def _set(self, values: dict[str, Any], now: datetime) -> None:
        for name, value in values.items():
            if name != "completed":
                setattr(self, name, value)
            elif value != self.completed:
                self.completion_date = now if value else None
