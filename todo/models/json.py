"""The one writer of JSON, and the column type that holds JSON."""

import json
from typing import Any

import msgspec
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator


def to_json(value: Any) -> bytes:
    """Return the value as JSON: an aware datetime as RFC 3339, with Z for UTC; a date as a date."""
    return msgspec.json.encode(value)


class JSONText(TypeDecorator[Any]):
    """JSON stored as text: the same on both databases, neither of which looks into it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
