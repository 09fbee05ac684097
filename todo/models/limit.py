"""Counters for rate limits."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, String, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.meta import Base, UTCDateTime

# The name of the counter of an account's writes.
WRITES = "writes"

NAME_MAX = 32
SUBJECT_MAX = 128


class LimitCount(Base):
    """The number of events for a subject since the start of its window."""

    __tablename__ = "limit_counts"
    __table_args__ = (CheckConstraint("count >= 0", name="count"),)

    name: Mapped[str] = mapped_column(String(NAME_MAX), primary_key=True)
    subject: Mapped[str] = mapped_column(String(SUBJECT_MAX), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    expiration_date: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


LIMIT_COUNTS: Table = inspect(LimitCount).local_table  # type: ignore[assignment]
