"""The dates of generated recurrence rules, compared with those of ical.js."""

import json
import subprocess
from collections.abc import Callable
from datetime import date

import pytest

from tests.clients.test_clients import ENVIRON, FOLDER
from tests.support.rules import Case, first_always, generated_cases
from todo.recurrence.rule import Rule, parse_rule

CASES = 1_500  # the first ones are those of tests/recurrence/test_oracle.py
TIMEOUT = "5000"  # milliseconds for each rule

Fault = tuple[str, Callable[[Rule, date], bool], Case]


def _case(rule: str, first: date) -> Case:
    return Case(rule, first, date(first.year + 10, 12, 31), None)


def _may_name_days_twice(rule: Rule) -> bool:
    ordinals = [ordinal or 0 for ordinal, _ in rule.by_day]
    return any(
        len({(number > 0) - (number < 0) for number in numbers}) > 1
        for numbers in (ordinals, rule.by_year_day, rule.by_month_day)
    )


# Faults of ical.js 2: rules for which its dates are not those of RFC 5545, each with an example.
FAULTS: list[Fault] = [
    (
        "BYWEEKNO is refused with BYMONTHDAY, loses years, and yields other weeks",
        lambda rule, _: bool(rule.by_week_no),
        _case("FREQ=YEARLY;BYWEEKNO=20", date(2024, 5, 13)),
    ),
    (
        "BYYEARDAY is refused with BYMONTH or BYMONTHDAY, and ignores other parts",
        lambda rule, _: bool(
            rule.by_year_day
            and (rule.by_month or rule.by_month_day or rule.by_day or rule.by_set_pos)
        ),
        _case("FREQ=YEARLY;BYYEARDAY=60;BYMONTH=2", date(2024, 2, 29)),
    ),
    (
        "BYMONTHDAY in yearly rules without BYMONTH yields only the month of the first date",
        lambda rule, _: rule.freq == "YEARLY" and bool(rule.by_month_day) and not rule.by_month,
        _case("FREQ=YEARLY;BYMONTHDAY=15", date(2024, 1, 15)),
    ),
    (
        "BYMONTHDAY in yearly rules turns 31 April into 1 May, and counts from the end of a month "
        "of another year",
        lambda rule, _: (
            rule.freq == "YEARLY" and not all(0 < day < 29 for day in rule.by_month_day)
        ),
        _case("FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=-1", date(2023, 2, 28)),
    ),
    (
        "BYMONTHDAY with BYDAY loses dates and ends too early",
        lambda rule, _: bool(rule.by_month_day and rule.by_day),
        _case("FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=7,29;BYDAY=-4WE,5TH", date(2019, 8, 7)),
    ),
    (
        "BYMONTHDAY in daily rules never ends if it counts from the end, and loses dates",
        lambda rule, _: rule.freq == "DAILY" and bool(rule.by_month_day),
        _case("FREQ=DAILY;BYMONTHDAY=15,-7", date(2024, 3, 15)),
    ),
    (
        "the first period of BYSETPOS begins at the first date",
        lambda rule, _: bool(rule.by_set_pos) and rule.freq != "DAILY",
        _case("FREQ=MONTHLY;BYMONTHDAY=15,-1;BYSETPOS=1", date(2025, 2, 15)),
    ),
    (
        "a yearly rule moves a day that a month lacks, such as 29 February, to the next month",
        lambda rule, first: (
            rule.freq == "YEARLY"
            and not (rule.by_day or rule.by_month_day or rule.by_year_day)
            and first.day > 28
        ),
        _case("FREQ=YEARLY", date(2024, 2, 29)),
    ),
    (
        "an ordinal of two digits in BYDAY is read without its first digit",
        lambda rule, _: any(abs(ordinal or 0) > 9 for ordinal, _ in rule.by_day),
        _case("FREQ=YEARLY;BYDAY=52TH", date(2023, 12, 28)),
    ),
    (
        "BYMONTH in monthly rules loses months that are not in order, and yields others with "
        "INTERVAL",
        lambda rule, _: rule.freq == "MONTHLY" and bool(rule.by_month),
        _case("FREQ=MONTHLY;BYMONTH=10,8;BYDAY=SA", date(2021, 8, 7)),
    ),
    (
        "BYMONTH in weekly rules is ignored in the week of a first date that does not fit",
        lambda rule, first: (
            rule.freq == "WEEKLY" and bool(rule.by_month) and first.month not in rule.by_month
        ),
        _case("FREQ=WEEKLY;BYMONTH=2;BYDAY=SU,WE", date(2025, 3, 31)),
    ),
    (
        "COUNT counts a day twice that two values of a part name, such as 1 and -366",
        lambda rule, _: rule.count is not None and _may_name_days_twice(rule),
        Case("FREQ=YEARLY;BYYEARDAY=1,-366", date(2024, 1, 1), date(2040, 1, 1), 3),
    ),
]


def _ask(cases: list[Case], ends: list[str]) -> list[list[date]]:
    """Return the dates of the cases, with other ends, by ical.js. An error has no dates."""
    questions = [
        {"rule": f"{case.rule};{end}", "first": f"{case.first}", "until": f"{case.until}"}
        for case, end in zip(cases, ends, strict=True)
    ]
    result = subprocess.run(
        ["node", FOLDER / "ical_js.mjs", TIMEOUT],
        input=json.dumps(questions),
        env=ENVIRON,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [
        [] if isinstance(answer, str) else [date.fromisoformat(day) for day in answer]
        for answer in json.loads(result.stdout)
    ]


def _dates_of_ical_js(cases: list[Case]) -> list[list[date]]:
    until = _ask(cases, [f"UNTIL={case.until:%Y%m%d}" for case in cases])
    by_count = {
        fewer: _ask(cases, [f"COUNT={max(1, (case.count or 1) - fewer)}" for case in cases])
        for fewer in (0, 1)
    }

    def dates_of(index: int, case: Case) -> list[date]:
        count = case.count or 0
        return first_always(case, until[index], lambda number: by_count[count - number][index])

    return [dates_of(index, case) for index, case in enumerate(cases)]


def _is_faulty(case: Case) -> bool:
    rule = parse_rule(case.ended)
    return any(applies(rule, case.first) for _, applies, _ in FAULTS)


def test_generated_rules_have_dates_of_ical_js() -> None:
    # ical.js never ends on some rules that yield nothing.
    cases = [case for case in generated_cases(CASES) if len(case.dates()) > 1]
    cases = [case for case in cases if not _is_faulty(case)]
    assert len(cases) >= 400
    found = zip(cases, _dates_of_ical_js(cases), strict=True)
    assert [str(case) for case, days in found if case.dates() != days] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0])
def test_known_fault_of_ical_js_is_still_there(fault: Fault) -> None:
    _, applies, case = fault
    assert applies(parse_rule(case.ended), case.first)
    assert _dates_of_ical_js([case]) != [case.dates()]
