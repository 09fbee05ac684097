"""The service as pserve launches it."""

import http.client
import json
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from pyramid.paster import get_app

from tests.support.databases import ROOT
from tests.support.pserve import PUBLIC_URL, Server, pserve, pserve_refuses
from todo.server import server_factory

APP = "use = egg:todo\n"  # the first line of [app:main]

MORE_THAN_THREADS = 24

# Each starts a service of its own, and which database it has does not matter.
ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


def test_serves_on_the_port_of_the_command_line(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/api/v1") as response:
        assert response.status == 200


def test_production_takes_its_database_from_the_environment(database_url: str) -> None:
    with pserve("production.ini", DATABASE_URL=database_url, TODO_PUBLIC_URL=PUBLIC_URL) as server:
        body = b"username=carol&email=carol%40example.com&password=correct+horse"
        url = f"{server.url}/api/v1/accounts"
        with urllib.request.urlopen(url, body) as response:
            name, *attributes = response.headers["Set-Cookie"].split("; ")
        assert name.startswith("__Host-todo_session=")
        # Without any of these a browser does not take a cookie of such a name.
        assert {"Secure", "Path=/"} <= set(attributes)
        assert "Domain" not in str(attributes)
        own = urllib.request.Request(f"{url}/carol", headers={"Cookie": name})
        with urllib.request.urlopen(own) as response:
            assert json.load(response)["username"] == "carol"
        # Another host of the domain can set a cookie without the prefix.
        planted = {"Cookie": name.removeprefix("__Host-")}
        with pytest.raises(HTTPError, match="401") as refusal:
            urllib.request.urlopen(urllib.request.Request(f"{url}/carol", headers=planted))
        refusal.value.close()


@ONE_DATABASE
def test_production_by_plain_http_at_home(database_url: str) -> None:
    with pserve("production.ini", DATABASE_URL=database_url, TODO_ALLOW_HTTP="true") as server:
        body = b"username=carol&email=carol%40example.com&password=correct+horse"
        with urllib.request.urlopen(f"{server.url}/api/v1/accounts", body) as response:
            cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("todo_session=")
    assert "Secure" not in cookie


UNSAFE = [
    ({"TODO_PUBLIC_URL": "http://secret.example"}, "todo.public_url"),
    ({"TODO_PUBLIC_URL": ""}, "todo.public_url"),
    ({"TODO_SECURE_COOKIES": "false"}, "todo.secure_cookies"),
    ({"PYRAMID_DEBUG_ALL": "1"}, "pyramid.debug_all"),
    ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL"),
    ({"TODO_TRUSTED_PROXY": "*"}, "TODO_TRUSTED_PROXY"),
]


@ONE_DATABASE
@pytest.mark.parametrize(("environ", "named"), UNSAFE)
def test_unsafe_production_does_not_start(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], named: str
) -> None:
    safe = {"DATABASE_URL": migrated_url, "TODO_PUBLIC_URL": PUBLIC_URL}
    for name, value in (safe | environ).items():
        monkeypatch.setenv(name, value)
    # As pserve loads it.
    with pytest.raises(SystemExit) as refusal:
        get_app(str(ROOT / "production.ini"))
    assert str(refusal.value).startswith(f"todo: the setting {named} ")
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


@ONE_DATABASE
def test_pserve_says_in_one_line_why_it_does_not_start(migrated_url: str) -> None:
    environ, named = UNSAFE[0]
    refusal = pserve_refuses("production.ini", DATABASE_URL=migrated_url, **environ)
    assert refusal.startswith(f"todo: the setting {named} ")
    assert refusal.count("\n") == 1
    assert "secret" not in refusal


@ONE_DATABASE
def test_no_version_of_the_server(server: Server) -> None:
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

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(migrated_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Return what a service that trusts this proxy sees of a request. Nothing asks a database."""
    ini = tmp_path_factory.mktemp("ini") / "shows_peer.ini"
    text = (ROOT / "development.ini").read_text()
    ini.write_text(text.replace(APP, f"{APP}pyramid.includes = tests.support.shown_peer\n", 1))
    with ExitStack() as stack:

        @cache
        def start(trusted_proxy: str) -> Server:
            environ = {"DATABASE_URL": migrated_url, "PYTHONPATH": str(ROOT)}
            return stack.enter_context(
                pserve(str(ini), TODO_TRUSTED_PROXY=trusted_proxy, **environ)
            )

        def ask(trusted_proxy: str, headers: dict[str, str]) -> tuple[Any, Any]:
            server = start(trusted_proxy)
            asked = urllib.request.Request(f"{server.url}/peer", headers=headers)
            with urllib.request.urlopen(asked) as response:
                seen = json.load(response)
            assert seen["host"] == f"{server.host}:{server.port}"
            assert seen["client_addr"] == seen["remote_addr"]
            hsts = "Strict-Transport-Security" in response.headers
            assert hsts == (seen["scheme"] == "https")
            return seen["remote_addr"], seen["scheme"]

        yield ask


@ONE_DATABASE
@pytest.mark.parametrize("trusted_proxy", ["", "192.0.2.1"])
def test_anybody_s_word_counts_for_nothing(ask: Ask, trusted_proxy: str) -> None:
    assert ask(trusted_proxy, FORWARDED) == ("127.0.0.1", "http")


@ONE_DATABASE
@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        (FORWARDED, ("198.51.100.7", "https")),
        ({"X-Forwarded-For": "2001:db8::1"}, ("2001:db8::1", "http")),
        ({"Forwarded": FORWARDED["Forwarded"]}, ("127.0.0.1", "http")),
        ({}, ("127.0.0.1", "http")),
    ],
)
def test_the_trusted_proxy_s_word_counts(
    ask: Ask, headers: dict[str, str], seen: tuple[str, str]
) -> None:
    assert ask("127.0.0.1", headers) == seen


def test_production_without_a_database() -> None:
    refusal = pserve_refuses("production.ini", DATABASE_URL="")
    assert refusal == (
        "todo: the setting sqlalchemy.url is missing: "
        "set it in the ini file, or DATABASE_URL in the environment\n"
    )


@ONE_DATABASE
def test_port_in_use(migrated_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal = pserve_refuses("development.ini", f"http_port={port}", DATABASE_URL=migrated_url)
    assert f"todo: cannot listen on 127.0.0.1:{port}: " in refusal
    assert "choose another port with http_port=NNNN" in refusal


@pytest.mark.parametrize("port", ["x", "-1", "65536", "", "\u0661"])
def test_port_that_is_none(port: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        server_factory({"http_port": port})
    said = f"todo: http_port must be a number from 0 to 65535, not {port}"
    assert str(refusal.value) == said


@pytest.fixture
def slow_ini(tmp_path: Path) -> str:
    """production.ini with the route of tests/support/slow_view.py."""
    file = tmp_path / "slow.ini"
    text = (ROOT / "production.ini").read_text()
    file.write_text(text.replace(APP, f"{APP}pyramid.includes = tests.support.slow_view\n", 1))
    return str(file)


@contextmanager
def serving(ini: str, url: str, **environ: str) -> Iterator[Server]:
    environ |= {"DATABASE_URL": url, "PYTHONPATH": str(ROOT), "TODO_PUBLIC_URL": PUBLIC_URL}
    with pserve(ini, **environ) as server:
        yield server


def ask_slow(server: Server, seconds: float) -> http.client.HTTPConnection:
    """Send a slow request, and leave its answer for later."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", f"/slow?seconds={seconds}")
    return connection


def refuses(server: Server) -> bool:
    """Tell whether a new connection is refused."""
    try:
        socket.create_connection((server.host, server.port), timeout=5).close()
    except ConnectionError:
        return True
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@ONE_DATABASE
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_stop_answers_running_and_waiting_requests_and_refuses_others(
    slow_ini: str, migrated_url: str, end: signal.Signals
) -> None:
    with serving(slow_ini, migrated_url) as server:
        asked = [ask_slow(server, 2), *(ask_slow(server, 0.3) for _ in range(MORE_THAN_THREADS))]
        time.sleep(0.2)  # some run, and the others wait for a thread
        began = time.monotonic()
        server.process.send_signal(end)
        wait_until(lambda: refuses(server))
        assert time.monotonic() - began < 1, "at once, not after the last answer"
        for each in asked:
            with closing(each), each.getresponse() as response:
                assert response.status == 200
        assert server.process.wait(10) == 0


@ONE_DATABASE
def test_stop_serves_an_open_connection_and_announces_its_end(
    slow_ini: str, migrated_url: str
) -> None:
    with serving(slow_ini, migrated_url) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        with closing(connection):
            connection.request("GET", "/api/v1")
            with connection.getresponse() as response:
                assert response.headers["Connection"] is None
                expected = response.read()
            server.process.terminate()
            wait_until(lambda: refuses(server))
            connection.request("GET", "/api/v1")
            with connection.getresponse() as response:
                assert response.headers["Connection"] == "close"
                assert response.read() == expected
        assert server.process.wait(5) == 0


@ONE_DATABASE
def test_stop_accepts_the_connections_that_wait_in_the_queue(
    slow_ini: str, migrated_url: str
) -> None:
    with serving(slow_ini, migrated_url) as server, ExitStack() as stack:
        server.process.send_signal(signal.SIGSTOP)
        asked = [stack.enter_context(closing(ask_slow(server, 0))) for _ in range(20)]
        server.process.terminate()
        server.process.send_signal(signal.SIGCONT)
        assert {each.getresponse().status for each in asked} == {200}
        assert server.process.wait(5) == 0


@ONE_DATABASE
def test_stop_does_not_wait_for_idle_connections(slow_ini: str, migrated_url: str) -> None:
    with (
        serving(slow_ini, migrated_url) as server,
        socket.create_connection((server.host, server.port), timeout=5),
    ):
        server.process.terminate()
        assert server.process.wait(5) == 0


@ONE_DATABASE
def test_second_interrupt_ends_at_once(slow_ini: str, migrated_url: str) -> None:
    with serving(slow_ini, migrated_url) as server, closing(ask_slow(server, 60)):
        time.sleep(0.2)  # it runs
        server.process.send_signal(signal.SIGINT)
        wait_until(lambda: refuses(server))
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(5) == 0


@ONE_DATABASE
def test_systemd_is_notified_when_the_service_serves(
    slow_ini: str, migrated_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        with serving(slow_ini, migrated_url, NOTIFY_SOCKET=str(path)):
            assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"thread": "8"}, "the option thread in [server:main]: Unknown adjustment 'thread'"),
        (
            {"threads": "many"},
            "the option threads in [server:main]: invalid literal for int() with base 10: 'many'",
        ),
        (
            {"threads": "4"},
            "the option threads in [server:main]: must be more than 4, "
            "as so many logins may wait in threads",
        ),
        (
            {"listen": "127.0.0.1:1"},
            "the option listen in [server:main]: socket may not be set if listen is set.",
        ),
    ],
)
def test_wrong_option_of_the_server_stops_the_start(options: dict[str, str], said: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        server_factory({"http_port": "0"}, **options)
    assert str(refusal.value) == f"todo: {said}"


@ONE_DATABASE
def test_option_of_the_server_reaches_waitress(migrated_url: str, tmp_path: Path) -> None:
    ini = tmp_path / "ident.ini"
    text = (ROOT / "development.ini").read_text()
    ini.write_text(text.replace("http_port = 6543\n", "http_port = 6543\nident = other\n"))
    with pserve(str(ini), DATABASE_URL=migrated_url) as server:
        assert server.request("GET", "/healthz")[1]["Server"] == "other"
