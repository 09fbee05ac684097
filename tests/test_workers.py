"""The service in one process and in several: who serves, who is replaced, and how it ends."""

import http.client
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.support.databases import ROOT
from tests.support.pserve import PUBLIC_URL, Server, pserve
from todo.cores import usable_cores

# None of it depends on the database.
pytestmark = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)

MORE_THAN_THREADS = 48
SLOW_CLIENTS = 200
LONG = 3  # seconds


@pytest.fixture
def ini(tmp_path: Path) -> str:
    """production.ini with the route of tests/support/slow_view.py."""
    text = (ROOT / "production.ini").read_text()
    file = tmp_path / "slow.ini"
    file.write_text(
        text.replace(
            "use = egg:todo\n", "use = egg:todo\npyramid.includes = tests.support.slow_view\n", 1
        )
    )
    return str(file)


@contextmanager
def serving(
    ini: str, url: str, workers: int, stderr: IO[str] | None = None, **environ: str
) -> Iterator[Server]:
    environ |= {
        "DATABASE_URL": url,
        "PYTHONPATH": str(ROOT),
        "TODO_PUBLIC_URL": PUBLIC_URL,
        "TODO_WORKERS": str(workers),
    }
    with pserve(ini, stderr, **environ) as server:
        yield server


def slow(server: Server) -> tuple[int, int]:
    """Return the status of a slow request, and the process that has answered it."""
    status, _, process = server.request("GET", "/slow")
    return status, process


def both(server: Server, people: ThreadPoolExecutor) -> set[int]:
    """Return the two processes that serve, once each has answered: one may take all of a moment."""
    found: set[int] = set()

    def have_answered() -> bool:
        found.update(process for _, process in people.map(slow, [server] * 16))
        return len(found) >= 2

    wait_until(have_answered)
    return found


def is_there(process: int) -> bool:
    try:
        # A process that has ended and waits for its parent is not there either.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(server: Server, seconds: float) -> http.client.HTTPConnection:
    """Send a slow request, and leave its answer for later."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", f"/slow?seconds={seconds}")
    return connection


def answer(connection: http.client.HTTPConnection) -> tuple[int, int]:
    """Return its status, and the process that has answered."""
    with closing(connection), connection.getresponse() as response:
        return response.status, int(response.read())


def refuses(server: Server) -> bool:
    """Tell whether a new connection is refused."""
    try:
        socket.create_connection((server.host, server.port), timeout=5).close()
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_asked_for_is_answered_before_the_end(
    ini: str, migrated_url: str, workers: int, end: signal.Signals
) -> None:
    with serving(ini, migrated_url, workers) as server:
        asked = [ask(server, LONG), *(ask(server, 0.5) for _ in range(MORE_THAN_THREADS))]
        time.sleep(0.2)  # some run, and the others wait for a thread
        begin = time.monotonic()
        server.process.send_signal(end)
        wait_until(lambda: refuses(server))
        assert time.monotonic() - begin < LONG - 1, "it refuses at once, not after the last answer"
        answers = [answer(each) for each in asked]
        assert server.process.wait(10) == 0
    assert {status for status, _ in answers} == {200}
    assert not any(is_there(process) for _, process in answers)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_interrupt_ends_at_once(ini: str, migrated_url: str, workers: int) -> None:
    with serving(ini, migrated_url, workers) as server:
        process = answer(ask(server, 0))[1]
        with closing(ask(server, 60)):
            time.sleep(0.2)  # it runs
            server.process.send_signal(signal.SIGINT)
            wait_until(lambda: refuses(server))
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(10) == 0
    assert not is_there(process)


def test_systemd_is_told_when_it_serves(ini: str, migrated_url: str, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        with serving(ini, migrated_url, 2, NOTIFY_SOCKET=str(path)):
            assert manager.recv(100) == b"READY=1"


def test_each_process_keeps_to_a_core(ini: str, migrated_url: str) -> None:
    with serving(ini, migrated_url, 2) as server, ThreadPoolExecutor(16) as people:
        found = [os.sched_getaffinity(process) for process in both(server, people)]
    assert [len(cores) for cores in found] == [1, 1]
    assert len(set.union(*found)) == min(2, usable_cores())


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_start_has_made_is_not_searched_for_garbage(
    ini: str, migrated_url: str, workers: int
) -> None:
    with serving(ini, migrated_url, workers) as server:
        status, _, (searched, left_alone) = server.request("GET", "/objects")
    assert status == 200
    assert searched < left_alone / 10


def test_a_dead_worker_is_replaced(ini: str, migrated_url: str, tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w+") as log,
        serving(ini, migrated_url, 2, log) as server,
        ThreadPoolExecutor(16) as people,
    ):
        dead = min(both(server, people))
        os.kill(dead, signal.SIGKILL)
        wait_until(lambda: not is_there(dead))
        assert dead not in both(server, people)
        log.seek(0)
        assert f"worker {dead} ended with -9" in log.read()


def test_no_worker_outlives_the_main_process(ini: str, migrated_url: str) -> None:
    with serving(ini, migrated_url, 2) as server, ThreadPoolExecutor(16) as people:
        found = both(server, people)
        server.process.kill()
        wait_until(lambda: not any(is_there(process) for process in found))


def test_it_gives_up_where_every_worker_dies(ini: str, migrated_url: str, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        with serving(ini, migrated_url, 1, log) as server:
            pass
        text = (
            Path(ini).read_text().replace("tests.support.slow_view", "tests.support.dying_worker")
        )
        Path(ini).write_text(text)
        with serving(ini, migrated_url, 2, log) as server:
            assert server.process.wait(20) == 1
        log.seek(0)
        assert "todo: its processes end as soon as they have started" in log.read()


HEADER = b"GET /api/v1 HTTP/1.1\r\nHost: todo.example\r\nX-A: "
BODY = (
    b"POST /api/v1/accounts HTTP/1.1\r\nHost: todo.example\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)


@pytest.mark.parametrize(("begun", "workers"), [(HEADER, 1), (HEADER, 2), (BODY, 2)])
def test_slow_clients_stop_nobody(ini: str, migrated_url: str, begun: bytes, workers: int) -> None:
    """Each of them sends a byte now and then."""
    with serving(ini, migrated_url, workers) as server, ExitStack() as stack:
        slow_ones = []
        for _ in range(SLOW_CLIENTS):
            address = (server.host, server.port)
            client = stack.enter_context(socket.create_connection(address, timeout=5))
            client.sendall(begun)
            slow_ones.append(client)
        for _ in range(2):
            for client in slow_ones:
                client.sendall(b" ")
            for _ in range(10):
                begin = time.monotonic()
                assert server.request("GET", "/api/v1")[0] == 200
                assert time.monotonic() - begin < 1
        slow_ones[0].setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has ended its connection
            slow_ones[0].recv(1)


LINE = (
    r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "%s" %d %s "%s" "%s" [\d.]+ %s\n'
)


def test_the_access_log(ini: str, migrated_url: str, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        with serving(ini, migrated_url, 2, log) as server:
            headers = {
                "Authorization": "Bearer secret",
                "Referer": "https://app.example.com/list?search=secret",
                "User-Agent": 'curl "8"',
            }
            status, answered, _ = server.request("GET", "/api/v1?search=secret", headers=headers)
            unknown = "A" * 6000
            server.request(unknown, "/api/v1")
            request_id = answered["X-Request-Id"]
            size = answered["Content-Length"]
            with socket.create_connection((server.host, server.port), timeout=5) as connection:
                connection.sendall(b"GET /secret HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")
                refused = connection.makefile("rb").read()
        log.seek(0)
        text = log.read()
    assert "secret" not in text
    # A pipe takes no longer line in one piece.
    assert max(map(len, text.splitlines())) < 4096
    assert f'"{"A" * 32} /api/v1 HTTP/1.1"' in text
    agent, site = r"curl \\x228\\x22", "https://app\\.example\\.com/list"
    line = LINE % ("GET /api/v1 HTTP/1.1", status, size, site, agent, request_id)
    assert re.search(line, text), text
    other_id = re.findall(rb"X-Request-Id: (\w+)", refused)[0].decode()
    assert re.search(LINE % ("-", 400, r"\d+", "-", "-", other_id), text), text


def test_no_access_log_unless_asked_for(migrated_url: str, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        with pserve("development.ini", log, DATABASE_URL=migrated_url) as server:
            assert server.request("GET", "/api/v1")[0] == 200
        log.seek(0)
        assert "GET" not in log.read()
