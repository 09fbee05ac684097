"""The service as started by pserve."""

import json
import os
import resource
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from waitress.adjustments import Adjustments

from tests.server.conftest import ONE_DATABASE, ini_with, serving, wait_until
from tests.support.databases import ROOT, database
from tests.support.pserve import LOCAL_PUBLIC_URL, PUBLIC_URL, Server, pserve, pserve_refuses
from todo.server import OPTIONS, server_factory


def test_pserve_listens_on_command_line_port(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/api/v1") as response:
        assert response.status == 200


@ONE_DATABASE
def test_pserve_prints_urls_to_open(database_url: str) -> None:
    with pserve("development.ini", DATABASE_URL=database_url) as server:
        assert server.process.stdout is not None
        assert server.process.stdout.readline() == f"Open in a browser: {server.url}/\n"
        assert server.process.stdout.readline() == f"Try it: curl {server.url}/api/v1\n"


@ONE_DATABASE
def test_pserve_prints_public_url_to_open(database_url: str) -> None:
    with pserve("production.ini", DATABASE_URL=database_url, TODO_PUBLIC_URL=PUBLIC_URL) as server:
        assert server.process.stdout is not None
        assert server.process.stdout.readline() == f"Open in a browser: {PUBLIC_URL}/\n"
        assert server.process.stdout.readline() == f"Try it: curl {PUBLIC_URL}/api/v1\n"


@ONE_DATABASE
def test_production_uses_database_url_and_host_prefixed_cookie(database_url: str) -> None:
    with pserve(
        "production.ini", DATABASE_URL=database_url, TODO_PUBLIC_URL=LOCAL_PUBLIC_URL
    ) as server:
        body = b"username=carol&email=carol%40example.com&password=correct+horse"
        url = f"{server.url}/api/v1/accounts"
        with urllib.request.urlopen(url, body) as response:
            name, *attributes = response.headers["Set-Cookie"].split("; ")
        assert name.startswith("__Host-todo_session=")
        # Browsers reject a cookie with the __Host- prefix without these attributes.
        assert {"Secure", "Path=/"} <= set(attributes)
        assert "Domain" not in str(attributes)
        own = urllib.request.Request(f"{url}/carol", headers={"Cookie": name})
        with urllib.request.urlopen(own) as response:
            assert json.load(response)["username"] == "carol"
        # Another host of the same domain can set a cookie without the prefix.
        planted = {"Cookie": name.removeprefix("__Host-")}
        with pytest.raises(HTTPError, match="401") as refusal:
            urllib.request.urlopen(urllib.request.Request(f"{url}/carol", headers=planted))
        refusal.value.close()


@ONE_DATABASE
def test_production_over_plain_http_sets_insecure_cookie(database_url: str) -> None:
    with pserve("production.ini", DATABASE_URL=database_url, TODO_ALLOW_HTTP="true") as server:
        body = b"username=carol&email=carol%40example.com&password=correct+horse"
        with urllib.request.urlopen(f"{server.url}/api/v1/accounts", body) as response:
            cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("todo_session=")
    assert "Secure" not in cookie


def test_sessions_of_two_services_on_one_host_do_not_collide(
    database_server: str | Path, database_url: str, migrated_url: str
) -> None:
    """Cookies are sent to all ports of a host."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with (
        database(database_server, template=migrated_url) as other_url,
        pserve("development.ini", DATABASE_URL=database_url) as home,
        pserve("development.ini", DATABASE_URL=other_url, TODO_COOKIE_NAME="work") as work,
    ):
        for server in (home, work):
            body = b"username=carol&email=carol%40example.com&password=correct+horse"
            browser.open(f"{server.url}/api/v1/accounts", body).close()
        for server in (home, work):
            with browser.open(f"{server.url}/api/v1/whoami") as response:
                assert json.load(response)["username"] == "carol"


@ONE_DATABASE
def test_refused_start_prints_one_line_without_secret(migrated_url: str) -> None:
    environ = {"DATABASE_URL": migrated_url, "TODO_PUBLIC_URL": "http://secret.example"}
    refusal = pserve_refuses("production.ini", **environ)
    assert refusal.startswith("todo: the setting todo.public_url ")
    assert refusal.count("\n") == 1
    assert "secret" not in refusal


@ONE_DATABASE
def test_server_header_does_not_name_waitress(server: Server) -> None:
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(b"GET /api/v1 HTTP/1.1\r\nHost: a\r\n\r\nBROKEN\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.count(b"\r\nServer: todo\r\n") == 2
    assert b"waitress" not in answer.lower()


FORWARDED = {
    "X-Forwarded-For": "192.0.2.1, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "Forwarded": "for=192.0.2.9;proto=https;host=evil.example",
}

PeerSeen = Callable[..., Any]


@pytest.fixture(scope="module")
def peer_seen(migrated_url: str, ini_with_extra_routes: Callable[[str], str]) -> Iterator[PeerSeen]:
    """Return a function that sends headers to a service with this trusted proxy.

    It returns the client address and the scheme that the service sees.
    """
    ini = ini_with_extra_routes("development.ini")
    with ExitStack() as stack:

        @cache
        def start(trusted_proxy: str) -> Server:
            environ = {"DATABASE_URL": migrated_url, "PYTHONPATH": str(ROOT)}
            return stack.enter_context(pserve(ini, TODO_TRUSTED_PROXY=trusted_proxy, **environ))

        def peer_seen(trusted_proxy: str, headers: dict[str, str]) -> tuple[Any, Any]:
            server = start(trusted_proxy)
            request = urllib.request.Request(f"{server.url}/peer", headers=headers)
            with urllib.request.urlopen(request) as response:
                seen = json.load(response)
            assert seen["host"] == f"{server.host}:{server.port}"
            assert seen["client_addr"] == seen["remote_addr"]
            hsts = "Strict-Transport-Security" in response.headers
            assert hsts == (seen["scheme"] == "https")
            return seen["remote_addr"], seen["scheme"]

        yield peer_seen


@ONE_DATABASE
@pytest.mark.parametrize("trusted_proxy", ["", "192.0.2.1"])
def test_forwarded_headers_of_untrusted_client_are_ignored(
    peer_seen: PeerSeen, trusted_proxy: str
) -> None:
    assert peer_seen(trusted_proxy, FORWARDED) == ("127.0.0.1", "http")


@ONE_DATABASE
@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        (FORWARDED, ("198.51.100.7", "https")),
        ({"X-Forwarded-For": "2001:db8::1"}, ("2001:db8::1", "http")),
        ({"X-Forwarded-For": "::ffff:203.0.113.5"}, ("203.0.113.5", "http")),
        ({"X-Forwarded-For": "[2001:db8::1]:443"}, ("2001:db8::1", "http")),
        ({"Forwarded": FORWARDED["Forwarded"]}, ("127.0.0.1", "http")),
        ({}, ("127.0.0.1", "http")),
    ],
)
def test_forwarded_headers_of_trusted_proxy_are_used(
    peer_seen: PeerSeen, headers: dict[str, str], seen: tuple[str, str]
) -> None:
    assert peer_seen("127.0.0.1", headers) == seen


def test_production_without_database_url_is_refused() -> None:
    refusal = pserve_refuses("production.ini", DATABASE_URL="")
    assert refusal == (
        "todo: the setting sqlalchemy.url is missing: "
        "set it in the ini file, or DATABASE_URL in the environment\n"
    )


@ONE_DATABASE
def test_start_on_used_port_is_refused(migrated_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal = pserve_refuses("development.ini", f"http_port={port}", DATABASE_URL=migrated_url)
    assert f"todo: cannot listen on 127.0.0.1:{port}: " in refusal
    assert "choose another port with http_port=NNNN" in refusal


@pytest.mark.parametrize("port", ["x", "-1", "65536", "", "\u0661", "9" * 5000])
@pytest.mark.parametrize("name", ["http_port", "port"])
def test_invalid_port_is_refused(name: str, port: str) -> None:
    message = f"todo: http_port must be a number from 0 to 65535, not {port[:20]}"
    with pytest.raises(SystemExit) as refusal:
        server_factory({name: port})
    assert str(refusal.value) == message
    with pytest.raises(SystemExit) as refusal:
        server_factory({}, **{name: port})
    assert str(refusal.value) == message


@ONE_DATABASE
def test_port_option_sets_port(migrated_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for in_section, on_command_line in ((port, "unrelated=0"), (0, f"port={port}")):
            ini = ini_with(tmp_path, f"port = {in_section}")
            refusal = pserve_refuses(ini, on_command_line, DATABASE_URL=migrated_url)
            assert f"todo: cannot listen on 127.0.0.1:{port}: " in refusal
    with pserve(ini, port="port=0", DATABASE_URL=migrated_url) as server:
        assert server.request("GET", "/healthz")[0] == 200


def test_two_ports_are_refused() -> None:
    ports = {"http_port": "0", "port": "0"}
    with pytest.raises(SystemExit, match="http_port and port are the same option"):
        server_factory(ports)
    with pytest.raises(SystemExit, match="http_port and port are the same option"):
        server_factory({}, **ports)


@pytest.mark.parametrize("host", ["", " "])
def test_empty_host_is_refused(host: str) -> None:
    with pytest.raises(SystemExit, match="host must not be empty"):
        server_factory({}, host=host, http_port="0")


@ONE_DATABASE
def test_host_on_command_line_overrides_ini_file(migrated_url: str, tmp_path: Path) -> None:
    ini = ini_with(tmp_path, "http_port = 0")
    with pserve(ini, port="host=127.0.0.2", DATABASE_URL=migrated_url) as server:
        assert server.host == "127.0.0.2"
        assert server.request("GET", "/healthz")[0] == 200


@ONE_DATABASE
def test_host_asterisk_listens_on_ipv4_and_ipv6(database_url: str, tmp_path: Path) -> None:
    ini = tmp_path / "every.ini"
    text = (ROOT / "development.ini").read_text()
    ini.write_text(text.replace("host = 127.0.0.1", "host = *", 1))
    with pserve(str(ini), DATABASE_URL=database_url) as server:
        assert server.host == "localhost"
        for host in ("127.0.0.1", "[::1]"):
            with urllib.request.urlopen(f"http://{host}:{server.port}/api/v1") as response:
                assert response.status == 200


@ONE_DATABASE
def test_start_without_usable_backup_folder_is_refused(migrated_url: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "missing")
    error = pserve_refuses("development.ini", DATABASE_URL=migrated_url, TODO_BACKUP_DIR=folder)
    assert error == (
        f"todo: the setting todo.backup_dir: cannot write to '{folder}': No such file or "
        "directory; create the folder, let this user write to it, or correct the setting\n"
    )


@pytest.fixture
def few_open_files() -> Iterator[None]:
    """Lower the soft limit of open files, which a process started in the test inherits."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@ONE_DATABASE
@pytest.mark.usefixtures("few_open_files")
def test_unread_answers_do_not_use_up_open_files(migrated_url: str, tmp_path: Path) -> None:
    request = b"GET /docs/swagger_bundle.js HTTP/1.1\r\nHost: todo.example.com\r\n\r\n" * 5
    log = tmp_path / "log"
    with log.open("w") as stderr, ExitStack() as stack:
        settings = {"DATABASE_URL": migrated_url, "TODO_PUBLIC_URL": PUBLIC_URL}
        server = stack.enter_context(pserve("production.ini", stderr, **settings))
        for _ in range(100):
            client = stack.enter_context(socket.create_connection((server.host, server.port)))
            client.sendall(request)
        descriptors = Path(f"/proc/{server.process.pid}/fd")
        wait_until(lambda: len(os.listdir(descriptors)) > 256)
        assert server.request("GET", "/healthz", headers={"Host": "todo.example.com"})[0] == 200
    assert "Too many open files" not in log.read_text()


@ONE_DATABASE
def test_too_low_limit_of_open_files_is_logged(migrated_url: str, tmp_path: Path) -> None:
    ini = ini_with(tmp_path, "connection_limit = 1000000000")
    log = tmp_path / "log"
    with log.open("w") as stderr, pserve(ini, stderr, DATABASE_URL=migrated_url) as server:
        assert server.request("GET", "/healthz")[0] == 200
    assert "open files may be too few for 1000000000 connections" in log.read_text()


@ONE_DATABASE
def test_systemd_is_notified_when_service_is_ready(
    production_ini: str, migrated_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        with serving(production_ini, migrated_url, NOTIFY_SOCKET=str(path)):
            assert manager.recv(100) == b"READY=1"


NO_NUMBER = "invalid literal for int() with base 10: 'many'"
TOO_FEW = "must be more than 18, because one account may block as many"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": "many"}, NO_NUMBER),
        ({"threads": "18"}, TOO_FEW),
    ],
)
def test_invalid_server_option_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        server_factory({"http_port": "0"}, **options)
    assert (
        str(refusal.value) == f"todo: the option {next(iter(options))} in [server:main]: {message}"
    )


@pytest.mark.parametrize("name", ["thread", "Threads", "listen", "unix_socket", "sockets", "ipv4"])
def test_unknown_server_option_is_refused_by_name(name: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        server_factory({"http_port": "0"}, **{name: "8"})
    known = f"todo: [server:main] has no option {name}; it has host, http_port, port, "
    assert str(refusal.value).startswith(known)
    assert ", threads" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", OPTIONS)
def test_listed_server_option_exists(name: str) -> None:
    with pytest.warns() if name == "send_bytes" else nullcontext():
        Adjustments(**{name: "1"})


def test_trusted_proxy_of_waitress_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"set todo\.trusted_proxy in"):
        server_factory({"http_port": "0"}, trusted_proxy="127.0.0.1")


@ONE_DATABASE
def test_server_option_is_passed_to_waitress(migrated_url: str, tmp_path: Path) -> None:
    ini = ini_with(tmp_path, "ident = other")
    with pserve(ini, DATABASE_URL=migrated_url) as server:
        assert server.request("GET", "/healthz")[1]["Server"] == "other"
