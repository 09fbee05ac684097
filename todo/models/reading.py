"""Rows of queries that were made once, for requests that only read.

A list is opened a hundred times a day, and to run its query SQLAlchemy takes longer than the driver
of PostgreSQL: see docs/decisions/0019-reads-ask-the-driver.md.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg2
from sqlalchemy import Connection, Select
from sqlalchemy.dialects import postgresql

# It writes parameters as $1::BIGINT, as PREPARE has them.
_NUMBERED = postgresql.psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NAMED = postgresql.psycopg2.dialect()  # type: ignore[no-untyped-call]

Rows = Sequence[tuple[Any, ...]]


def read(
    connection: Connection, query: Select[Any], values: Mapping[str, Any], *, by_key: bool = False
) -> Rows:
    """Return all rows of the query, whose parameters have these values.

    On PostgreSQL the driver is asked, whose values are as the models have them. The query must be
    one of few, which live as long as the process; and nothing may have been written before it.
    `by_key` promises that one plan is the best for all values: it is made once a connection.
    """
    listened_to = connection.engine.dispatch.before_cursor_execute
    if connection.dialect.name == "postgresql" and not listened_to:
        try:
            return (_execute_prepared if by_key else _execute)(connection, query, values)
        except psycopg2.Error:
            pass  # SQLAlchemy, asked the same, has its own errors, and knows a lost connection
    return connection.execute(query, values).all()


def _execute(connection: Connection, query: Select[Any], values: Mapping[str, Any]) -> Rows:
    text, constants = _named(query)
    if "POSTCOMPILE" in text:  # it depends on the values: of a list, each is a parameter
        return connection.execute(query, values).all()
    cursor = connection.connection.cursor()
    cursor.execute(text, {**constants, **values})
    return cursor.fetchall()


def _execute_prepared(
    connection: Connection, query: Select[Any], values: Mapping[str, Any]
) -> Rows:
    text, names, constants = _numbered(query)
    cursor = connection.connection.cursor()
    prepared = connection.info.setdefault("prepared", {})
    if query not in prepared:
        name = f"todo_{len(prepared)}"
        cursor.execute(f"PREPARE {name} AS {text}")
        prepared[query] = f"EXECUTE {name} ({', '.join(['%s'] * len(names))})"
    given = {**constants, **values}
    cursor.execute(prepared[query], [given[name] for name in names])
    return cursor.fetchall()


@lru_cache(maxsize=512)
def _named(query: Select[Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the query with named parameters, and the values of those that are constants."""
    compiled = query.compile(dialect=_NAMED)
    return compiled.string, _constants(compiled)


@lru_cache(maxsize=64)
def _numbered(query: Select[Any]) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """Return the query with numbered parameters, their names in that order, and the constants."""
    compiled: Any = query.compile(dialect=_NUMBERED)
    return compiled.string, compiled.positiontup, _constants(compiled)


def _constants(compiled: Any) -> Mapping[str, Any]:
    return {name: value for name, value in compiled.params.items() if value is not None}
