"""The base class of all models, the names of constraints, and column types."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

# Alembic needs names to alter or drop a constraint.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite generates ids only in a column of type INTEGER, which has 64 bits there.
BigInt = BigInteger().with_variant(Integer, "sqlite")

# Text sorted by code point, as SQLite does by default.
CodePoints = Text().with_variant(Text(collation="C"), "postgresql")

ID_MAX = 2**63 - 1
ID_PATTERN = "[1-9][0-9]{0,18}"  # one spelling of each id: ASCII digits, no leading zero

# SQLite would give the id of a deleted last row to the next row, and a client that still has the
# id would change the wrong row.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: stored in UTC, and loaded as an aware datetime in UTC.

    A naive datetime raises ValueError.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # Loading a list spends much of its time here, so do no more than necessary: connections to
        # PostgreSQL are in UTC, and SQLite stores no offset.
        return None if dialect.name == "postgresql" else _from_text


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class ZeroAsNull(TypeDecorator[int]):
    """A number in which 0 means none: stored as NULL, like a date that is missing."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return value or None

    def process_result_value(self, value: int | None, dialect: Dialect) -> int:
        return value or 0


class DueAsNull(TypeDecorator[str]):
    """The date that a recurrence counts from: `due`, stored as NULL, or `completion`."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value == "due" else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str:
        return value or "due"


def where(condition: str) -> dict[str, Any]:
    """Return the options of a partial index."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Base(DeclarativeBase):
    """The base class of all models."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
