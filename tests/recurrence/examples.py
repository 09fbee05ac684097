"""Short forms of dates and rules for the tests."""

from datetime import date
from itertools import islice

from todo.recurrence.dates import dates
from todo.recurrence.rule import parse_rule


def some_dates(text: str, first: date, number: int = 10) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in islice(dates(parse_rule(text), first), number)]


def days(text: str) -> list[str]:
    """Return the days of lines such as "1997-09 2 4 30"."""
    found = []
    for line in text.strip().splitlines():
        month, *numbers = line.split()
        found += [f"{month}-{int(number):02}" for number in numbers]
    return found
