"""Describe a recurrence rule in English.

The part that makes the dates comes first, such as "every month on the last day". Parts that only
leave dates out follow, such as ", only in March".
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from todo.recurrence.rule import Rule

UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
# Names of our own: those of the standard library depend on the locale.
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_DATES_MAX = 4  # "1 January, 1 July and 1 October"; more are days and months apart


def describe(rule: Rule) -> str:
    """Return the rule in English, such as "every second Tuesday, until 1 March 2030".

    Parts that the rule leaves to its first date are not mentioned.
    """
    sentence, rest = _FREQUENCIES[rule.freq](rule)
    ordinals_of = "month" if rule.freq == "MONTHLY" or rule.by_month else "year"
    limits = _only(rest, ordinals_of)
    return "".join([sentence, *limits, _positions(rest), _week_start(rule), _end(rule)])


# Each returns the sentence of a frequency, and the rule without the BY parts that are in it.


def _daily(rule: Rule) -> tuple[str, Rule]:
    return _every(rule), rule


def _weekly(rule: Rule) -> tuple[str, Rule]:
    rest = replace(rule, by_day=())
    if not rule.by_day:
        return _every(rule), rest
    names = [WEEKDAYS[weekday] for _, weekday in rule.by_day]
    if rule.interval == 1:
        return _every_day(rule), rest
    if rule.interval == 2 and len(names) == 1 and not rule.by_month:
        return f"every second {names[0]}", rest
    return f"{_every(rule)} on {_join(names)}", rest


def _monthly(rule: Rule) -> tuple[str, Rule]:
    if rule.by_month_day:
        month_days = _join(_month_days(rule))
        return f"{_every(rule)} on {month_days}", replace(rule, by_month_day=())
    if not rule.by_day:
        return _every(rule), rule
    rest = replace(rule, by_day=())
    if rule.by_set_pos and not _has_ordinals(rule):
        positions = _join([_ordinal(position) for position in rule.by_set_pos])
        days = _join(_names(rule), "or")
        return f"the {positions} {days} of {_every(rule)}", replace(rest, by_set_pos=())
    if all(ordinal for ordinal, _ in rule.by_day):
        return f"{_join(_days(rule))} of {_every(rule)}", rest
    return f"{_every(rule)} on {_join(_days(rule))}", rest


def _yearly(rule: Rule) -> tuple[str, Rule]:
    every = _every(rule)
    if rule.by_year_day:
        year_days = f"{_join(_year_days(rule))} of the year"
        return f"{every} on {year_days}", replace(rule, by_year_day=())
    if rule.by_month_day:
        return f"{every} on {_dates(rule)}", replace(rule, by_month=(), by_month_day=())
    if rule.by_week_no:
        days = f" on {_join([WEEKDAYS[day] for _, day in rule.by_day])}" if rule.by_day else ""
        return f"{every}{days} in {_weeks(rule)}", replace(rule, by_week_no=(), by_day=())
    if rule.by_day:
        of = f" of {_join(_months(rule))}" if rule.by_month else ""
        if not of and _has_ordinals(rule):
            of = " of the year"
        return f"{every} on {_join(_days(rule))}{of}", replace(rule, by_month=(), by_day=())
    months = f" in {_join(_months(rule))}" if rule.by_month else ""
    return every + months, replace(rule, by_month=())


_FREQUENCIES: dict[str, Callable[[Rule], tuple[str, Rule]]] = {
    "DAILY": _daily,
    "WEEKLY": _weekly,
    "MONTHLY": _monthly,
    "YEARLY": _yearly,
}


def _every(rule: Rule) -> str:
    unit = UNITS[rule.freq]
    return f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"


def _every_day(rule: Rule) -> str:
    return f"every {_join(_names(rule))}"


def _names(rule: Rule) -> list[str]:
    """Return the names of the weekdays of BYDAY, or one for Monday to Friday or for all."""
    weekdays = [weekday for _, weekday in rule.by_day]
    if weekdays == list(range(7)):
        return ["day"]
    return ["weekday"] if weekdays == list(range(5)) else [WEEKDAYS[day] for day in weekdays]


def _has_ordinals(rule: Rule) -> bool:
    return any(ordinal for ordinal, _ in rule.by_day)


def _only(rule: Rule, ordinals_of: str) -> Iterable[str]:
    """Yield the text of each part, which leaves dates out."""
    if rule.by_month:
        yield f", only in {_join(_months(rule))}"
    if rule.by_week_no:
        yield f", only in {_weeks(rule)}"
    if rule.by_month_day:
        yield f", only on {_join(_month_days(rule), 'or')} of a month"
    if rule.by_day:
        of = f" of the {ordinals_of}" if _has_ordinals(rule) else ""
        yield f", only on {_join(_days(rule, every='a'), 'or')}{of}"


def _positions(rule: Rule) -> str:
    """Return the text of BYSETPOS, which counts the dates of a period."""
    # A day has at most one date: it is the first and the last.
    if not rule.by_set_pos or (rule.freq == "DAILY" and {1, -1} & set(rule.by_set_pos)):
        return ""
    positions = _join([_ordinal(position) for position in rule.by_set_pos])
    return f", of these dates in each {UNITS[rule.freq]} only the {positions}"


def _week_start(rule: Rule) -> str:
    """Return the text of WKST where it makes a difference."""
    several = rule.freq == "WEEKLY" and len(rule.by_day) > 1
    by_weeks = several and (rule.interval > 1 or rule.by_set_pos)
    if rule.week_start and (by_weeks or rule.by_week_no):
        return f", with weeks that start on {WEEKDAYS[rule.week_start]}"
    return ""


def _end(rule: Rule) -> str:
    if rule.count is not None:
        return ", once" if rule.count == 1 else f", {rule.count} times"
    if rule.until is None:
        return ""
    until = rule.until
    text = f", until {until.day} {MONTHS[until.month - 1]} {until.year}"
    if isinstance(until, datetime):
        text += f" at {until:%H:%M:%S} UTC" if until.second else f" at {until:%H:%M} UTC"
    return text


def _days(rule: Rule, every: str = "every") -> list[str]:
    """Return the days of BYDAY: "every Monday", "the last Friday"."""
    if every == "every" and not _has_ordinals(rule):
        return [_every_day(rule)]
    return [
        f"the {_ordinal(ordinal)} {WEEKDAYS[weekday]}"
        if ordinal
        else f"{every} {WEEKDAYS[weekday]}"
        for ordinal, weekday in rule.by_day
    ]


def _dates(rule: Rule) -> str:
    """Return the days of BYMONTHDAY in the months of BYMONTH, or in every month."""
    days = rule.by_month_day
    if not rule.by_month:
        return f"{_join(_month_days(rule))} of every month"
    if min(days) > 0 and len(days) * len(rule.by_month) <= _DATES_MAX:
        return _join([f"{day} {month}" for month in _months(rule) for day in days])
    return f"{_join(_month_days(rule))} of {_join(_months(rule))}"


def _months(rule: Rule) -> list[str]:
    return [MONTHS[month - 1] for month in rule.by_month]


def _month_days(rule: Rule) -> list[str]:
    return [
        f"the {_number(day)}" if day > 0 else f"the {_ordinal(day)} day"
        for day in rule.by_month_day
    ]


def _year_days(rule: Rule) -> list[str]:
    return [f"day {day}" if day > 0 else f"the {_ordinal(day)} day" for day in rule.by_year_day]


def _weeks(rule: Rule) -> str:
    numbers = rule.by_week_no
    return _join([f"week {week}" if week > 0 else f"the {_ordinal(week)} week" for week in numbers])


def _ordinal(number: int) -> str:
    """Return the ordinal, which counts from the end if it is negative: -2 is second-to-last."""
    if number == -1:
        return "last"
    if number < 0:
        return f"{_ordinal(-number)}-to-last"
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else _number(number)


def _number(number: int) -> str:
    """Return the ordinal in digits."""
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _join(words: list[str], conjunction: str = "and") -> str:
    *others, last = words
    return f"{', '.join(others)} {conjunction} {last}" if others else last
