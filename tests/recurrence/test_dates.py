"""The dates of recurrence rules."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rules import WEEKDAYS, Case, generated_cases
from todo.recurrence import dates as dates_module
from todo.recurrence.dates import dates, next_after
from todo.recurrence.rule import Rule, RuleError, parse_rule

# Generated rules over the whole grammar, which Hypothesis combines with first dates.
RULES = st.sampled_from([parse_rule(case.rule) for case in generated_cases(1_000)])
FIRST_DATES = st.one_of(
    st.dates(),
    st.dates(date(2023, 12, 1), date(2024, 3, 31)),
    st.sampled_from([date.min, date.max, date(9999, 1, 1), date(2096, 2, 29), date(2100, 2, 28)]),
)


def some_dates(text: str, first: date, number: int = 10) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in islice(dates(parse_rule(text), first), number)]


def days(text: str) -> list[str]:
    """Return the days of lines such as "1997-09 2 4 30"."""
    found = []
    for line in text.strip().splitlines():
        month, *numbers = line.split()
        found += [f"{month}-{int(number):02}" for number in numbers]
    return found


# RFC 5545, section 3.8.5.3, without the examples of hours and minutes.
RFC_EXAMPLES = [
    (
        "FREQ=DAILY;COUNT=10",
        date(1997, 9, 2),
        "1997-09 2 3 4 5 6 7 8 9 10 11",
    ),
    ("FREQ=DAILY;INTERVAL=2", date(1997, 9, 2), "1997-09 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", date(1997, 9, 2), "1997-09 2 12 22\n1997-10 2 12"),
    (
        "FREQ=YEARLY;UNTIL=20000131;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        date(1998, 1, 1),
        "\n".join(f"{year}-01 " + " ".join(map(str, range(1, 32))) for year in range(1998, 2001)),
    ),
    (
        "FREQ=DAILY;UNTIL=20000131;BYMONTH=1",
        date(1998, 1, 1),
        "\n".join(f"{year}-01 " + " ".join(map(str, range(1, 32))) for year in range(1998, 2001)),
    ),
    (
        "FREQ=WEEKLY;COUNT=10",
        date(1997, 9, 2),
        "1997-09 2 9 16 23 30\n1997-10 7 14 21 28\n1997-11 4",
    ),
    (
        "FREQ=WEEKLY;UNTIL=19971224",
        date(1997, 9, 2),
        """1997-09 2 9 16 23 30
        1997-10 7 14 21 28
        1997-11 4 11 18 25
        1997-12 2 9 16 23""",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        date(1997, 9, 2),
        "1997-09 2 16 30\n1997-10 14 28\n1997-11 11 25\n1997-12 9 23\n1998-01 6 20\n1998-02 3 17",
    ),
    (
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        date(1997, 9, 2),
        "1997-09 2 4 9 11 16 18 23 25 30\n1997-10 2",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224;WKST=SU;BYDAY=MO,WE,FR",
        date(1997, 9, 1),
        """1997-09 1 3 5 15 17 19 29
        1997-10 1 3 13 15 17 27 29 31
        1997-11 10 12 14 24 26 28
        1997-12 8 10 12 22 24""",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        date(1997, 9, 2),
        "1997-09 2 4 16 18 30\n1997-10 2 14 16",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        date(1997, 9, 5),
        """1997-09 5
        1997-10 3
        1997-11 7
        1997-12 5
        1998-01 2
        1998-02 6
        1998-03 6
        1998-04 3
        1998-05 1
        1998-06 5""",
    ),
    (
        "FREQ=MONTHLY;UNTIL=19971224;BYDAY=1FR",
        date(1997, 9, 5),
        "1997-09 5\n1997-10 3\n1997-11 7\n1997-12 5",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        date(1997, 9, 7),
        "1997-09 7 28\n1997-11 2 30\n1998-01 4 25\n1998-03 1 29\n1998-05 3 31",
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        date(1997, 9, 22),
        "1997-09 22\n1997-10 20\n1997-11 17\n1997-12 22\n1998-01 19\n1998-02 16",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        date(1997, 9, 28),
        "1997-09 28\n1997-10 29\n1997-11 28\n1997-12 29\n1998-01 29\n1998-02 26",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        date(1997, 9, 2),
        "1997-09 2 15\n1997-10 2 15\n1997-11 2 15\n1997-12 2 15\n1998-01 2 15",
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        date(1997, 9, 30),
        "1997-09 30\n1997-10 1 31\n1997-11 1 30\n1997-12 1 31\n1998-01 1 31\n1998-02 1",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        date(1997, 9, 10),
        "1997-09 10 11 12 13 14 15\n1999-03 10 11 12 13",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        date(1997, 9, 2),
        "1997-09 2 9 16 23 30\n1997-11 4 11 18 25\n1998-01 6 13 20 27\n1998-03 3 10 17 24 31",
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        date(1997, 6, 10),
        "\n".join(f"{year}-06 10\n{year}-07 10" for year in range(1997, 2002)),
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        date(1997, 3, 10),
        "1997-03 10\n"
        + "\n".join(
            f"{year}-{month} 10" for year in (1999, 2001, 2003) for month in ("01", "02", "03")
        ),
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        date(1997, 1, 1),
        """1997-01 1
        1997-04 10
        1997-07 19
        2000-01 1
        2000-04 9
        2000-07 18
        2003-01 1
        2003-04 10
        2003-07 19
        2006-01 1""",
    ),
    ("FREQ=YEARLY;BYDAY=20MO", date(1997, 5, 19), "1997-05 19\n1998-05 18\n1999-05 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", date(1997, 5, 12), "1997-05 12\n1998-05 11\n1999-05 17"),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        date(1997, 3, 13),
        "1997-03 13 20 27\n1998-03 5 12 19 26\n1999-03 4 11 18 25",
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        date(1997, 6, 5),
        "1997-06 5 12 19 26\n1997-07 3 10 17 24 31\n1997-08 7 14 21 28\n1998-06 4 11 18 25",
    ),
    (
        # The example excludes its first date, which does not fit.
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        date(1997, 9, 2),
        "1997-09 2\n1998-02 13\n1998-03 13\n1998-11 13\n1999-08 13\n2000-10 13",
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        date(1997, 9, 13),
        "1997-09 13\n1997-10 11\n1997-11 8\n1997-12 13\n1998-01 10\n1998-02 7\n1998-03 7",
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        date(1996, 11, 5),
        "1996-11 5\n2000-11 7\n2004-11 2",
    ),
    (
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        date(1997, 9, 4),
        "1997-09 4\n1997-10 7\n1997-11 6",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        date(1997, 9, 29),
        "1997-09 29\n1997-10 30\n1997-11 27\n1997-12 30\n1998-01 29\n1998-02 26\n1998-03 30",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        date(1997, 8, 5),
        "1997-08 5 10 19 24",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        date(1997, 8, 5),
        "1997-08 5 17 19 31",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        date(2007, 1, 15),
        "2007-01 15 30\n2007-02 15\n2007-03 15 30",
    ),
]


@pytest.mark.parametrize(("rule", "first", "expected"), RFC_EXAMPLES)
def test_example_of_rfc_5545_has_its_dates(rule: str, first: date, expected: str) -> None:
    found = days(expected)
    # Rules with an end have exactly these dates.
    ended = "COUNT" in rule or "UNTIL" in rule
    assert some_dates(rule, first, 1_000 if ended else len(found)) == found


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
    # 29 February is skipped in 2100.
    assert some_dates("FREQ=YEARLY;INTERVAL=100", date(2000, 2, 29)) == ["2000-02-29"]
    # A later gap ends them, too: 2200 is not a leap year, and 2284 and 2368 are never reached.
    rule, first = parse_rule("FREQ=YEARLY;INTERVAL=21;BYMONTH=2;BYMONTHDAY=29"), date(2032, 2, 29)
    assert list(dates(rule, first)) == [first, date(2116, 2, 29)]
    assert next_after(rule, first, date(2115, 1, 1)) == (date(2116, 2, 29), rule)
    assert next_after(rule, first, date(2300, 1, 1)) is None


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


def steps_of(call: Callable[[], object]) -> int:
    """Return how many lines of the engine run in the call."""
    folder = dates_module.__file__.rpartition("/")[0]
    steps = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal steps
        if not frame.f_code.co_filename.startswith(folder):
            return None
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return steps


def as_long_as_possible(start: str, values: list[str], end: str = "") -> str:
    """Return the longest rule with some of the values that is accepted."""
    text = start
    for value in values:
        longer = f"{text}{'' if text.endswith('=') else ','}{value}"
        try:
            parse_rule(longer + end)
        except RuleError:
            break
        text = longer
    return text + end


ALL_WEEKDAYS = f"BYDAY={','.join(WEEKDAYS)}"
NUMBERS = [str(number) for number in range(1, 367)]
HARD_RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2",
    "FREQ=DAILY;INTERVAL=2;BYDAY=MO;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=DAILY;INTERVAL=999;BYDAY=MO;BYMONTH=2",
    "FREQ=DAILY;INTERVAL=997;BYMONTHDAY=1",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=WEEKLY;INTERVAL=999;BYDAY=MO,TU;BYSETPOS=-1;WKST=TH",
    "FREQ=MONTHLY;INTERVAL=11;BYMONTHDAY=31",
    "FREQ=MONTHLY;INTERVAL=97;BYDAY=MO",
    "FREQ=MONTHLY;INTERVAL=999;BYDAY=-5MO;BYMONTHDAY=29",
    "FREQ=YEARLY;BYYEARDAY=366;BYDAY=MO",
    f"FREQ=YEARLY;{ALL_WEEKDAYS};BYSETPOS=366",
    "FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU;BYMONTH=1;WKST=SU",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;INTERVAL=97;BYMONTH=2;BYMONTHDAY=29",
    as_long_as_possible("FREQ=YEARLY;BYYEARDAY=", NUMBERS),
    as_long_as_possible("FREQ=YEARLY;BYWEEKNO=", NUMBERS, ";BYDAY=SU;WKST=WE"),
    as_long_as_possible(f"FREQ=YEARLY;{ALL_WEEKDAYS};BYSETPOS=", NUMBERS),
    as_long_as_possible(f"FREQ=MONTHLY;{ALL_WEEKDAYS};BYSETPOS=", NUMBERS),
    as_long_as_possible(f"FREQ=WEEKLY;{ALL_WEEKDAYS};BYSETPOS=", NUMBERS),
    as_long_as_possible("FREQ=YEARLY;BYDAY=", [f"{n}{WEEKDAYS[n % 7]}" for n in range(1, 54)]),
    as_long_as_possible(
        "FREQ=MONTHLY;BYDAY=",
        [f"{n}{day}" for n in (1, 2, 3, 4, 5, -1) for day in WEEKDAYS],
        ";BYSETPOS=1,2,3,4,5,-1",
    ),
]
# Lines of code. A walk over the days of a century would be 36,525 times as many as its body has,
# and one from year 1 to 9999 a hundred times that.
NEXT_STEPS = 12_000
HUNDRED_DATES_STEPS = 90_000  # 100 dates of some rules are 9,000 years
ALL_YEARS_STEPS = 400_000


@pytest.mark.parametrize("text", HARD_RULES)
@pytest.mark.parametrize("count", [None, 999])
def test_hardest_rules_take_few_steps(text: str, count: int | None) -> None:
    rule = replace(parse_rule(text), count=count)
    first = date(2024, 2, 29)
    assert steps_of(lambda: next_after(rule, first, first)) < NEXT_STEPS
    assert steps_of(lambda: first_dates(rule, first, 100)) < HUNDRED_DATES_STEPS
    assert steps_of(lambda: next_after(rule, date.min, date.max)) < ALL_YEARS_STEPS


def test_daily_rule_from_year_1_takes_few_steps() -> None:
    rule = parse_rule("FREQ=DAILY")
    assert steps_of(lambda: next_after(rule, date.min, date(2030, 1, 1))) < 50_000
