"""Parse, check and write recurrence rules (RFC 5545, section 3.3.10)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, cast

RULE_MAX = 255  # characters
INTERVAL_MAX = 999
COUNT_MAX = 999

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# In the order of date.weekday().
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

# The parts in their canonical order.
PARTS = (
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYMONTH",
    "BYWEEKNO",
    "BYYEARDAY",
    "BYMONTHDAY",
    "BYDAY",
    "BYSETPOS",
    "WKST",
)
# The parts that BYSETPOS can choose from.
_CHOOSABLE = ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY")
_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")

_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})Z)?")
_UNSIGNED = re.compile(r"[0-9]{1,3}")
_SIGNED = re.compile(r"[+-]?[0-9]{1,3}")
_DAY = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(WEEKDAYS)})")
_NAME = re.compile(r"[A-Z-]{1,20}")


class RuleError(ValueError):
    """A rule that is refused. The text is a sentence for the user: the fault and the remedy."""


@dataclass(frozen=True)
class Rule:
    """A valid rule. Values are sorted and distinct, and negative ones come last.

    Weekdays are numbers, as date.weekday() counts them: Monday is 0. A day of `by_day` is its
    ordinal, or None for every such weekday, and its weekday. `until` is a day or an instant in UTC.
    """

    freq: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int | None, int], ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0


def parse_rule(text: str) -> Rule:
    """Return the rule of the text, in any case and any order of its parts. Raise RuleError.

    Beyond RFC 5545, refuse frequencies below a day, parts of the time of day, extensions, and
    numbers above INTERVAL_MAX and COUNT_MAX.
    """
    parts = _split(text)
    rule = Rule(
        freq=_frequency(parts.get("FREQ")),
        interval=_number(parts, "INTERVAL", INTERVAL_MAX) or 1,
        count=_number(parts, "COUNT", COUNT_MAX),
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        by_month=_numbers(parts, "BYMONTH", 12, signed=False),
        by_week_no=_numbers(parts, "BYWEEKNO", 53),
        by_year_day=_numbers(parts, "BYYEARDAY", 366),
        by_month_day=_numbers(parts, "BYMONTHDAY", 31),
        by_day=_days(parts["BYDAY"]) if "BYDAY" in parts else (),
        by_set_pos=_numbers(parts, "BYSETPOS", 366),
        week_start=_week_start(parts.get("WKST", "MO")),
    )
    _check_combination(rule, parts)
    return rule


def format_rule(rule: Rule) -> str:
    """Return the canonical text of the rule, which parse_rule() turns into an equal rule."""
    values = {
        "FREQ": rule.freq,
        "INTERVAL": str(rule.interval) if rule.interval > 1 else "",
        "COUNT": str(rule.count) if rule.count is not None else "",
        "UNTIL": _format_until(rule.until) if rule.until is not None else "",
        "BYMONTH": _join(rule.by_month),
        "BYWEEKNO": _join(rule.by_week_no),
        "BYYEARDAY": _join(rule.by_year_day),
        "BYMONTHDAY": _join(rule.by_month_day),
        "BYDAY": _join([f"{ordinal or ''}{WEEKDAYS[day]}" for ordinal, day in rule.by_day]),
        "BYSETPOS": _join(rule.by_set_pos),
        "WKST": WEEKDAYS[rule.week_start] if rule.week_start else "",
    }
    return ";".join(f"{name}={values[name]}" for name in PARTS if values[name])


def _split(text: str) -> dict[str, str]:
    """Return the values by the names of their parts, in upper case."""
    if len(text) > RULE_MAX:
        raise RuleError(f"A rule has at most {RULE_MAX} characters.")
    # upper() turns some other letters into those of ASCII.
    if not text.isascii():
        raise RuleError("A rule has only ASCII characters, such as FREQ=WEEKLY;BYDAY=MO.")
    if not text.isprintable() or " " in text:
        raise RuleError("A rule has no spaces, line breaks or control characters.")
    upper = text.upper()
    if upper.startswith("RRULE:"):
        raise RuleError("Leave out RRULE: before the rule.")
    if not upper:
        raise RuleError("A rule is needed, such as FREQ=WEEKLY;BYDAY=MO.")
    parts: dict[str, str] = {}
    for part in upper.split(";"):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise RuleError("A rule is parts NAME=VALUE with ; between them, and none is empty.")
        _check_name(name)
        if not value:
            raise RuleError(f"{name} has no value. Give it one, or leave it out.")
        if name in parts:
            raise RuleError(f"{name} may be there only once.")
        parts[name] = value
    return parts


def _check_name(name: str) -> None:
    if name in PARTS:
        return
    if name in _TIMES:
        raise RuleError(f"{name} is not allowed: the due date has the time of day.")
    if name.startswith("DTSTART"):
        raise RuleError("DTSTART is not allowed: the due date is the start.")
    shown = f"{name} is not allowed" if _NAME.fullmatch(name) else "A part has an unknown name"
    raise RuleError(f"{shown}. The parts of a rule are {_enumerate(PARTS, 'and')}.")


def _frequency(value: str | None) -> Frequency:
    if value is None:
        raise RuleError(f"FREQ is missing. It is {_enumerate(FREQUENCIES, 'or')}.")
    if value in {"SECONDLY", "MINUTELY", "HOURLY"}:
        raise RuleError(f"FREQ={value} is too often. FREQ is {_enumerate(FREQUENCIES, 'or')}.")
    if value not in FREQUENCIES:
        raise RuleError(f"FREQ is {_enumerate(FREQUENCIES, 'or')}.")
    return cast("Frequency", value)


def _number(parts: dict[str, str], name: str, maximum: int) -> int | None:
    if name not in parts:
        return None
    value = parts[name]
    if not _UNSIGNED.fullmatch(value) or not 1 <= int(value) <= maximum:
        raise RuleError(f"{name} is a whole number from 1 to {maximum}.")
    return int(value)


def _numbers(
    parts: dict[str, str], name: str, maximum: int, *, signed: bool = True
) -> tuple[int, ...]:
    """Return the sorted numbers of a list; signed ones also count from the end."""
    if name not in parts:
        return ()
    pattern = _SIGNED if signed else _UNSIGNED
    texts = parts[name].split(",")
    if not all(pattern.fullmatch(text) and 1 <= abs(int(text)) <= maximum for text in texts):
        negative = f", or from -1 to -{maximum} from the end" if signed else ""
        raise RuleError(
            f"{name} is whole numbers from 1 to {maximum}{negative}, with commas between them."
        )
    return tuple(sorted({int(text) for text in texts}, key=_end_last))


def _end_last(number: int) -> tuple[bool, int]:
    """Return a key that sorts numbers that count from the end after the others."""
    return number < 0, number


def _days(value: str) -> tuple[tuple[int | None, int], ...]:
    days: set[tuple[int | None, int]] = set()
    for text in value.split(","):
        match = _DAY.fullmatch(text)
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= 53):
            raise RuleError(
                f"BYDAY is {_enumerate(WEEKDAYS, 'or')}, with commas between them; monthly and "
                "yearly rules also take an ordinal from 1 to 53 or from -1 to -53 before a day, "
                "such as -1FR for the last Friday."
            )
        days.add((int(match[1]) if match[1] else None, WEEKDAYS.index(match[2])))
    return tuple(sorted(days, key=lambda day: (_end_last(day[0] or 0), day[1])))


def _until(value: str) -> date | datetime:
    match = _UNTIL.fullmatch(value)
    if match is None:
        remedy = " A time needs a Z at its end." if "T" in value and "Z" not in value else ""
        raise RuleError(
            "UNTIL is a day such as 20301231 or a time in UTC such as 20301231T090000Z." + remedy
        )
    year, month, day, hour, minute, second = (int(number or 0) for number in match.groups())
    try:
        if "T" in value:
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return date(year, month, day)
    except ValueError:
        raise RuleError("UNTIL is not a day or a time of the calendar.") from None


def _week_start(value: str) -> int:
    if value not in WEEKDAYS:
        raise RuleError(f"WKST is {_enumerate(WEEKDAYS, 'or')}.")
    return WEEKDAYS.index(value)


def _check_combination(rule: Rule, parts: dict[str, str]) -> None:
    """Raise RuleError if the parts do not go together."""
    yearly, ordinals = rule.freq == "YEARLY", [abs(day[0]) for day in rule.by_day if day[0]]
    refusals: Sequence[tuple[bool, str]] = (
        (
            rule.count is not None and rule.until is not None,
            "COUNT and UNTIL exclude each other. Leave out one of them.",
        ),
        (
            bool(rule.by_week_no) and not yearly,
            "BYWEEKNO is only for FREQ=YEARLY.",
        ),
        (
            bool(rule.by_year_day) and not yearly,
            "BYYEARDAY is only for FREQ=YEARLY.",
        ),
        (
            bool(rule.by_month_day) and rule.freq == "WEEKLY",
            "BYMONTHDAY is not for FREQ=WEEKLY. Take FREQ=MONTHLY, or leave it out.",
        ),
        (
            bool(ordinals) and rule.freq not in {"MONTHLY", "YEARLY"},
            "An ordinal in BYDAY, such as 1MO, is only for FREQ=MONTHLY and FREQ=YEARLY.",
        ),
        (
            bool(ordinals) and bool(rule.by_week_no),
            "BYDAY has no ordinals with BYWEEKNO. Write MO, not 1MO.",
        ),
        (
            (rule.freq == "MONTHLY" or bool(rule.by_month)) and max(ordinals, default=0) > 5,
            "A month has at most 5 of each weekday: an ordinal in BYDAY is from 1 to 5 or from "
            "-1 to -5 with FREQ=MONTHLY or BYMONTH.",
        ),
        (
            bool(rule.by_set_pos) and not any(name in parts for name in _CHOOSABLE),
            f"BYSETPOS needs something to choose from: {_enumerate(_CHOOSABLE, 'or')}.",
        ),
    )
    for refused, message in refusals:
        if refused:
            raise RuleError(message)


def _format_until(until: date | datetime) -> str:
    if isinstance(until, datetime):
        # strftime() writes early years without their zeros.
        return f"{until.year:04}{until:%m%dT%H%M%SZ}"
    return f"{until.year:04}{until:%m%d}"


def _join(values: Sequence[object]) -> str:
    return ",".join(map(str, values))


def _enumerate(words: Sequence[str], conjunction: str) -> str:
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
