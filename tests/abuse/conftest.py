"""Fixtures: the service with the limit of writes of production, and accounts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.abuse import LONG
from tests.support.databases import database, session_on
from tests.support.factories import Login, make_account, make_tasks
from tests.support.fixtures import Capture
from tests.support.pserve import Server, pserve
from tests.support.report import reporter


@pytest.fixture
def report(
    request: pytest.FixtureRequest, database_server: str | Path, capsys: Capture
) -> Callable[[str], None]:
    """Return a function that prints a line; in a short run, pytest shows it only on failure."""
    return reporter(request, database_server, capsys, shown=LONG)


@pytest.fixture(scope="module")
def url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    with database(database_server, template=migrated_url) as own:
        yield own


@pytest.fixture(scope="module")
def service(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("service") / "log"
    with (
        log.open("w") as stderr,
        pserve("development.ini", stderr, DATABASE_URL=url, TODO_LIMIT_WRITES="600") as server,
    ):
        yield server


@pytest.fixture
def new_account(url: str) -> Callable[..., Login]:
    """Return a function that stores an account with some tasks, each with a note."""

    def store(tasks: int = 0, note: str | None = None) -> Login:
        with session_on(url) as session:
            login = make_account(session)
            for _ in range(0, tasks, 100):
                make_tasks(session, login, [{"name": "Water the plants", "note": note}] * 100)
            return login

    return store
