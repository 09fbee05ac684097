"""Read a quick entry, such as `Milk tomorrow 9:00 #groceries @home !1 every week`.

docs/quick.md has the grammar. A word that is not understood stays in the name.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from todo.quick.dates import (
    MOST_WORDS,
    first_date,
    is_doubtful,
    read_day,
    read_rule,
    read_time,
    until_comma,
)
from todo.quick.words import Word, split
from todo.words import fold

LIST_WORDS = 5  # of a list's name that is not in quotes
PRIORITIES = {"high": 1, "medium": 5, "low": 9}

# The kind, the value and the number of words.
Reading = tuple[str, Any, int]

_PRIORITY = re.compile(rf"!([1-9]|{'|'.join(PRIORITIES)})")


@dataclass(frozen=True)
class Piece:
    """A part of the text that was understood: its kind, its place in code points, its value."""

    kind: str  # day, time, recurrence, list, label or priority
    start: int
    end: int
    value: Any


@dataclass
class Entry:
    """A text that was read."""

    name: str
    due_date: date | datetime | None = None  # a time is local
    list_name: str | None = None
    labels: list[str] = field(default_factory=list)  # as they were written, and as often
    priority: int = 0
    recurrence: str | None = None
    recurrence_from: str = "due"
    pieces: list[Piece] = field(default_factory=list)


def read_entry(
    text: str,
    now: datetime,
    list_names: Collection[str],
    due_date: date | datetime | None = None,
) -> Entry:
    """Read the text, written at the local time `now` in an account with these lists.

    `due_date` counts for what the text leaves open: a day, or a local time.
    Of several days, times, rules, lists and priorities, the last one counts; the others stay in the
    name. Of lists whose names differ in case or accents alone, the first one counts.
    """
    words = split(text)
    lists: dict[str, str] = {}
    for name in list_names:
        lists.setdefault(_key(name), name)
    found = list(_pieces(text, words, now, lists))
    last = {piece.kind: piece for piece in found}
    pieces = [piece for piece in found if piece.kind == "label" or piece is last[piece.kind]]
    values = {piece.kind: piece.value for piece in pieces}
    recurrence, recurrence_from = values.get("recurrence", (None, "due"))
    return Entry(
        name=_name(text, words, pieces),
        due_date=_due_date(values.get("day"), values.get("time"), recurrence, now, due_date),
        list_name=values.get("list"),
        labels=[piece.value for piece in pieces if piece.kind == "label"],
        priority=values.get("priority", 0),
        recurrence=recurrence,
        recurrence_from=recurrence_from,
        pieces=pieces,
    )


def _pieces(
    text: str, words: Sequence[Word], now: datetime, lists: dict[str, str]
) -> Iterator[Piece]:
    # From the last word on: what follows a doubtful phrase decides about it.
    readings: list[Reading | None] = [None] * len(words)
    for index in range(len(words) - 1, -1, -1):
        readings[index] = _signed(text, words, index, lists) or _phrase(words, index, now, readings)
    index = 0
    while index < len(words):
        found = readings[index]
        if found is None:
            index += 1
            continue
        kind, value, length = found
        end = words[index + length - 1]
        yield Piece(kind, words[index].start, end.end - end.text.endswith(","), value)
        index += length


def _phrase(
    words: Sequence[Word], index: int, now: datetime, readings: Sequence[Reading | None]
) -> Reading | None:
    """Read a rule, a day or a time that begins at the word.

    A doubtful one counts only if it ends the text, or if the next word has a reading.
    """
    following = [word.text.lower() for word in words[index : index + MOST_WORDS]]
    phrase = until_comma(following)
    found: Reading | None = None
    if rule := read_rule(following):
        how = "completion" if following[0].endswith("!") else "due"
        found = "recurrence", (rule[0], how), rule[1]
    elif day := read_day(phrase, now.date()):
        found = "day", *day
    elif clock_time := read_time(phrase):
        found = "time", *clock_time
    if found is None:
        return None
    length = found[2]
    at_end = index + length == len(words)
    doubtful = is_doubtful(following[0], following[length - 1].removesuffix(","))
    if doubtful and not (at_end or readings[index + length]):
        return None
    return found


def _signed(text: str, words: Sequence[Word], index: int, lists: dict[str, str]) -> Reading | None:
    """Read a list, label or priority at the word."""
    word = words[index].text.removesuffix(",")
    if match := _PRIORITY.fullmatch(word.lower()):
        return "priority", PRIORITIES.get(match[1]) or int(match[1]), 1
    if word.startswith("@") and (label := _unquoted(word[1:])):
        return "label", label, 1
    if word.startswith("#"):
        return _list(text, words, index, lists)
    return None


def _list(text: str, words: Sequence[Word], index: int, lists: dict[str, str]) -> Reading | None:
    """Read the longest name of a list after the sign."""
    start = words[index].start + 1
    for length in range(min(LIST_WORDS, len(words) - index), 0, -1):
        last = words[index + length - 1]
        if last.text == ",":  # it stands alone, so it belongs to no name
            continue
        given = text[start : last.end].removesuffix(",")
        key = _key(_unquoted(given))
        name = lists.get(key)
        if key and name is not None:
            return "list", name, length
    return None


def _key(name: str) -> str:
    """Return the name without case, accents and repeated spaces."""
    return fold(" ".join(name.split()))


def _unquoted(name: str) -> str:
    return name[1:-1].strip() if len(name) > 1 and name[0] == name[-1] == '"' else name


def _due_date(
    day: date | None,
    at: time | None,
    recurrence: str | None,
    now: datetime,
    default: date | datetime | None,
) -> date | datetime | None:
    if day is None and recurrence is None and at is None:
        return default
    if day is None:
        day, at = _start(at, now, default)
        day = first_date(recurrence, day) if recurrence else day
    return day if at is None else datetime.combine(day, at)


def _start(
    at: time | None, now: datetime, default: date | datetime | None
) -> tuple[date, time | None]:
    """Return the first day that a text without a day can mean, and the time."""
    if isinstance(default, datetime):
        if at is None:
            return default.date(), default.time()
    elif default is not None:
        return default, at
    today = now.date()
    has_passed = at is not None and at <= now.time()
    return today + timedelta(days=int(has_passed and today < date.max)), at


def _name(text: str, words: Sequence[Word], pieces: Sequence[Piece]) -> str:
    """Return the words outside the pieces. A backslash before a word only made it text."""
    rest = []
    end = 0  # of the piece before the word
    starts = {piece.start: piece.end for piece in pieces}
    for word in words:
        end = starts.get(word.start, end)
        if word.start >= end:
            rest.append(word.text.removeprefix("\\") or word.text)
    return " ".join(rest)
