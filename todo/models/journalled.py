"""Models whose every change is recorded, and the guard that refuses a change past the journal."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import Column, Connection, Table
from sqlalchemy.orm import Mapped

# The execution option of a statement that the journal records, or that changes no recorded field.
RECORDED = {"recorded": True}


class Journalled:
    """An object of an account. Its columns are its fields: todo/journal/ reads them from here."""

    __table__: ClassVar[Any]

    kind: ClassVar[str]
    # Columns that no record shows: keys, stamps, and columns that serve the database.
    unrecorded: ClassVar[frozenset[str]]
    database_only: ClassVar[frozenset[str]] = frozenset()  # columns that serve the database alone
    secrets: ClassVar[frozenset[str]] = frozenset()  # fields that are recorded without a value

    id: Mapped[int]

    @classmethod
    def recorded(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recorded fields of a row, named as the API names them."""
        return {name: row[name] for name in _recorded_columns(cls)}  # type: ignore[arg-type]

    @staticmethod
    @abstractmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        """Return the columns that every change sets, such as the revision."""


def refuse_unrecorded(
    _connection: Connection, statement: Any, _rows: Any, _row: Any, options: Mapping[str, Any]
) -> None:
    """Raise RuntimeError for a statement that changes a journalled table without a record.

    It listens to `before_execute` of engines that write, so it sees a session's unit of work, too.
    """
    if not getattr(statement, "is_dml", False) or options.get("recorded"):
        return
    if statement.table.name in _tables():
        raise RuntimeError(
            f"this would change {statement.table.name} unrecorded: use todo/journal/writes.py, or "
            "the execution option recorded=True where no recorded field changes"
        )


@cache
def _recorded_columns(model: Any) -> list[str]:
    return [column.key for column in columns_except(model.__table__, model.unrecorded)]


@cache
def _tables() -> set[str]:
    """Return the names of the journalled tables."""
    models, found = [Journalled], set()
    while models:
        model = models.pop()
        models += model.__subclasses__()
        found.add(getattr(model, "__tablename__", ""))
    return found


def columns_except(table: Table, left_out: frozenset[str]) -> list[Column[Any]]:
    """Return the columns of the table but those that are named."""
    return [column for column in table.c if column.key not in left_out]
