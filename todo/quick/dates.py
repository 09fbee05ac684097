"""Days, times and rules in English. Each function reads words from the beginning of a list.

A function returns the value and the number of words that it has read, or None. The words are in
lower case.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TypeVar

from todo.recurrence.dates import next_after
from todo.recurrence.rule import WEEKDAYS, parse_rule

Words = Sequence[str]
T = TypeVar("T")
Reading = tuple[T, int] | None

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT_DAYS = tuple(name[:3] for name in _DAYS)
# They are words with another meaning as well, so they need one before them that makes them days.
_OTHER_WORDS = {"wed", "sat", "sun"}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_UNITS = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
_COUNTS = {"other": 2, "second": 2, "third": 3, "fourth": 4}
_NAMED_TIMES = {"noon": time(12), "midnight": time(0)}
_WORKDAYS = "MO,TU,WE,TH,FR"

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEAR = re.compile(r"[0-9]{4}")
_DAY_OF_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?")
_ORDINAL = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(am|pm)?|([0-9]{1,2})(am|pm)")
_HOUR = re.compile(r"[0-9]{1,2}")

MOST_WORDS = 12  # of a phrase


def until_comma(words: Words) -> list[str]:
    """Return the words up to the first that ends with a comma, without the comma."""
    for index, word in enumerate(words):
        if word.endswith(","):
            return [*words[:index], word[:-1]]
    return list(words)


def is_doubtful(first: str, last: str) -> bool:
    """Tell whether a phrase with these words may mean something else: `mon ami`, `at 9 houses`."""
    return last in _SHORT_DAYS or (first == "at" and _HOUR.fullmatch(last) is not None)


def read_day(words: Words, today: date) -> Reading[date]:
    """Read a day: `tomorrow`, `on friday`, `in 3 days`, `2030-02-01`, `1 feb 2030`."""
    if words[0] in _OTHER_WORDS:
        return None
    skipped = int(words[0] == "on" and len(words) > 1)
    for read in (_relative_day, _weekday, _distance, _iso_day, _named_day):
        try:
            found = read(words[skipped:], today)
        except (OverflowError, ValueError):  # after year 9999
            return None
        if found:
            day, length = found
            return day, skipped + length
    return None


def read_time(words: Words) -> Reading[time]:
    """Read a time of day: `9:00`, `9:30pm`, `9am`, `noon`, each after `at` or not, and `at 9`."""
    skipped = int(words[0] == "at")
    word = words[skipped] if len(words) > skipped else ""
    if word in _NAMED_TIMES:
        return _NAMED_TIMES[word], skipped + 1
    if skipped and _HOUR.fullmatch(word) and int(word) < 24:
        return time(int(word)), 2
    match = _CLOCK.fullmatch(word)
    if match is None:
        return None
    hour, minute, half = int(match[1] or match[4]), int(match[2] or 0), match[3] or match[5]
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + 12 * (half == "pm")
    return (time(hour, minute), skipped + 1) if hour < 24 and minute < 60 else None


def read_rule(words: Words) -> Reading[str]:
    """Read a recurrence rule that begins with `every`: `every 2 weeks`, `every monday`.

    Words of a list of weekdays may end with a comma.
    """
    if len(words) < 2 or words[0] not in {"every", "every!"}:
        return None
    phrase = until_comma(words[1:])
    for rest, read in (
        (words[1:], _weekday_rule),
        (phrase, _unit_rule),
        (phrase, _counted_rule),
        (phrase, _month_day_rule),
    ):
        if found := read(rest):
            rule, length = found
            return rule, length + 1
    return None


def first_date(text: str, since: date) -> date:
    """Return the first date of the rule from this day on, whatever its INTERVAL."""
    rule = replace(parse_rule(text), interval=1)
    if since == date.min or not (rule.by_day or rule.by_month_day):
        return since  # no day is before the first one, after which to search
    found = next_after(rule, since - timedelta(days=1), since - timedelta(days=1))
    return found[0] if found else since


def _relative_day(words: Words, today: date) -> Reading[date]:
    days = {"today": 0, "tomorrow": 1}.get(words[0])
    return None if days is None else (today + timedelta(days=days), 1)


def _weekday(words: Words, today: date) -> Reading[date]:
    is_next = words[0] == "next" and len(words) > 1
    weekday = _weekday_number(words[1] if is_next else words[0])
    if weekday is None:
        return None
    if is_next:  # in the week after this one
        return today + timedelta(days=7 - today.weekday() + weekday), 2
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1), 1


def _weekday_number(name: str) -> int | None:
    """Return the number of the weekday, whose name may be cut to three letters."""
    found = [n for n, full in enumerate(_DAYS) if name in {full, full[:3]}]
    return found[0] if found else None


def _distance(words: Words, today: date) -> Reading[date]:
    if len(words) < 3 or words[0] != "in" or not _NUMBER.fullmatch(words[1]):
        return None
    number, unit = int(words[1]), words[2].removesuffix("s")
    if unit in {"day", "week"}:
        return today + timedelta(days=number * (7 if unit == "week" else 1)), 3
    if unit == "month":
        years, month = divmod(today.month - 1 + number, 12)
        day = _day_of(today.year + years, month + 1, today.day) or _last_day(
            today.year + years, month + 1
        )
        return day, 3
    return None


def _iso_day(words: Words, today: date) -> Reading[date]:
    match = _ISO.fullmatch(words[0])
    day = match and _day_of(*map(int, match.groups()))
    return (day, 1) if day else None


def _named_day(words: Words, today: date) -> Reading[date]:
    """Read a day of a month: without a year, the next one, today included."""
    if len(words) < 2:
        return None
    for number, name in ((words[0], words[1]), (words[1], words[0])):
        match, month = _DAY_OF_MONTH.fullmatch(number), _month(name)
        if match and month:
            if len(words) > 2 and _YEAR.fullmatch(words[2]):
                day = _day_of(int(words[2]), month, int(match[1]))
                return (day, 3) if day else None
            # 29 February may be eight years away.
            years = (_day_of(today.year + n, month, int(match[1])) for n in range(9))
            following = next((day for day in years if day and day >= today), None)
            return (following, 2) if following else None
    return None


def _month(name: str) -> int | None:
    """Return the number of the month, whose name may be cut to three letters."""
    found = [n for n, full in enumerate(_MONTHS, start=1) if name in {full, full[:3]}]
    return found[0] if found else None


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _last_day(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _unit_rule(words: Words) -> Reading[str]:
    if words[0] == "weekday":
        return f"FREQ=WEEKLY;BYDAY={_WORKDAYS}", 1
    if words[0] not in _UNITS:
        return None
    rule = f"FREQ={_UNITS[words[0]]}"
    if words[0] == "month" and len(words) > 2 and words[1] == "on":
        rest = words[3:] if words[2] == "the" else words[2:]
        if found := _day_in_month(rest):
            part, length = found
            return f"{rule};{part}", len(words) - len(rest) + length
    return rule, 1


def _counted_rule(words: Words) -> Reading[str]:
    """Read `2 weeks`, `other month`, `second tuesday`."""
    if len(words) < 2:
        return None
    count = int(words[0]) if _NUMBER.fullmatch(words[0]) else _COUNTS.get(words[0])
    if count is None:
        return None
    unit = words[1].removesuffix("s")
    if unit in _UNITS:
        return f"FREQ={_UNITS[unit]};INTERVAL={count}", 2
    weekday = _weekday_number(words[1])
    if words[0] in _COUNTS and weekday is not None:
        return f"FREQ=WEEKLY;INTERVAL={count};BYDAY={WEEKDAYS[weekday]}", 2
    return None


def _weekday_rule(words: Words) -> Reading[str]:
    """Read `monday`, or `monday, wednesday and friday`."""
    days: list[str] = []
    length = 0
    goes_on = True  # after a comma or "and"
    for index, word in enumerate(words):
        weekday = _weekday_number(word.removesuffix(","))
        if weekday is not None and goes_on:
            days.append(WEEKDAYS[weekday])
            length = index + 1
            goes_on = word.endswith(",")
        elif word == "and" and days and index == length:
            goes_on = True
        else:
            break
    return (f"FREQ=WEEKLY;BYDAY={','.join(days)}", length) if days else None


def _month_day_rule(words: Words) -> Reading[str]:
    """Read `15th`."""
    match = _ORDINAL.fullmatch(words[0])
    if match and 1 <= int(match[1]) <= 31:
        return f"FREQ=MONTHLY;BYMONTHDAY={int(match[1])}", 1
    return None


def _day_in_month(words: Words) -> Reading[str]:
    """Read `15th` or `last day`."""
    if list(words[:2]) == ["last", "day"]:
        return "BYMONTHDAY=-1", 2
    match = _ORDINAL.fullmatch(words[0]) if words else None
    return (f"BYMONTHDAY={int(match[1])}", 1) if match and 1 <= int(match[1]) <= 31 else None
