"""The work that the dates of a rule take, in lines of code."""

from dataclasses import replace
from datetime import date
from itertools import islice

import pytest

from tests.support.rules import WEEKDAYS
from tests.support.steps import steps_of
from todo.recurrence import dates as dates_module
from todo.recurrence.dates import dates, next_after
from todo.recurrence.rule import RuleError, parse_rule


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
    assert steps_of(lambda: next_after(rule, first, first), dates_module) < NEXT_STEPS
    hundred = steps_of(lambda: list(islice(dates(rule, first), 100)), dates_module)
    assert hundred < HUNDRED_DATES_STEPS
    assert steps_of(lambda: next_after(rule, date.min, date.max), dates_module) < ALL_YEARS_STEPS


@pytest.mark.parametrize("text", HARD_RULES)
def test_years_that_have_passed_take_no_steps(text: str) -> None:
    rule = parse_rule(text)
    assert steps_of(lambda: next_after(rule, date.min, date(2030, 1, 1)), dates_module) < NEXT_STEPS


def test_years_that_have_passed_do_not_shift_the_interval() -> None:
    for text in HARD_RULES:
        rule = parse_rule(text)
        every = list(dates(rule, date(1600, 2, 29)))
        for after in (date(1600, 3, 1), date(1999, 12, 31), date(2031, 5, 7)):
            later = [day for day in every if day > after]
            if later:
                assert next_after(rule, date(1600, 2, 29), after) == (later[0], rule)
