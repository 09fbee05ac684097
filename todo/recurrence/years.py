"""The kinds of calendar years, and which of their days a rule chooses.

The days of a year are a mask: an integer whose bit 0 is 1 January. A rule chooses the same days in
all years of a kind, apart from its INTERVAL, so few masks serve all years.
"""

from collections.abc import Iterable
from typing import NamedTuple

from todo.recurrence.rule import Rule

MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
WEEK = 0b1111111
# Every seventh day of the longest year, and of a week before and after it.
_SEVENTHS = sum(1 << index for index in range(0, 380, 7))


class Kind(NamedTuple):
    """Everything that decides the days of a year: there are 28 kinds."""

    weekday: int  # of 1 January; Monday is 0
    leap: bool
    after_leap: bool = False
    before_leap: bool = False

    @property
    def length(self) -> int:
        return 365 + self.leap


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _kinds() -> tuple[Kind, ...]:
    """Return the kinds of 400 years from year 0: then the calendar repeats."""
    kinds = []
    weekday = 5  # 1 January of year 0 and of year 2000 is a Saturday
    for year in range(400):
        kinds.append(Kind(weekday, _is_leap(year), _is_leap(year - 1), _is_leap(year + 1)))
        weekday = (weekday + 365 + _is_leap(year)) % 7
    return tuple(kinds)


KINDS = _kinds()
# For rules without BYWEEKNO, the years before and after do not matter: 14 kinds.
KINDS_WITHOUT_WEEKS = tuple(Kind(kind.weekday, kind.leap) for kind in KINDS)


def month_masks(leap: bool) -> list[int]:
    """Return the mask of each month, January first."""
    masks, start = [], 0
    for month, days in enumerate(MONTH_LENGTHS, start=1):
        length = days + (leap and month == 2)
        masks.append(((1 << length) - 1) << start)
        start += length
    return masks


def chosen_days(rule: Rule, kind: Kind) -> int:
    """Return the mask of the days that the rule chooses in a year, with BYSETPOS, if INTERVAL is 1.

    The rule must have all parts that decide the day: see dates.complete(). The parts of the
    table in RFC 5545, section 3.3.10, expand or limit; both is the intersection of their days.
    """
    mask = (1 << kind.length) - 1
    months = month_masks(kind.leap)
    if rule.by_month:
        mask &= _union(months[month - 1] for month in rule.by_month)
    if rule.by_week_no:
        mask &= _days_of_weeks(rule, kind)
    if rule.by_year_day:
        mask &= _ordinal_days(rule.by_year_day, kind.length)
    if rule.by_month_day:
        mask &= _union(
            _ordinal_days(rule.by_month_day, month.bit_count()) << _start(month) for month in months
        )
    if rule.by_day:
        mask &= _weekdays(rule, kind, months)
    if rule.by_set_pos:
        mask = _choose_positions(rule, kind, months, mask)
    return mask


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _start(mask: int) -> int:
    """Return the index of the mask's first day."""
    return (mask & -mask).bit_length() - 1


def _ordinal_days(ordinals: tuple[int, ...], length: int) -> int:
    """Return the mask of the ordinals, which count from 1 or from the end, -1 being the last."""
    days = (ordinal - 1 if ordinal > 0 else length + ordinal for ordinal in ordinals)
    return _union(1 << day for day in days if 0 <= day < length)


def _every_weekday(weekday: int, first: int) -> int:
    """Return the mask of all days of the weekday in a period that begins with weekday `first`."""
    return _SEVENTHS << (weekday - first) % 7


def _weekdays(rule: Rule, kind: Kind, months: list[int]) -> int:
    """Return the mask of BYDAY: its ordinals count in the month, or in the year (RFC 5545)."""
    by_month = rule.freq == "MONTHLY" or bool(rule.by_month)
    periods = months if by_month else [(1 << kind.length) - 1]
    mask = 0
    for ordinal, weekday in rule.by_day:
        days = _every_weekday(weekday, kind.weekday)
        if ordinal is None:
            mask |= days
        else:
            mask |= _union(_nth(days & period, ordinal) for period in periods)
    return mask


def _nth(days: int, ordinal: int) -> int:
    """Return the mask of one of the days, which are a week apart, or 0 if they are fewer."""
    if ordinal > 0:
        return days & (days & -days) << 7 * (ordinal - 1)
    return days & (1 << days.bit_length() - 1) >> 7 * (-ordinal - 1)


def _days_of_weeks(rule: Rule, kind: Kind) -> int:
    """Return the mask of BYWEEKNO in the calendar year.

    Week 1 is the first with four or more days in the year, so the first days of a year can be in
    the last week of the year before, and the last days in week 1 of the next.
    """
    lead, weeks, start = _weeks(kind.weekday, kind.length, rule.week_start)
    mask = _ordinal_days(rule.by_week_no, weeks)
    days = _spread(mask) << 7 * start
    if start:
        length = 365 + kind.after_leap
        _, before, _ = _weeks((kind.weekday - length) % 7, length, rule.week_start)
        days |= WEEK * (_ordinal_days(rule.by_week_no, before) >> before - 1)
    length = 365 + kind.before_leap
    weekday = (kind.weekday + kind.length) % 7
    _, after, next_start = _weeks(weekday, length, rule.week_start)
    if not next_start:
        days |= WEEK * (_ordinal_days(rule.by_week_no, after) & 1) << 7 * (start + weeks)
    return days >> lead


def _weeks(weekday: int, length: int, week_start: int) -> tuple[int, int, int]:
    """Return the weeks of a year that begins with the weekday.

    They are: the days of 1 January's week before it, the number of weeks, and 1 if 1 January's week
    belongs to the year before, else 0.
    """
    lead = (weekday - week_start) % 7
    start = int(lead > 3)
    trail = (lead + length) % 7  # days of the week that the next year begins in
    total = (lead + length) // 7 - start + int(trail > 3)
    return lead, total, start


def _spread(weeks: int) -> int:
    """Return the mask with seven days for each bit of the mask of weeks."""
    return _union(WEEK << 7 * index for index in indexes(weeks))


def _choose_positions(rule: Rule, kind: Kind, months: list[int], mask: int) -> int:
    """Return the days of the mask at the positions of BYSETPOS in their period."""
    if rule.freq == "YEARLY":
        return _chosen(indexes(mask), rule.by_set_pos)
    if rule.freq == "MONTHLY":
        return _union(_chosen(indexes(mask & month), rule.by_set_pos) for month in months)
    if rule.freq == "WEEKLY":
        return _choose_in_weeks(rule, kind, mask)
    return mask if {1, -1} & set(rule.by_set_pos) else 0


def _choose_in_weeks(rule: Rule, kind: Kind, mask: int) -> int:
    """Return the chosen days of weeks, of which the first and last have days of other years."""
    lead = (kind.weekday - rule.week_start) % 7
    end = lead + kind.length
    weekdays = _union(_every_weekday(day, rule.week_start) for _, day in rule.by_day)
    december = not rule.by_month or 12 in rule.by_month
    january = not rule.by_month or 1 in rule.by_month
    mask <<= lead
    if december:
        mask |= weekdays & ((1 << lead) - 1)
    if january:
        mask |= weekdays & (WEEK << end)
    weeks = {start: mask >> start & WEEK for start in range(0, end, 7)}
    # Nearly all weeks of a year are alike.
    chosen_of_week = {week: _chosen(indexes(week), rule.by_set_pos) for week in set(weeks.values())}
    chosen = _union(chosen_of_week[week] << start for start, week in weeks.items())
    return chosen >> lead & (1 << kind.length) - 1


def _chosen(days: list[int], positions: tuple[int, ...]) -> int:
    """Return the mask of the days at the positions, which count from 1 or from the end."""
    return _union(
        1 << days[position - 1 if position > 0 else position]
        for position in positions
        if abs(position) <= len(days)
    )


def indexes(mask: int) -> list[int]:
    """Return the indexes of the days of the mask, in order."""
    return [index for index, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]
