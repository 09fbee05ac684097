"""Filters by start date: days and instants, in an account in New York."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from tests.support.client import User, faults, pages
from tests.support.factories import Login, make_account, make_filter, make_task, make_trashed
from tests.support.fixtures import Patch
from tests.support.plans import Plan, explain, large_app, page_queries
from todo import clock
from todo.days import parse_date
from todo.models import Task
from todo.models.task import name_columns, note_columns
from todo.models.task_dates import due_columns, start_columns
from todo.positions import last_position

ZONE = "America/New_York"  # 05:00 UTC is midnight
NOW = datetime(2030, 2, 1, 12, tzinfo=UTC)  # 07:00 in New York

# Each filter selects the starts with its column's x.
FILTERS = [
    "start_after=2030-02-01",
    "start_before=2030-02-01",
    "start_after=2030-02-01T12:00:00Z",
    "start_before=2030-02-01T12:00:00Z",
    "start_after=2030-02-01T05:00:00Z",
    "start_after=2030-02-01&start_before=2030-02-02",
    "available=true",
    "available=false",
]
MATCHES = {
    "none": "...... x.",
    "2030-01-31": ".x.x.. x.",
    "2030-02-01": "x..xxx x.",
    "2030-02-02": "x.x.x. .x",
    "2030-02-03": "x.x.x. .x",
    "2030-02-01T04:59:59Z": ".x.x.. x.",
    "2030-02-01T05:00:00Z": "x..xxx x.",
    "2030-02-01T11:59:59Z": "x..xxx x.",
    "2030-02-01T12:00:00Z": "x.x.xx x.",
    "2030-02-01T12:00:01Z": "x.x.xx .x",
    "2030-02-02T04:59:59Z": "x.x.xx .x",
    "2030-02-02T05:00:00Z": "x.x.x. .x",
    "0001-01-01": ".x.x.. x.",
    "9999-12-31": "x.x.x. .x",
    "0001-01-01T00:00:00Z": ".x.x.. x.",
    "9999-12-31T23:59:59Z": "x.x.x. .x",
}


def expected(column: int) -> set[str]:
    return {start for start, row in MATCHES.items() if row.replace(" ", "")[column] == "x"}


@pytest.fixture
def alice(app: Any, db: Session, monkeypatch: Patch) -> User:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return User(app, make_account(db, timezone=ZONE))


def start_of(start: str) -> Any:
    return None if start == "none" else parse_date(start)


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_start_filter_matches_truth_table(db: Session, alice: User, zone: str | None) -> None:
    """The zone of a task does not matter."""
    starts = {
        make_task(db, alice, start_date=start_of(start), timezone=zone): start for start in MATCHES
    }
    for column, query in enumerate(FILTERS):
        found = alice.get(f"{alice.tasks_url}?{query}").json["tasks"]
        assert {starts[task["id"]] for task in found} == expected(column), query


@pytest.mark.parametrize("in_trash", [False, True])
def test_completed_task_is_not_available(db: Session, alice: User, in_trash: bool) -> None:
    make = make_trashed if in_trash else make_task
    starts = {
        make(db, alice, start_date=start_of(start), completed=True): start for start in MATCHES
    }
    url = alice.trash_url if in_trash else alice.tasks_url
    for column, query in enumerate(FILTERS):
        found = {starts[task["id"]] for task in alice.get(f"{url}?{query}").json["tasks"]}
        assert found == (set() if "available" in query else expected(column)), query


def test_start_filter_of_trash_matches_truth_table(db: Session, alice: User) -> None:
    starts = {make_trashed(db, alice, start_date=start_of(start)): start for start in MATCHES}
    make_task(db, alice, start_date=start_of("2030-02-01"))
    for column, query in enumerate(FILTERS):
        found = alice.get(f"{alice.trash_url}?{query}").json["tasks"]
        assert {starts[task["id"]] for task in found} == expected(column), query
    restored = alice.send_json("POST", f"{alice.trash_url}/restore?{FILTERS[0]}", {})
    assert restored.json["restored"] == len(expected(0))


def test_day_begins_in_zone_of_account(db: Session, alice: User, monkeypatch: Patch) -> None:
    task_id = make_task(db, alice, start_date=start_of("2030-02-01"))
    midnight = datetime(2030, 2, 1, 5, tzinfo=UTC)
    for now, available in ((midnight - timedelta(seconds=1), []), (midnight, [task_id])):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        found = alice.get(f"{alice.tasks_url}?available=true").json["tasks"]
        assert [task["id"] for task in found] == available
        later = alice.get(f"{alice.tasks_url}?available=false&count=true").json
        assert later["total"] == len(later["tasks"]) == 1 - len(available)


def test_bulk_change_of_available_tasks(db: Session, alice: User) -> None:
    for start in MATCHES:
        make_task(db, alice, start_date=start_of(start))
    url = f"{alice.tasks_url}?available=true"
    changed = alice.send_json("PATCH", url, {"completed": True})
    assert changed.json["updated"] == len(expected(6))
    assert alice.get(url).json["tasks"] == []
    deleted = alice.delete(f"{alice.tasks_url}?available=false")
    assert deleted.json["deleted"] == len(expected(7))


@pytest.mark.parametrize("query", ["available=true", "available=false&list=inbox"])
def test_list_of_available_tasks_has_no_etag(db: Session, alice: User, query: str) -> None:
    make_task(db, alice)
    saved = make_filter(db, alice, query=query)
    for url in (f"{alice.tasks_url}?{query}", f"{alice.url}/filters/{saved}/tasks"):
        answer = alice.get(url)
        assert (answer.status_int, answer.headers.get("ETag")) == (200, None)
    assert "ETag" in alice.get(f"{alice.tasks_url}?start_after=2030-02-01").headers


@pytest.mark.parametrize("sort", ["", "&sort=-id", "&sort=due_date", "&sort=name"])
@pytest.mark.parametrize("column", range(len(FILTERS)))
def test_pages_have_every_task_once(db: Session, alice: User, column: int, sort: str) -> None:
    starts = {}
    for start in MATCHES:
        starts[make_task(db, alice, start_date=start_of(start))] = start
        make_task(db, alice, start_date=start_of(start), completed=True)
    url = f"{alice.tasks_url}?{FILTERS[column]}&completed=false{sort}"
    whole = alice.get(url).json["tasks"]
    assert {starts[task["id"]] for task in whole} == expected(column)
    for limit in (1, 3):
        found = pages(alice, f"{url}&limit={limit}", "tasks")
        assert [task for page in found for task in page] == whole
        assert {len(page) for page in found[:-1]} <= {limit}


def test_range_of_starts_is_sorted_by_start(db: Session, alice: User) -> None:
    """A day counts as 00:00 UTC, and ties are sorted by id."""
    starts = [
        *("2030-02-02", "2030-02-01T23:59:59Z", "2030-02-02T00:00:00Z", "2030-02-03", "2030-02-02"),
        *("2030-02-02T00:00:01Z", "2030-02-01T12:00:00Z"),
    ]
    task_ids = [make_task(db, alice, start_date=start_of(start)) for start in starts]
    in_order = [task_ids[index] for index in (6, 1, 0, 2, 4, 5, 3)]
    for query in ("start_after=2030-02-01", "start_before=2030-02-04"):
        found = pages(alice, f"{alice.tasks_url}?{query}&limit=2", "tasks")
        assert [task["id"] for page in found for task in page] == in_order
    assert alice.get(f"{alice.tasks_url}?start_after=2030-02-01&sort=id").json["tasks"][0][
        "id"
    ] == min(task_ids)


def test_cursor_belongs_to_its_filter(db: Session, alice: User) -> None:
    for start in MATCHES:
        make_task(db, alice, start_date=start_of(start))
    after = alice.get(f"{alice.tasks_url}?start_after=2030-02-01&limit=2").json["after"]
    for query in ("start_after=2030-02-02", "start_before=2030-02-01", "available=true"):
        answer = alice.get(f"{alice.tasks_url}?{query}&limit=2&after={after}")
        assert faults(answer) == {"after": "cursor"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("start_after=tomorrow", "date"),
        ("start_before=", "date"),
        ("start_after=2030-02-30", "date"),
        ("available=maybe", "type"),
        ("available=", "type"),
    ],
)
def test_wrong_start_filter_is_refused(alice: User, query: str, code: str) -> None:
    name = query.partition("=")[0]
    for url in (alice.tasks_url, alice.trash_url):
        assert faults(alice.get(f"{url}?{query}")) == {name: code}
    saved = {"name": "Later", "query": query}
    assert alice.send_json("POST", f"{alice.url}/filters", saved).status_int == 400


TASKS, LIMIT = 5000, 20  # with fewer tasks, PostgreSQL may rather sort them
NEAR = 24  # hours, and tasks, around a bound: days and times are in one index


@dataclass(frozen=True)
class Starts:
    """The lists of an account in which most tasks have a start date."""

    app: Any
    user: User

    def plan(self, query: str, after: str | None = None) -> Plan:
        with page_queries(self.app.registry["reading_engine"]) as queries:
            self.page(query, after, LIMIT)
        [page_query] = queries
        with self.app.registry["engine"].connect() as connection:
            return explain(connection, page_query)

    def page(self, query: str, after: str | None, limit: int) -> str | None:
        place = f"&after={after}" if after else ""
        answer = self.user.get(f"{self.user.tasks_url}?{query}&limit={limit}{place}")
        assert len(answer.json["tasks"]) == limit, "the list is too short for this test"
        following: str | None = answer.json["after"]
        return following


def fill(session: Session) -> Login:
    logins = [make_account(session, timezone=ZONE) for _ in range(2)]
    for login in logins:
        values = []
        for number in range(TASKS):
            start = NOW + timedelta(hours=number * 7919 % TASKS)
            day = start.date() if number % 2 else start
            values.append(
                {
                    "account_id": login.id,
                    "uid": f"{login.id}-{number}",
                    "position": last_position(number + 1),
                    "priority": 0,
                    **name_columns(f"Task {number}"),
                    **note_columns(None),
                    **due_columns(None),
                    **start_columns(day if number % 5 else None),
                    "creation_date": NOW,
                    "modification_date": NOW,
                }
            )
        session.execute(insert(Task).execution_options(recorded=True), values)
    return logins[1]


@pytest.fixture(scope="module")
def starts(database_server: str | Path, migrated_url: str) -> Iterator[Starts]:
    with large_app(database_server, migrated_url, fill) as (app, login):
        yield Starts(app, User(app, login))


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize(
    "query", ["start_after=2030-06-01", "start_before=2030-05-01", "start_after=2030-06-01T10:00Z"]
)
def test_page_of_starts_reads_only_its_rows_from_index(
    starts: Starts, query: str, later: bool
) -> None:
    """Of the tasks near the bound, some are read in vain."""
    plan = starts.plan(query, starts.page(query, None, 100) if later else None)
    assert plan.indexes == ["ix_tasks_start"], plan
    assert (plan.sorts, plan.scans) == (0, []), plan
    assert plan.rows_read <= LIMIT + 1 + NEAR, plan
    assert plan.steps <= (LIMIT + 1 + NEAR) * 100, plan
