"""Each page of a list reads its own tasks, from an index that begins with the account."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.factories import Login, make_account
from tests.support.plans import Plan, explain, large_app, page_queries
from todo import clock
from todo.models import Task, TrashedTask
from todo.models.task import due_columns, name_columns, note_columns

ACCOUNTS = 4
TASKS = 2000  # of each account
LIMIT = 20
READ = LIMIT + 1  # one more tells whether there is a next page
STEPS = 100  # of SQLite's virtual machine for a task of a page; it takes about 40
CREATED = timedelta(minutes=1)  # between two tasks

# By {now} they are due, and by {middle} half of them were created.
INDEXES = {
    "ix_tasks_account_id_id": ["", "sort=id", "sort=-id"],
    "ix_tasks_completed": ["completed=true"],
    "ix_tasks_open_due": ["due=overdue", "due=upcoming"],
    "ix_tasks_due": [
        *("due=today", "due=tomorrow", "due=week", "due=none", "due=any"),
        *("due_after={now}", "due_before={now}"),
    ],
    "ix_tasks_creation": [
        *("created_after={middle}", "created_before={middle}", "sort=creation_date"),
        *("created_before={middle}&sort=-creation_date", "sort=-creation_date"),
    ],
    "ix_tasks_modification": [
        *("modified_after={middle}", "modified_before={middle}"),
        *("sort=modification_date", "sort=-modification_date"),
    ],
    "ix_tasks_completion": [
        "completed=false",
        "completed_after={middle}",
        "completed_before={middle}",
    ],
    "ix_tasks_name": ["sort=name", "sort=-name"],
}
LISTS = {query: index for index, queries in INDEXES.items() for query in queries}

# First the tasks with such a date, then those without: two parts of the same index.
LISTS_OF_TWO_PARTS = {
    "sort=due_date": "ix_tasks_due",
    "sort=-due_date": "ix_tasks_due",
    "sort=completion_date": "ix_tasks_completion",
    "sort=-completion_date": "ix_tasks_completion",
}


@dataclass(frozen=True)
class Lists:
    """The lists of an account among others with as many tasks."""

    app: Any
    client: Client
    login: Login
    url: str
    now: datetime

    def get(self, query: str) -> Any:
        query = query.format(
            now=self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            middle=(self.now - TASKS // 2 * CREATED).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        response = self.client.get(f"{self.url}?{query}")
        assert response.status_int == 200, response
        return response.json

    def page(self, query: str, after: str | None = None, limit: int = LIMIT) -> str | None:
        """Ask for a page and return the cursor of the next one."""
        place = f"&after={after}" if after else ""
        response = self.get(f"{query}{place}&limit={limit}")
        found = response["next"]
        return parse_qs(urlsplit(found).query)["after"][0] if found else None

    def later(self, query: str, pages: int = 3) -> str:
        """Return the cursor of a page well within the list."""
        limit = min(200, self.get(f"{query}&limit=1&count=true")["total"] // 4)
        assert limit > LIMIT, "the list is too short to tell"
        after = None
        for _ in range(pages):
            after = self.page(query, after, limit) or after
        assert after is not None
        return after

    def plan(self, query: str, after: str | None = None) -> Plan:
        """Return the plan of a page."""
        engine = self.app.registry["engine"]
        with page_queries(self.app.registry["reading_engine"]) as run:
            self.page(query, after)
        (asked,) = run
        with engine.connect() as connection:
            return explain(connection, asked)

    @property
    def on_sqlite(self) -> bool:
        return bool(self.app.registry["engine"].dialect.name == "sqlite")


def rows(account_id: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the tasks of an account; names and dates are not in the order of the ids."""
    for number in range(TASKS):
        mixed = number * 7919 % TASKS
        rare = " saffron" if number % (TASKS // 4) == 7 else ""
        common = " milk" if number % 2 else ""
        due = None
        if mixed % 3:
            due = now + timedelta(days=mixed % 11 - 5, seconds=mixed)
        created = now - (TASKS - number) * CREATED
        yield {
            "account_id": account_id,
            **name_columns(f"Task {mixed:05d}{rare}{common}"),
            **note_columns(None),
            **due_columns(due.date() if due and mixed % 2 else due),
            "creation_date": created,
            "modification_date": now - mixed * CREATED,
            "completion_date": now - mixed * CREATED if number % 2 else None,
        }


def fill(session: Session) -> tuple[Login, datetime]:
    """Store the tasks of all accounts; return one of them, and the time that they speak of."""
    now = clock.now()
    logins = [make_account(session) for _ in range(ACCOUNTS)]
    for login in logins:
        session.execute(insert(Task).execution_options(recorded=True), list(rows(login.id, now)))
    # As many in the trash, in another order than that of the ids.
    columns = Task.__table__.columns
    deleted = select(*columns, Task.modification_date)
    move = insert(TrashedTask).from_select([*columns.keys(), "deletion_date"], deleted)
    session.execute(move, execution_options={"recorded": True})
    return logins[1], now


@pytest.fixture(scope="module")
def lists(database_server: str | Path, migrated_url: str) -> Iterator[Lists]:
    with large_app(database_server, migrated_url, fill) as (app, (login, now)):
        yield Lists(app, Client(app, login.token), login, login.tasks_url, now)


def assert_reads_its_own_tasks(plan: Plan, rows: int) -> None:
    assert not plan.scans, plan
    assert plan.rows_read <= rows, plan
    assert plan.rows_sorted <= rows, plan
    assert plan.steps <= rows * STEPS, plan


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("query", LISTS)
def test_a_page_is_read_from_its_index(lists: Lists, query: str, later: bool) -> None:
    plan = lists.plan(query, lists.later(query) if later else None)
    assert plan.indexes == [LISTS[query]], plan
    assert plan.sorts == 0, plan
    # Days and instants are told apart row by row, at the one day where it matters.
    assert_reads_its_own_tasks(plan, READ * 5 if "due" in query else READ)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_the_one_plan_of_the_list_reads_the_same_index(lists: Lists) -> None:
    """PostgreSQL makes it without knowing whose list it is, or how long."""
    lists.page("", lists.later(""))
    with lists.app.registry["reading_engine"].connect() as connection:
        prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        pages = [each.partition(" AS ")[2] for each in prepared if "LIMIT" in each]
        # The first one, and what comes after a task; and what other tests have asked for by id.
        assert len(pages) >= 2
        for page in pages:
            told = connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {page}").scalars().all()
            found = re.findall("Seq Scan|Sort|Bitmap|(?<= using )\\w+", "\n".join(told))
            assert found == ["ix_tasks_account_id_id"], told


@pytest.mark.parametrize("query", LISTS_OF_TWO_PARTS)
def test_a_page_of_two_parts_sorts_no_more_than_both(lists: Lists, query: str) -> None:
    index = LISTS_OF_TWO_PARTS[query]
    for after in (None, lists.later(query)):
        plan = lists.plan(query, after)
        assert plan.indexes == [index, index], plan
        assert plan.sorts == 1, plan
        assert_reads_its_own_tasks(plan, READ * 2)
    plan = lists.plan(query, lists.later(query, pages=TASKS // 200 - 1))
    assert plan.indexes == [index], "the last part stands alone"
    assert plan.sorts == 0, plan
    assert_reads_its_own_tasks(plan, READ)


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
def test_a_page_of_the_trash_is_read_from_its_index(lists: Lists, later: bool) -> None:
    trash = replace(lists, url=lists.login.trash_url)
    after = trash.page("", trash.page("", limit=200), limit=200) if later else None
    plan = trash.plan("", after)
    assert plan.indexes == ["ix_trash_deletion"], plan
    assert plan.sorts == 0, plan
    assert_reads_its_own_tasks(plan, READ)


def test_a_page_of_ids_reads_these_alone(lists: Lists) -> None:
    tasks = lists.get("limit=5")["tasks"]
    plan = lists.plan("id=" + ",".join(str(task["id"]) for task in tasks))
    assert set(plan.indexes) <= {"ix_tasks_account_id_id", "pk_tasks", "primary key"}, plan
    assert_reads_its_own_tasks(plan, READ)


def test_a_rare_word_is_found_in_the_index_of_words(lists: Lists) -> None:
    plan = lists.plan("search=saffron")
    if lists.on_sqlite:
        assert plan.indexes == ["task_words", "primary key"], plan
        assert_reads_its_own_tasks(plan, READ)
    else:
        # Of so few tasks it may ask the index of the account, too.
        assert plan.indexes[0] == "ix_tasks_words", plan
        assert set(plan.indexes[1:]) <= {"ix_tasks_account_id_id"}, plan
        assert not plan.scans, plan
        assert plan.rows_sorted <= READ, plan


@pytest.mark.parametrize("query", ["due=week", "due=week&sort=-due_date", "sort=name"])
def test_a_rare_word_comes_before_other_filters(lists: Lists, query: str) -> None:
    plan = lists.plan(f"search=saffron&{query}")
    if lists.on_sqlite:
        assert plan.indexes == ["task_words", "primary key"], plan
    else:
        assert "ix_tasks_words" in plan.indexes, plan
    assert not plan.scans, plan
    assert plan.rows_sorted <= READ, plan


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("word", ["milk", "mil"])
def test_a_common_word_is_found_in_an_index(lists: Lists, word: str, later: bool) -> None:
    query = f"search={word}"
    plan = lists.plan(query, lists.later(query) if later else None)
    assert not plan.scans, plan
    if lists.on_sqlite:
        assert plan.indexes == ["task_words", "primary key"], plan
        assert plan.sorts == 0, plan
        assert_reads_its_own_tasks(plan, READ)
    else:
        # Of many tasks it walks through the newest, as benchmarks/scale.md shows; of so few it
        # may sort those that have the word.
        assert set(plan.indexes) <= {"ix_tasks_account_id_id", "ix_tasks_words"}, plan
