"""Transactions: a request that succeeds commits all its writes, a refused one none."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2.errors
import pytest
from pyramid.request import Request
from sqlalchemy import event, exc, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from webtest import TestApp, TestResponse

from tests.support.client import Client, User, log_in
from tests.support.extra_routes import TEST_VIEW
from tests.support.factories import PASSWORD, Login, make_account, make_task
from tests.support.fixtures import Logs, Patch, SetClock, SetTestView
from tests.support.running import dispose, running_app
from todo import configure
from todo.http.errors import Problem
from todo.http.transactions import end_transaction
from todo.models import Task, Token
from todo.models.engine import LOCK_TIMEOUT
from todo.models.faults import READ_ONLY
from todo.models.token import TOKENS

Post = Callable[..., tuple[TestResponse, str]]

# The writes of these tests bypass the journal.
pytestmark = pytest.mark.unjournalled


@pytest.fixture
def task_id(db: Session, alice: Login) -> int:
    return make_task(db, alice, name="before")


def write_by_orm(request: Request) -> None:
    request.db.scalars(select(Token)).one().client = "after"


def write_by_core(request: Request) -> None:
    request.db.execute(update(TOKENS).values(client="after"))


def write_by_text(request: Request) -> None:
    request.db.execute(text("UPDATE tokens SET client = 'after'"))


WRITES = [write_by_orm, write_by_core, write_by_text]


def stored_client(session: Session) -> str:
    session.rollback()
    return session.scalars(select(Token.client)).one() or "before"


@pytest.fixture
def post(client: Client, db: Session, task_id: int, set_test_view: SetTestView) -> Post:
    """A function that posts to a view, and returns the response and the stored value."""

    def post(view: Callable[[Request], Any], **fields: str) -> tuple[TestResponse, str]:
        set_test_view(view)
        return client.post(TEST_VIEW, fields), stored_client(db)

    return post


@pytest.mark.parametrize("write", WRITES)
def test_successful_request_commits_write(post: Post, write: Any) -> None:
    answer, stored = post(write)
    assert (answer.status_int, stored) == (200, "after")


@pytest.mark.parametrize("write", [write_by_core, write_by_text])
def test_get_request_cannot_write(database_url: str, committed: Session, write: Any) -> None:
    make_account(committed)
    config = configure({"sqlalchemy.url": database_url})
    config.include("tests.support.extra_routes")
    app = config.make_wsgi_app()
    app.registry["test_view"] = write
    assert TestApp(app).get(TEST_VIEW, status=503).json["code"] == READ_ONLY
    dispose(app)
    assert stored_client(committed) == "before"


@pytest.mark.parametrize(
    ("error", "status"), [(Problem("conflict", "No."), 409), (RuntimeError("inside"), 500)]
)
@pytest.mark.parametrize("write", WRITES)
def test_raised_error_rolls_back_write(
    post: Post, write: Any, error: Exception, status: int
) -> None:
    def view(request: Request) -> None:
        write(request)
        request.db.flush()
        raise error

    answer, stored = post(view)
    assert (answer.status_int, stored) == (status, "before")


def test_returned_error_status_rolls_back_write(post: Post) -> None:
    def view(request: Request) -> None:
        write_by_text(request)
        request.response.status_int = 409

    answer, stored = post(view)
    assert (answer.status_int, stored) == (409, "before")


def database_error(kind: type[exc.DBAPIError], original: Exception) -> exc.DBAPIError:
    return kind("UPDATE", {}, original)


LOST_RACES = [
    database_error(exc.OperationalError, psycopg2.errors.SerializationFailure()),
    database_error(exc.OperationalError, psycopg2.errors.DeadlockDetected()),
    StaleDataError("one row was expected"),
    exc.OperationalError("SELECT", {}, Exception("closed"), connection_invalidated=True),
]


@pytest.mark.parametrize("error", LOST_RACES, ids=repr)
def test_lost_race_is_retried(post: Post, error: Exception) -> None:
    attempts = []

    def view(request: Request) -> None:
        attempts.append(request.body)
        write_by_text(request)
        if len(attempts) < 3:
            raise error

    answer, stored = post(view, body="kept")
    assert (answer.status_int, stored) == (200, "after")
    assert attempts == [b"body=kept"] * 3


# psycopg2 does not always raise OperationalError if the server has shut down.
CONNECTION_LOST = exc.DatabaseError("UPDATE", {}, Exception("closed"), connection_invalidated=True)
# The error of a COMMIT has no statement.
CONNECTION_LOST_AT_COMMIT = exc.DatabaseError(
    None, None, Exception("closed"), connection_invalidated=True
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LOST_RACES[0], 503, "unavailable"),
        (LOST_RACES[2], 409, "conflict"),
        (database_error(exc.OperationalError, Exception("locked")), 503, "unavailable"),
        (CONNECTION_LOST, 503, "unavailable"),
        (CONNECTION_LOST_AT_COMMIT, 503, "unavailable"),
        (exc.TimeoutError("the pool is exhausted"), 503, "unavailable"),
        (database_error(exc.IntegrityError, Exception("unique")), 409, "conflict"),
        (database_error(exc.DataError, Exception("out of range")), 500, "internal_error"),
    ],
)
def test_database_error_rolls_back_and_maps_to_status(
    post: Post, error: Exception, status: int, code: str
) -> None:
    attempts = []

    def view(request: Request) -> None:
        attempts.append(request.method)
        write_by_text(request)
        raise error

    answer, stored = post(view)
    assert (answer.status_int, answer.json["code"], stored) == (status, code, "before")
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert "UPDATE" not in answer.text
    if error is CONNECTION_LOST_AT_COMMIT:
        assert attempts == ["POST"], "a write that may be committed is not retried"
        assert "changed nothing" not in answer.json["detail"]
        assert "Idempotency-Key" in answer.json["detail"]


def test_end_transaction_rolls_back_and_begins_another(post: Post, db: Session) -> None:
    def view(request: Request) -> None:
        write_by_text(request)
        end_transaction(request)
        request.db.execute(text("UPDATE tasks SET note = 'after'"))

    answer, stored = post(view)
    assert (answer.status_int, stored) == (200, "before")
    assert db.scalars(select(Task.note)).one() == "after"


def test_password_hashing_holds_no_database_connection(
    real_app: Any, real_alice: User, committed: Session, monkeypatch: Patch
) -> None:
    alice = real_alice
    pool = real_app.registry["engine"].pool
    held = []

    def record_and_encode(password: str) -> bytes:
        held.append(pool.checkedout())
        return password.encode()

    committed.close()
    monkeypatch.setattr("todo.auth.passwords._encoded", record_and_encode)
    carol = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    assert Client(real_app).post("/api/v1/accounts", carol).status_int == 201
    assert log_in(Client(real_app)).status_int == 200
    assert alice.put(alice.url, {"password": "another horse"}).status_int == 200
    assert held == [0, 0, 0]
    assert pool.checkedout() == 0


@pytest.mark.usefixtures("without_wal")
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_timed_out_commit_releases_lock(database_url: str, committed: Session) -> None:
    milk = {"name": "Milk"}
    path = database_url.removeprefix("sqlite:///")
    with (
        running_app(database_url) as app,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        alice = User(app, make_account(committed, "alice"))
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tasks").fetchall()
        with closing(app.registry["engine"].raw_connection()) as connection:
            connection.execute("PRAGMA busy_timeout = 50")  # the request gets this connection
        assert alice.post(alice.tasks_url, milk).status_int == 503
        reader.execute("ROLLBACK")
        # Another process can read and write, and so can the service.
        reader.execute("PRAGMA busy_timeout = 50")
        assert reader.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
        reader.execute("BEGIN IMMEDIATE")
        reader.execute("ROLLBACK")
        assert alice.post(alice.tasks_url, milk).status_int == 201


WHOAMI = "/api/v1/whoami"


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_token_use_update_skips_locked_row(
    real_alice: User, committed: Session, set_clock: SetClock, caplog: Logs
) -> None:
    used = select(Token.last_used_date)
    committed.execute(used.with_for_update(key_share=True))
    moved = set_clock(timedelta(minutes=5))
    assert real_alice.get(WHOAMI).status_int == 200
    assert caplog.text == "", "the update waited for the row"
    committed.rollback()
    assert committed.scalar(used) != moved
    assert real_alice.get(WHOAMI).status_int == 200
    committed.rollback()
    assert committed.scalar(used) == moved


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_write_records_token_use_in_its_own_transaction(
    real_alice: User, committed: Session, set_clock: SetClock
) -> None:
    engine = real_alice.app.registry["engine"]
    used = select(Token.last_used_date)

    def lock_token(*_: object) -> None:
        """Lock the row, as a waiting write with the same token does."""
        committed.execute(used.with_for_update(key_share=True))

    moved = set_clock(timedelta(minutes=5))
    event.listen(engine, "checkin", lock_token, once=True)
    created = real_alice.post(real_alice.tasks_url, {"name": "Milk"})
    assert created.status_int == 201
    committed.rollback()
    assert committed.scalar(used) == moved


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_token_use_update_waits_only_briefly_for_lock(
    real_alice: User, database_url: str, set_clock: SetClock, caplog: Logs
) -> None:
    assert real_alice.get(WHOAMI).status_int == 200  # fill the caches
    set_clock(timedelta(minutes=5))
    path = database_url.removeprefix("sqlite:///")
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    unlock = threading.Timer(LOCK_TIMEOUT / 2, writer.rollback)
    with closing(writer):
        writer.execute("BEGIN IMMEDIATE")
        unlock.start()
        assert real_alice.get(WHOAMI).status_int == 200
        unlock.cancel()
        unlock.join()
    assert "cannot record the use of a token" in caplog.text
    with closing(real_alice.app.registry["engine"].raw_connection()) as connection:
        [milliseconds] = connection.execute("PRAGMA busy_timeout").fetchone()
    assert milliseconds == LOCK_TIMEOUT * 1000, "the next request has the normal timeout"
