"""Days and instants: read from text, and told in a time zone."""

import logging
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from todo import clock

logger = logging.getLogger(__name__)

# The machine's own zone, and none: they mean another thing elsewhere.
EXCLUDED_ZONES = {"localtime", "Factory"}

DEFAULT_ZONE = ZoneInfo("UTC")

_DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# RFC 3339, section 5.6; without the offset it is a local time.
INSTANT = re.compile(
    _DAY.pattern
    + r"[Tt ]"
    + _TIME
    + r"(?:\.(?P<fraction>[0-9]+))?(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
# The original format of this API.
DAY_FIRST = re.compile(r"(?P<day>[0-9]{2})/(?P<month>[0-9]{2})/(?P<year>[0-9]{4}) " + _TIME)

FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)


@cache
def zone_names() -> frozenset[str]:
    """Return the names of the IANA database that this machine knows; case counts."""
    return frozenset(available_timezones()) - EXCLUDED_ZONES


@cache
def find_zone(name: str) -> ZoneInfo:
    """Return the zone of a name that was good when it was stored.

    Another machine may not know it any more. Then it is UTC, and the log says so once: an account
    whose times are off can be mended by its owner, one that answers with an error cannot.
    """
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        logger.error("This machine has no time zone %r; update tzdata. UTC is used instead.", name)
        return DEFAULT_ZONE


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, of a naive time in the zone.

    Of a time that the clocks show twice it is the earlier; one that they skip is read with the
    offset before the gap (PEP 495, fold=0). Raises ValueError where it leaves the years 1 to 9999
    in UTC.
    """
    try:
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        raise ValueError("before year 1 or after year 9999 in UTC") from None


def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, at which the day begins: its 00:00, as instant_of() reads it.

    A day that begins before year 1 in UTC is taken to begin with it. None begins after year 9999:
    00:00 is never a whole day from UTC's.
    """
    try:
        return instant_of(datetime.combine(day, time()), zone)
    except ValueError:
        return FIRST_INSTANT


def today(zone: tzinfo) -> date:
    """Return the day that it is in the zone now."""
    return clock.now().astimezone(zone).date()


def first_day_from(instant: datetime, zone: tzinfo) -> date | None:
    """Return the first day that begins at the instant or later; None after the year 9999."""
    # No zone is a whole day from UTC: the days before begin too early, the second after does not.
    here = instant.astimezone(UTC).toordinal()
    days = map(date.fromordinal, range(here, date.max.toordinal() + 1))
    return next((day for day in days if start_of(day, zone) >= instant), None)


def parse_date(text: str, zone: tzinfo = UTC) -> date | datetime:
    """Return the day, or the instant in UTC, that the text names; raises ValueError.

    A time without an offset is read in the zone. Digits after the microseconds are dropped.
    """
    if match := _DAY.fullmatch(text):
        return date(*_numbers(match, "year", "month", "day"))
    match = INSTANT.fullmatch(text) or DAY_FIRST.fullmatch(text)
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
