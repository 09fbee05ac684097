"""Days and instants in time zones, including unusual zones and clock changes."""

import logging
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.fixtures import Logs, Patch
from todo import clock, days
from todo.days import (
    DEFAULT_ZONE,
    find_zone,
    first_day_after,
    first_day_from,
    instant_of,
    parse_date,
    start_of,
    today,
)

BERLIN, KIRITIMATI, BAKER = "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"
MIN, MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2030-02-01T09:30", BERLIN, "2030-02-01T08:30Z"),
        ("2030-03-31T01:59:59", BERLIN, "2030-03-31T00:59:59Z"),
        ("2030-03-31T02:30", BERLIN, "2030-03-31T01:30Z"),  # skipped: read as 03:30
        ("2030-03-31T03:00", BERLIN, "2030-03-31T01:00Z"),
        ("2030-10-27T02:30", BERLIN, "2030-10-27T00:30Z"),  # ambiguous: the earlier one
        ("2030-10-27T03:00", BERLIN, "2030-10-27T02:00Z"),
        ("2022-03-27T00:30", "Asia/Beirut", "2022-03-26T22:30Z"),
        ("2028-02-29T00:00", KIRITIMATI, "2028-02-28T10:00Z"),
        ("2028-02-29T12:00", BAKER, "2028-03-01T00:00Z"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00Z"),  # this day did not exist
    ],
)
def test_instant_of_local_time_follows_clock_changes(local: str, zone: str, expected: str) -> None:
    for fold in (0, 1):
        found = instant_of(datetime.fromisoformat(local).replace(fold=fold), ZoneInfo(zone))
        assert found == instant(expected)
        assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("local", "zone"), [("0001-01-01T00:00", "Asia/Tokyo"), ("9999-12-31T23:59:59", BAKER)]
)
def test_instant_of_time_out_of_range_is_refused(local: str, zone: str) -> None:
    with pytest.raises(ValueError, match="year"):
        instant_of(datetime.fromisoformat(local), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2030-02-01", "UTC", "2030-02-01T00:00Z"),
        ("2030-07-01", BERLIN, "2030-06-30T22:00Z"),
        ("2028-02-29", KIRITIMATI, "2028-02-28T10:00Z"),
        ("2028-02-29", BAKER, "2028-02-29T12:00Z"),
        # The clocks skip the first hour: the day begins at that moment.
        ("2022-03-27", "Asia/Beirut", "2022-03-26T22:00Z"),
        ("2030-03-10", "America/Havana", "2030-03-10T05:00Z"),
        # 00:00 is ambiguous: the earlier one.
        ("2030-11-03", "America/Havana", "2030-11-03T04:00Z"),
        # The whole day was skipped and has no length.
        ("2011-12-29", "Pacific/Apia", "2011-12-29T10:00Z"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00Z"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00Z"),
        ("0001-01-01", "Asia/Tokyo", "0001-01-01T00:00Z"),
        ("0001-01-01", BAKER, "0001-01-01T12:00Z"),
        ("9999-12-31", KIRITIMATI, "9999-12-30T10:00Z"),
        ("9999-12-31", BAKER, "9999-12-31T12:00Z"),
    ],
)
def test_start_of_day_follows_clock_changes(day: str, zone: str, expected: str) -> None:
    assert start_of(date.fromisoformat(day), ZoneInfo(zone)) == instant(expected)


@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        ("2030-02-01T10:00Z", KIRITIMATI, "2030-02-02"),
        ("2030-02-01T09:59Z", KIRITIMATI, "2030-02-01"),
        ("2030-02-01T12:00Z", BAKER, "2030-02-01"),
        ("2030-02-01T11:59Z", BAKER, "2030-01-31"),
    ],
)
def test_today_is_date_in_zone(monkeypatch: Patch, moment: str, zone: str, expected: str) -> None:
    monkeypatch.setattr(clock, "now", lambda: instant(moment))
    assert today(ZoneInfo(zone)) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    "zone",
    [
        *("UTC", BERLIN, KIRITIMATI, BAKER, "Asia/Beirut", "America/Havana"),
        "America/Toronto",  # in 1919 the clocks skipped from 23:30 to 00:30
        "America/Sitka",  # in 1867 one date occurred twice
        "Pacific/Apia",
    ],
)
def test_first_day_from_and_after_agree_with_start_of(zone: str) -> None:
    info = ZoneInfo(zone)
    for middle in (
        *("0001-01-03", "1867-10-18", "1919-03-31", "2011-12-30", "2022-03-27", "2028-02-29"),
        *("2030-03-10", "2030-11-03", "9999-12-28"),
    ):
        first = date.fromisoformat(middle) - timedelta(2)
        near = [first + timedelta(n) for n in range(6)]
        for day in near[1:5]:
            start = start_of(day, info)
            for moment in (start - MICROSECOND, start, start + MICROSECOND):
                expected = next(d for d in near if start_of(d, info) >= moment)
                assert first_day_from(moment, info) == expected
                expected = next(d for d in near if start_of(d, info) > moment)
                assert first_day_after(moment, info) == expected


@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        (MIN, "UTC", date.min),
        (MIN, BAKER, date.min),
        (MIN, "Asia/Tokyo", date.min),
        (MAX, "UTC", None),
        (MAX, BAKER, None),
        (MAX, KIRITIMATI, None),
        (instant("9999-12-31T12:00Z"), BAKER, date.max),
        (instant("9999-12-30T12:00Z"), BAKER, date(9999, 12, 30)),
        (instant("2030-02-01T00:00+14:00"), KIRITIMATI, date(2030, 2, 1)),
    ],
)
def test_first_day_from_handles_calendar_limits(
    moment: datetime, zone: str, expected: date | None
) -> None:
    assert first_day_from(moment, ZoneInfo(zone)) == expected
    after = first_day_after(moment - MICROSECOND, ZoneInfo(zone)) if moment > MIN else expected
    assert after == expected


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "../passwd", "", "a\0b"])
def test_unknown_zone_falls_back_to_utc(name: str, caplog: Logs) -> None:
    find_zone.cache_clear()
    with caplog.at_level(logging.ERROR):
        assert find_zone(name) is find_zone(name) is DEFAULT_ZONE
    assert len(caplog.messages) == 1
    assert repr(name) in caplog.text


@pytest.fixture
def _no_system_zones() -> Iterator[None]:
    """A machine without a system time zone database."""
    zoneinfo.reset_tzpath(to=[])
    yield
    zoneinfo.reset_tzpath()


@pytest.mark.usefixtures("_no_system_zones")
def test_zones_load_without_system_database() -> None:
    assert BERLIN in days.zone_names.__wrapped__()
    assert start_of(date(2030, 7, 1), ZoneInfo.no_cache(BERLIN)) == instant("2030-06-30T22:00Z")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2030-02-01", date(2030, 2, 1)),
        ("2028-02-29", date(2028, 2, 29)),
        ("2030-02-01T09:30:00Z", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01t09:30:00z", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01 09:30:00Z", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00+02:00", datetime(2030, 2, 1, 7, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00-09:30", datetime(2030, 2, 1, 19, 0, tzinfo=UTC)),
        ("2030-02-01T00:30:00+14:00", datetime(2030, 1, 31, 10, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00.5Z", datetime(2030, 2, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
        ("2030-02-01T09:30:00.1234567Z", datetime(2030, 2, 1, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("01/02/2030 09:30:00", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_date_in_each_format_is_parsed(text: str, value: date | datetime) -> None:
    parsed = parse_date(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2030-03-31T02:30:00", datetime(2030, 3, 31, 1, 30, tzinfo=UTC)),
        ("31/03/2030 02:30:00", datetime(2030, 3, 31, 1, 30, tzinfo=UTC)),
        ("2030-10-27T02:30:00+01:00", datetime(2030, 10, 27, 1, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00", datetime(2030, 2, 1, 8, 30, tzinfo=UTC)),
        ("2030-02-01T09:30", datetime(2030, 2, 1, 8, 30, tzinfo=UTC)),
        ("2030-02-01T09:30-02:00", datetime(2030, 2, 1, 11, 30, tzinfo=UTC)),
        ("2030-02-01 09:30:00.5", datetime(2030, 2, 1, 8, 30, 0, 500_000, tzinfo=UTC)),
        ("01/02/2030 09:30:00", datetime(2030, 2, 1, 8, 30, tzinfo=UTC)),
        ("01/07/2030 09:30:00", datetime(2030, 7, 1, 7, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00Z", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00+00:00", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00-02:00", datetime(2030, 2, 1, 11, 30, tzinfo=UTC)),
        ("2030-02-01", date(2030, 2, 1)),
    ],
)
def test_date_without_offset_is_parsed_in_zone(text: str, value: date | datetime) -> None:
    assert parse_date(text, ZoneInfo("Europe/Berlin")) == value


@pytest.mark.parametrize(
    "text",
    [
        "0",
        *("1700000000", "20300201", "2030-2-1", "2030-02-30", "2029-02-29", "2030-13-01"),
        *(
            "0000-01-01",
            "2030-02-01T09",
            "2030-02-01T9:30",
            "2030-02-01T09:30.5",
            "2030-02-01T24:00:00Z",
            "2030-02-01T23:59:60Z",
        ),
        *("2030-02-01T09:30:00+24:00", "2030-02-01T09:30:00+02:60", "2030-02-01T09:30:00+0200"),
        *("2030-02-01T09:30:00.Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"),
        *("01/02/2030", "01-02-2030 09:30:00", "31/02/2026 10:00:00", "2030-W05-5"),
        *("\u0662\u0660\u0663\u0660-02-01", "2030-02-01\n", " 2030-02-01"),
    ],
)
def test_invalid_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_date(text)
