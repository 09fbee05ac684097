"""Query plans of the label filters: a page reads only its own tasks, from the table of labels."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from tests.listing.test_plans import (
    ACCOUNTS,
    PAGE_ROWS,
    STEPS_PER_ROW,
    TASKS,
    Lists,
    assert_reads_at_most,
    rows,
)
from tests.support.client import Client
from tests.support.factories import Login, make_account, make_list, make_task
from tests.support.plans import Plan, explain, large_app, page_queries
from todo import clock
from todo.listing.filters import FEW
from todo.models import Task
from todo.models.task import label_columns

LABEL_QUERIES = re.compile("SELECT.*task_labels.*GROUP BY", re.DOTALL)

# The indexes by which single tasks are read.
BY_ID = {"pk_tasks", "primary key", "ix_tasks_account_id_id"}


def labels_of(number: int) -> list[str]:
    """Return labels: `common` in half of the tasks, `third`, `fifth`, and `rare` in four."""
    return [
        *(["common"] if number % 2 else []),
        *(["third"] if number % 3 == 0 else []),
        *(["fifth"] if number % 5 == 0 else []),
        *(["rare"] if number % (TASKS // 4) == 7 else []),
    ]


def fill(session: Session) -> Login:
    """Fill all accounts with labelled tasks; return one of them."""
    now = clock.now()
    logins = [make_account(session) for _ in range(ACCOUNTS)]
    for login in logins:
        values = [
            row | label_columns(labels_of(number)) for number, row in enumerate(rows(login.id, now))
        ]
        session.execute(insert(Task).execution_options(recorded=True), values)
    return logins[1]


@pytest.fixture(scope="module")
def lists(database_server: str | Path, migrated_url: str) -> Iterator[Lists]:
    with large_app(database_server, migrated_url, fill) as (app, login):
        with Session(app.registry["engine"]) as session:
            list_id, parent_id = make_list(session, login), make_task(session, login)
        client, now = Client(app, login.token), clock.now()
        yield Lists(app, client, login, login.tasks_url, now, {}, list_id, parent_id)


def read_from(lists: Lists, plan: Plan) -> list[str]:
    """Return the names of the indexes; SQLite names that of the table of labels in no plan."""
    labels = ["pk_task_labels"] if lists.on_sqlite else []
    return [*labels, *plan.indexes]


def assert_reads_labels(lists: Lists, plan: Plan, rows: int) -> None:
    """Check that the plan reads at most so many labels in order, each with its task."""
    found = read_from(lists, plan)
    assert found[0] == "pk_task_labels", plan
    assert set(found) <= {"pk_task_labels", *BY_ID}, plan
    assert plan.sorts == 0, plan
    assert_reads_at_most(plan, rows if lists.on_sqlite else 2 * rows)


@pytest.mark.parametrize("sort", ["", "&sort=-id"])
@pytest.mark.parametrize("name", ["common", "third", "fifth"])
def test_page_of_label_reads_only_its_rows(lists: Lists, name: str, sort: str) -> None:
    query = f"label={name}{sort}"
    for after in (None, lists.later(query)):
        assert_reads_labels(lists, lists.plan(query, after), PAGE_ROWS)


@pytest.mark.parametrize(("query", "rows"), [("label=rare", 4), ("label=unknown", 1)])
def test_page_of_rare_label_reads_its_few_rows(lists: Lists, query: str, rows: int) -> None:
    assert_reads_labels(lists, lists.plan(query), rows)


def test_filter_of_label_reads_on_until_page_is_full(lists: Lists) -> None:
    """Half of the tasks with this label are open."""
    query = "label=third&completed=false"
    for after in (None, lists.later(query)):
        assert_reads_labels(lists, lists.plan(query, after), 2 * PAGE_ROWS)


# To find out whether a label has few tasks, a page may read this many rows of the table of labels.
COUNTED = 3 * (FEW + 1)


def test_page_of_two_labels_looks_the_second_one_up(lists: Lists) -> None:
    """Every third task with the first label has the second one, too."""
    for after in (None, lists.later("label=common,third")):
        plan = lists.plan("label=common,third", after)
        assert set(read_from(lists, plan)) <= {"pk_task_labels", *BY_ID}, plan
        assert_reads_at_most(plan, 3 * PAGE_ROWS + COUNTED)


@pytest.mark.parametrize("labels", ["rare,common", "common,rare"])
def test_page_of_rare_and_common_label_starts_from_rare_one(lists: Lists, labels: str) -> None:
    plan = lists.plan(f"label={labels}")
    assert set(read_from(lists, plan)) <= {"pk_task_labels", *BY_ID}, plan
    assert_reads_at_most(plan, 2 * PAGE_ROWS + COUNTED)


@pytest.mark.parametrize("sort", ["", "&sort=-id"])
def test_page_of_labelled_tasks_reads_only_its_rows(lists: Lists, sort: str) -> None:
    query = f"labelled=true{sort}"
    for after in (None, lists.later(query)):
        plan = lists.plan(query, after)
        assert plan.indexes == ["ix_tasks_labelled"], plan
        assert plan.sorts == 0, plan
        assert_reads_at_most(plan, PAGE_ROWS)


@pytest.mark.parametrize("sort", ["name", "position", "-due_date"])
def test_rare_label_precedes_other_orders(lists: Lists, sort: str) -> None:
    plan = lists.plan(f"label=rare&sort={sort}")
    assert set(plan.indexes) <= {"pk_task_labels", *BY_ID}, plan
    assert_reads_at_most(plan, 2 * PAGE_ROWS)


def test_list_of_labels_reads_no_tasks_of_other_accounts(lists: Lists) -> None:
    engine = lists.app.registry["engine"]
    with page_queries(lists.app.registry["reading_engine"], LABEL_QUERIES) as queries:
        answer = lists.client.get(f"{lists.login.url}/labels")
    names = [each["name"] for each in answer.json["labels"]]
    assert names == ["common", "fifth", "rare", "third"]
    with engine.connect() as connection:
        (query,) = queries
        plan = explain(connection, query)
    # Of so few labels, PostgreSQL may read all.
    labels = sum(len(labels_of(number)) for number in range(TASKS))
    assert "tasks" not in plan.scans, plan
    assert plan.rows_read <= labels * ACCOUNTS + 2 * TASKS + PAGE_ROWS, plan
    assert plan.steps <= labels * STEPS_PER_ROW, plan
