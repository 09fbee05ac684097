"""Query plans: a page of a list reads only its own tasks, through an index led by the account."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.factories import Login, make_account, make_list, make_task
from tests.support.plans import Plan, explain, large_app, page_queries
from todo import clock
from todo.auth.identity import AccountRow, Identity, TokenRow
from todo.listing.filters import FEW
from todo.models import Account, List, Task, Token, TrashedTask, batches
from todo.models.task import TASK_COLUMNS, label_columns, name_columns, note_columns
from todo.models.task_dates import due_columns
from todo.positions import last_position
from todo.services import trash as trash_service

ACCOUNTS = 4
TASKS = 2000  # per account
LIMIT = 20
PAGE_ROWS = LIMIT + 1  # the extra row shows whether a next page follows
# SQLite virtual machine steps allowed per task on a page; it needs about two per column.
STEPS_PER_ROW = 5 * len(TASK_COLUMNS)
CREATION_INTERVAL = timedelta(minutes=1)  # between the creation of two tasks

# {now} lies in the middle of the due dates, {middle} in the middle of the creation dates.
QUERIES_BY_INDEX = {
    "ix_tasks_account_id_id": ["", "sort=id", "sort=-id"],
    "ix_tasks_completed": ["completed=true"],
    "ix_tasks_due": ["due=none"],
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
    "ix_tasks_position": ["sort=position", "sort=-position"],
    "ix_tasks_list": ["list={list}", "list=inbox", "list={list}&sort=-position"],
    "ix_tasks_parent": ["parent={parent}", "parent={parent}&sort=-position"],
    "ix_tasks_occurrence": ["occurrence_of={parent}", "occurrence_of={parent}&sort=-id"],
}
INDEX_BY_QUERY = {query: index for index, queries in QUERIES_BY_INDEX.items() for query in queries}

# Days and times are two ranges of one index. A page merges as many rows of each.
DUE_LISTS = {
    "due=overdue": "ix_tasks_open_due",
    "due=upcoming": "ix_tasks_open_due",
    "due=today": "ix_tasks_due",
    "due=tomorrow": "ix_tasks_due",
    "due=week": "ix_tasks_due",
    "due=any": "ix_tasks_due",
    "due_after={now}": "ix_tasks_due",
    "due_before={now}": "ix_tasks_due",
    "due_before={now}&sort=-due_date": "ix_tasks_due",
    "due_after={now}&due_before={later}": "ix_tasks_due",
}

# The tasks with a date come first, then those without: two segments of one index.
TWO_SEGMENT_LISTS = {
    "sort=completion_date": "ix_tasks_completion",
    "sort=-completion_date": "ix_tasks_completion",
}


@dataclass(frozen=True)
class Lists:
    """The lists of an account, in a database with other accounts of the same size."""

    app: Any
    client: Client
    login: Login
    url: str
    now: datetime
    logins: dict[str, Login]
    list_id: int
    parent_id: int

    def of(self, login: Login) -> "Lists":
        """Return the lists of another account."""
        client = Client(self.app, login.token)
        return replace(self, client=client, login=login, url=login.tasks_url)

    def get(self, query: str) -> Any:
        query = query.format(
            list=self.list_id,
            parent=self.parent_id,
            now=self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            later=(self.now + timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            middle=(self.now - TASKS // 2 * CREATION_INTERVAL).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        response = self.client.get(f"{self.url}?{query}")
        assert response.status_int == 200, response
        return response.json

    def page(self, query: str, after: str | None = None, limit: int = LIMIT) -> str | None:
        """Request a page and return the cursor of the next one, or None."""
        after_query = f"&after={after}" if after else ""
        response = self.get(f"{query}{after_query}&limit={limit}")
        following = response["next"]
        return parse_qs(urlsplit(following).query)["after"][0] if following else None

    def later(self, query: str, pages: int = 3) -> str:
        """Return the cursor of a page well inside the list."""
        limit = min(200, self.get(f"{query}&limit=1&count=true")["total"] // 4)
        assert limit > LIMIT, "the list is too short for this test"
        after = None
        for _ in range(pages):
            after = self.page(query, after, limit) or after
        assert after is not None
        return after

    def plan(self, query: str, after: str | None = None) -> Plan:
        """Return the query plan of a page."""
        engine = self.app.registry["engine"]
        with page_queries(self.app.registry["reading_engine"]) as queries:
            self.page(query, after)
        (page_query,) = queries
        with engine.connect() as connection:
            return explain(connection, page_query)

    @property
    def on_sqlite(self) -> bool:
        return bool(self.app.registry["engine"].dialect.name == "sqlite")


def rows(account_id: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the rows of an account's tasks, with names and dates in another order than the ids."""
    for number in range(TASKS):
        shuffled = number * 7919 % TASKS
        rare = " saffron" if number % (TASKS // 4) == 7 else ""
        common = " milk" if number % 2 else ""
        due = None
        if shuffled % 3:
            due = now + timedelta(days=shuffled % 11 - 5, seconds=shuffled)
        created = now - (TASKS - number) * CREATION_INTERVAL
        yield {
            "account_id": account_id,
            "uid": f"{account_id}-{number}",
            "position": last_position(shuffled + 1),
            "priority": shuffled % 10,
            **name_columns(f"Task {shuffled:05d}{rare}{common}"),
            **note_columns(None),
            **label_columns([*["home", "urgent"][: number % 3], *rare.split()]),
            **due_columns(due.date() if due and shuffled % 2 else due),
            "creation_date": created,
            "modification_date": now - shuffled * CREATION_INTERVAL,
            "completion_date": now - shuffled * CREATION_INTERVAL if number % 2 else None,
        }


def lopsided_rows(account_id: int, now: datetime, *, days: bool) -> Iterator[dict[str, Any]]:
    """Yield tasks due on days and one due at a time in their middle, or the other way round."""
    for row, number in zip(rows(account_id, now), range(TASKS), strict=True):
        due = now + timedelta(minutes=10 * (number - TASKS // 2))
        is_day = days == (number != TASKS // 2)
        yield row | due_columns(due.date() if is_day else due)


def fill(session: Session) -> tuple[dict[str, Login], datetime]:
    """Fill all accounts; return some of them and the time that the dates are relative to."""
    now = clock.now()
    logins = [make_account(session) for _ in range(ACCOUNTS)]
    for login in logins:
        values = list(rows(login.id, now))
        list_id, parent_id = make_list(session, login), make_task(session, login)
        for number, row in enumerate(values):
            row["list_id"] = list_id if number % 3 else None
            row["parent_id"] = parent_id if number % 3 == 0 and number % 2 else None
            row["occurrence_of"] = parent_id if number % 5 == 0 else None
        session.execute(insert(Task).execution_options(recorded=True), values)
    lopsided = {"days": make_account(session), "times": make_account(session)}
    for kind, login in lopsided.items():
        values = list(lopsided_rows(login.id, now, days=kind == "days"))
        session.execute(insert(Task).execution_options(recorded=True), values)
    # Fill the trash with the same number, in another order than the ids.
    columns = [each for each in Task.__table__.columns if each.key in TrashedTask.__table__.columns]
    deleted = select(*columns, Task.modification_date)
    names = [column.key for column in columns]
    move = insert(TrashedTask).from_select([*names, "deletion_date"], deleted)
    session.execute(move, execution_options={"recorded": True})
    return lopsided | {"both": logins[1]}, now


@pytest.fixture(scope="module")
def lists(database_server: str | Path, migrated_url: str) -> Iterator[Lists]:
    with large_app(database_server, migrated_url, fill) as (app, (logins, now)):
        login = logins["both"]
        with Session(app.registry["engine"]) as session:
            list_id = session.scalar(select(List.id).where(List.account_id == login.id))
            parent_id = session.scalar(
                select(func.max(Task.parent_id)).where(Task.account_id == login.id)
            )
        assert list_id is not None
        assert parent_id is not None
        client = Client(app, login.token)
        yield Lists(app, client, login, login.tasks_url, now, logins, list_id, parent_id)


def identity_of(session: Session, login: Login) -> Identity:
    """Return the identity of the account's only token."""
    account, token = (
        session.execute(select(model.__table__).where(owner == login.id)).one()._asdict()
        for model, owner in ((Account, Account.id), (Token, Token.account_id))
    )
    return Identity(AccountRow.of(account), TokenRow(*(token[name] for name in TokenRow._fields)))


def assert_reads_at_most(plan: Plan, rows: int) -> None:
    assert not plan.scans, plan
    assert plan.rows_read <= rows, plan
    assert plan.rows_sorted <= rows, plan
    assert plan.steps <= rows * STEPS_PER_ROW, plan


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("query", INDEX_BY_QUERY)
def test_list_page_reads_only_its_rows_from_index(lists: Lists, query: str, later: bool) -> None:
    plan = lists.plan(query, lists.later(query) if later else None)
    assert plan.indexes == [INDEX_BY_QUERY[query]], plan
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, PAGE_ROWS)


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("query", DUE_LISTS)
def test_page_by_due_date_reads_its_days_and_times_from_index(
    lists: Lists, query: str, later: bool
) -> None:
    plan = lists.plan(query, lists.later(query) if later else None)
    assert plan.indexes == [DUE_LISTS[query]] * 2, plan
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, PAGE_ROWS * 2)


@pytest.mark.parametrize("sort", ["due_date", "-due_date"])
@pytest.mark.parametrize("query", ["due=any", "due_before={later}", "due_after={now}", "due=week"])
@pytest.mark.parametrize("kind", ["days", "times"])
def test_page_by_due_date_skips_no_tasks_of_more_frequent_kind(
    lists: Lists, kind: str, query: str, sort: str
) -> None:
    """The account has one task of the other kind, in the middle of the list."""
    lopsided = lists.of(lists.logins[kind])
    for after in (None, lopsided.later(f"{query}&sort={sort}", pages=2)):
        plan = lopsided.plan(f"{query}&sort={sort}", after)
        assert plan.indexes == ["ix_tasks_due"] * 2, plan
        assert plan.sorts == 0, plan
        assert plan.rows_read <= PAGE_ROWS + 1, plan
        assert_reads_at_most(plan, PAGE_ROWS * 2)


@pytest.mark.parametrize("sort", ["id", "-name", "creation_date", "-completion_date"])
@pytest.mark.parametrize("query", ["due=today", "due=overdue", "due_after={now}"])
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_due_date_filter_precedes_other_orders_on_sqlite(
    lists: Lists, query: str, sort: str
) -> None:
    """SQLite plans without statistics; few tasks may be due."""
    plan = lists.plan(f"{query}&sort={sort}")
    assert set(plan.indexes) <= {"ix_tasks_due", "ix_tasks_open_due"}, plan
    plan = lists.plan(f"{query}&sort={sort}&created_after={{middle}}")
    assert set(plan.indexes) <= {"ix_tasks_due", "ix_tasks_open_due"}, plan


@pytest.mark.parametrize("query", ["sort=due_date", "sort=-due_date"])
def test_page_of_all_tasks_by_due_date_reads_three_pages_of_rows(lists: Lists, query: str) -> None:
    """They are days, times and tasks without a due date."""
    for after in (None, lists.later(query)):
        plan = lists.plan(query, after)
        assert plan.indexes == ["ix_tasks_due"] * 3, plan
        assert plan.sorts == 0, plan
        assert_reads_at_most(plan, PAGE_ROWS * 3)
    plan = lists.plan(query, lists.later(query, pages=TASKS // 200 - 1))
    assert plan.indexes == ["ix_tasks_due"], "the last page lies within the undated tasks"
    assert_reads_at_most(plan, PAGE_ROWS)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_generic_plan_of_list_uses_its_index(lists: Lists) -> None:
    """PostgreSQL makes the generic plan without knowing the account or the size of its list."""
    lists.page("", lists.later(""))
    with lists.app.registry["reading_engine"].connect() as connection:
        prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        pages = [each.partition(" AS ")[2] for each in prepared if "LIMIT" in each]
        # The first page and a later one; other tests may have added queries by id.
        assert len(pages) >= 2
        for page in pages:
            plan = connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {page}").scalars().all()
            nodes = re.findall(
                "Seq Scan on (?!lists)|Sort|Bitmap|(?<= using )\\w+", "\n".join(plan)
            )
            assert nodes == ["ix_tasks_account_id_id"], plan


@pytest.mark.parametrize("query", TWO_SEGMENT_LISTS)
def test_two_segment_page_sorts_at_most_two_pages_of_rows(lists: Lists, query: str) -> None:
    index = TWO_SEGMENT_LISTS[query]
    for after in (None, lists.later(query)):
        plan = lists.plan(query, after)
        assert plan.indexes == [index, index], plan
        assert plan.sorts == 1, plan
        assert_reads_at_most(plan, PAGE_ROWS * 2)
    plan = lists.plan(query, lists.later(query, pages=TASKS // 200 - 1))
    assert plan.indexes == [index], "the last page lies within the second segment"
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, PAGE_ROWS)


@pytest.mark.parametrize("query", ["priority=high", "priority=high,low&sort=-priority"])
def test_page_by_priority_reads_two_pages_of_rows(lists: Lists, query: str) -> None:
    """They are the rest of the cursor's priority and the next priorities."""
    assert_reads_at_most(lists.plan(query), PAGE_ROWS)
    plan = lists.plan(query, lists.later(query))
    assert plan.indexes == ["ix_tasks_priority"] * 2, plan
    assert plan.sorts == 1, plan
    assert_reads_at_most(plan, PAGE_ROWS * 2)


def test_page_of_all_tasks_by_priority_reads_three_pages_of_rows(lists: Lists) -> None:
    for after in (None, lists.later("sort=priority")):
        plan = lists.plan("sort=priority", after)
        segments = 2 if after is None else 3
        assert {*plan.indexes} == {"ix_tasks_priority"}, plan
        assert_reads_at_most(plan, PAGE_ROWS * segments)


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize(("query", "rows"), [("label=home", 1), ("label=home,urgent", 2)])
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_page_of_labels_reads_first_label_until_it_is_full_on_sqlite(
    lists: Lists, query: str, rows: int, later: bool
) -> None:
    """Half of the tasks of the first label have the second one."""
    plan = lists.plan(query, lists.later(query) if later else None)
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, PAGE_ROWS * rows)


@pytest.mark.parametrize("query", ["label=saffron", "label=home,saffron", "label=saffron,home"])
def test_page_of_rare_label_reads_only_its_tasks(lists: Lists, query: str) -> None:
    plan = lists.plan(query)
    assert not plan.scans, plan
    assert plan.rows_read <= PAGE_ROWS + FEW, plan
    assert plan.steps <= (PAGE_ROWS + FEW) * STEPS_PER_ROW, plan


@pytest.fixture
def trash(lists: Lists) -> Lists:
    return replace(lists, url=lists.login.trash_url)


def later_in_trash(trash: Lists, query: str) -> str:
    """Return the cursor of a page well inside the trash."""
    after = trash.page(query, trash.page(query, limit=200), limit=200)
    assert after is not None
    return after


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("query", ["", "deleted_after={middle}", "deleted_before={middle}"])
def test_trash_page_reads_only_its_rows_from_index(trash: Lists, query: str, later: bool) -> None:
    plan = trash.plan(query, later_in_trash(trash, query) if later else None)
    assert plan.indexes == ["ix_trash_deletion"], plan
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, PAGE_ROWS)


def test_short_trash_page_stops_at_bound_of_filter(trash: Lists) -> None:
    """It does not go on to the end of the retention."""
    plan = trash.plan("deleted_after={now}")
    assert plan.indexes == ["ix_trash_deletion"], plan
    assert_reads_at_most(plan, PAGE_ROWS)


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("query", ["completed=true", "due=none", "created_after={middle}"])
def test_filtered_trash_page_reads_index_in_order(trash: Lists, query: str, later: bool) -> None:
    """A filter that matches a part of the trash reads on until the page is full."""
    plan = trash.plan(query, later_in_trash(trash, query) if later else None)
    assert plan.indexes == ["ix_trash_deletion"], plan
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, PAGE_ROWS * 5)


def test_id_filter_of_trash_reads_only_named_tasks(trash: Lists) -> None:
    tasks = trash.get("limit=5")["tasks"]
    plan = trash.plan("id=" + ",".join(str(task["id"]) for task in tasks))
    assert set(plan.indexes) <= {"pk_trash", "primary key"}, plan
    assert_reads_at_most(plan, PAGE_ROWS)


@pytest.mark.parametrize("query", ["", "&completed=true", "&deleted_before={now}"])
def test_search_of_trash_for_rare_word_uses_word_index(trash: Lists, query: str) -> None:
    plan = trash.plan(f"search=saffron{query}")
    assert not plan.scans, plan
    assert plan.rows_sorted <= PAGE_ROWS, plan
    if trash.on_sqlite:
        assert plan.indexes == ["primary key", "trash_words"], plan
        assert_reads_at_most(plan, PAGE_ROWS)
    else:
        assert "ix_trash_words" in plan.indexes, plan


def test_search_of_trash_for_common_word_uses_index(trash: Lists) -> None:
    plan = trash.plan("search=mil")
    assert not plan.scans, plan
    if trash.on_sqlite:
        assert plan.indexes == ["primary key", "trash_words"], plan
    else:
        assert set(plan.indexes) <= {"ix_trash_deletion", "ix_trash_uid", "ix_trash_words"}, plan


def test_filtered_purge_batch_begins_after_previous_one(
    trash: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each batch would read again all tasks that do not match."""
    monkeypatch.setattr(batches, "BATCH_SIZE", LIMIT)
    engine = trash.app.registry["engine"]
    with Session(engine) as session, page_queries(engine) as queries:
        identity = identity_of(session, trash.login)
        filters, retention = {"completed": True}, trash.app.registry["settings"].trash_retention
        # All batches in one transaction, which is rolled back.
        trash_service.empty_trash(session, identity, filters, retention, commit=lambda: None)
        plan = explain(session.connection(), queries[-1])
    assert len(queries) == TASKS // 2 // LIMIT + 1
    assert plan.indexes == ["ix_trash_deletion"], plan
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, LIMIT)


@pytest.mark.parametrize("query", ["", "&sort=creation_date", "&sort=name"])
def test_id_filter_reads_only_named_tasks(lists: Lists, query: str) -> None:
    tasks = lists.get("limit=5")["tasks"]
    plan = lists.plan("id=" + ",".join(str(task["id"]) for task in tasks) + query)
    assert set(plan.indexes) <= {"ix_tasks_account_id_id", "pk_tasks", "primary key"}, plan
    assert_reads_at_most(plan, PAGE_ROWS)


def test_search_for_rare_word_uses_word_index(lists: Lists) -> None:
    plan = lists.plan("search=saffron")
    if lists.on_sqlite:
        assert plan.indexes == ["task_words", "primary key"], plan
        assert_reads_at_most(plan, PAGE_ROWS)
    else:
        # With so few tasks, PostgreSQL may combine it with the account's index.
        assert plan.indexes[0] == "ix_tasks_words", plan
        assert set(plan.indexes[1:]) <= {"ix_tasks_account_id_id"}, plan
        assert not plan.scans, plan
        assert plan.rows_sorted <= PAGE_ROWS, plan


@pytest.mark.parametrize("query", ["due=week", "due=week&sort=-due_date", "sort=name"])
def test_search_for_rare_word_precedes_other_filters(lists: Lists, query: str) -> None:
    plan = lists.plan(f"search=saffron&{query}")
    if lists.on_sqlite:
        segments = 2 if "sort=-due_date" in query else 1
        assert plan.indexes == ["task_words", "primary key"] * segments, plan
    else:
        assert "ix_tasks_words" in plan.indexes, plan
    assert not plan.scans, plan
    assert plan.rows_sorted <= PAGE_ROWS, plan


@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("word", ["milk", "mil"])
def test_search_for_common_word_uses_index(lists: Lists, word: str, later: bool) -> None:
    query = f"search={word}"
    plan = lists.plan(query, lists.later(query) if later else None)
    assert not plan.scans, plan
    if lists.on_sqlite:
        assert plan.indexes == ["task_words", "primary key"], plan
        assert plan.sorts == 0, plan
        assert_reads_at_most(plan, PAGE_ROWS)
    else:
        # With many tasks, PostgreSQL walks from the newest (benchmarks/scale.md); with so few, it
        # may sort the matches instead.
        assert set(plan.indexes) <= {"ix_tasks_account_id_id", "ix_tasks_words"}, plan
