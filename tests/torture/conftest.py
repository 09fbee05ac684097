"""Services in processes of their own, on a database of their own; and where counts are written."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import database, session_on
from tests.support.factories import Login, make_account
from tests.support.fixtures import Capture
from tests.support.pserve import Server, two_processes
from tests.torture import LONG


@pytest.fixture
def report(
    request: pytest.FixtureRequest, database_server: str | Path, capsys: Capture
) -> Callable[[str], None]:
    """Write a line of counts; of a short run it is shown if the test fails."""
    name = "SQLite" if isinstance(database_server, Path) else "PostgreSQL"
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")

    def write(line: str) -> None:
        if LONG and terminal is not None:
            with capsys.disabled():
                terminal.ensure_newline()
                terminal.write_line(f"{name}: {line}")
        else:
            sys.stdout.write(f"{name}: {line}\n")

    return write


@pytest.fixture
def own_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """A database of this test alone."""
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture(scope="package")
def shared_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """The database of `servers`, where each test has accounts of its own."""
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture(scope="package")
def running_servers(
    shared_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """The processes of `servers`: ask for these."""
    log = tmp_path_factory.mktemp("servers") / "log"
    with (
        log.open("w") as stderr,
        two_processes(
            stderr, DATABASE_URL=shared_url, TODO_LIMIT_WRITES="0", TODO_LIMIT_REGISTRATIONS="0"
        ) as servers,
    ):
        yield servers


@pytest.fixture
def servers(running_servers: list[Server]) -> list[Server]:
    """Two processes on one database."""
    assert all(server.process.poll() is None for server in running_servers), "one has ended"
    return running_servers


@pytest.fixture
def new_account(shared_url: str) -> Callable[[], Login]:
    """Store an account in the database of `servers`."""
    return lambda: store_account(shared_url)


def store_account(url: str) -> Login:
    """Store an account, and leave no transaction open that the service would wait for."""
    with session_on(url) as session:
        return make_account(session)
