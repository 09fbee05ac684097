"""Dates coming in: a day or an instant, in the three formats that the API reads."""

import re
from datetime import date, datetime, tzinfo
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo.days import DAY_FIRST, DEFAULT_ZONE, INSTANT, parse_date


def _schema_pattern(pattern: re.Pattern[str]) -> str:
    """Return the pattern as JSON Schema has it, where groups have no names."""
    return "^" + re.sub(r"\?P<\w+>", "?:", pattern.pattern) + "$"


_FORMATS = "2030-02-01T09:30:00Z, 2030-02-01 or 01/02/2030 09:30:00"


def zone_of(info: ValidationInfo) -> tzinfo:
    """Return the zone in which what is validated names days, and times without an offset."""
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
            "description": "An instant (RFC 3339), a day, or day/month/year hour:minute:second. "
            "A time without an offset is in the account's time zone. Empty or null clears.",
            "examples": ["2030-02-01T09:30:00+02:00"],
        }
    ),
]
