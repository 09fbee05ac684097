"""Query plans: a page of a history or the feed reads only its own changes, through one index."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.factories import Login, make_account, make_task
from tests.support.plans import Plan, explain, large_app, page_queries
from todo import clock
from todo.jobs.purge import purge_expired
from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES, UPDATE

OTHER_ACCOUNTS = 3  # accounts with the same number of changes
REVISIONS = 6000  # per account
TASKS = 4  # per account, changed in turn
LIMIT = 20
BULK_TASKS, BULK_REVISION = 100, 2010  # tasks changed by one request, and its revision
STEPS_PER_ROW = 100  # SQLite virtual machine steps allowed per change on a page; it needs about 40

FEED_INDEXES = {"sqlite": "sqlite_autoindex_changes_1", "postgresql": "pk_changes"}


@dataclass(frozen=True)
class Journal:
    """An account with many changes, in a database with other accounts of the same size."""

    app: Any
    login: Login
    task: int

    def plans(self, path: str) -> list[Plan]:
        """Return the query plans of a page."""
        engine = self.app.registry["engine"]
        with page_queries(self.app.registry["reading_engine"]) as queries:
            answer = Client(self.app, self.login.token).get(f"{self.login.url}{path}&limit={LIMIT}")
        assert answer.status_int == 200, answer
        with engine.connect() as connection:
            return [explain(connection, query) for query in queries]


def rows(login: Login, tasks: list[int]) -> Iterator[dict[str, Any]]:
    change = {
        "account_id": login.id,
        "kind": "task",
        "date": clock.now(),
        "action": UPDATE,
        "before": {"name": "Milk"},
        "after": {"name": "Tea"},
        "size": 211,
    }
    for revision in range(TASKS + 2, REVISIONS + 1):
        ids = [tasks[revision % TASKS]]
        if revision == BULK_REVISION:
            ids = list(range(10**6, 10**6 + BULK_TASKS))
        yield from (change | {"revision": revision, "object_id": id_} for id_ in ids)


def fill(session: Session) -> tuple[Login, int]:
    """Fill all accounts; return one of them and the id of one of its tasks."""
    filled = []
    for _ in range(OTHER_ACCOUNTS + 1):
        login = make_account(session)
        tasks = [make_task(session, login) for _ in range(TASKS)]
        session.execute(insert(CHANGES), list(rows(login, tasks)))
        filled.append((login, tasks[0]))
    statement = update(ACCOUNTS).values(revision=REVISIONS)
    session.execute(statement, execution_options={"recorded": True})
    return filled[1]


@pytest.fixture(scope="module")
def journal(database_server: str | Path, migrated_url: str) -> Iterator[Journal]:
    with large_app(database_server, migrated_url, fill) as (app, (login, task)):
        yield Journal(app, login, task)


def assert_reads(plan: Plan, index: str, rows: int) -> None:
    assert plan.indexes == [index], plan
    assert not plan.scans, plan
    assert plan.sorts == 0, plan
    assert plan.rows_read <= rows, plan
    assert plan.steps <= rows * STEPS_PER_ROW, plan


@pytest.mark.parametrize(
    ("since", "page_rows"),
    [(0, LIMIT), (3000, LIMIT), (REVISIONS - 5, LIMIT), (BULK_REVISION - 1, BULK_TASKS)],
    ids=["first", "middle", "last", "bulk"],
)
def test_feed_page_reads_only_its_rows_from_index(
    journal: Journal, since: int, page_rows: int
) -> None:
    index = FEED_INDEXES[journal.app.registry["engine"].dialect.name]
    sizes, changes = journal.plans(f"/changes?since={since}")
    assert_reads(sizes, index, LIMIT + 1)
    assert_reads(changes, index, page_rows)


@pytest.mark.parametrize("after", ["", "&after=3000"], ids=["first", "middle"])
def test_history_page_reads_only_its_rows_from_index(journal: Journal, after: str) -> None:
    sizes, changes = journal.plans(f"/tasks/{journal.task}/history?{after}")
    assert_reads(sizes, "ix_changes_object", LIMIT + 1)
    assert_reads(changes, "ix_changes_object", LIMIT + 1)


def test_purge_reads_one_change_per_account_without_old_ones(journal: Journal) -> None:
    engine = journal.app.registry["engine"]
    with Session(engine) as session:
        with page_queries(
            engine, re.compile(r"SELECT accounts\.id.*changes", re.DOTALL)
        ) as queries:
            purge_expired(session, journal.app.registry["settings"])
        [query] = queries
        plan = explain(session.connection(), query)
    assert FEED_INDEXES[engine.dialect.name] in plan.indexes, plan
    accounts = OTHER_ACCOUNTS + 1
    assert plan.rows_read <= 2 * accounts, plan
    assert plan.steps <= 2 * accounts * STEPS_PER_ROW, plan
