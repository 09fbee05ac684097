"""The dates of a recurrence rule (RFC 5545, section 3.3.10).

The work is one step for each calendar year, whatever the rule: a few operations on the mask of its
days (see years.py). There are at most 9,999 years, and at most 28 masks to work out.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import MAXYEAR, date, datetime
from itertools import islice

from todo.recurrence.rule import Rule
from todo.recurrence.years import (
    KINDS,
    KINDS_WITHOUT_WEEKS,
    WEEK,
    Kind,
    chosen_days,
    indexes,
    month_masks,
)

YEARS_AHEAD = 100

_ALL_DAYS = (1 << 366) - 1


def dates(rule: Rule, first: date) -> Iterator[date]:
    """Yield `first`, then every later date of the rule, in order.

    `first` counts as the first date even if it does not fit the rule, also for COUNT. The dates end
    with an UNTIL that is a date. The caller must apply an UNTIL that is an instant, because only it
    knows the time of day. The dates also end where the next one would be more than YEARS_AHEAD
    years later, or after year 9999.
    """
    yield first
    later = (
        date.fromordinal(start + index)
        for start, mask in _years(rule, first, first)
        for index in indexes(mask)
    )
    for day in islice(later, None if rule.count is None else rule.count - 1):
        if _is_over(rule, day):
            return
        yield day


def next_after(rule: Rule, first: date, after: date) -> tuple[date, Rule] | None:
    """Return the first date of dates() after both `first` and `after`, and the rule from there on.

    That rule has the COUNT that is left, which includes the returned date. Return None if there is
    no such date. Without a COUNT, earlier years are left out, with the gaps between their dates.
    """
    limit = max(first, after).toordinal()
    passed = 1  # dates before the next one
    for start, mask in _years(rule, first, after if rule.count is None else first):
        later = _after(limit - start, mask)
        if rule.count is not None:
            passed += (mask ^ later).bit_count()
            if passed >= rule.count:
                return None
        if later:
            day = date.fromordinal(start + _lowest(later))
            if _is_over(rule, day):
                return None
            left = None if rule.count is None else rule.count - passed
            return day, replace(rule, count=left)
    return None


def complete(rule: Rule, first: date) -> Rule:
    """Return the rule with the parts that it leaves to its first date (RFC 5545, section 3.3.10).

    All later dates have these parts too, so they would complete the rule in the same way.
    """
    weekday, day, month = ((None, first.weekday()),), (first.day,), (first.month,)
    match rule.freq:
        case "WEEKLY" if not rule.by_day:
            return replace(rule, by_day=weekday)
        case "MONTHLY" if not (rule.by_day or rule.by_month_day):
            return replace(rule, by_month_day=day)
        case "YEARLY" if not (rule.by_day or rule.by_month_day or rule.by_year_day):
            if rule.by_week_no:
                return replace(rule, by_day=weekday)
            return replace(rule, by_month=rule.by_month or month, by_month_day=day)
    return rule


def _is_over(rule: Rule, day: date) -> bool:
    until = rule.until
    return until is not None and not isinstance(until, datetime) and day > until


def _years(rule: Rule, first: date, since: date) -> Iterator[tuple[int, int]]:
    """Yield the years that have dates after `first`, until a gap of more than YEARS_AHEAD years.

    A year is the ordinal of its 1 January and the mask of its dates. Years that end before `since`
    may be left out.
    """
    completed = complete(rule, first)
    in_interval = _interval(rule, first)
    kinds = KINDS if rule.by_week_no else KINDS_WITHOUT_WEEKS
    days_of_kind: dict[Kind, int] = {}
    step = rule.interval if rule.freq == "YEARLY" else 1
    latest = max(first, since)
    last, last_year = latest.toordinal(), latest.year
    for year in range(last_year - (last_year - first.year) % step, MAXYEAR + 1, step):
        if year - last_year > YEARS_AHEAD:
            return
        kind = kinds[year % len(kinds)]
        days = days_of_kind.get(kind)
        if days is None:
            days = days_of_kind[kind] = chosen_days(completed, kind)
        if not days:
            continue
        start = date(year, 1, 1).toordinal()
        mask = days & in_interval(year, start)
        if year == first.year:
            mask = _after(first.toordinal() - start, mask)
        if not mask:
            continue
        if year - last_year == YEARS_AHEAD and _is_later_in_year(start + _lowest(mask), last):
            return
        yield start, mask
        last, last_year = start + mask.bit_length() - 1, year


def _is_later_in_year(ordinal: int, other: int) -> bool:
    day, other_day = date.fromordinal(ordinal), date.fromordinal(other)
    return (day.month, day.day) > (other_day.month, other_day.day)


def _after(index: int, mask: int) -> int:
    """Return the days of the mask after the index, which may be outside the year."""
    return mask if index < 0 else mask >> index + 1 << index + 1


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _interval(rule: Rule, first: date) -> Callable[[int, int], int]:
    """Return a function of a year and the ordinal of its 1 January.

    It returns the mask of the days whose period is a multiple of INTERVAL from that of `first`.
    """
    # _years() leaves out the other years of yearly rules.
    if rule.freq == "YEARLY" or rule.interval == 1:
        return lambda _year, _start: _ALL_DAYS
    if rule.freq == "MONTHLY":
        return _months(rule.interval, first)
    if rule.freq == "DAILY":
        return _spans(1, rule.interval, first.toordinal())
    week = first.toordinal() - (first.weekday() - rule.week_start) % 7
    return _spans(WEEK, 7 * rule.interval, week)


def _spans(span: int, period: int, origin: int) -> Callable[[int, int], int]:
    """Return a function like that of _interval(): each period of days begins with the span."""
    repeated = sum(span << index for index in range(0, period + 366, period))
    return lambda _year, start: repeated << (origin - start) % period >> period & _ALL_DAYS


def _months(interval: int, first: date) -> Callable[[int, int], int]:
    origin = 12 * first.year + first.month - 1
    months_of_leap = {leap: month_masks(leap) for leap in (False, True)}
    masks: dict[tuple[int, bool], int] = {}

    def in_interval(year: int, _start: int) -> int:
        key = (origin - 12 * year) % interval, KINDS[year % len(KINDS)].leap
        mask = masks.get(key)
        if mask is None:
            offset, leap = key
            mask = masks[key] = sum(months_of_leap[leap][offset::interval])
        return mask

    return in_interval
