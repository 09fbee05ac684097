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


@ONE_DATABASE
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


@ONE_DATABASE
def test_pserve_says_in_one_line_why_it_does_not_start(migrated_url: str) -> None:
    environ = {"DATABASE_URL": migrated_url, "TODO_PUBLIC_URL": "http://secret.example"}
    refusal = pserve_refuses("production.ini", **environ)
    assert refusal.startswith("todo: the setting todo.public_url ")
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
def planted_ini(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return what copies an ini file, with the routes of tests/support/planted.py."""

    def copy(ini: str) -> str:
        file = tmp_path_factory.mktemp("ini") / ini
        text = (ROOT / ini).read_text()
        file.write_text(text.replace(APP, f"{APP}pyramid.includes = tests.support.planted\n", 1))
        return str(file)

    return copy


@pytest.fixture(scope="module")
def ask(migrated_url: str, planted_ini: Callable[[str], str]) -> Iterator[Ask]:
    """Return what a service that trusts this proxy sees of a request. Nothing asks a database."""
    ini = planted_ini("development.ini")
    with ExitStack() as stack:

        @cache
        def start(trusted_proxy: str) -> Server:
            environ = {"DATABASE_URL": migrated_url, "PYTHONPATH": str(ROOT)}
            return stack.enter_context(pserve(ini, TODO_TRUSTED_PROXY=trusted_proxy, **environ))

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


@pytest.fixture(scope="module")
def slow_ini(planted_ini: Callable[[str], str]) -> str:
    return planted_ini("production.ini")


@contextmanager
def serving(ini: str, url: str, **environ: str) -> Iterator[Server]:
    environ |= {"DATABASE_URL": url, "PYTHONPATH": str(ROOT), "TODO_PUBLIC_URL": PUBLIC_URL}
    with pserve(ini, **environ) as server:
        yield server


@pytest.fixture
def slow(slow_ini: str, migrated_url: str) -> Iterator[Server]:
    """A service for this test to stop."""
    with serving(slow_ini, migrated_url) as server:
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
    slow: Server, end: signal.Signals
) -> None:
    asked = [ask_slow(slow, 2), *(ask_slow(slow, 0.3) for _ in range(MORE_THAN_THREADS))]
    time.sleep(0.2)  # some run, and the others wait for a thread
    began = time.monotonic()
    slow.process.send_signal(end)
    wait_until(lambda: refuses(slow))
    assert time.monotonic() - began < 1, "at once, not after the last answer"
    for each in asked:
        with closing(each), each.getresponse() as response:
            assert response.status == 200
    assert slow.process.wait(10) == 0


@ONE_DATABASE
def test_stop_serves_an_open_connection_and_announces_its_end(slow: Server) -> None:
    with closing(http.client.HTTPConnection(slow.host, slow.port, timeout=10)) as connection:
        connection.request("GET", "/api/v1")
        with connection.getresponse() as response:
            assert response.headers["Connection"] is None
            expected = response.read()
        slow.process.terminate()
        wait_until(lambda: refuses(slow))
        connection.request("GET", "/api/v1")
        with connection.getresponse() as response:
            assert response.headers["Connection"] == "close"
            assert response.read() == expected
    assert slow.process.wait(5) == 0


@ONE_DATABASE
def test_stop_accepts_the_connections_that_wait_in_the_queue(slow: Server) -> None:
    with ExitStack() as stack:
        slow.process.send_signal(signal.SIGSTOP)
        asked = [stack.enter_context(closing(ask_slow(slow, 0))) for _ in range(20)]
        slow.process.terminate()
        slow.process.send_signal(signal.SIGCONT)
        assert {each.getresponse().status for each in asked} == {200}
        assert slow.process.wait(5) == 0


@ONE_DATABASE
def test_stop_does_not_wait_for_idle_connections(slow: Server) -> None:
    with socket.create_connection((slow.host, slow.port), timeout=5):
        slow.process.terminate()
        assert slow.process.wait(5) == 0


@ONE_DATABASE
def test_second_interrupt_ends_at_once(slow: Server) -> None:
    with closing(ask_slow(slow, 60)):
        time.sleep(0.2)  # it runs
        slow.process.send_signal(signal.SIGINT)
        wait_until(lambda: refuses(slow))
        slow.process.send_signal(signal.SIGINT)
        assert slow.process.wait(5) == 0


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


NO_NUMBER = "invalid literal for int() with base 10: 'many'"
TOO_FEW = "must be more than 4, as so many logins may wait in threads"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"thread": "8"}, "Unknown adjustment 'thread'"),
        ({"threads": "many"}, NO_NUMBER),
        ({"threads": "4"}, TOO_FEW),
        ({"listen": "127.0.0.1:1"}, "socket may not be set if listen is set."),
    ],
)
def test_wrong_option_of_the_server_stops_the_start(options: dict[str, str], said: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        server_factory({"http_port": "0"}, **options)
    assert str(refusal.value) == f"todo: the option {next(iter(options))} in [server:main]: {said}"


@ONE_DATABASE
def test_option_of_the_server_reaches_waitress(migrated_url: str, tmp_path: Path) -> None:
    ini = tmp_path / "ident.ini"
    text = (ROOT / "development.ini").read_text()
    ini.write_text(text.replace("http_port = 6543\n", "http_port = 6543\nident = other\n"))
    with pserve(str(ini), DATABASE_URL=migrated_url) as server:
        assert server.request("GET", "/healthz")[1]["Server"] == "other"
