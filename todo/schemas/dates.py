"""Due dates and other dates that are days or instants, in the formats of the API.

The document declares them as strings with a pattern: for a choice of `date` and `date-time`, client
generators read a day as an instant, and write back a time.
"""

import re
from datetime import date, datetime, tzinfo
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo import clock
from todo.days import DAY, DAY_FIRST, DEFAULT_ZONE, INSTANT, parse_date, start_of, zone_names
from todo.schemas.meta import WHOLE_SECONDS


def schema_pattern(*patterns: re.Pattern[str]) -> str:
    """Return the pattern for JSON Schema, which does not support named groups."""
    alternatives = "|".join(pattern.pattern for pattern in patterns)
    alternatives = re.sub(r"\(\?P<\w+>([^()|]*)\)", r"\1", alternatives)
    return "^(?:" + re.sub(r"\?P<\w+>", "?:", alternatives) + ")$"


_FORMATS = "2030-02-01T09:30:00Z, 2030-02-01 or 01/02/2030 09:30:00"


def zone_of(info: ValidationInfo) -> tzinfo:
    """Return the time zone of days and of times without an offset in the validated input."""
    zone: tzinfo = (info.context or {}).get("timezone", DEFAULT_ZONE)
    return zone


def _parsed(text: str, zone: tzinfo | None, hint: str = "") -> date | datetime:
    try:
        value = parse_date(text, zone)
    except ValueError:
        raise PydanticCustomError("date", f"This is not a date; write {_FORMATS}{hint}.") from None
    # Answers have whole seconds, so a client could not write a fraction back.
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def _in_zone(value: Any, zone: tzinfo | None) -> date | datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PydanticCustomError("type", f"This must be a string, such as {_FORMATS}, or null.")
    return _parsed(value, zone)


def _in_body(value: Any, info: ValidationInfo) -> date | datetime | None:
    return _in_zone(value, zone_of(info))


def _local(value: Any) -> date | datetime | None:
    return _in_zone(value, None)


def _in_query(value: str, info: ValidationInfo) -> date | datetime:
    return _parsed(value, zone_of(info), ", and + as %2B")


_FORMATS_IN = (DAY, INSTANT, DAY_FIRST)
_EMPTY = re.compile("")

DayOrInstant = Annotated[
    date | datetime,
    PlainValidator(_in_query),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": schema_pattern(*_FORMATS_IN),
            "examples": ["2030-02-01", "2030-02-01T09:30:00Z"],
        }
    ),
]


def _body_schema(zone: str) -> WithJsonSchema:
    """Return the JSON Schema of a date in a body; `zone` is that of a time without an offset."""
    return WithJsonSchema(
        {
            "type": ["string", "null"],
            "pattern": schema_pattern(_EMPTY, *_FORMATS_IN),
            "description": "An RFC 3339 time, whose seconds and offset are optional, a day, or "
            f"`DD/MM/YYYY hh:mm:ss`. A time without an offset is in {zone}. Null or an empty "
            "string clears the date.",
            "examples": ["2030-02-01T09:30:00+02:00", "2030-02-01"],
        }
    )


DateIn = Annotated[
    date | datetime | None,
    PlainValidator(_in_body),
    _body_schema("the account's time zone"),
]
# A time without an offset is a naive local time: its zone depends on the task.
LocalDateIn = Annotated[
    date | datetime | None,
    PlainValidator(_local),
    _body_schema("the `timezone` of the task, or else in that of the account"),
]


OccurrenceIn = Annotated[
    date | datetime | None,
    PlainValidator(_local),
    WithJsonSchema(
        {
            "type": ["string", "null"],
            "pattern": schema_pattern(_EMPTY, *_FORMATS_IN),
            "description": "The due date of the occurrence that the request means, as the task "
            "had it. If it is completed already, nothing is changed.",
            "examples": ["2030-02-01"],
        }
    ),
]


def zone_name(text: str) -> str:
    """Return the name of a time zone. Raise a fault if this machine does not know it."""
    if text not in zone_names():
        raise PydanticCustomError(
            "timezone",
            "This must be the name of a time zone in the IANA database, such as Europe/Berlin "
            "or UTC.",
        )
    return text


def _instant(value: date | datetime | None, info: ValidationInfo) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return start_of(value, zone_of(info))


def _past(value: datetime | None) -> datetime | None:
    if value is not None and value > clock.now():
        raise PydanticCustomError("future", "This must not be in the future.")
    return value


InstantIn = Annotated[DateIn, AfterValidator(_instant)]
PastIn = Annotated[InstantIn, AfterValidator(_past)]

DateOut = Annotated[
    date | datetime | None,
    WithJsonSchema(
        {
            "type": ["string", "null"],
            "pattern": schema_pattern(DAY, re.compile(WHOLE_SECONDS)),
            "examples": ["2030-02-01T09:30:00Z", "2030-02-01"],
        },
    ),
]
