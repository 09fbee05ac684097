"""The order by due date, checked against sorting in Python by the start of days in the zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.support.client import Client, User, pages
from tests.support.factories import make_account, make_task, make_tasks
from tests.support.fixtures import Patch
from todo import clock
from todo.days import parse_date
from todo.listing.due_order import DueKey, in_due_order
from todo.models.task import TaskRow
from todo.models.task_dates import due_columns

NEW_YORK, KIRITIMATI = "America/New_York", "Pacific/Kiritimati"
DUE_TODAY = {
    NEW_YORK: "2030-02-01T17:00Z",
    KIRITIMATI: "2030-02-01T17:00Z",
    "Etc/GMT+12": "2030-02-01T17:00Z",
    # Days of 23 and of 25 hours; clocks that skip and that repeat midnight.
    "Europe/Berlin": "2030-03-31T10:00Z",
    "America/Toronto": "2030-11-03T15:00Z",
    "America/Havana": "2030-03-10T12:00Z",
    "Asia/Beirut": "2030-10-26T23:30Z",
    "Pacific/Apia": "2011-12-31T12:00Z",  # the day before was skipped
}
MICROSECOND = timedelta(microseconds=1)

Due = date | datetime | None


def start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def in_order(dates: dict[int, Due], zone: str, *, descending: bool) -> list[int]:
    """Return the ids sorted by instant, days before times, then by id; undated tasks last."""

    def key(task: int) -> Any:
        due = dates[task]
        assert due is not None
        if isinstance(due, datetime):
            return due, 1, due.date(), task
        return start(due, zone), 0, due, task

    dated = sorted((task for task, due in dates.items() if due), key=key, reverse=descending)
    undated = [task for task, due in dates.items() if not due]
    return dated + sorted(undated, reverse=descending)


def dates_near(moment: datetime, zone: str) -> list[Due]:
    """Return undated, whole-day and timed due dates around the starts of the days near a moment."""
    today = moment.astimezone(ZoneInfo(zone)).date()
    days = [today + timedelta(days=number) for number in range(-2, 3)]
    dates: list[Due] = [None, *days, moment]
    for day in days:
        begins, midnight = start(day, zone), datetime.combine(day, time(), UTC)
        dates += [begins - MICROSECOND, begins, begins + timedelta(hours=1), midnight]
    return [*dates, *dates[::-1]]


def ids(client: Client, url: str) -> list[int]:
    return [task["id"] for page in pages(client, url, "tasks") for task in page]


def make_dated(db: Session, alice: User, dates: list[Due]) -> dict[int, Due]:
    created = make_tasks(db, alice, [{"due_date": due} for due in dates])
    return dict(zip(created, dates, strict=True))


def test_day_sorts_at_its_start_in_account_zone(app: Any, db: Session) -> None:
    alice = User(app, make_account(db, timezone=NEW_YORK))
    due_dates = [
        "2030-02-01",
        "2030-02-02T01:00:00Z",  # 1 February, 20:00
        "2030-02-02",
        "2030-02-02T05:00:00Z",  # the start of 2 February
        "2030-02-02T23:00:00Z",
        "2030-02-03",
    ]
    for due_date in reversed(due_dates):
        make_task(db, alice, due_date=parse_date(due_date))
    for sort, expected in (("due_date", due_dates), ("-due_date", due_dates[::-1])):
        answer = alice.get(f"{alice.tasks_url}?sort={sort}")
        assert [task["due_date"] for task in answer.json["tasks"]] == expected


@pytest.mark.parametrize("zone", DUE_TODAY)
def test_list_by_due_date_is_in_order_of_account_days(
    app: Any, db: Session, monkeypatch: Patch, zone: str
) -> None:
    now = datetime.fromisoformat(DUE_TODAY[zone])
    monkeypatch.setattr(clock, "now", lambda: now)
    alice = User(app, make_account(db, timezone=zone))
    dates = make_dated(db, alice, dates_near(now, zone))
    today = now.astimezone(ZoneInfo(zone)).date()
    begins, ends = start(today, zone), start(today + timedelta(days=1), zone)

    def is_today(due: Due) -> bool:
        return begins <= due < ends if isinstance(due, datetime) else due == today

    due_today = {task: due for task, due in dates.items() if is_today(due)}
    dated: dict[int, Due] = {task: due for task, due in dates.items() if due}
    lists = {"": dates, "due=today&": due_today, "due=any&": dated}
    for query, found in lists.items():
        for sort in ("due_date", "-due_date"):
            expected = in_order(found, zone, descending=sort.startswith("-"))
            for limit in (1, 2, 7):
                url = f"{alice.tasks_url}?{query}sort={sort}&limit={limit}"
                assert ids(alice, url) == expected, url


def test_page_after_bound_agrees_with_order(app: Any, db: Session) -> None:
    """Every bound splits the list by due date in two parts."""
    moment = datetime.fromisoformat("2030-02-01T17:00Z")
    alice = User(app, make_account(db, timezone=NEW_YORK))
    dates = make_dated(db, alice, dates_near(moment, NEW_YORK))
    ascending = [task for task in in_order(dates, NEW_YORK, descending=False) if dates[task]]
    for bound in {due for due in dates.values() if due}:
        text = f"{bound:%FT%T.%fZ}" if isinstance(bound, datetime) else str(bound)
        before = ids(alice, f"{alice.tasks_url}?limit=3&due_before={text}")
        assert before + ids(alice, f"{alice.tasks_url}?limit=3&due_after={text}") == ascending
        descending = ids(alice, f"{alice.tasks_url}?limit=3&sort=-due_date&due_before={text}")
        assert descending == before[::-1]


@pytest.mark.parametrize("sort", ["due_date", "-due_date"])
def test_change_of_zone_between_pages_repeats_and_loses_no_task(
    app: Any, db: Session, sort: str
) -> None:
    alice = User(app, make_account(db, timezone=NEW_YORK))
    dates = make_dated(db, alice, dates_near(datetime(2030, 2, 1, 17, tzinfo=UTC), NEW_YORK))
    url, zones = f"{alice.tasks_url}?sort={sort}&limit=2", [KIRITIMATI, "Etc/GMT+12"]
    seen: list[int] = []
    while url and len(seen) < 2 * len(dates):
        page = alice.get(url).json
        seen += [task["id"] for task in page["tasks"]]
        url = page["next"]
        zones.reverse()
        assert alice.send_json("PATCH", alice.url, {"timezone": zones[0]}).status_int == 200
    assert sorted(seen) == sorted(dates)


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT-14", "Etc/GMT+12"])
def test_first_and_last_dates_of_calendar_are_listed(app: Any, db: Session, zone: str) -> None:
    alice = User(app, make_account(db, timezone=zone))
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    dates = make_dated(db, alice, [first, last, date.min, date.max, first, last, date.max])
    # In UTC-12, the first day starts 12 hours after the first time. In UTC+14, it would start
    # before the calendar.
    starts = [first, first, date.min] if zone == "Etc/GMT+12" else [date.min, first, first]
    expected = [*starts, date.max, date.max, last, last]
    ascending = ids(alice, f"{alice.tasks_url}?sort=due_date&limit=1")
    assert [dates[task] for task in ascending] == expected
    assert ids(alice, f"{alice.tasks_url}?sort=-due_date&limit=1") == ascending[::-1]


def rows(dates: list[date | datetime]) -> list[TaskRow]:
    fields = dict.fromkeys(TaskRow._fields)
    return [
        TaskRow.of(fields | {"id": number} | due_columns(due))
        for number, due in enumerate(dates, start=1)
    ]


def follows(task: TaskRow, parameters: dict[str, Any], *, descending: bool) -> bool:
    """Compare as the SQL of a page does."""
    kind = "day" if task.due_all_day else "time"
    place = (parameters[f"after_{kind}_key"], parameters[f"after_{kind}_id"])
    position = (task.due_at, task.id)
    return position < place if descending else position > place


CHANGES_OF_CLOCKS = (
    *("2011-12-30", "2030-03-10", "2030-03-31", "2030-10-27", "2030-11-03", "1919-03-31"),
    *("1867-10-19", "0001-01-03", "9999-12-29"),
)
DAYS = st.builds(
    lambda day, days: date.fromisoformat(day) + timedelta(days=days),
    st.sampled_from(CHANGES_OF_CLOCKS),
    st.integers(-2, 2),
)
HALF_HOURS = st.builds(
    lambda day, halves, part: (
        datetime.combine(day, time(), UTC) + timedelta(minutes=30 * halves, microseconds=part)
    ),
    DAYS,
    st.integers(0, 47),
    st.integers(0, 1),
)


@given(
    dates=st.lists(DAYS | HALF_HOURS, max_size=12),
    zone=st.sampled_from(sorted({*DUE_TODAY, "America/Sitka", "UTC", "Asia/Kathmandu"})),
    descending=st.booleans(),
)
def test_due_key_splits_list_after_its_task(
    dates: list[date | datetime], zone: str, *, descending: bool
) -> None:
    info = ZoneInfo(zone)
    tasks = in_due_order(rows(dates), info, descending=descending)
    for number, last in enumerate(tasks, start=1):
        parameters = DueKey.of(last, info).parameters
        after = [task for task in tasks if follows(task, parameters, descending=descending)]
        assert after == tasks[number:]
