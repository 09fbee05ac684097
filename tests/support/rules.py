"""Recurrence rules from a seeded generator, which both oracles of the engine check."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from todo.recurrence.dates import dates
from todo.recurrence.rule import RULE_MAX, RuleError, parse_rule

SEED = 5545
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Leap days, ends of months and years, and first weeks that begin in the year before.
FIRST_DATES = (
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2023, 2, 28),
    date(2096, 2, 29),
    date(1999, 12, 31),
    date(2000, 1, 1),
    date(2018, 12, 31),
    date(2020, 12, 27),
    date(2021, 1, 3),
    date(2025, 1, 31),
    date(2025, 3, 30),
    date(2025, 10, 26),
    date(2026, 4, 30),
    date(2027, 8, 31),
)
YEARS = 12  # compared


@dataclass(frozen=True)
class Case:
    """A rule without an end, its first date, and an end: a COUNT, or else an UNTIL."""

    rule: str
    first: date
    until: date
    count: int | None

    @property
    def ended(self) -> str:
        return f"{self.rule};{self.end}"

    @property
    def end(self) -> str:
        return f"COUNT={self.count}" if self.count else f"UNTIL={self.until:%Y%m%d}"

    def dates(self) -> list[date]:
        return list(dates(parse_rule(self.ended), self.first))

    def __str__(self) -> str:
        return f"{self.first}-{self.ended}"


def first_always(
    case: Case, found: list[date], with_count: Callable[[int], list[date]]
) -> list[date]:
    """Return the dates that another library should find for the case.

    `found` are its dates up to `until`, and `with_count` finds a number of them. RFC 5545 leaves
    open whether a first date that does not fit the rule belongs to it: here it always does.
    """
    fits = case.first in found
    if case.count is None:
        return found if fits else [case.first, *found]
    if fits:
        return with_count(case.count)
    return [case.first, *(with_count(case.count - 1) if case.count > 1 else [])]


def generated_cases(number: int, seed: int = SEED) -> list[Case]:
    """Return distinct cases over the whole grammar, whose COUNT is reached within YEARS.

    Most first dates fit their rule.
    """
    generator = random.Random(seed)
    cases: dict[Case, None] = {}
    while len(cases) < number:
        rule = _random_rule(generator)
        try:
            parse_rule(f"{rule};COUNT=999")
        except RuleError:
            continue
        first = generator.choice(FIRST_DATES) + timedelta(days=generator.choice((-1, 0, 0, 1)))
        until = first + timedelta(days=generator.randint(1, YEARS * 365))
        found = Case(rule, first, until, None).dates()
        if len(found) == 1 and generator.random() < 0.8:
            continue  # most combinations of values yield nothing
        if len(found) > 1 and generator.random() < 0.7:
            # The second date fits the rule, whereas the first one may not.
            found = found[1:]
            first = found[0]
        count = generator.randint(1, min(len(found), 40)) if generator.random() < 0.4 else None
        cases[Case(rule, first, until, count)] = None
    return list(cases)


def _random_rule(generator: random.Random) -> str:
    frequency = generator.choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY", "YEARLY"))
    parts = [f"FREQ={frequency}"]
    if generator.random() < 0.5:
        parts.append(f"INTERVAL={generator.choice((1, 2, 2, 3, 4, 5, 6, 7, 13, 30))}")
    for name, chance in (
        ("BYMONTH", 0.25),
        ("BYWEEKNO", 0.25),
        ("BYYEARDAY", 0.2),
        ("BYMONTHDAY", 0.3),
        ("BYDAY", 0.55),
        ("BYSETPOS", 0.3),
    ):
        if generator.random() < chance:
            parts.append(f"{name}={_random_values(generator, name)}")
    if generator.random() < 0.3:
        parts.append(f"WKST={generator.choice(WEEKDAYS)}")
    first, *others = parts
    generator.shuffle(others)
    return ";".join((first, *others))[:RULE_MAX]


def _random_values(generator: random.Random, name: str) -> str:
    number = generator.choice((1, 1, 1, 2, 2, 3, 5))
    values = [_random_value(generator, name) for _ in range(number)]
    if name == "BYDAY" and generator.random() < 0.6:
        values = [value.lstrip("-0123456789") for value in values]
    return ",".join(values)


def _random_value(generator: random.Random, name: str) -> str:
    sign = generator.choice((1, 1, -1))
    match name:
        case "BYMONTH":
            return str(generator.choice((1, 2, 2, 3, 4, 6, 8, 10, 12)))
        case "BYWEEKNO":
            return str(sign * generator.choice((1, 1, 2, 9, 20, 35, 51, 52, 53)))
        case "BYYEARDAY":
            return str(sign * generator.choice((1, 2, 3, 59, 60, 61, 100, 200, 364, 365, 366)))
        case "BYMONTHDAY":
            return str(sign * generator.choice((1, 2, 7, 13, 15, 28, 29, 30, 31)))
        case "BYDAY":
            ordinal = generator.choice(("", "", 1, 2, 3, 4, 5, 10, 52, 53))
            return f"{'-' if sign < 0 and ordinal else ''}{ordinal}{generator.choice(WEEKDAYS)}"
        case _:
            return str(sign * generator.choice((1, 1, 2, 3, 5, 7, 30, 366)))
