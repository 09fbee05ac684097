"""The service as pserve launches it."""

import socket
import urllib.request
from pathlib import Path

from tests.pserve import Server, pserve, pserve_refuses


def test_serves_on_the_port_of_the_command_line(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/api/v1") as response:
        assert response.status == 200


def test_production_takes_its_database_from_the_environment(database_url: str) -> None:
    with pserve("production.ini", DATABASE_URL=database_url) as server:
        body = b"username=carol&email=carol%40example.com&password=correct+horse"
        url = f"{server.url}/api/v1/accounts"
        with urllib.request.urlopen(url, body) as response:
            assert "; secure" in response.headers["Set-Cookie"].lower()


def test_production_without_a_database() -> None:
    refusal = pserve_refuses("production.ini", DATABASE_URL="")
    assert refusal == (
        "todo: the setting sqlalchemy.url is missing: "
        "set it in the ini file, or DATABASE_URL in the environment\n"
    )


def test_port_in_use(tmp_path: Path, migrated_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal = pserve_refuses("development.ini", f"http_port={port}", DATABASE_URL=migrated_url)
    assert f"todo: cannot listen on 127.0.0.1:{port}: " in refusal
    assert "choose another port with http_port=NNNN" in refusal


def test_port_that_is_none(migrated_url: str) -> None:
    for port in ("x", "-1", "65536"):
        refusal = pserve_refuses("development.ini", f"http_port={port}", DATABASE_URL=migrated_url)
        assert f"http_port must be a number from 0 to 65535, not {port}" in refusal
