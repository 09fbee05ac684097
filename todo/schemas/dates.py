"""Dates in requests: days and instants, in the formats that the API accepts."""

import re
from datetime import date, datetime, tzinfo
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo.days import DAY_FIRST, DEFAULT_ZONE, INSTANT, parse_date


def _schema_pattern(pattern: re.Pattern[str]) -> str:
    """Return the pattern for JSON Schema, which does not support named groups."""
    return "^" + re.sub(r"\?P<\w+>", "?:", pattern.pattern) + "$"


_FORMATS = "2030-02-01T09:30:00Z, 2030-02-01 or 01/02/2030 09:30:00"


def zone_of(info: ValidationInfo) -> tzinfo:
    """Return the time zone of days and of times without an offset in the validated input."""
    zone: tzinfo = (info.context or {}).get("timezone", DEFAULT_ZONE)
    return zone


def _parsed(text: str, info: ValidationInfo, hint: str = "") -> date | datetime:
    try:
        return parse_date(text, zone_of(info))
    except ValueError:
        raise PydanticCustomError("date", f"This is not a date; write {_FORMATS}{hint}.") from None


def _in_body(value: Any, info: ValidationInfo) -> date | datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PydanticCustomError("type", f"This must be a string, such as {_FORMATS}, or null.")
    return _parsed(value, info)


def _in_query(value: str, info: ValidationInfo) -> date | datetime:
    return _parsed(value, info, ", and + as %2B")


_SCHEMAS: list[dict[str, Any]] = [
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": _schema_pattern(INSTANT)},
    {"type": "string", "pattern": _schema_pattern(DAY_FIRST)},
]

DayOrInstant = Annotated[
    date | datetime,
    PlainValidator(_in_query),
    WithJsonSchema({"anyOf": _SCHEMAS, "examples": ["2030-02-01"]}),
]

DateIn = Annotated[
    date | datetime | None,
    PlainValidator(_in_body),
    WithJsonSchema(
        {
            "anyOf": [*_SCHEMAS, {"type": "string", "maxLength": 0}, {"type": "null"}],
            "description": "An RFC 3339 time, whose seconds and offset are optional, a day, or "
            "`DD/MM/YYYY hh:mm:ss`. A time without an offset is in the account's time zone. Null "
            "or an empty string clears the date.",
            "examples": ["2030-02-01T09:30:00+02:00"],
        }
    ),
]
