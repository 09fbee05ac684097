"""A separate PostgreSQL server that these tests may break."""

from collections.abc import Iterator

import pytest

from tests.support.databases import PostgreSQL, temporary_postgresql_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    with temporary_postgresql_server() as server:
        yield server
