"""The application on each database, and clients that go through its whole stack."""

import functools
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import Client, User
from tests.support.databases import database, empty, migrate, postgresql_server, session_on
from tests.support.factories import make_account, make_token
from tests.support.fixtures import ApiToken, Move, Patch, Plant
from tests.support.hashing import RememberingHasher
from tests.support.pserve import PUBLIC_URL, Server, pserve
from tests.support.running import check_connections, dispose, running_app
from todo import clock, configure, settings
from todo.auth import passwords
from todo.models import sqlite
from todo.models.token import TokenKind

# Whoever runs the suite may have exported these, for a database that matters.
for setting in settings.SETTINGS.values():
    os.environ.pop(setting.variable, None)

# A service that runs in a process of its own has the plain one.
passwords._hasher = RememberingHasher(passwords._hasher)  # type: ignore[assignment]

ORIGIN = "https://app.example.com"


def pytest_configure(config: pytest.Config) -> None:
    """Where tests run in several processes, start one PostgreSQL for all of them, in this one."""
    if getattr(config.option, "numprocesses", None):
        stack = ExitStack()
        os.environ["TEST_POSTGRES_URL"] = stack.enter_context(postgresql_server())
        config.add_cleanup(stack.close)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str | Path:
    """Where databases of the kind under test are made."""
    if request.param == "sqlite":
        return tmp_path_factory.mktemp("sqlite")
    url: str = request.getfixturevalue("postgresql")
    return url


@pytest.fixture(scope="session")
def migrated_url(database_server: str | Path) -> Iterator[str]:
    """A migrated database that nobody writes to: the template of the others."""
    with database(database_server) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def committed_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """The database of `database_url`: ask for that one."""
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture
def database_url(committed_url: str) -> str:
    """A migrated database without rows, for what must really commit.

    Tests share it one after the other, as they share `server`. Who changes more than rows takes a
    database of its own.
    """
    empty(committed_url)
    return committed_url


@pytest.fixture(scope="session")
def shared_app(database_server: str | Path, migrated_url: str) -> Iterator[Any]:
    ini = {
        "todo.secure_cookies": "false",
        "todo.cors_origins": ORIGIN,
        "todo.limit_registrations": "0",
        "todo.public_url": PUBLIC_URL,
        # Tests count statements by their words.
        "todo.prepared_statements": "false",
    }
    with database(database_server, template=migrated_url) as url:
        config = configure(ini | {"sqlalchemy.url": url})
        config.include("tests.support.planted")
        app = config.make_wsgi_app()
        yield app
        dispose(app)


class LentConnection(Connection):
    """A connection that stands for an engine: who connects is lent it, and cannot close it.

    What a borrower has done is rolled back at the end: by this way, requests only read.
    """

    def connect(self) -> Connection:
        savepoint = self.begin_nested()
        lent = copy(self)
        lent.close = savepoint.rollback  # type: ignore[method-assign]
        return lent


@pytest.fixture
def app(shared_app: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The application, in a transaction that the test's end rolls back.

    The requests' own transactions are savepoints within it: they commit and roll back for real.
    Whatever the test has written must be in the journal, unless it is marked `unjournalled`; and
    the journal must be whole, unless it is marked `purged`.
    """
    registry = shared_app.registry
    engine: Engine = registry["engine"]
    engines = {name: registry[name] for name in ("engine", "reading_engine")}
    with closing(LentConnection(engine)) as connection:
        transaction = connection.begin()
        connection.begin_nested()
        registry.update(dict.fromkeys(engines, connection))
        yield shared_app
        registry.update(engines)
        if not request.node.get_closest_marker("unjournalled"):
            with Session(connection) as session:
                purged = request.node.get_closest_marker("purged") is not None
                journal.check(session, purged=purged)
        transaction.rollback()
    assert engine.pool.checkedout() == 0, "the test leaves a connection behind"  # type: ignore[attr-defined]


@pytest.fixture
def db(app: Any) -> Iterator[Session]:
    """The test's own view of the database; commit what a request shall see."""
    with Session(app.registry["engine"], expire_on_commit=False) as session:
        yield session


@pytest.fixture
def client(app: Any) -> Client:
    """Somebody without a login."""
    return Client(app)


@pytest.fixture
def alice(app: Any, db: Session) -> User:
    return User(app, make_account(db, "alice"))


@pytest.fixture
def bob(app: Any, db: Session) -> User:
    return User(app, make_account(db, "bob"))


@pytest.fixture
def api_token(app: Any, db: Session, alice: User) -> ApiToken:
    """Return what stores an API token of Alice's, and returns its id and a client that has it."""

    def store(**values: Any) -> tuple[int, Client]:
        values = {"kind": TokenKind.API, "name": "script"} | values
        token_id, secret = make_token(db, alice.id, **values)
        db.commit()
        return token_id, Client(app, secret)

    return store


@pytest.fixture
def plant(app: Any) -> Iterator[Plant]:
    """Give the planted route (tests/support/planted.py) the view for this test."""
    yield functools.partial(app.registry.__setitem__, "planted")
    app.registry.pop("planted", None)


@pytest.fixture
def set_clock(monkeypatch: Patch) -> Move:
    """Move the application's clock from the present; returns the time it then stands at."""

    def move(by: timedelta) -> datetime:
        moment = datetime.now().astimezone() + by
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    return move


@pytest.fixture
def committed(database_url: str) -> Iterator[Session]:
    """A session on the test's own database."""
    with session_on(database_url) as session:
        yield session


@pytest.fixture(scope="session")
def shared_real_app(committed_url: str) -> Iterator[Any]:
    """The application of `real_app`: ask for that one."""
    with running_app(committed_url) as app:
        yield app


@pytest.fixture
def real_app(shared_real_app: Any, database_url: str) -> Iterator[Any]:
    """The application on the test's database, where what is committed stays."""
    yield shared_real_app
    check_connections(shared_real_app)


@pytest.fixture
def real_alice(real_app: Any, committed: Session) -> User:
    return User(real_app, make_account(committed, "alice"))


@pytest.fixture
def without_wal(monkeypatch: Patch) -> None:
    """SQLite with a rollback journal, as before its version 3.51.3 (decision 20)."""
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", False)


@pytest.fixture(scope="session")
def running_server(committed_url: str) -> Iterator[Server]:
    """The process of `server`: ask for that one."""
    with pserve("development.ini", DATABASE_URL=committed_url) as running:
        yield running


@pytest.fixture
def server(running_server: Server, database_url: str) -> Server:
    """The service as `pserve development.ini` runs it, on the test's database.

    One process serves all tests, which it cannot tell: it keeps nothing but in the database.
    """
    assert running_server.process.poll() is None, "an earlier test has ended the service"
    return running_server
