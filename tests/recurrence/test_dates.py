"""The dates of recurrence rules."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recurrence.examples import days, some_dates
from tests.support.rules import WEEKDAYS, generated_cases
from todo.recurrence.dates import dates, next_after
from todo.recurrence.rule import Rule, parse_rule

# Generated rules over the whole grammar, which Hypothesis combines with first dates.
RULES = st.sampled_from([parse_rule(case.rule) for case in generated_cases(1_000)])
FIRST_DATES = st.one_of(
    st.dates(),
    st.dates(date(2023, 12, 1), date(2024, 3, 31)),
    st.sampled_from([date.min, date.max, date(9999, 1, 1), date(2096, 2, 29), date(2100, 2, 28)]),
)


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        ("FREQ=MONTHLY", date(2024, 1, 31), "2024-01 31\n2024-03 31\n2024-05 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2024, 1, 31), "2024-01 31\n2024-02 29\n2024-03 31"),
        ("FREQ=YEARLY", date(2096, 2, 29), "2096-02 29\n2104-02 29\n2108-02 29"),
        ("FREQ=YEARLY;BYYEARDAY=-366", date(2024, 1, 1), "2024-01 1\n2028-01 1"),
        ("FREQ=YEARLY;BYMONTH=2,3", date(2024, 1, 30), "2024-01 30\n2024-03 30\n2025-03 30"),
        ("FREQ=MONTHLY;BYMONTH=2", date(2024, 1, 29), "2024-01 29\n2024-02 29\n2028-02 29"),
        ("FREQ=WEEKLY;BYMONTH=1", date(2024, 12, 31), "2024-12 31\n2025-01 7 14 21 28\n2026-01 6"),
        # The week from 29 December has Monday, Tuesday and Sunday in two years.
        (
            "FREQ=WEEKLY;BYDAY=MO,TU,SU;BYSETPOS=-1",
            date(2025, 12, 28),
            "2025-12 28\n2026-01 4 11",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU,SU;BYSETPOS=1;BYMONTH=1",
            date(2025, 12, 28),
            "2025-12 28\n2026-01 4 5 12",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,SU;BYSETPOS=-1;BYMONTH=12",
            date(2025, 12, 21),
            "2025-12 21 28 29\n2026-12 6",
        ),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=-1", date(2024, 1, 1), "2024-01 1 8 15"),
        ("FREQ=DAILY;INTERVAL=999", date(2024, 1, 1), "2024-01 1\n2026-09 26\n2029-06 21"),
        ("FREQ=YEARLY;BYWEEKNO=1", date(2024, 12, 31), "2024-12 31\n2025-12 30\n2027-01 5"),
    ],
)
def test_dates_at_edges_of_calendar(rule: str, first: date, expected: str) -> None:
    found = days(expected)
    assert some_dates(rule, first, len(found)) == found


@pytest.mark.parametrize("week_start", range(7))
def test_weeks_of_years_are_those_of_iso_8601(week_start: int) -> None:
    # isocalendar() begins weeks on Monday. Four days of week 1 are in its year, so the fourth day
    # of a week decides, whatever day the week begins on.
    rules = {
        week: parse_rule(
            f"FREQ=YEARLY;BYWEEKNO={week};BYDAY={','.join(WEEKDAYS)};WKST={WEEKDAYS[week_start]}"
        )
        for week in (1, 2, 9, 52, 53, -1, -2, -52, -53)
    }
    every_day = [date(1999, 12, 1) + timedelta(days=days) for days in range(146_097 // 4)]
    expected: dict[int, list[date]] = {week: [] for week in rules}
    for day in every_day:
        fourth = day + timedelta(days=3 - (day.weekday() - week_start) % 7)
        number = (fourth.timetuple().tm_yday - 1) // 7 + 1
        last = date(fourth.year, 12, 31)
        from_end = -((last - fourth).days // 7 + 1)
        for week in {number, from_end} & rules.keys():
            expected[week].append(day)
    for week, rule in rules.items():
        found = dates(rule, date(1999, 11, 30))
        assert list(islice(found, 1, 1 + len(expected[week]))) == expected[week]


def test_iso_weeks_are_those_of_isocalendar() -> None:
    rule = parse_rule("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH")
    found = list(islice(dates(rule, date(1999, 1, 1)), 1, 72))
    years = {day.year for day in found}
    assert all(day.isocalendar()[:2] == (day.year, 53) for day in found)
    assert years == {
        year for year in range(1999, max(years) + 1) if date(year, 12, 28).isocalendar().week == 53
    }


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTH=2,4;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=8",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=YEARLY;BYMONTH=1;BYYEARDAY=60",
        "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
        "FREQ=YEARLY;INTERVAL=2;BYYEARDAY=366",
        "FREQ=YEARLY;INTERVAL=101",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=2",
        "FREQ=YEARLY;INTERVAL=97;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
    ],
)
def test_rule_that_never_yields_has_only_its_first_date(rule: str) -> None:
    first = date(2025, 1, 1)
    assert some_dates(rule, first) == ["2025-01-01"]
    assert next_after(parse_rule(rule), first, first) is None


def test_dates_end_where_next_is_more_than_100_years_later() -> None:
    assert some_dates("FREQ=YEARLY;INTERVAL=100", date(2000, 2, 28), 3) == days(
        "2000-02 28\n2100-02 28\n2200-02 28"
    )
    # The 60th day of 2100 is 1 March, a day more than 100 years after 29 February.
    assert some_dates("FREQ=YEARLY;INTERVAL=100;BYYEARDAY=60", date(2000, 2, 29)) == ["2000-02-29"]
    assert some_dates("FREQ=YEARLY;INTERVAL=100;BYYEARDAY=-306", date(2000, 3, 1), 2) == days(
        "2000-03 1\n2100-03 1"
    )
    # 29 February is skipped in 2100.
    assert some_dates("FREQ=YEARLY;INTERVAL=100", date(2000, 2, 29)) == ["2000-02-29"]
    # A later gap ends them, too: 2200 is not a leap year, and 2284 and 2368 are never reached.
    rule, first = parse_rule("FREQ=YEARLY;INTERVAL=21;BYMONTH=2;BYMONTHDAY=29"), date(2032, 2, 29)
    assert list(dates(rule, first)) == [first, date(2116, 2, 29)]
    assert next_after(rule, first, date(2115, 1, 1)) == (date(2116, 2, 29), rule)
    assert next_after(rule, first, date(2116, 2, 29)) is None
    # A task that is completed after the gap goes on.
    assert next_after(rule, first, date(2300, 1, 1)) == (date(2368, 2, 29), rule)


def test_dates_end_with_year_9999() -> None:
    assert some_dates("FREQ=DAILY", date(9999, 12, 30)) == ["9999-12-30", "9999-12-31"]
    assert next_after(parse_rule("FREQ=DAILY"), date(9999, 12, 31), date(9999, 12, 31)) is None
    assert some_dates("FREQ=YEARLY;BYWEEKNO=1,52,53", date(9999, 12, 31)) == ["9999-12-31"]


def test_dates_in_year_1() -> None:
    # 1 January of year 1 is a Monday.
    sundays = parse_rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU")
    assert next_after(sundays, date.min, date.min) == (date(1, 1, 14), sundays)
    weeks = parse_rule("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO")
    assert next_after(weeks, date.min, date.min) == (date(1, 12, 31), weeks)


def test_next_after_has_no_date_after_until() -> None:
    rule, first = parse_rule("FREQ=DAILY;INTERVAL=2;UNTIL=20240104"), date(2024, 1, 1)
    assert next_after(rule, first, first) == (date(2024, 1, 3), rule)
    assert next_after(rule, first, date(2024, 1, 3)) is None


def test_first_date_is_first_where_it_does_not_fit() -> None:
    assert some_dates("FREQ=MONTHLY;BYMONTHDAY=1;COUNT=3", date(2024, 1, 15)) == days(
        "2024-01 15\n2024-02 1\n2024-03 1"
    )


def test_until_before_first_date_leaves_first_date() -> None:
    assert some_dates("FREQ=DAILY;UNTIL=20200101", date(2024, 1, 1)) == ["2024-01-01"]


def test_until_that_is_instant_is_left_to_caller() -> None:
    assert some_dates("FREQ=DAILY;UNTIL=20240102T000000Z", date(2024, 1, 1), 3) == days(
        "2024-01 1 2 3"
    )


def test_next_after_has_count_that_is_left() -> None:
    rule, first = parse_rule("FREQ=DAILY;COUNT=5"), date(2024, 1, 1)
    assert next_after(rule, first, first) == (date(2024, 1, 2), replace(rule, count=4))
    assert next_after(rule, first, date(2020, 1, 1)) == (date(2024, 1, 2), replace(rule, count=4))
    assert next_after(rule, first, date(2024, 1, 4)) == (date(2024, 1, 5), replace(rule, count=1))
    assert next_after(rule, first, date(2024, 1, 5)) is None
    once = replace(rule, count=1)
    assert next_after(once, first, first) is None


def first_dates(rule: Rule, first: date, number: int = 30) -> list[date]:
    return list(islice(dates(rule, first), number))


@given(RULES, FIRST_DATES, st.integers(1, 40))
def test_dates_are_in_order_and_distinct(rule: Rule, first: date, number: int) -> None:
    found = first_dates(rule, first, number)
    assert found[0] == first
    assert all(before < after for before, after in pairwise(found))


@given(RULES, FIRST_DATES, st.integers(1, 40))
def test_count_ends_dates(rule: Rule, first: date, count: int) -> None:
    found = first_dates(rule, first, count)
    assert list(dates(replace(rule, count=count), first)) == found


@given(RULES, FIRST_DATES, st.integers(0, 4_000))
def test_until_ends_dates(rule: Rule, first: date, days: int) -> None:
    until = date.fromordinal(min(first.toordinal() + days, date.max.toordinal()))
    expected = []
    for day in dates(rule, first):
        if day > until:
            break
        expected.append(day)
    assert list(dates(replace(rule, until=until), first)) == expected


@given(RULES, FIRST_DATES, st.none() | st.integers(1, 40))
def test_any_date_with_rule_that_is_left_has_later_dates(
    rule: Rule, first: date, count: int | None
) -> None:
    rule = replace(rule, count=count)
    expected = first_dates(rule, first)
    day, left = first, rule
    for index in range(len(expected)):
        rest = first_dates(left, day, len(expected) - index)
        assert rest == expected[index:]
        following = next_after(left, day, day)
        if index + 1 < len(expected):
            assert following is not None
            day, left = following
    if len(expected) < 30:
        assert following is None


@given(RULES, FIRST_DATES, st.integers(0, 4_000), st.none() | st.integers(1, 40))
def test_next_after_is_first_later_date(
    rule: Rule, first: date, days: int, count: int | None
) -> None:
    rule = replace(rule, count=count)
    after = date.fromordinal(min(first.toordinal() + days, date.max.toordinal()))
    index, expected = next(
        ((index, day) for index, day in enumerate(dates(rule, first)) if day > max(first, after)),
        (0, None),
    )
    found = next_after(rule, first, after)
    if expected is None:
        assert found is None
    else:
        left = None if count is None else count - index
        assert found == (expected, replace(rule, count=left))
        assert first_dates(found[1], expected, 5) == list(
            islice(dates(rule, first), index, index + 5)
        )
