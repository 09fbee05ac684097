"""What all models share: the base class, the names of constraints, the column types."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from sqlalchemy import BigInteger, ColumnElement, DateTime, Dialect, Integer, MetaData, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped
from sqlalchemy.sql.functions import GenericFunction
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

    SQLite stores no offset, so what comes back from it is given UTC again.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime names no instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


def encode_json(value: Any) -> str:
    """Return the value as JSON, an instant as RFC 3339 has it: as the API shows it."""
    return msgspec.json.encode(value).decode()


class JSONText(TypeDecorator[Any]):
    """JSON, stored as text: the same on both databases, neither of which looks into it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Base(DeclarativeBase):
    """The base class of all models."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Journalled:
    """An object of an account, whose every change todo/models/journal.py records."""

    kind: ClassVar[str]
    secrets: ClassVar[frozenset[str]] = frozenset()  # fields that are recorded without a value
    moved: ClassVar[bool] = False  # to the trash, where others are deleted

    id: Mapped[int]

    @property
    def owner_id(self) -> int:
        """The account's id."""
        raise NotImplementedError

    @staticmethod
    def recorded(value: Callable[[str], Any]) -> dict[str, Any]:
        """Return the fields that are recorded; `value` gives the value of an attribute."""
        raise NotImplementedError

    @classmethod
    def recorded_json(cls) -> dict[str, ColumnElement[str]]:
        """Return the fields as JSON in SQL, where many rows are changed at once."""
        raise NotImplementedError

    @staticmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        """Return the attributes that a change sets besides what it is about."""
        raise NotImplementedError


class json_text(GenericFunction[str]):  # noqa: N801
    """A text, or NULL, as JSON."""

    type = Text()
    inherit_cache = True


class instant_text(GenericFunction[str]):  # noqa: N801
    """An instant as JSON has it: RFC 3339 in UTC, without a fraction that is zero."""

    type = Text()
    inherit_cache = True


@compiles(json_text, "sqlite")
def _json_text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_quote({compiler.process(element.clauses, **kw)})"


@compiles(json_text, "postgresql")
def _json_text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"coalesce(to_json({compiler.process(element.clauses, **kw)})::text, 'null')"


@compiles(instant_text, "sqlite")
def _instant_text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    instant = compiler.process(element.clauses, **kw)
    return f"replace(replace({instant}, ' ', 'T') || 'Z', '.000000Z', 'Z')"


@compiles(instant_text, "postgresql")
def _instant_text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    instant = compiler.process(element.clauses, **kw)
    pattern = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
    return f"replace(to_char({instant} AT TIME ZONE 'UTC', {pattern}), '.000000Z', 'Z')"
