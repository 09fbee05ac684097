"""The grammar of quick entries: docs/quick.md has the table."""

import re
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.databases import ROOT
from tests.support.steps import steps_of
from todo.quick import entry as entry_module
from todo.quick.entry import Entry, read_entry
from todo.recurrence.rule import parse_rule

at = datetime.fromisoformat

PAGE = ROOT / "docs/quick.md"

NOW = at("2030-02-01T10:00")  # a Friday
LISTS = ["Groceries", "\u0301", "Two  spaces", "Two words", "Two", "Ärzte", "a b c d e f"]


def read(text: str, now: datetime = NOW) -> Entry:
    return read_entry(text, now, LISTS)


@pytest.mark.parametrize(
    ("phrase", "due"),
    [
        ("today", date(2030, 2, 1)),
        ("Tomorrow", date(2030, 2, 2)),
        ("tomorrow,", date(2030, 2, 2)),
        ("saturday", date(2030, 2, 2)),
        ("friday", date(2030, 2, 8)),
        ("on friday", date(2030, 2, 8)),
        ("on 3 feb", date(2030, 2, 3)),
        ("next friday", date(2030, 2, 8)),
        ("next monday", date(2030, 2, 4)),
        ("in 1 day", date(2030, 2, 2)),
        ("in 3 weeks", date(2030, 2, 22)),
        ("in 11 months", date(2031, 1, 1)),
        ("2030-02-28", date(2030, 2, 28)),
        ("1 feb", date(2030, 2, 1)),
        ("31 Jan", date(2031, 1, 31)),
        ("feb 1 2030", date(2030, 2, 1)),
        ("february 2nd", date(2030, 2, 2)),
        ("29 feb", date(2032, 2, 29)),
        ("3rd march 2031", date(2031, 3, 3)),
        ("11:00", at("2030-02-01T11:00")),
        ("9:59", at("2030-02-02T09:59")),
        ("10:00", at("2030-02-02T10:00")),
        ("at 9:30pm", at("2030-02-01T21:30")),
        ("12am", at("2030-02-02T00:00")),
        ("12pm", at("2030-02-01T12:00")),
        ("noon", at("2030-02-01T12:00")),
        ("midnight", at("2030-02-02T00:00")),
        ("tomorrow midnight", at("2030-02-02T00:00")),
        ("tomorrow at noon", at("2030-02-02T12:00")),
        ("monday at 9am", at("2030-02-04T09:00")),
        ("9am monday", at("2030-02-04T09:00")),
    ],
)
def test_days_and_times(phrase: str, due: date) -> None:
    for text in (f"Milk {phrase}", f"{phrase} Milk", f"Milk {phrase} @x"):
        entry = read(text)
        assert (entry.name, entry.due_date) == ("Milk", due)


@pytest.mark.parametrize(
    ("phrase", "due"),
    [
        ("mon", date(2030, 2, 4)),
        ("Fri,", date(2030, 2, 8)),
        ("on sun", date(2030, 2, 3)),
        ("next wed", date(2030, 2, 6)),
        ("at 9", at("2030-02-02T09:00")),
        ("at 23", at("2030-02-01T23:00")),
        ("at 9 mon", at("2030-02-04T09:00")),
        ("mon at 9", at("2030-02-04T09:00")),
        ("every sat", date(2030, 2, 2)),
        ("every mon, tue", date(2030, 2, 4)),
    ],
)
def test_doubtful_phrases_count_where_no_other_word_follows(phrase: str, due: date) -> None:
    for text in (f"Milk {phrase}", f"Milk {phrase} @x", f"@y Milk {phrase} !1 @x"):
        entry = read(text)
        assert (entry.name, entry.due_date) == ("Milk", due)
    text = f"Milk {phrase} ami"
    assert phrase.rsplit(maxsplit=1)[-1] in read(text).name.split()


def test_turn_of_the_year_and_end_of_the_calendar() -> None:
    eve = at("2030-12-31T10:00")  # a Tuesday
    assert read("x tomorrow", eve).due_date == date(2031, 1, 1)
    assert read("x 1 jan", eve).due_date == date(2031, 1, 1)
    assert read("x 31 dec", eve).due_date == date(2030, 12, 31)
    assert read("x 30 dec", eve).due_date == date(2031, 12, 30)
    assert read("x 9:00", eve).due_date == at("2031-01-01T09:00")
    assert read("x every wednesday", eve).due_date == date(2031, 1, 1)
    end = at("9999-12-31T10:00")
    for text in ("x tomorrow", "x next monday", "x in 1 day", "x in 1 month", "x 1 jan"):
        assert (read(text, end).name, read(text, end).due_date) == (text, None)
    assert read("x 9:00", end).due_date == at("9999-12-31T09:00")


def test_every_phrase_of_the_page_is_understood() -> None:
    """Each phrase of the table is one part of its row's kind."""
    rows = re.findall(r"^\| (.*?) ?\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
    kind = ""
    read_kinds = []
    for first, words in rows:
        kind = first or kind
        for phrase in re.findall("`([^`]+)`", words):
            text = f"Milk {phrase}"
            [piece] = read(text).pieces
            assert (piece.kind, text[piece.start : piece.end]) == (kind, phrase)
            read_kinds.append(kind)
    assert set(read_kinds) == {"day", "time", "recurrence", "list", "label", "priority"}


def test_months_end_with_their_last_day() -> None:
    assert read("x in 1 month", at("2030-01-31T00:00")).due_date == date(2030, 2, 28)
    assert read("x in 1 month", at("2030-12-31T00:00")).due_date == date(2031, 1, 31)
    assert read("x in 12 months", at("2028-02-29T00:00")).due_date == date(2029, 2, 28)


@pytest.mark.parametrize(
    ("phrase", "rule", "first"),
    [
        ("every day", "FREQ=DAILY", date(2030, 2, 1)),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", date(2030, 2, 1)),
        ("every week", "FREQ=WEEKLY", date(2030, 2, 1)),
        ("every 2 weeks", "FREQ=WEEKLY;INTERVAL=2", date(2030, 2, 1)),
        ("every other month", "FREQ=MONTHLY;INTERVAL=2", date(2030, 2, 1)),
        ("every year", "FREQ=YEARLY", date(2030, 2, 1)),
        ("every tuesday", "FREQ=WEEKLY;BYDAY=TU", date(2030, 2, 5)),
        ("every second tuesday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", date(2030, 2, 5)),
        ("every monday and friday", "FREQ=WEEKLY;BYDAY=MO,FR", date(2030, 2, 1)),
        ("every mon and fri", "FREQ=WEEKLY;BYDAY=MO,FR", date(2030, 2, 1)),
        ("every monday, and tuesday", "FREQ=WEEKLY;BYDAY=MO,TU", date(2030, 2, 4)),
        ("every monday, tuesday and sunday", "FREQ=WEEKLY;BYDAY=MO,TU,SU", date(2030, 2, 3)),
        ("every 15th", "FREQ=MONTHLY;BYMONTHDAY=15", date(2030, 2, 15)),
        ("every month on the 31st", "FREQ=MONTHLY;BYMONTHDAY=31", date(2030, 3, 31)),
        ("every month on the last day", "FREQ=MONTHLY;BYMONTHDAY=-1", date(2030, 2, 28)),
    ],
)
def test_rules(phrase: str, rule: str, first: date) -> None:
    for mark, recurrence_from in (("", "due"), ("!", "completion")):
        entry = read(f"Milk {phrase.replace('every', f'every{mark}')}")
        assert entry.name == "Milk"
        assert parse_rule(entry.recurrence or "") == parse_rule(rule)
        assert (entry.recurrence_from, entry.due_date) == (recurrence_from, first)


def test_time_of_a_rule_that_has_passed_today_begins_later() -> None:
    assert read("x every day 9:00").due_date == at("2030-02-02T09:00")
    assert read("x every friday 9:00").due_date == at("2030-02-08T09:00")
    assert read("x every friday 11:00").due_date == at("2030-02-01T11:00")
    assert read("x every friday today 9:00").due_date == at("2030-02-01T09:00")


FRIDAY, MONDAY = date(2030, 3, 1), date(2030, 3, 4)
NINE_ON_FRIDAY = at("2030-03-01T09:00")


@pytest.mark.parametrize(
    ("text", "given", "due"),
    [
        ("x", FRIDAY, FRIDAY),
        ("x", NINE_ON_FRIDAY, NINE_ON_FRIDAY),
        ("x tomorrow", FRIDAY, date(2030, 2, 2)),
        ("x tomorrow", NINE_ON_FRIDAY, date(2030, 2, 2)),
        ("x tomorrow 8:00", NINE_ON_FRIDAY, at("2030-02-02T08:00")),
        ("x 8:00", FRIDAY, at("2030-03-01T08:00")),
        ("x 8:00", NOW.date(), at("2030-02-01T08:00")),  # it has passed
        ("x 8:00", NINE_ON_FRIDAY, at("2030-02-02T08:00")),
        ("x every week", FRIDAY, FRIDAY),
        ("x every monday", FRIDAY, MONDAY),
        ("x every monday 8:00", FRIDAY, at("2030-03-04T08:00")),
        ("x every friday", NINE_ON_FRIDAY, NINE_ON_FRIDAY),
        ("x every monday", NINE_ON_FRIDAY, at("2030-03-04T09:00")),
        ("x every monday 8:00", NINE_ON_FRIDAY, at("2030-02-04T08:00")),
        ("x every monday tomorrow", FRIDAY, date(2030, 2, 2)),
        ("x every tuesday", date.min, date.min),
        ("x every tuesday", date.max, date.max),
    ],
)
def test_due_date_counts_for_what_the_text_leaves_open(text: str, given: date, due: date) -> None:
    entry = read_entry(text, NOW, [], given)
    assert (entry.name, entry.due_date) == ("x", due)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Milk #groceries", {"list_name": "Groceries", "name": "Milk"}),
        ("Milk #GROCERIES @Home", {"list_name": "Groceries", "labels": ["Home"]}),
        ("Milk #two words x", {"list_name": "Two words", "name": "Milk x"}),
        ("Milk #two , x", {"list_name": "Two", "name": "Milk , x"}),
        ("Milk #two x", {"list_name": "Two", "name": "Milk x"}),
        ('Milk #"Two words"', {"list_name": "Two words", "name": "Milk"}),
        ('Milk #"a b c d e f"', {"list_name": "a b c d e f", "name": "Milk"}),
        ("Milk #a b c d e f", {"list_name": None, "name": "Milk #a b c d e f"}),
        ("Milk #arzte", {"list_name": "Ärzte", "name": "Milk"}),
        ("C #", {"list_name": None, "name": "C #"}),
        ("Milk #two spaces", {"list_name": "Two  spaces"}),
        ("Milk #unknown", {"list_name": None, "name": "Milk #unknown"}),
        ('Milk @"at home" @b @AT', {"labels": ["at home", "b", "AT"], "name": "Milk"}),
        ("Milk @a @A", {"labels": ["a", "A"], "name": "Milk"}),
        ("Milk !1", {"priority": 1}),
        ("Milk !9 x", {"priority": 9, "name": "Milk x"}),
        ("Milk !High", {"priority": 1}),
        ("Milk !medium", {"priority": 5}),
        ("Milk !low", {"priority": 9}),
        # A comma after a word is no part of it.
        ("Milk @home, #two words, !1, x", {"labels": ["home"], "list_name": "Two words"}),
        ("Milk @home, #two, !1, x", {"name": "Milk x", "priority": 1}),
        # A comma ends a part, except between weekdays, which need one or "and" between them.
        ("Milk 1, feb", {"name": "Milk 1, feb", "due_date": None}),
        ("Milk every, day", {"name": "Milk every, day", "recurrence": None}),
        ("x every monday friday", {"recurrence": "FREQ=WEEKLY;BYDAY=MO", "name": "x"}),
        # Text from right to left, and emoji.
        ("לקנות חלב tomorrow", {"name": "לקנות חלב", "due_date": date(2030, 2, 2)}),
        ("👩‍👩‍👧 @🏠 tomorrow", {"name": "👩‍👩‍👧", "labels": ["🏠"]}),
        # The last one counts.
        ("Monday meeting tomorrow", {"name": "Monday meeting", "due_date": date(2030, 2, 2)}),
        ("!1 or !2", {"name": "!1 or", "priority": 2}),
    ],
)
def test_lists_labels_and_priorities(text: str, expected: dict[str, Any]) -> None:
    entry = read(text)
    assert {name: getattr(entry, name) for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Milk",
            "Sun cream",
            "mon ami",
            "Look at 9 houses",
            "at 24",
            "They wed",
            "Where I sat",
            "Out of the sun",
            "wed at it",
            "9",
            "every",
            "every now and then",
            "every 0 days",
        ),
        *("25:00", "13pm", "9:60", "2030-02-30", "30 feb", "32 march", "feb", "in 3", "in a week"),
        *("in 1000 days", "next", "next week", "!0", "!10", "!", "#", "@", "a@b", "c#", "today's"),
        *("every 32nd", "on", "on it", '"tomorrow"', 'the "9:00" train', "1 feb 0000"),
    ],
)
def test_other_words_stay_in_the_name(text: str) -> None:
    entry = read(text)
    assert (entry.name, entry.pieces, entry.due_date) == (text, [], None)


def test_backslash_makes_a_word_text() -> None:
    assert read(r"Read \tomorrow and \@home").name == "Read tomorrow and @home"
    assert read(r"Back\slash").name == r"Back\slash"
    assert read("a \\ b").name == "a \\ b"


def test_pieces_have_their_places_in_code_points() -> None:
    text = "🍎  kaufen tomorrow, 9:00 @büro"
    entry = read(text)
    assert entry.name == "🍎 kaufen"
    found = [(piece.kind, text[piece.start : piece.end]) for piece in entry.pieces]
    assert found == [("day", "tomorrow"), ("time", "9:00"), ("label", "@büro")]


WORDS = (
    *("Milk", "every", "every!", "and", "monday", "friday,", "2", "weeks", "month", "on", "the"),
    *("last", "day", "15th", "in", "next", "at", "9:00", "9am", "1", "feb", "2031", "today"),
    *(
        "#two",
        "words",
        "#groceries",
        "@home",
        '@"a b"',
        "!1",
        "!low",
        "\\today",
        '"',
        ",",
        "🍎",
        "שלום",
    ),
)
texts = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join),
    st.text(min_size=1, max_size=60),
)


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(
    text=texts,
    now=st.datetimes(at("0001-01-02T00:00")),
    due=st.none() | st.dates() | st.datetimes(),
)
def test_every_word_is_in_the_name_or_in_a_piece(
    text: str, now: datetime, due: date | datetime | None
) -> None:
    entry = read_entry(text, now, LISTS, due)
    places = [(piece.start, piece.end) for piece in entry.pieces]
    assert places == sorted(places)
    rest, position = "", 0
    for start, end in places:
        assert position <= start < end <= len(text)
        rest += text[position:start] + " "
        # A comma after a piece is left out, and so is a backslash before a word.
        position = end + text.startswith(",", end)
    words = (rest + text[position:]).replace("\\", "").split()
    assert words == entry.name.replace("\\", "").split()


@pytest.mark.parametrize(
    "words",
    [
        *("#", "#two", "every", '"', '#"', ' "', "@a", "@", "1", "in 3", "monday,", "\\", "a", "9"),
        *("every monday and", "monday,", "at 9", "mon", "mon at 9", "!1", "1 feb", "9:", "0"),
    ],
)
def test_work_is_linear(words: str) -> None:
    """No word may read all others."""
    lists = [" ".join("x" * 128), *(f"two {n}" for n in range(100))]
    for text in (f"{words} " * 4000, words * 4000):
        short, long = (work_of(text[:length], lists) for length in (1000, 4000))
        assert long < 5 * short


def test_many_parts_are_read_with_linear_work() -> None:
    assert work_of("@a b " * 800, []) < 5 * work_of("@a b " * 200, [])


def work_of(text: str, lists: list[str]) -> int:
    return steps_of(lambda: read_entry(text, NOW, lists), entry_module)
