"""Saved filters of tasks."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Table, Text, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.models.journalled import Journalled, columns_except, row_class
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime

NAME_MAX = 255
QUERY_MAX = 2000


class Filter(Journalled, Base):
    """The saved query string of a list of tasks."""

    __tablename__ = "filters"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_MAX}", name="name_length"),
        CheckConstraint(f"length(query) <= {QUERY_MAX}", name="query_length"),
        NEVER_REUSE_IDS,
    )

    kind: ClassVar[str] = "filter"
    database_only: ClassVar[frozenset[str]] = frozenset({"size"})
    unrecorded: ClassVar[frozenset[str]] = database_only | {
        *("id", "account_id", "revision", "modification_date")
    }

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    revision: Mapped[int] = mapped_column(BigInt)
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    query: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer, deferred=True)
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    modification_date: Mapped[datetime] = mapped_column(UTCDateTime)

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        return {"revision": revision, "modification_date": date}


FILTERS: Table = inspect(Filter).local_table  # type: ignore[assignment]

FILTER_COLUMNS = columns_except(FILTERS, Filter.database_only)


class FilterRow(row_class(FILTER_COLUMNS)):  # type: ignore[misc]
    """A row of a query of FILTER_COLUMNS."""

    __slots__ = ()
