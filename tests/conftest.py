"""Fixtures: the application on SQLite and PostgreSQL, and clients for its full stack."""

import functools
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import Client, User
from tests.support.databases import (
    database,
    delete_all_rows,
    migrate,
    postgresql_server,
    reading_url,
    session_on,
)
from tests.support.factories import make_account, make_token
from tests.support.fixtures import ApiToken, Patch, SetClock, SetTestView
from tests.support.hashing import CachingHasher
from tests.support.pserve import PUBLIC_URL, Server, pserve
from tests.support.running import check_connections, dispose, running_app
from todo import clock, configure, settings
from todo.auth import passwords
from todo.models import sqlite
from todo.models.token import TokenKind

# The developer's environment may point to a real database.
for setting in settings.SETTINGS.values():
    os.environ.pop(setting.variable, None)

# On a busy machine, any example may take long.
hypothesis.settings.register_profile("todo", deadline=None)
hypothesis.settings.load_profile("todo")

# Speeds up this process only: services in other processes keep the plain hasher.
passwords._hasher = CachingHasher(passwords._hasher)  # type: ignore[assignment]

ORIGIN = "https://app.example.com"


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL server for all xdist workers."""
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
    """The folder of SQLite files or the URL of the PostgreSQL server."""
    if request.param == "sqlite":
        return tmp_path_factory.mktemp("sqlite")
    url: str = request.getfixturevalue("postgresql")
    return url


@pytest.fixture(scope="session")
def migrated_url(database_server: str | Path) -> Iterator[str]:
    """A migrated database, the template of the others. Tests must not write to it."""
    with database(database_server) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def committed_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """The shared database behind `database_url`. Tests use `database_url`."""
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture
def database_url(committed_url: str) -> str:
    """A migrated, empty database for tests that must really commit.

    Tests share it one after the other. A test that changes more than rows creates its own
    database.
    """
    delete_all_rows(committed_url)
    return committed_url


@pytest.fixture(scope="session")
def shared_app(database_server: str | Path, migrated_url: str) -> Iterator[Any]:
    ini = {
        "todo.secure_cookies": "false",
        "todo.cors_origins": ORIGIN,
        "todo.limit_registrations": "0",
        # These count in memory, by ids that all tests share.
        "todo.limit_exports": "0",
        "todo.limit_reads": "0",
        "todo.limit_write_megabytes": "0",
        "todo.public_url": PUBLIC_URL,
        # Tests match statements by their text.
        "todo.prepared_statements": "false",
    }
    with database(database_server, template=migrated_url) as url:
        config = configure(ini | {"sqlalchemy.url": url, "todo.reading_url": reading_url(url)})
        config.include("tests.support.extra_routes")
        app = config.make_wsgi_app()
        yield app
        dispose(app)


class SharedConnection(Connection):
    """A connection in place of an engine, so that everything runs in one transaction.

    `connect()` returns this connection within a new savepoint, and closing it rolls back to the
    savepoint. The application connects directly to the engine only to read.
    """

    def connect(self) -> Connection:
        savepoint = self.begin_nested()
        shared = copy(self)
        shared.close = savepoint.rollback  # type: ignore[method-assign]
        return shared


@pytest.fixture
def app(shared_app: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The application in a transaction that is rolled back after the test.

    Each request's transaction is a savepoint within it, which the real tween commits or rolls
    back. At the end, the journal must account for everything that the test wrote, unless the test
    is marked `unjournalled`, and must be complete, unless the test is marked `purged`.
    """
    registry = shared_app.registry
    engine: Engine = registry["engine"]
    engines = {name: registry[name] for name in ("engine", "reading_engine")}
    with closing(SharedConnection(engine)) as connection:
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
    assert engine.pool.checkedout() == 0, "the test has not returned a connection"  # type: ignore[attr-defined]


@pytest.fixture
def db(app: Any) -> Iterator[Session]:
    """A database session of the test. Requests see only what it has committed."""
    with Session(app.registry["engine"], expire_on_commit=False) as session:
        yield session


@pytest.fixture
def client(app: Any) -> Client:
    """A client that is not logged in."""
    return Client(app)


@pytest.fixture
def alice(app: Any, db: Session) -> User:
    return User(app, make_account(db, "alice"))


@pytest.fixture
def bob(app: Any, db: Session) -> User:
    return User(app, make_account(db, "bob"))


@pytest.fixture
def api_token(app: Any, db: Session, alice: User) -> ApiToken:
    """Return a function that stores an API token of Alice; it returns its id and a client."""

    def store(**values: Any) -> tuple[int, Client]:
        values = {"kind": TokenKind.API, "name": "script"} | values
        token_id, secret = make_token(db, alice.id, **values)
        db.commit()
        return token_id, Client(app, secret)

    return store


@pytest.fixture
def set_test_view(app: Any) -> Iterator[SetTestView]:
    """Return a function that sets the view of the test route for this test.

    The route is in tests/support/extra_routes.py.
    """
    yield functools.partial(app.registry.__setitem__, "test_view")
    app.registry.pop("test_view", None)


@pytest.fixture
def set_clock(monkeypatch: Patch) -> SetClock:
    """Return a function that sets the clock to the present plus an offset; it returns the time."""

    def move(by: timedelta) -> datetime:
        moment = datetime.now().astimezone() + by
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    return move


@pytest.fixture
def committed(database_url: str) -> Iterator[Session]:
    """A session on `database_url`, where commits are real."""
    with session_on(database_url) as session:
        yield session


@pytest.fixture(scope="session")
def shared_real_app(committed_url: str) -> Iterator[Any]:
    """The shared application behind `real_app`. Tests use `real_app`."""
    with running_app(committed_url) as app:
        yield app


@pytest.fixture
def real_app(shared_real_app: Any, database_url: str) -> Iterator[Any]:
    """The application on `database_url`, where commits are real."""
    yield shared_real_app
    check_connections(shared_real_app)


@pytest.fixture
def real_alice(real_app: Any, committed: Session) -> User:
    return User(real_app, make_account(committed, "alice"))


@pytest.fixture
def without_wal(monkeypatch: Patch) -> None:
    """Run SQLite with a rollback journal, as before version 3.51.3 (decision 20)."""
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", False)


@pytest.fixture(scope="session")
def running_server(committed_url: str) -> Iterator[Server]:
    """The shared process behind `server`. Tests use `server`.

    It runs no jobs: they would change the rows of other tests.
    """
    with pserve(
        "development.ini",
        DATABASE_URL=committed_url,
        READING_DATABASE_URL=reading_url(committed_url),
        TODO_JOBS="false",
    ) as running:
        yield running


@pytest.fixture
def server(running_server: Server, database_url: str) -> Server:
    """The service, run by `pserve development.ini` on `database_url`.

    All tests can share one process because the service keeps its state in the database.
    """
    assert running_server.process.poll() is None, "an earlier test has stopped the service"
    return running_server
