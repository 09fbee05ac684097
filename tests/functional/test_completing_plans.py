"""The plan of the query for an occurrence that is completed already."""

import re
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.factories import Login, make_account, make_task, make_tasks, make_trashed
from tests.support.plans import explain, large_app, page_queries

DAY = date(2030, 3, 5)
OCCURRENCES = 20


def fill(session: Session) -> tuple[Login, int]:
    """Store a series with completed occurrences, and many tasks that are due with one of them."""
    login = make_account(session)
    fields = {"due_date": DAY + timedelta(OCCURRENCES), "recurrence": "FREQ=DAILY"}
    series = make_task(session, login, **fields)
    done = {"name": "Milk", "occurrence_of": series, "completed": True}
    days = (DAY + timedelta(number) for number in range(OCCURRENCES))
    make_tasks(session, login, [done | {"due_date": day} for day in days])
    for _ in range(2):
        make_tasks(session, login, [{"name": "Tea", "due_date": DAY}] * 1000)
    return login, series


def test_completed_occurrence_is_found_among_those_of_its_series(
    database_server: str | Path, migrated_url: str
) -> None:
    with large_app(database_server, migrated_url, fill) as (app, (login, series)):
        client, engine = Client(app, login.token), app.registry["engine"]
        body = {"completed": True, "occurrence": str(DAY)}
        with page_queries(engine) as queries:
            answer = client.send_json("PATCH", f"{login.tasks_url}/{series}", body)
        assert answer.json["occurrence"]["due_date"] == str(DAY)
        [query] = queries
        with engine.connect() as connection:
            plan = explain(connection, query)
    assert (plan.indexes, plan.scans, plan.sorts) == (["ix_tasks_occurrence"], [], 0)
    assert plan.rows_read <= OCCURRENCES


def fill_trash(session: Session) -> tuple[Login, int]:
    """Store a series with an occurrence in the trash, and many other deleted tasks."""
    login = make_account(session)
    fields = {"due_date": DAY + timedelta(1), "recurrence": "FREQ=DAILY"}
    series = make_task(session, login, **fields)
    make_trashed(session, login, occurrence_of=series, due_date=DAY, completed=True)
    for _ in range(300):
        make_trashed(session, login, due_date=DAY)
    return login, series


def test_completed_occurrence_in_the_trash_is_found_by_its_series(
    database_server: str | Path, migrated_url: str
) -> None:
    with large_app(database_server, migrated_url, fill_trash) as (app, (login, series)):
        client, engine = Client(app, login.token), app.registry["engine"]
        body = {"completed": True, "occurrence": str(DAY)}
        trash = re.compile(r".*\bFROM trash\b", re.DOTALL)
        with page_queries(engine, trash) as queries:
            answer = client.send_json("PATCH", f"{login.tasks_url}/{series}", body)
        assert (answer.status_int, "occurrence" in answer.json) == (200, False)
        [query] = queries
        with engine.connect() as connection:
            plan = explain(connection, query)
    assert (plan.indexes, plan.scans) == (["ix_trash_occurrence"], [])
