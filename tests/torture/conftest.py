"""Fixtures: services in separate processes, their databases, and a report of counts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import database, session_on
from tests.support.factories import Login, make_account
from tests.support.fixtures import Capture
from tests.support.pserve import Server, two_processes
from tests.support.report import reporter
from tests.torture import LONG


@pytest.fixture
def report(
    request: pytest.FixtureRequest, database_server: str | Path, capsys: Capture
) -> Callable[[str], None]:
    """Return a function that prints a line; in a short run, pytest shows it only on failure."""
    return reporter(request, database_server, capsys, shown=LONG)


@pytest.fixture
def own_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """A database used only by this test."""
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture(scope="package")
def shared_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """The database of `servers`. Each test creates its own accounts."""
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture(scope="package")
def running_servers(
    shared_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """The shared processes behind `servers`. Tests use `servers`."""
    log = tmp_path_factory.mktemp("servers") / "log"
    with (
        log.open("w") as stderr,
        two_processes(
            stderr,
            DATABASE_URL=shared_url,
            TODO_LIMIT_READS="0",
            TODO_LIMIT_WRITES="0",
            TODO_LIMIT_REGISTRATIONS="0",
        ) as servers,
    ):
        yield servers


@pytest.fixture
def servers(running_servers: list[Server]) -> list[Server]:
    """Two service processes on one database."""
    assert all(server.process.poll() is None for server in running_servers), "a process has ended"
    return running_servers


@pytest.fixture
def new_account(shared_url: str) -> Callable[[], Login]:
    """Return a function that stores an account in the database of `servers`."""
    return lambda: store_account(shared_url)


def store_account(url: str) -> Login:
    """Store an account and close the session. An open transaction would block the service."""
    with session_on(url) as session:
        return make_account(session)
