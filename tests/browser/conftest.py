"""A browser, and the service that it displays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser, chromium
from tests.support.databases import database, migrate
from tests.support.pserve import Server, pserve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The service on SQLite only: the database makes no difference to a browser."""
    with database(tmp_path) as url:
        migrate(url)
        with pserve("development.ini", DATABASE_URL=url) as running:
            yield running


@pytest.fixture
def browser(server: Server, tmp_path: Path) -> Iterator[Browser]:
    with chromium(server, tmp_path) as running:
        yield running
