"""Days and instants: parsing, and conversion between them in a time zone."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from todo import clock

logger = logging.getLogger(__name__)

# The machine's own zone and a placeholder: their meaning depends on the machine.
EXCLUDED_ZONES = {"localtime", "Factory"}

DEFAULT_ZONE = ZoneInfo("UTC")

DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_MINUTE = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
_SECOND = r":(?P<second>[0-9]{2})"
# RFC 3339, section 5.6, or a local time as <input type="datetime-local"> sends it: the offset and
# the seconds are optional.
INSTANT = re.compile(
    DAY.pattern
    + r"[Tt ]"
    + _MINUTE
    + rf"(?:{_SECOND}(?:\.(?P<fraction>[0-9]+))?)?(?P<offset>[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?"
)
# The original format of this API.
DAY_FIRST = re.compile(
    r"(?P<day>[0-9]{2})/(?P<month>[0-9]{2})/(?P<year>[0-9]{4}) " + _MINUTE + _SECOND
)

FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)


@cache
def zone_names() -> frozenset[str]:
    """Return the time zone names of this machine's IANA database, in their exact case."""
    return frozenset(available_timezones()) - EXCLUDED_ZONES


@cache
def find_zone(name: str) -> ZoneInfo:
    """Return the zone of a stored name, or UTC if this machine does not have it.

    Log that once. Wrong times are better than errors, because the owner can still use the account
    and correct them.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        logger.error("This machine has no time zone %r; update tzdata. UTC is used instead.", name)
        return DEFAULT_ZONE


def in_whole_seconds(instant: datetime) -> datetime:
    """Return the instant as answers show it.

    Some parsers, such as Swift's, accept times either with a fraction or without one.
    """
    return instant.replace(microsecond=0)


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, of a naive local time in the zone.

    An ambiguous time is the earlier instant, and a skipped time uses the offset before the gap
    (PEP 495, fold=0). Raise ValueError if the result is not in the years 1 to 9999.
    """
    try:
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        raise ValueError("before year 1 or after year 9999 in UTC") from None


def local_of(instant: datetime, zone: tzinfo) -> datetime:
    """Return the naive local time of an instant in the zone.

    If that is before year 1 or after year 9999, return the time in UTC.
    """
    try:
        return instant.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return instant.astimezone(UTC).replace(tzinfo=None)


def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, of the day's 00:00 in the zone.

    If that is before year 1 in UTC, return the first instant of year 1. It is never after year
    9999, because offsets are less than a day.
    """
    try:
        return instant_of(datetime.combine(day, time()), zone)
    except ValueError:
        return FIRST_INSTANT


def today(zone: tzinfo) -> date:
    """Return the current day in the zone."""
    return clock.now().astimezone(zone).date()


def first_day_from(instant: datetime, zone: tzinfo) -> date | None:
    """Return the first day that begins at the instant or later, or None after year 9999."""
    return next((day for day in _days_near(instant) if start_of(day, zone) >= instant), None)


def first_day_after(instant: datetime, zone: tzinfo) -> date | None:
    """Return the first day that begins after the instant, or None after year 9999."""
    return next((day for day in _days_near(instant) if start_of(day, zone) > instant), None)


def _days_near(instant: datetime) -> Iterator[date]:
    """Yield all days that can begin at the instant or later."""
    # Offsets are less than a day, so this UTC day or one of the next two begins then.
    utc_day = instant.astimezone(UTC).toordinal()
    return map(date.fromordinal, range(utc_day, date.max.toordinal() + 1))


def parse_date(text: str, zone: tzinfo | None = UTC) -> date | datetime:
    """Return the day or the instant, in UTC, of the text. Raise ValueError if it is invalid.

    A time without an offset is in the zone; without a zone, it is returned as a naive local time.
    Digits beyond microseconds are ignored.
    """
    if match := DAY.fullmatch(text):
        return date(*_numbers(match, "year", "month", "day"))
    match = INSTANT.fullmatch(text) or DAY_FIRST.fullmatch(text)
    if match is None:
        raise ValueError("unknown format")
    parts = match.groupdict()
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    local = datetime.combine(
        date(*_numbers(match, "year", "month", "day")),
        time(*_numbers(match, "hour", "minute", "second"), microsecond),
    )
    offset = parts.get("offset")
    if offset is not None:
        return instant_of(local, _offset(offset))
    return local if zone is None else instant_of(local, zone)


def _numbers(match: re.Match[str], *names: str) -> tuple[int, int, int]:
    first, second, third = (int(match[name] or 0) for name in names)
    return first, second, third


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("invalid offset")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
