"""Each page of a history or of the feed reads its own changes, from the index of its order."""

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

OTHERS = 3  # accounts with as many changes
REVISIONS = 6000  # of each account
TASKS = 4  # of each account, in turn
LIMIT = 20
BULK, BULK_REVISION = 100, 2010  # tasks that one request has changed
STEPS = 100  # of SQLite's virtual machine for a change of a page; it takes about 40

FEED = {"sqlite": "sqlite_autoindex_changes_1", "postgresql": "pk_changes"}


@dataclass(frozen=True)
class Journal:
    """An account with many changes among others."""

    app: Any
    login: Login
    task: int

    def plans(self, path: str) -> list[Plan]:
        """Return the plans of a page."""
        engine = self.app.registry["engine"]
        with page_queries(self.app.registry["reading_engine"]) as run:
            answer = Client(self.app, self.login.token).get(f"{self.login.url}{path}&limit={LIMIT}")
        assert answer.status_int == 200, answer
        with engine.connect() as connection:
            return [explain(connection, query) for query in run]


def rows(login: Login, tasks: list[int]) -> Iterator[dict[str, Any]]:
    change = {
        "account_id": login.id,
        "kind": "task",
        "date": clock.now(),
        "action": UPDATE,
        "before": {"name": "Milk"},
        "after": {"name": "Tea"},
    }
    for revision in range(TASKS + 2, REVISIONS + 1):
        ids = [tasks[revision % TASKS]]
        if revision == BULK_REVISION:
            ids = list(range(10**6, 10**6 + BULK))
        yield from (change | {"revision": revision, "object_id": id_} for id_ in ids)


def fill(session: Session) -> tuple[Login, int]:
    """Store the changes of all, and return one account with one of its tasks."""
    chosen = []
    for _ in range(OTHERS + 1):
        login = make_account(session)
        tasks = [make_task(session, login) for _ in range(TASKS)]
        session.execute(insert(CHANGES), list(rows(login, tasks)))
        chosen.append((login, tasks[0]))
    statement = update(ACCOUNTS).values(revision=REVISIONS)
    session.execute(statement, execution_options={"recorded": True})
    return chosen[1]


@pytest.fixture(scope="module")
def journal(database_server: str | Path, migrated_url: str) -> Iterator[Journal]:
    with large_app(database_server, migrated_url, fill) as (app, (login, task)):
        yield Journal(app, login, task)


def assert_reads(plan: Plan, index: str, rows: int) -> None:
    assert plan.indexes == [index], plan
    assert not plan.scans, plan
    assert plan.sorts == 0, plan
    assert plan.rows_read <= rows, plan
    assert plan.steps <= rows * STEPS, plan


@pytest.mark.parametrize(
    ("since", "page"),
    [(0, LIMIT), (3000, LIMIT), (REVISIONS - 5, LIMIT), (BULK_REVISION - 10, BULK + 10)],
    ids=["first", "middle", "last", "bulk"],
)
def test_a_page_of_changes_is_read_in_its_order(journal: Journal, since: int, page: int) -> None:
    index = FEED[journal.app.registry["engine"].dialect.name]
    end, changes = journal.plans(f"/changes?since={since}")
    assert_reads(end, index, LIMIT)
    assert_reads(changes, index, page)


@pytest.mark.parametrize("after", ["", "&after=3000"], ids=["first", "middle"])
def test_a_page_of_a_history_is_read_from_its_index(journal: Journal, after: str) -> None:
    [plan] = journal.plans(f"/tasks/{journal.task}/history?{after}")
    assert_reads(plan, "ix_changes_object", LIMIT + 1)


def test_the_purge_reads_one_change_of_an_account_without_old_ones(journal: Journal) -> None:
    engine = journal.app.registry["engine"]
    with Session(engine) as session:
        with page_queries(engine, re.compile(r"SELECT accounts\.id.*changes", re.DOTALL)) as run:
            purge_expired(session, journal.app.registry["settings"])
        [query] = run
        plan = explain(session.connection(), query)
    assert FEED[engine.dialect.name] in plan.indexes, plan
    accounts = OTHERS + 1
    assert plan.rows_read <= 2 * accounts, plan
    assert plan.steps <= 2 * accounts * STEPS, plan
