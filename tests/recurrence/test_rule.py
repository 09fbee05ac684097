"""Parsing and writing recurrence rules."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rules import generated_cases
from todo.recurrence.rule import RULE_MAX, Rule, RuleError, format_rule, parse_rule


def test_rule_is_read_in_any_case_and_order() -> None:
    expected = Rule("WEEKLY", interval=2, by_day=((None, 1), (None, 4)), week_start=6)
    assert parse_rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR;WKST=SU") == expected
    assert parse_rule("byday=fr,Tu;wkst=su;interval=2;freq=weekly") == expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("freq=daily", "FREQ=DAILY"),
        ("INTERVAL=1;FREQ=DAILY;WKST=MO", "FREQ=DAILY"),
        ("COUNT=010;FREQ=DAILY", "FREQ=DAILY;COUNT=10"),
        ("UNTIL=20300301;FREQ=DAILY", "FREQ=DAILY;UNTIL=20300301"),
        ("FREQ=DAILY;UNTIL=00010101t000000z", "FREQ=DAILY;UNTIL=00010101T000000Z"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,+15,1,15,-31", "FREQ=MONTHLY;BYMONTHDAY=1,15,-31,-1"),
        ("FREQ=MONTHLY;BYDAY=-1FR,+1MO,SU,MO,01MO", "FREQ=MONTHLY;BYDAY=MO,SU,1MO,-1FR"),
        ("FREQ=YEARLY;BYSETPOS=-1;BYMONTH=12,01", "FREQ=YEARLY;BYMONTH=1,12;BYSETPOS=-1"),
        (
            "WKST=SU;BYWEEKNO=53,1;BYYEARDAY=-366,366;FREQ=YEARLY;INTERVAL=999",
            "FREQ=YEARLY;INTERVAL=999;BYWEEKNO=1,53;BYYEARDAY=366,-366;WKST=SU",
        ),
    ],
)
def test_rule_is_written_in_canonical_form(text: str, canonical: str) -> None:
    assert format_rule(parse_rule(text)) == canonical


def test_until_is_day_or_instant_in_utc() -> None:
    assert parse_rule("FREQ=DAILY;UNTIL=20240229").until == date(2024, 2, 29)
    instant = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
    assert parse_rule("FREQ=DAILY;UNTIL=20240229T235959Z").until == instant


def test_generated_rules_are_equal_after_writing_and_reading() -> None:
    for case in generated_cases(500):
        rule = parse_rule(case.ended)
        assert parse_rule(format_rule(rule)) == rule
        assert len(format_rule(rule)) <= RULE_MAX


def test_longest_rule_is_read() -> None:
    text = "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 116)
    assert len(text) == RULE_MAX
    assert parse_rule(text).by_month_day == (1,)


FREQUENCIES = "DAILY, WEEKLY, MONTHLY or YEARLY"
PARTS = (
    "The parts of a rule are FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYWEEKNO, BYYEARDAY, "
    "BYMONTHDAY, BYDAY, BYSETPOS and WKST."
)
SHAPE = "A rule is parts NAME=VALUE with ; between them, and none is empty."
SPACES = "A rule has no spaces, line breaks or control characters."
ASCII = "A rule has only ASCII characters, such as FREQ=WEEKLY;BYDAY=MO."
INTERVAL = "INTERVAL is a whole number from 1 to 999."
COUNT = "COUNT is a whole number from 1 to 999."
UNTIL = "UNTIL is a day such as 20301231 or a time in UTC such as 20301231T090000Z."
NO_DAY = "UNTIL is not a day or a time of the calendar."
DAYS = (
    "BYDAY is MO, TU, WE, TH, FR, SA or SU, with commas between them; monthly and yearly rules "
    "also take an ordinal from 1 to 53 or from -1 to -53 before a day, such as -1FR for the last "
    "Friday."
)
ORDINALS = "An ordinal in BYDAY, such as 1MO, is only for FREQ=MONTHLY and FREQ=YEARLY."
FIVE = (
    "A month has at most 5 of each weekday: an ordinal in BYDAY is from 1 to 5 or from -1 to -5 "
    "with FREQ=MONTHLY or BYMONTH."
)
TIME_OF_DAY = "is not allowed: the due date has the time of day."


def numbers(name: str, maximum: int) -> str:
    return (
        f"{name} is whole numbers from 1 to {maximum}, or from -1 to -{maximum} from the end, "
        "with commas between them."
    )


MONTHS = "BYMONTH is whole numbers from 1 to 12, with commas between them."


WRONG_RULES = [
    ("", "A rule is needed, such as FREQ=WEEKLY;BYDAY=MO."),
    ("weekly", SHAPE),
    (";", SHAPE),
    ("FREQ=DAILY;", SHAPE),
    (";FREQ=DAILY", SHAPE),
    ("FREQ=DAILY;;COUNT=2", SHAPE),
    ("=DAILY", SHAPE),
    ("FREQ", SHAPE),
    ("FREQ=", "FREQ has no value. Give it one, or leave it out."),
    ("FREQ=DAILY;BYDAY=", "BYDAY has no value. Give it one, or leave it out."),
    ("INTERVAL=2", f"FREQ is missing. It is {FREQUENCIES}."),
    ("FREQ=FORTNIGHTLY", f"FREQ is {FREQUENCIES}."),
    ("FREQ=DAILY=", f"FREQ is {FREQUENCIES}."),
    ("FREQ=SECONDLY", f"FREQ=SECONDLY is too often. FREQ is {FREQUENCIES}."),
    ("FREQ=MINUTELY", f"FREQ=MINUTELY is too often. FREQ is {FREQUENCIES}."),
    ("freq=hourly", f"FREQ=HOURLY is too often. FREQ is {FREQUENCIES}."),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ may be there only once."),
    ("FREQ=DAILY;BYDAY=MO;byday=TU", "BYDAY may be there only once."),
    ("RRULE:FREQ=DAILY", "Leave out RRULE: before the rule."),
    ("FREQ=DAILY;DTSTART=20240101", "DTSTART is not allowed: the due date is the start."),
    ("DTSTART:20240101\nRRULE:FREQ=DAILY", SPACES),
    ("DTSTART;TZID=UTC:20240101;FREQ=DAILY", SHAPE),
    ("FREQ=DAILY\n", SPACES),
    ("FREQ=DAILY\r\n", SPACES),
    (" FREQ=DAILY", SPACES),
    ("FREQ=WEEKLY; BYDAY=MO", SPACES),
    ("FREQ=DAILY\t", SPACES),
    ("FREQ=DAILY\0", SPACES),
    ("FREQ=DAILY\x7f", SPACES),
    ("FREQ=DAİLY", ASCII),
    ("FREQ=DAıLY", ASCII),
    ("FREQ=WEEKLY;BYDAY=ſU", ASCII),
    ("FREQ=DAILY;COUNT=٣", ASCII),
    ("FREQ=DAILY;INTERVAL=²", ASCII),
    ("FREQ=DAILY\u2028", ASCII),
    ("FREQ=DAILY;BYHOUR=9", f"BYHOUR {TIME_OF_DAY}"),
    ("FREQ=DAILY;BYMINUTE=0", f"BYMINUTE {TIME_OF_DAY}"),
    ("FREQ=DAILY;BYSECOND=0", f"BYSECOND {TIME_OF_DAY}"),
    ("FREQ=DAILY;X-NAME=1", f"X-NAME is not allowed. {PARTS}"),
    ("FREQ=DAILY;BYEASTER=0", f"BYEASTER is not allowed. {PARTS}"),
    ("FREQ=DAILY;RSCALE=CHINESE", f"RSCALE is not allowed. {PARTS}"),
    ("FREQ=DAILY;<script>=1", f"A part has an unknown name. {PARTS}"),
    (f"FREQ=DAILY;{'X' * 100}=1", f"A part has an unknown name. {PARTS}"),
    ("FREQ=DAILY;INTERVAL=0", INTERVAL),
    ("FREQ=DAILY;INTERVAL=-1", INTERVAL),
    ("FREQ=DAILY;INTERVAL=+1", INTERVAL),
    ("FREQ=DAILY;INTERVAL=1000", INTERVAL),
    ("FREQ=DAILY;INTERVAL=1.5", INTERVAL),
    ("FREQ=DAILY;INTERVAL=1,2", INTERVAL),
    ("FREQ=DAILY;INTERVAL=1_0", INTERVAL),
    (f"FREQ=DAILY;INTERVAL={'9' * 200}", INTERVAL),
    ("FREQ=DAILY;COUNT=0", COUNT),
    ("FREQ=DAILY;COUNT=-1", COUNT),
    ("FREQ=DAILY;COUNT=1000", COUNT),
    (
        "FREQ=DAILY;COUNT=2;UNTIL=20300101",
        "COUNT and UNTIL exclude each other. Leave out one of them.",
    ),
    ("FREQ=DAILY;UNTIL=2030", UNTIL),
    ("FREQ=DAILY;UNTIL=2030-01-01", UNTIL),
    ("FREQ=DAILY;UNTIL=20300101T09", f"{UNTIL} A time needs a Z at its end."),
    ("FREQ=DAILY;UNTIL=20300101T090000", f"{UNTIL} A time needs a Z at its end."),
    ("FREQ=DAILY;UNTIL=20300101T090000+01", f"{UNTIL} A time needs a Z at its end."),
    ("FREQ=DAILY;UNTIL=20300101Z", UNTIL),
    ("FREQ=DAILY;UNTIL=20300229", NO_DAY),
    ("FREQ=DAILY;UNTIL=00000101", NO_DAY),
    ("FREQ=DAILY;UNTIL=20300101T240000Z", NO_DAY),
    ("FREQ=DAILY;UNTIL=20300101T235960Z", NO_DAY),
    ("FREQ=YEARLY;BYMONTH=0", MONTHS),
    ("FREQ=YEARLY;BYMONTH=13", MONTHS),
    ("FREQ=YEARLY;BYMONTH=-1", MONTHS),
    ("FREQ=YEARLY;BYMONTH=1,", MONTHS),
    ("FREQ=YEARLY;BYMONTH=5L", MONTHS),
    ("FREQ=YEARLY;BYWEEKNO=0", numbers("BYWEEKNO", 53)),
    ("FREQ=YEARLY;BYWEEKNO=54", numbers("BYWEEKNO", 53)),
    ("FREQ=YEARLY;BYYEARDAY=0", numbers("BYYEARDAY", 366)),
    ("FREQ=YEARLY;BYYEARDAY=-367", numbers("BYYEARDAY", 366)),
    ("FREQ=MONTHLY;BYMONTHDAY=0", numbers("BYMONTHDAY", 31)),
    ("FREQ=MONTHLY;BYMONTHDAY=32", numbers("BYMONTHDAY", 31)),
    ("FREQ=MONTHLY;BYMONTHDAY=--1", numbers("BYMONTHDAY", 31)),
    ("FREQ=MONTHLY;BYMONTHDAY=0001", numbers("BYMONTHDAY", 31)),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", numbers("BYSETPOS", 366)),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", numbers("BYSETPOS", 366)),
    ("FREQ=WEEKLY;BYDAY=MONDAY", DAYS),
    ("FREQ=WEEKLY;BYDAY=MO,,TU", DAYS),
    ("FREQ=MONTHLY;BYDAY=0MO", DAYS),
    ("FREQ=MONTHLY;BYDAY=1", DAYS),
    ("FREQ=MONTHLY;BYDAY=MO1", DAYS),
    ("FREQ=YEARLY;BYDAY=54MO", DAYS),
    ("FREQ=YEARLY;BYDAY=001MO", DAYS),
    ("FREQ=DAILY;BYDAY=1MO", ORDINALS),
    ("FREQ=WEEKLY;BYDAY=-1MO", ORDINALS),
    ("FREQ=MONTHLY;BYDAY=6MO", FIVE),
    ("FREQ=YEARLY;BYMONTH=1;BYDAY=-6MO", FIVE),
    (
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "BYDAY has no ordinals with BYWEEKNO. Write MO, not 1MO.",
    ),
    ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO is only for FREQ=YEARLY."),
    ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY is only for FREQ=YEARLY."),
    ("FREQ=WEEKLY;BYYEARDAY=1", "BYYEARDAY is only for FREQ=YEARLY."),
    ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY is only for FREQ=YEARLY."),
    (
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "BYMONTHDAY is not for FREQ=WEEKLY. Take FREQ=MONTHLY, or leave it out.",
    ),
    (
        "FREQ=MONTHLY;BYSETPOS=1",
        "BYSETPOS needs something to choose from: BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY or "
        "BYDAY.",
    ),
    ("FREQ=WEEKLY;WKST=1MO", "WKST is MO, TU, WE, TH, FR, SA or SU."),
    ("FREQ=WEEKLY;WKST=MO,TU", "WKST is MO, TU, WE, TH, FR, SA or SU."),
    (f"FREQ=MONTHLY;BYMONTHDAY={','.join(['1'] * 117)}", "A rule has at most 255 characters."),
    ("F" * 1_000_000, "A rule has at most 255 characters."),
]


@pytest.mark.parametrize(("text", "message"), WRONG_RULES, ids=lambda value: repr(value)[:60])
def test_wrong_rule_is_refused_with_fault_and_remedy(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    assert str(caught.value) == message


# Text near the grammar reaches more code than text at random.
NEAR_RULES = st.lists(
    st.sampled_from(["FREQ=", "DAILY", "MONTHLY", "YEARLY", ";", ",", "-", "1", "Z", "MO"])
    | st.sampled_from(["BYDAY=", "BYMONTH=", "BYMONTHDAY=", "BYSETPOS=", "UNTIL=", "COUNT="])
    | st.text(max_size=3),
    max_size=20,
).map("".join)


@given(st.text(max_size=300) | NEAR_RULES)
def test_any_text_is_rule_or_refused(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError:
        return
    assert parse_rule(format_rule(rule)) == rule
