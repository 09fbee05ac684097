from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from todo.days import parse_date


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
def test_reads(text: str, value: date | datetime) -> None:
    parsed = parse_date(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2030-02-01T09:30:00", datetime(2030, 2, 1, 8, 30, tzinfo=UTC)),
        ("2030-02-01 09:30:00.5", datetime(2030, 2, 1, 8, 30, 0, 500_000, tzinfo=UTC)),
        ("01/02/2030 09:30:00", datetime(2030, 2, 1, 8, 30, tzinfo=UTC)),
        ("01/07/2030 09:30:00", datetime(2030, 7, 1, 7, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00Z", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00+00:00", datetime(2030, 2, 1, 9, 30, tzinfo=UTC)),
        ("2030-02-01T09:30:00-02:00", datetime(2030, 2, 1, 11, 30, tzinfo=UTC)),
        ("2030-02-01", date(2030, 2, 1)),
    ],
)
def test_reads_in_a_zone(text: str, value: date | datetime) -> None:
    assert parse_date(text, ZoneInfo("Europe/Berlin")) == value


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1700000000",
        "20300201",
        "2030-2-1",
        "2030-02-30",
        "2029-02-29",
        "2030-13-01",
        "0000-01-01",
        "2030-02-01T09:30",
        "2030-02-01T24:00:00Z",
        "2030-02-01T23:59:60Z",
        "2030-02-01T09:30:00+24:00",
        "2030-02-01T09:30:00+02:60",
        "2030-02-01T09:30:00+0200",
        "2030-02-01T09:30:00.Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "01/02/2030",
        "01-02-2030 09:30:00",
        "31/02/2026 10:00:00",
        "2030-W05-5",
        "\u0662\u0660\u0663\u0660-02-01",
        "2030-02-01\n",
        " 2030-02-01",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_date(text)
