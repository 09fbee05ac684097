"""What reads by the driver: that it does, and that what goes wrong is an error like any other."""

from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, literal, select, text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from tests.client import Client
from tests.databases import statements
from tests.factories import make_account, make_task
from todo.models.statements import run

pytestmark = pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)


def test_what_is_found_by_a_key_is_planned_once(
    committing_app: Any, committing_session: Session
) -> None:
    alice = make_account(committing_session, "alice")
    task = make_task(committing_session, alice)
    client = Client(committing_app, alice.token)
    engine = committing_app.registry["reading_engine"]
    for _ in range(2):
        for query in ("", f"/{task}", "?sort=name", f"?id={task}"):
            assert client.get(f"{alice.tasks_url}{query}").status_int == 200
    with engine.connect() as connection:
        prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    # Who asks, the list of all, and one task.
    assert len(prepared) == 3


@pytest.mark.parametrize("one_plan", [False, True])
def test_an_error_is_that_of_sqlalchemy(committing_app: Any, one_plan: bool) -> None:
    query = select(literal(1) // bindparam("divisor", type_=literal(1).type))
    with committing_app.registry["reading_engine"].connect() as connection:
        assert [*run(connection, query, {"divisor": 1}, one_plan=one_plan)[0]] == [1]
        with pytest.raises(DataError, match="division by zero"):
            run(connection, query, {"divisor": 0}, one_plan=one_plan)
        assert [*run(connection, query, {"divisor": 1}, one_plan=one_plan)[0]] == [1]


@pytest.mark.parametrize("one_plan", [False, True])
def test_sqlalchemy_is_not_asked(
    committing_app: Any, monkeypatch: pytest.MonkeyPatch, one_plan: bool
) -> None:
    query = select(bindparam("number", type_=literal(1).type))
    with committing_app.registry["reading_engine"].connect() as connection:
        monkeypatch.setattr(Connection, "execute", None)
        assert run(connection, query, {"number": 7}, one_plan=one_plan) == [(7,)]
        monkeypatch.undo()


def test_who_listens_to_statements_sees_them(committing_app: Any) -> None:
    engine = committing_app.registry["reading_engine"]
    query = select(literal(1))
    with engine.connect() as connection, statements(engine) as seen:
        run(connection, query, {})
        run(connection, query, {}, one_plan=True)
    assert len(seen) == 2
