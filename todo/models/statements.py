"""Statements that were made once, and that the driver runs.

A list is opened a hundred times a day, and to run its query SQLAlchemy takes longer than the
driver: see docs/decisions/0019-the-driver-runs-what-is-hot.md.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from todo.models.journalled import refuse_unrecorded

Tuples = Sequence[tuple[Any, ...]]
Process = Callable[[Any], Any]

# How parameters are written: as $1::BIGINT for PREPARE, else as the drivers have them.
_PREPARED = postgresql.psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_POSITIONAL: Mapping[str, Dialect] = {
    "postgresql": postgresql.psycopg2.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
    "sqlite": sqlite.pysqlite.dialect(paramstyle="qmark"),
}


@dataclass(frozen=True)
class Compiled:
    """A statement as the driver takes it."""

    text: str
    names: Sequence[str]  # of the parameters, in their order
    constants: Mapping[str, Any]  # the values of those that have one already
    may_write: bool
    given: Mapping[str, Process]  # what makes the driver's value of a parameter, where it differs
    returned: Sequence[Process | None]  # what makes ours of a column; empty where none differs

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the driver's values of the parameters."""
        all_values = {**self.constants, **values}
        return [
            self.given[name](all_values[name]) if name in self.given else all_values[name]
            for name in self.names
        ]

    def rows(self, rows: Tuples) -> Tuples:
        """Return the driver's rows with our values."""
        if not rows or not self.returned:
            return rows
        columns: Iterable[Any] = zip(*rows, strict=True)
        pairs = zip(self.returned, columns, strict=True)
        return [*zip(*(map(make, column) if make else column for make, column in pairs))]  # noqa: B905


def run(
    connection: Connection,
    statement: Executable,
    values: Mapping[str, Any],
    *,
    one_plan: bool = False,
) -> Tuples:
    """Run the statement, whose parameters have these values, and return all rows, if there are any.

    It must be one of few that are made once. `one_plan` promises that one plan is the best for all
    values, as where rows are found by a key: PostgreSQL makes it once a connection. Errors of the
    driver are those of SQLAlchemy. Who listens to its statements, as the tests do, sees this one.
    """
    dialect = connection.dialect
    prepared = one_plan and dialect.name == "postgresql"
    compiled = _compile(statement, dialect, prepared=prepared)
    # Where a list of values is a parameter, the text depends on it.
    if connection.engine.dispatch.before_cursor_execute or "POSTCOMPILE" in compiled.text:
        result = connection.execute(statement, values)
        return result.all() if result.returns_rows else []
    if compiled.may_write and not connection.in_transaction():
        connection.begin()
    cursor: Any = None
    try:
        cursor = connection.connection.cursor()
        text = _prepare(connection, compiled, cursor) if prepared else compiled.text
        cursor.execute(text, compiled.parameters(values))
        return compiled.rows(cursor.fetchall() if cursor.description else [])
    except dialect.loaded_dbapi.Error as error:
        # Raises what SQLAlchemy's own way does, and drops connections that are lost. There is no
        # public way to it.
        connection._handle_dbapi_exception(error, compiled.text, None, cursor, None)


def _prepare(connection: Connection, compiled: Compiled, cursor: Any) -> str:
    """Return what executes the statement, which PostgreSQL is told once a connection."""
    prepared: dict[str, str] = connection.info.setdefault("prepared", {})
    if compiled.text not in prepared:
        name = f"todo_{len(prepared)}"
        cursor.execute(f"PREPARE {name} AS {compiled.text}")
        prepared[compiled.text] = f"EXECUTE {name} ({', '.join(['%s'] * len(compiled.names))})"
    return prepared[compiled.text]


@lru_cache(maxsize=512)
def _compile(statement: Any, dialect: Dialect, *, prepared: bool) -> Compiled:
    refuse_unrecorded(statement, statement.get_execution_options())
    compiled = statement.compile(dialect=_PREPARED if prepared else _POSITIONAL[dialect.name])
    names = compiled.positiontup or ()

    def processes(method: str, types: Iterable[TypeEngine[Any]], *arguments: Any) -> list[Any]:
        return [getattr(each.dialect_impl(dialect), method)(dialect, *arguments) for each in types]

    types = [compiled.binds[name].type for name in names]
    given = zip(names, processes("bind_processor", types), strict=True)
    returned = processes(
        "result_processor", (column.type for column in statement.exported_columns), None
    )
    return Compiled(
        text=compiled.string,
        names=names,
        constants={name: value for name, value in compiled.params.items() if value is not None},
        may_write=statement.is_text or not statement.is_select,
        given={name: process for name, process in given if process},
        returned=returned if any(returned) else (),
    )
