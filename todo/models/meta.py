"""What all models share: the base class, the names of constraints, the column types."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Text
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

# SQLite gives a row its number only in a column of the type INTEGER (which holds 64 bits there).
BigInt = BigInteger().with_variant(Integer, "sqlite")

# Text in the order of its code points, which SQLite has anyway.
CodePoints = Text().with_variant(Text(collation="C"), "postgresql")

ID_MAX = 2**63 - 1
ID_PATTERN = "[1-9][0-9]{0,18}"  # one spelling of each id: ASCII digits, no leading zero

# SQLite would give the id of a deleted last row to the next one, and a client that still knows
# the old row would change the new.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, stored in UTC. A naive one is refused.

    What comes back has UTC again.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime names no instant")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # For all values of a list this is a good part of its time, so it is no more than it must
        # be. The connections to PostgreSQL are in UTC; SQLite stores no offset.
        return None if dialect.name == "postgresql" else _from_text


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class Base(DeclarativeBase):
    """The base class of all models."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
