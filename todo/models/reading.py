"""Rows of queries that were made once, for requests that only read.

A list is opened a hundred times a day, and SQLAlchemy takes longer to run its query than PostgreSQL
and the driver together: docs/decisions/0019-the-hot-path-asks-the-driver.md.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg2
from sqlalchemy import Connection, Select
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.psycopg2.dialect()  # type: ignore[no-untyped-call]


def read(
    connection: Connection, query: Select[Any], values: Mapping[str, Any]
) -> Sequence[tuple[Any, ...]]:
    """Return all rows of the query, whose parameters have these values.

    On PostgreSQL the driver is asked, whose values are as the models have them. The query must be
    one of few, which live as long as the process; and nothing may have been written before it.
    """
    listened_to = connection.engine.dispatch.before_cursor_execute
    if connection.dialect.name == "postgresql" and not listened_to:
        text, constants = _driver_text(query)
        if text:
            try:
                cursor = connection.connection.cursor()
                cursor.execute(text, {**constants, **values})
                rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
            except psycopg2.Error:
                pass  # SQLAlchemy, asked the same, has its own errors, and knows a lost connection
            else:
                return rows
    return connection.execute(query, values).all()


@lru_cache(maxsize=512)
def _driver_text(query: Select[Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the query as the driver has it, and its constants; no text if it depends on values.

    Such is a list of ids, of which each is a parameter.
    """
    compiled = query.compile(dialect=_DIALECT)
    text = "" if "POSTCOMPILE" in compiled.string else compiled.string
    return text, {name: value for name, value in compiled.params.items() if value is not None}
