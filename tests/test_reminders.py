"""Reminders: durations, and the instants that they lead to."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from todo.reminders import DURATION, Duration, Schedule, TooLongError, parse_duration

DAY = timedelta(days=1)
BERLIN, NEW_YORK, SYDNEY = "Europe/Berlin", "America/New_York", "Australia/Sydney"
WEST, EAST, APIA = "Etc/GMT+12", "Pacific/Kiritimati", "Pacific/Apia"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(due: str | None, *reminders: str, zone: str | None = "UTC") -> Schedule:
    """Return the reminders before a due date, which is a day or a time in UTC."""
    items = [{"before" if each.startswith("P") else "at": each} for each in reminders]
    all_day = due is not None and "T" not in due
    return Schedule(items, due and instant(due), all_day, zone and ZoneInfo(zone))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "days", "exact"),
    [
        ("P1D", 1, timedelta()),
        ("PT15M", 0, timedelta(minutes=15)),
        ("P1DT2H", 1, timedelta(hours=2)),
        ("P2W", 14, timedelta()),
        ("P0D", 0, timedelta()),
        ("PT0S", 0, timedelta()),
        ("PT36H", 0, timedelta(hours=36)),
        ("PT1H30M5S", 0, timedelta(hours=1, minutes=30, seconds=5)),
        ("PT1H5S", 0, timedelta(hours=1, seconds=5)),
        ("PT00000015M", 0, timedelta(minutes=15)),
        ("P366D", 366, timedelta()),
        ("P52W", 364, timedelta()),
        ("PT31622400S", 0, 366 * DAY),
        ("P365DT24H", 365, DAY),
    ],
)
def test_duration_is_days_and_exact_time(text: str, days: int, exact: timedelta) -> None:
    assert parse_duration(text) == Duration(days, exact)
    assert DURATION.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1", "T1H", "1D", "P1DT", "P1Y", "P1M", "P1Y2M3D", "P1M1D", "P1W1D"),
        *("P1D1W", "PT1D", "P1H", "PT1S1M", "-P1D", "P-1D", "P+1D", "P1.5D", "PT1,5H", "p1d"),
        *("P1D ", " P1D", "P1D\n", "P1D\0", "P١D", "P1DT2H3", "P123456789D", "PT" + "1" * 5000),
    ],
)
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P367D", "P53W", "PT31622401S", "P366DT1S", "P99999999D"])
def test_duration_is_at_most_366_days(text: str) -> None:
    with pytest.raises(TooLongError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("zone", "due", "before", "expected"),
    [
        # The clock time stays across a change of the clocks, in both hemispheres; hours are exact.
        (BERLIN, "2030-03-31T07:00", "P1D", "2030-03-30T08:00"),
        (BERLIN, "2030-03-31T07:00", "PT24H", "2030-03-30T07:00"),
        (BERLIN, "2030-10-27T08:00", "P1D", "2030-10-26T07:00"),
        (BERLIN, "2030-10-27T08:00", "P1DT2H", "2030-10-26T05:00"),
        (BERLIN, "2030-04-03T07:00", "P1W", "2030-03-27T08:00"),
        (SYDNEY, "2030-10-06T22:00", "P1D", "2030-10-05T22:00"),
        (SYDNEY, "2030-10-06T01:00", "P1D", "2030-10-05T02:00"),
        (SYDNEY, "2030-04-07T02:00", "P1D", "2030-04-06T01:00"),
        # A skipped time uses the offset before the gap; a repeated one is the earlier.
        (BERLIN, "2030-04-01T00:30", "P1D", "2030-03-31T01:30"),
        (BERLIN, "2030-10-28T01:30", "P1D", "2030-10-27T00:30"),
        # Minutes before the second of two equal local times.
        (BERLIN, "2030-10-27T01:30", "PT15M", "2030-10-27T01:15"),
        (BERLIN, "2030-10-27T01:30", "P0D", "2030-10-27T01:30"),
        # 29 February, and the same day a year before.
        ("UTC", "2028-03-01T09:00", "P1D", "2028-02-29T09:00"),
        ("UTC", "2027-03-01T09:00", "P1D", "2027-02-28T09:00"),
        ("UTC", "2028-02-29T09:00", "P366D", "2027-02-28T09:00"),
        # A whole day counts from 09:00.
        ("UTC", "2030-02-01", "PT0S", "2030-02-01T09:00"),
        ("UTC", "2030-02-01", "PT15M", "2030-02-01T08:45"),
        (WEST, "2030-02-01", "P1D", "2030-01-31T21:00"),
        (EAST, "2030-02-01", "P1D", "2030-01-30T19:00"),
        (EAST, "2030-02-01", "PT0S", "2030-01-31T19:00"),
        (BERLIN, "2030-03-31", "P1D", "2030-03-30T08:00"),
        (BERLIN, "2030-03-31", "PT24H", "2030-03-30T07:00"),
        (NEW_YORK, "2030-03-10", "P1D", "2030-03-09T14:00"),
        # Apia has had no 30 December 2011.
        (APIA, "2011-12-31", "P1D", "2011-12-30T19:00"),
        ("UTC", "9999-12-31", "P1D", "9999-12-30T09:00"),
    ],
)
def test_instant_before_due_date(zone: str, due: str, before: str, expected: str) -> None:
    assert schedule(due, before, zone=zone).instants() == [instant(expected)]


def test_reminder_before_year_1_has_no_instant() -> None:
    for due in ("0001-01-01", "0001-01-01T00:00"):
        assert schedule(due, "P1D", "PT20H", zone=EAST).instants() == []
        assert schedule(due, "P1D", zone=None).first(instant("2030-01-01")) is None


def test_instants_are_in_the_order_of_the_reminders() -> None:
    found = schedule("2030-02-01T09:00", "PT0S", "2029-01-01T00:00:00Z", "P1D").instants()
    assert found == list(map(instant, ["2030-02-01T09:00", "2029-01-01", "2030-01-31T09:00"]))
    assert schedule(None, "2029-01-01T00:00:00Z").instants() == [instant("2029-01-01")]


def test_first_is_exact_where_the_zone_does_not_matter() -> None:
    since = instant("2030-01-31T12:00")
    for zone in (None, "UTC", EAST):
        found = schedule("2030-02-01T09:00", "PT2H", "PT36H", zone=zone)
        assert found.first(since) == instant("2030-02-01T07:00")
        assert found.first(instant("2030-02-01T07:00:01")) is None
        assert schedule(None, "2030-01-31T12:00:00Z", zone=zone).first(since) == since


@pytest.mark.parametrize("zone", [WEST, EAST, BERLIN, APIA, "UTC"])
@pytest.mark.parametrize("due", ["2030-02-01", "2011-12-31", "2030-03-31T07:00"])
@pytest.mark.parametrize("before", ["P1D", "P1DT2H", "P2W"])
def test_first_without_zone_is_never_later_than_in_any(zone: str, due: str, before: str) -> None:
    [exact] = schedule(due, before, zone=zone).instants()
    unknown = schedule(due, before, zone=None)
    for since in (exact - 40 * DAY, exact - DAY, exact):
        found = unknown.first(since)
        assert found is not None
        assert since <= found <= exact
    assert unknown.first(exact + 3 * DAY) is None
