"""Recurrence rules in English."""

import random
from datetime import date
from itertools import islice

import pytest

from tests.support.rules import generated_cases
from todo.recurrence.dates import complete, dates
from todo.recurrence.rule import Rule, format_rule, parse_rule
from todo.recurrence.text import describe


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=2;COUNT=1", "every 2 days, once"),
        (
            "FREQ=DAILY;INTERVAL=3;BYDAY=MO,FR;BYMONTH=1",
            "every 3 days, only in January, only on a Monday or a Friday",
        ),
        (
            "FREQ=DAILY;BYMONTHDAY=1,-1;BYSETPOS=-1",
            "every day, only on the 1st or the last day of a month",
        ),
        ("FREQ=WEEKLY", "every week"),
        ("FREQ=WEEKLY;INTERVAL=3", "every 3 weeks"),
        ("FREQ=WEEKLY;BYDAY=TU", "every Tuesday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every second Tuesday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU", "every second Tuesday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYMONTH=1", "every 2 weeks on Tuesday, only in January"),
        ("FREQ=WEEKLY;BYDAY=MO,FR", "every Monday and Friday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=5", "every weekday, 5 times"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "every day"),
        ("FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,FR", "every 3 weeks on Monday and Friday"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,SU;WKST=SU",
            "every 2 weeks on Monday, Wednesday and Sunday, with weeks that start on Sunday",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1",
            "every Monday and Tuesday, of these dates in each week only the first",
        ),
        ("FREQ=MONTHLY", "every month"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,2,3,11,22,-2",
            "every 2 months on the 1st, the 2nd, the 3rd, the 11th, the 22nd and the "
            "second-to-last day",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "every month on the 13th, only on a Friday"),
        ("FREQ=MONTHLY;BYDAY=1MO;COUNT=5", "the first Monday of every month, 5 times"),
        (
            "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO,-1FR",
            "the first Monday and the last Friday of every 3 months",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,-2TU;BYMONTH=1,2",
            "every month on every Monday and the second-to-last Tuesday, only in January and "
            "February",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;UNTIL=20300301",
            "the last weekday of every month, until 1 March 2030",
        ),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2", "the second Saturday or Sunday of every month"),
        ("FREQ=YEARLY", "every year"),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2", "every 4 years in February"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "every year on 29 February"),
        ("FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1", "every year on 1 January and 1 July"),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=-1", "every year on the last day of April"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "every year on the 1st of every month"),
        ("FREQ=YEARLY;BYYEARDAY=100,-1", "every year on day 100 and the last day of the year"),
        ("FREQ=YEARLY;BYWEEKNO=20,-1", "every year in week 20 and the last week"),
        (
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;BYMONTH=5;WKST=SU",
            "every year on Monday in week 20, only in May, with weeks that start on Sunday",
        ),
        ("FREQ=YEARLY;BYDAY=20MO", "every year on the 20th Monday of the year"),
        ("FREQ=YEARLY;BYDAY=TH;BYMONTH=3", "every year on every Thursday of March"),
        (
            "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3,10",
            "every year on the last Sunday of March and October",
        ),
        (
            "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1,2;BYDAY=1MO",
            "every year on 1 January and 2 January, only on the first Monday of the month",
        ),
        (
            "FREQ=YEARLY;BYYEARDAY=1;BYMONTHDAY=1;BYWEEKNO=1;BYSETPOS=1",
            "every year on day 1 of the year, only in week 1, only on the 1st of a month, of these "
            "dates in each year only the first",
        ),
        (
            "FREQ=DAILY;UNTIL=20300301T090000Z",
            "every day, until 1 March 2030 at 09:00 UTC",
        ),
        (
            "FREQ=DAILY;UNTIL=00010101T235959Z",
            "every day, until 1 January 1 at 23:59:59 UTC",
        ),
    ],
)
def test_rule_is_described_in_english(rule: str, text: str) -> None:
    assert describe(parse_rule(rule)) == text


def changes_of(rule: Rule, generator: random.Random) -> list[Rule]:
    """Return rules that differ from the rule in one part."""
    parts = [part.partition("=")[0] for part in format_rule(rule).split(";")]
    defaults = {"INTERVAL": "1", "WKST": "MO"}
    texts = []
    for name in parts[1:]:
        others = [part for part in format_rule(rule).split(";") if not part.startswith(f"{name}=")]
        texts.append(";".join(others))
        values = dict(part.split("=") for part in format_rule(rule).split(";"))[name].split(",")
        if len(values) > 1:
            left = ",".join(generator.sample(values, len(values) - 1))
            texts.append(";".join([*others, f"{name}={left}"]))
        elif name in defaults:
            texts.append(";".join([*others, f"{name}={defaults[name]}"]))
    changed = []
    for text in texts:
        try:
            changed.append(parse_rule(text))
        except ValueError:
            continue
    return changed


def test_rules_with_same_text_have_same_dates() -> None:
    generator = random.Random(5545)
    rules_by_text: dict[str, list[tuple[Rule, date]]] = {}
    for case in generated_cases(3_000):
        rule = parse_rule(case.ended)
        for each in (rule, *changes_of(rule, generator)):
            rules_by_text.setdefault(describe(each), []).append((each, case.first))
    groups = [group for group in rules_by_text.values() if len({rule for rule, _ in group}) > 1]
    assert len(groups) > 50
    for group in groups:
        (one, _), *_ = group
        for other, first in group:
            # From a date that does not fit, even WKST can make a difference that no text has.
            for fitting in islice(dates(one, first), 1, 2):
                assert some_dates(one, fitting) == some_dates(other, fitting), (one, other, first)


def some_dates(rule: Rule, first: date) -> list[date]:
    return list(islice(dates(rule, first), 10))


def test_completed_rule_has_dates_of_rule() -> None:
    for case in generated_cases(500):
        rule = parse_rule(case.rule)
        assert some_dates(complete(rule, case.first), case.first) == some_dates(rule, case.first)
