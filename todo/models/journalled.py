"""The base class of journalled models, and a guard against changes that bypass the journal."""

from abc import abstractmethod
from collections import namedtuple
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import Column, Connection, Table
from sqlalchemy.orm import Mapped

from todo.models.size import ROW_SIZE, text_size

# The execution option of statements that the journal records, or that change no recorded field.
RECORDED = {"recorded": True}


class Journalled:
    """A kind of object that belongs to an account. todo/journal/ records its columns as fields."""

    __table__: ClassVar[Any]

    kind: ClassVar[str]
    # Columns that are not recorded as they are: keys, stamps, and the database-only ones.
    unrecorded: ClassVar[frozenset[str]]
    database_only: ClassVar[frozenset[str]] = frozenset()  # used in queries, but never loaded
    secrets: ClassVar[frozenset[str]] = frozenset()  # fields recorded without their values
    # Computed columns that also depend on the time, and the columns that they are computed from.
    # They are set when one of these changes, or the object is restored, and only then.
    timed: ClassVar[Mapping[str, frozenset[str]]] = MappingProxyType({})
    is_undoable: ClassVar[bool] = True
    is_trash: ClassVar[bool] = False  # whether the table has the deleted objects of a kind

    id: Mapped[int]

    @classmethod
    def recorded(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recorded fields of a row, by their names in the API."""
        return {name: row[name] for name in _recorded_columns(cls)}  # type: ignore[arg-type]

    @classmethod
    def columns_of(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that hold these recorded fields."""
        return dict(fields)

    @classmethod
    def computed_columns(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that follow from others, such as the size of the row if it has one."""
        if "size" not in cls.__table__.c:
            return {}
        return {"size": ROW_SIZE + text_size(cls.recorded(row))}

    @classmethod
    def counted_in(cls, _row: Mapping[str, Any]) -> tuple[int | None, Mapping[str, int]]:
        """Return the id of another object that counts this one, and by how much its counters."""
        return None, {}

    @staticmethod
    @abstractmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        """Return the columns that every change sets, such as the revision."""


def refuse_unrecorded(
    _connection: Connection, statement: Any, _rows: Any, _row: Any, options: Mapping[str, Any]
) -> None:
    """Raise RuntimeError for a statement that changes a journalled table without a record.

    As a listener to `before_execute` of the writing engine, it also sees a session's unit of work.
    """
    if not getattr(statement, "is_dml", False) or options.get("recorded"):
        return
    if statement.table.name in _journalled_tables():
        raise RuntimeError(
            f"unrecorded change to {statement.table.name}: use todo/journal/writes.py, or the "
            "execution option recorded=True if no recorded field changes"
        )


@cache
def _recorded_columns(model: Any) -> list[str]:
    return [column.key for column in columns_except(model.__table__, model.unrecorded)]


@cache
def _journalled_tables() -> set[str]:
    """Return the names of the journalled tables."""
    return {model.__tablename__ for model in _journalled_models()}


def _journalled_models() -> Iterator[Any]:
    models = [Journalled]
    while models:
        model = models.pop()
        models += model.__subclasses__()
        if hasattr(model, "__tablename__"):
            yield model


@cache
def kinds() -> tuple[str, ...]:
    """Return the kinds of objects that the journal records, sorted."""
    return tuple(sorted({model.kind for model in _journalled_models()}))


@cache
def model_of(kind: str) -> Any:
    """Return the model of the kind's objects, except deleted ones."""
    [model] = (each for each in _journalled_models() if each.kind == kind and not each.is_trash)
    return model


@cache
def trash_of(kind: str) -> Any:
    """Return the model of the kind's deleted objects, or None: the journal alone has them."""
    found = (each for each in _journalled_models() if each.kind == kind and each.is_trash)
    return next(found, None)


def columns_except(table: Table, excluded: frozenset[str]) -> list[Column[Any]]:
    """Return the columns of the table, except those with the excluded names."""
    return [column for column in table.c if column.key not in excluded]


def row_class(columns: list[Column[Any]]) -> Any:
    """Return a named tuple class for the rows of a query of these columns."""
    return namedtuple("_Stored", [column.key for column in columns])


@cache
def default_columns(model: Any) -> dict[str, Any]:
    """Return the values of the columns with a default, and None for other nullable columns."""
    return {
        column.key: getattr(column.default, "arg", None)
        for column in model.__table__.c
        if column.default or column.nullable
    }
