"""The only JSON encoder, and a column type for JSON."""

import json
from typing import Any

import msgspec
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator


def to_json(value: Any) -> bytes:
    """Return the value as JSON. Dates and aware datetimes are in RFC 3339, with Z for UTC."""
    return msgspec.json.encode(value)


class JSONList(TypeDecorator[list[str]]):
    """A list of texts, stored as JSON; NULL is an empty list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str | None:
        return to_json(value).decode() if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str]:
        return [] if value is None else json.loads(value)


class JSONText(TypeDecorator[Any]):
    """JSON stored as text on both databases: no query looks into it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
