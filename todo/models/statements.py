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
    constants: Mapping[str, Any]  # the values of those that have one already
    may_write: bool
    # The name of each parameter, and what makes the driver's value of ours, where it differs.
    given: Sequence[tuple[str, Process | None]]
    # What makes our value of each column; empty where none differs.
    returned: Sequence[Process | None]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the driver's values of the parameters."""
        all_values = {**self.constants, **values}
        return [make(all_values[name]) if make else all_values[name] for name, make in self.given]

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
        prepared[compiled.text] = f"EXECUTE {name} ({', '.join(['%s'] * len(compiled.given))})"
    return prepared[compiled.text]


@lru_cache(maxsize=512)
def _compile(statement: Any, dialect: Dialect, *, prepared: bool) -> Compiled:
    refuse_unrecorded(statement, statement.get_execution_options())
    compiled = statement.compile(dialect=_PREPARED if prepared else _POSITIONAL[dialect.name])
    types = [(name, compiled.binds[name].type) for name in compiled.positiontup or ()]
    given = [(name, each.dialect_impl(dialect).bind_processor(dialect)) for name, each in types]
    columns = (column.type.dialect_impl(dialect) for column in statement.exported_columns)
    returned = [each.result_processor(dialect, None) for each in columns]
    return Compiled(
        text=compiled.string,
        constants={name: value for name, value in compiled.params.items() if value is not None},
        may_write=statement.is_text or not statement.is_select,
        given=given,
        returned=returned if any(returned) else (),
    )
