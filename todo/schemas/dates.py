"""Dates coming in: a day or an instant, in the three formats that the API reads."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo.days import DEFAULT_ZONE, instant_of

_DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# RFC 3339, section 5.6; without the offset it is a local time.
_INSTANT = re.compile(
    _DAY.pattern
    + r"[Tt ]"
    + _TIME
    + r"(?:\.(?P<fraction>[0-9]+))?(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
# The original format of this API.
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{2})/(?P<month>[0-9]{2})/(?P<year>[0-9]{4}) " + _TIME)


def _schema_pattern(pattern: re.Pattern[str]) -> str:
    """Return the pattern as JSON Schema has it, where groups have no names."""
    return "^" + re.sub(r"\?P<\w+>", "?:", pattern.pattern) + "$"


_FORMATS = "2030-02-01T09:30:00Z, 2030-02-01 or 01/02/2030 09:30:00"


def zone_of(info: ValidationInfo) -> tzinfo:
    """Return the zone in which what is validated names days, and times without an offset."""
    zone: tzinfo = (info.context or {}).get("timezone", DEFAULT_ZONE)
    return zone


def parse_date(text: str, zone: tzinfo = UTC) -> date | datetime:
    """Return the day, or the instant in UTC, that the text names; raises ValueError.

    A time without an offset is read in the zone. Digits after the microseconds are dropped.
    """
    if match := _DAY.fullmatch(text):
        return date(*_numbers(match, "year", "month", "day"))
    match = _INSTANT.fullmatch(text) or _DAY_FIRST.fullmatch(text)
    if match is None:
        raise ValueError("no known format")
    parts = match.groupdict()
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    local = datetime.combine(
        date(*_numbers(match, "year", "month", "day")),
        time(*_numbers(match, "hour", "minute", "second"), microsecond),
    )
    offset = parts.get("offset")
    return instant_of(local, zone if offset is None else _offset(offset))


def _numbers(match: re.Match[str], *names: str) -> tuple[int, int, int]:
    first, second, third = (int(match[name]) for name in names)
    return first, second, third


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


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
    {"type": "string", "pattern": _schema_pattern(_INSTANT)},
    {"type": "string", "pattern": _schema_pattern(_DAY_FIRST)},
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
