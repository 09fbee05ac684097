"""What the driver runs: that it does, as SQLAlchemy would, and that an error is like any other."""

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Integer, bindparam, delete, insert, literal, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.databases import statements
from tests.support.factories import Login, make_account, make_key, make_task, make_trashed
from todo import clock
from todo.models import (
    Account,
    Change,
    IdempotencyKey,
    LimitCount,
    Task,
    Token,
    TrashedTask,
)
from todo.models.meta import UTCDateTime
from todo.models.statements import run

one_plan = pytest.mark.parametrize("one_plan", [False, True], ids=["anew", "one plan"])
only_postgresql = pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)

INTEGER = literal(1).type
OF_ACCOUNT = bindparam("account_id", type_=INTEGER)


@pytest.fixture
def engine(committing_app: Any) -> Engine:
    engine: Engine = committing_app.registry["engine"]
    return engine


@pytest.fixture
def alice(committing_app: Any, committing_session: Session) -> Login:
    """Somebody of whom each table has a row, or more."""
    alice = make_account(committing_session, "alice")
    make_key(committing_session, alice, "k", clock.now())
    for due_date in (None, clock.now(), clock.now().date()):
        make_task(committing_session, alice, due_date=due_date)
    make_trashed(committing_session, alice)
    return alice


@one_plan
@pytest.mark.parametrize("model", [Account, Token, Task, TrashedTask, Change, IdempotencyKey])
def test_rows_are_those_of_sqlalchemy(
    engine: Engine, alice: Login, model: Any, one_plan: bool
) -> None:
    owner = model.id if model is Account else model.account_id
    query = select(*model.__table__.c).where(owner == OF_ACCOUNT).order_by(*model.__table__.c)
    with engine.connect() as connection:
        rows = run(connection, query, {"account_id": alice.id}, one_plan=one_plan)
        assert rows
        same = connection.execute(query, {"account_id": alice.id}).all()
        assert rows == same
        # A memory is equal to its bytes, and True to 1.
        assert [[*map(type, row)] for row in rows] == [[*map(type, row)] for row in same]
        assert run(connection, query, {"account_id": 0}, one_plan=one_plan) == []


@one_plan
def test_what_is_written_is_what_sqlalchemy_writes(engine: Engine, one_plan: bool) -> None:
    columns = LimitCount.__table__.c
    write = insert(LimitCount).values({each.name: bindparam(each.name) for each in columns})
    values = {"name": "%s", "count": 3, "expiration_date": clock.now()}
    rows = [values | {"subject": subject} for subject in ("%(x)s :y ?", "$1 \\ ' é")]
    with engine.connect() as connection:
        for row in rows:
            assert run(connection, write, row, one_plan=one_plan) == []
        stored = connection.execute(select(*columns).where(columns.name == "%s"))
        assert sorted(map(dict, stored.mappings()), key=str) == sorted(rows, key=str)


@one_plan
def test_an_error_is_that_of_sqlalchemy(engine: Engine, alice: Login, one_plan: bool) -> None:
    columns = LimitCount.__table__.c
    write = insert(LimitCount).values({each.name: bindparam(each.name) for each in columns})
    row = {"name": "n", "subject": "secret", "count": 3, "expiration_date": clock.now()}
    with engine.connect() as connection:
        run(connection, write, row, one_plan=one_plan)
        with pytest.raises(IntegrityError) as caught:
            run(connection, write, row, one_plan=one_plan)
        assert str(caught.value.statement).startswith("INSERT INTO limit_counts")
        assert "secret" not in repr(caught.value.params)
        connection.rollback()
        assert not connection.scalar(select(columns.count).where(columns.name == "n"))
        run(connection, write, row, one_plan=one_plan)


@one_plan
def test_a_write_is_in_a_transaction(engine: Engine, one_plan: bool) -> None:
    """A text may write, too."""
    add = text("INSERT INTO released_usernames VALUES (1, 2, 'x', :date) RETURNING id")
    insert_one = add.bindparams(bindparam("date", type_=UTCDateTime)).columns(id=Integer)
    for _ in range(2):
        with engine.connect() as connection:
            assert run(connection, insert_one, {"date": clock.now()}, one_plan=one_plan) == [(1,)]
            connection.rollback()


def test_a_write_beside_the_journal_is_refused(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(RuntimeError, match="unrecorded"):
        run(connection, delete(Task), {})


@only_postgresql
@one_plan
def test_a_read_goes_on_after_an_error(committing_app: Any, one_plan: bool) -> None:
    query = select(literal(1) // bindparam("divisor", type_=INTEGER))
    with committing_app.registry["reading_engine"].connect() as connection:
        for divisor in (1, 0, 1):
            values = {"divisor": divisor}
            if divisor:
                assert [*run(connection, query, values, one_plan=one_plan)[0]] == [1]
                continue
            with pytest.raises(DataError, match="division by zero"):
                run(connection, query, values, one_plan=one_plan)


@only_postgresql
def test_what_is_found_by_a_key_is_planned_once(committing_app: Any, alice: Login) -> None:
    client = Client(committing_app, alice.token)
    task = client.get(alice.tasks_url).json["tasks"][0]["id"]
    engine = committing_app.registry["reading_engine"]
    for _ in range(2):
        for query in ("", f"/{task}", "?sort=name", f"?id={task}"):
            assert client.get(f"{alice.tasks_url}{query}").status_int == 200
    with engine.connect() as connection:
        plans = "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
        prepared = connection.execute(text(plans)).all()
    # One task; the list of all, which has told of it; who asks.
    assert sorted(map(tuple, prepared)) == [(2, 0), (3, 0), (9, 0)]


def test_sqlalchemy_is_not_asked(
    committing_app: Any, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(committing_app, alice.token)
    client.app.registry.settings["todo.limit_writes"] = 600
    monkeypatch.setattr(Connection, "execute", None)
    created = client.post(alice.tasks_url, {"name": "Milk"})
    assert created.status_int == 201
    task = created.headers["Location"]
    assert client.patch(task, {"completed": True}).json["task"]["completed"]
    assert client.get(task).json["task"]["completed"]
    assert len(client.get(alice.tasks_url).json["tasks"]) == 4


def test_who_listens_to_statements_sees_them(committing_app: Any) -> None:
    engine = committing_app.registry["reading_engine"]
    query = select(literal(1))
    with engine.connect() as connection, statements(engine) as seen:
        run(connection, query, {})
        run(connection, query, {}, one_plan=True)
    assert len(seen) == 2
