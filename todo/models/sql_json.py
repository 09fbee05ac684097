"""JSON in the database: a column that holds it, and functions of SQL that write it."""

import json
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator

from todo.http.renderers import to_json


def encode_json(value: Any) -> str:
    """Return the value as JSON, an instant as RFC 3339 has it: as the API shows it."""
    return to_json(value).decode()


class JSONText(TypeDecorator[Any]):
    """JSON, stored as text: the same on both databases, neither of which looks into it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


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
