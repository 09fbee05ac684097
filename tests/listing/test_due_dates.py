"""Due date filters, checked against the truth table in docs/tasks.md."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.databases import ROOT
from tests.support.factories import make_account, make_task
from tests.support.fixtures import Patch
from todo import clock
from todo.days import parse_date

NOW = datetime(2030, 2, 1, 12, tzinfo=UTC)
ZONE = "America/New_York"


def cells(line: str) -> list[str]:
    return [cell.strip(" `") for cell in line.strip("|").split("|")]


def truth_table() -> tuple[list[str], dict[str, list[bool]]]:
    """Return the filters and, for each due date, whether each filter matches it."""
    page = (ROOT / "docs" / "tasks.md").read_text()
    head, _, *rows = page[page.index("| due date |") :].partition("\n\n")[0].splitlines()
    truth = {cells(row)[0]: [cell == "yes" for cell in cells(row)[1:]] for row in rows}
    return cells(head)[1:], truth


FILTERS, MATCHES = truth_table()


def test_truth_table_covers_every_filter() -> None:
    assert len(MATCHES) == 14
    assert {due.partition("=")[0] for due in FILTERS} == {"due", "due_after", "due_before"}
    keywords = {"overdue", "today", "tomorrow", "week", "upcoming", "none", "any"}
    assert {value for name, _, value in (due.partition("=") for due in FILTERS)} >= keywords


@pytest.mark.parametrize("completed", [False, True])
def test_due_filter_matches_truth_table(
    app: Any, db: Session, monkeypatch: Patch, *, completed: bool
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    alice = User(app, make_account(db, timezone=ZONE))
    dates = {
        make_task(
            db,
            alice,
            due_date=None if due_date == "none" else parse_date(due_date),
            completed=completed,
        ): due_date
        for due_date in MATCHES
    }
    for column, due in enumerate(FILTERS):
        found = alice.get(f"{alice.tasks_url}?{due}").json["tasks"]
        excluded = completed and due in ("due=overdue", "due=upcoming")
        expected = {date for date, truth in MATCHES.items() if truth[column] and not excluded}
        assert {dates[task["id"]] for task in found} == expected, due


@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        # A day of 23 hours, a day of 25 hours and a leap day.
        ("Europe/Berlin", "2030-03-31T10:00Z", ("2030-03-30T23:00:00Z", "2030-03-31T22:00:00Z")),
        ("Europe/Berlin", "2030-10-27T10:00Z", ("2030-10-26T22:00:00Z", "2030-10-27T23:00:00Z")),
        ("Europe/Berlin", "2028-02-29T10:00Z", ("2028-02-28T23:00:00Z", "2028-02-29T23:00:00Z")),
        # The clocks skip midnight.
        ("America/Havana", "2030-03-10T12:00Z", ("2030-03-10T05:00:00Z", "2030-03-11T04:00:00Z")),
        ("Etc/GMT+12", "2030-02-01T11:59Z", ("2030-01-31T12:00:00Z", "2030-02-01T12:00:00Z")),
        ("Etc/GMT-14", "2030-02-01T10:00Z", ("2030-02-01T10:00:00Z", "2030-02-02T10:00:00Z")),
    ],
)
def test_due_today_is_day_in_account_zone(
    app: Any, db: Session, monkeypatch: Patch, zone: str, now: str, today: tuple[str, str]
) -> None:
    moment = datetime.fromisoformat(now)
    monkeypatch.setattr(clock, "now", lambda: moment)
    alice = User(app, make_account(db, timezone=zone))
    begins, ends = (datetime.fromisoformat(text) for text in today)
    day = moment.astimezone(ZoneInfo(zone)).date()
    dates = {
        "yesterday": day - timedelta(days=1),
        "before": begins - timedelta(seconds=1),
        "today": day,
        "begins": begins,
        "last": ends - timedelta(seconds=1),
        "ends": ends,
        "tomorrow": day + timedelta(days=1),
    }
    for name, due_date in dates.items():
        make_task(db, alice, name=name, due_date=due_date)

    def names(due: str) -> set[str]:
        tasks = alice.get(f"{alice.tasks_url}?{due}&fields=name").json["tasks"]
        return {task["name"] for task in tasks}

    assert names("due=today") == {"today", "begins", "last"}
    assert names("due=tomorrow") == {"ends", "tomorrow"}
    overdue = {"yesterday", "before"} | ({"begins"} if begins < moment else set())
    assert names("due=overdue") == overdue
    assert names("due=upcoming") == dates.keys() - overdue
    assert names(f"due_before={day}") == {"yesterday", "before"}
