"""URLs that name several PostgreSQL servers, one of them the primary."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text

from tests.support.databases import database, migrate
from tests.support.pserve import pserve
from todo.models.engine import create_engine

NO_SERVER = "127.0.0.1:1"


@pytest.fixture(scope="module")
def url(postgresql: str) -> Iterator[str]:
    with database(postgresql) as url:
        migrate(url)
        yield url


@pytest.mark.parametrize("attributes", ["read-write", "primary"])
def test_service_finds_the_primary_among_several_servers(url: str, attributes: str) -> None:
    parsed = make_url(url)
    several = parsed.update_query_dict(
        {"host": (NO_SERVER, str(parsed.query["host"])), "target_session_attrs": attributes}
    )
    with pserve(
        "development.ini", DATABASE_URL=several.render_as_string(hide_password=False)
    ) as service:
        assert service.request("GET", "/readyz")[0] == 200
        status, _, _ = service.send(
            "POST",
            "/api/v1/accounts",
            {
                "username": f"user-{attributes}",
                "email": f"{attributes}@example.com",
                "password": "correct horse battery",
                "password2": "correct horse battery",
            },
        )
        assert status == 201


def test_connection_notices_a_vanished_server(url: str) -> None:
    for reads_only in (False, True):
        engine = create_engine(url, reads_only=reads_only)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            driver = connection.connection.dbapi_connection
            assert driver is not None
            parameters = driver.info.dsn_parameters
        engine.dispose()
        assert parameters["tcp_user_timeout"] == "25000"
        assert parameters["keepalives_idle"] == "10"
