"""The dates of generated rules, compared with those of python-dateutil."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from dateutil.tz import datetime_exists, resolve_imaginary

from tests.support.rules import SEED, Case, first_always, generated_cases
from todo.recurrence.rule import Rule, parse_rule
from todo.services.recurrence import occurrences

CASES = 600
COMPARED = 800  # instants of a case

# Zones that change their clocks in both hemispheres, by an hour or half of one, and at midnight;
# and those at both ends.
ZONES = (
    *("Europe/Berlin", "America/New_York", "America/Santiago", "Pacific/Auckland"),
    *("Australia/Lord_Howe", "Africa/Cairo", "Etc/GMT+12", "Pacific/Kiritimati"),
)
TIMES = (time(0, 0), time(2, 15), time(2, 30), time(9, 0), time(23, 59, 59))

# Faults of dateutil 4: rules for which its dates are not those of RFC 5545, each with an example.
Fault = tuple[str, Callable[[Rule, date], bool], Case]


def _case(rule: str, first: date) -> Case:
    return Case(rule, first, date(first.year + 10, 12, 31), None)


def _lacks_weekday(rule: Rule, _first: date) -> bool:
    return bool(rule.by_week_no) and not (rule.by_day or rule.by_month_day or rule.by_year_day)


FAULTS: list[Fault] = [
    (
        "BYDAY yields only days that are in both of its kinds, those with and without an ordinal",
        lambda rule, _: len({ordinal is None for ordinal, _ in rule.by_day}) == 2,
        _case("FREQ=MONTHLY;BYDAY=FR,1MO", date(2024, 3, 1)),
    ),
    (
        "the first week of BYSETPOS begins at the first date",
        lambda rule, first: (
            rule.freq == "WEEKLY" and bool(rule.by_set_pos) and first.weekday() != rule.week_start
        ),
        _case("FREQ=WEEKLY;BYDAY=MO,TU,SU;BYSETPOS=1", date(2024, 12, 25)),
    ),
    (
        "BYWEEKNO without a day yields all days of the week, not the weekday of the first date",
        _lacks_weekday,
        _case("FREQ=YEARLY;BYWEEKNO=20", date(2024, 5, 13)),
    ),
    (
        "BYWEEKNO=-52 and -53 lack the days of the next year's week 1 in December",
        lambda rule, _: bool({-52, -53} & set(rule.by_week_no)),
        _case("FREQ=YEARLY;BYWEEKNO=-53;BYDAY=TU", date(2024, 12, 31)),
    ),
    (
        "BYWEEKNO=52 and 53 count the weeks of the year before wrongly, for days in January",
        lambda rule, _: bool({52, 53} & set(rule.by_week_no)),
        _case("FREQ=YEARLY;BYWEEKNO=53;BYMONTHDAY=2", date(2100, 1, 2)),
    ),
]


def _dates_of_dateutil(case: Case) -> list[date]:
    """Return dateutil's dates of the case.

    It searches up to year 9999 for rules that yield nothing. The calendar repeats after 400 years,
    so ask about a time shortly before.
    """
    first = datetime.combine(_shifted(case.first, 7_600), time())

    def dates_of(rule: str) -> list[date]:
        return [_shifted(found.date(), -7_600) for found in rrulestr(rule, dtstart=first)]

    until = f"{case.rule};UNTIL={_shifted(case.until, 7_600):%Y%m%d}"
    return first_always(case, dates_of(until), lambda count: dates_of(f"{case.rule};COUNT={count}"))


def _shifted(day: date, years: int) -> date:
    return day.replace(year=day.year + years)


def _is_faulty(case: Case) -> bool:
    rule = parse_rule(case.rule)
    return any(applies(rule, case.first) for _, applies, _ in FAULTS)


def test_generated_rules_have_dates_of_dateutil() -> None:
    cases = [case for case in generated_cases(CASES) if not _is_faulty(case)]
    assert len(cases) >= 500
    assert sum(len(case.dates()) > 2 for case in cases) > 250
    differing = [str(case) for case in cases if case.dates() != _dates_of_dateutil(case)]
    assert differing == []


def test_generated_rules_have_instants_of_dateutil_in_zones() -> None:
    """A skipped time is as much later, and a repeated one is the first of both."""
    chosen, skipped, compared = Random(SEED), 0, 0
    cases = [(case, chosen.choice(ZONES), chosen.choice(TIMES)) for case in generated_cases(CASES)]
    daily = Case("FREQ=DAILY", date(2025, 1, 1), date(2027, 1, 1), None)
    for case, name, at in [*cases, *((daily, name, at) for name in ZONES for at in TIMES)]:
        zone = ZoneInfo(name)
        due = datetime.combine(case.first, at, zone)
        if _is_faulty(case) or not datetime_exists(due):
            continue
        local = [datetime.combine(day, at, zone) for day in _dates_of_dateutil(case)[:COMPARED]]
        expected = [resolve_imaginary(each).astimezone(UTC) for each in local]
        found = occurrences(parse_rule(case.ended), due.astimezone(UTC), zone)
        assert list(islice(found, COMPARED)) == expected, f"{case} at {at} in {zone}"
        skipped += sum(not datetime_exists(each) for each in local)
        compared += len(expected) > 1
    assert compared >= 300
    assert skipped > 20


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0])
def test_known_fault_of_dateutil_is_still_there(fault: Fault) -> None:
    _, applies, case = fault
    assert applies(parse_rule(case.rule), case.first)
    assert case.dates() != _dates_of_dateutil(case)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # The right dates where dateutil is wrong, from the text of RFC 5545.
        (FAULTS[0][2], [date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 8), date(2024, 3, 15)]),
        (FAULTS[1][2], [date(2024, 12, 25), date(2024, 12, 30), date(2025, 1, 6)]),
        (FAULTS[2][2], [date(2024, 5, 13), date(2025, 5, 12), date(2026, 5, 11)]),
        (FAULTS[3][2], [date(2024, 12, 31), date(2025, 12, 30), date(2031, 12, 30)]),
        (FAULTS[4][2], [date(2100, 1, 2), date(2106, 1, 2)]),
    ],
    ids=str,
)
def test_dates_are_right_where_dateutil_is_wrong(case: Case, expected: list[date]) -> None:
    longer = replace(case, until=date(2110, 1, 1))
    assert longer.dates()[: len(expected)] == expected
