"""The end of the service: what it still answers, and how long it takes."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.server.conftest import ONE_DATABASE, serving, wait_until
from tests.support.databases import ROOT
from tests.support.pserve import Server
from todo.jobs import JOBS

MORE_THAN_THREADS = 24

# Another SIGTERM arrives while the handler of the first one sets the event.
TWO_SIGNALS = """
import os, signal, threading
from todo.server import stop_on_signals

class Stopping(threading.Event):
    sets = 0

    def set(self):
        self.sets += 1
        assert self.sets == 1, "the handler has interrupted itself"
        os.kill(os.getpid(), signal.SIGTERM)
        super().set()

stopping = Stopping()
stop_on_signals(stopping, lambda: None)
os.kill(os.getpid(), signal.SIGTERM)
assert stopping.is_set()
"""


@pytest.fixture
def stoppable(production_ini: str, migrated_url: str) -> Iterator[Server]:
    """A service that the test may stop."""
    with serving(production_ini, migrated_url) as server:
        yield server


def send_slow_request(server: Server, seconds: float) -> http.client.HTTPConnection:
    """Send a slow request without reading the response."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", f"/slow?seconds={seconds}")
    return connection


def refuses_connections(server: Server) -> bool:
    """Return whether the server refuses new connections."""
    try:
        socket.create_connection((server.host, server.port), timeout=5).close()
    except ConnectionError:
        return True
    return False


@ONE_DATABASE
@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_stop_answers_accepted_requests_and_refuses_new_connections(
    stoppable: Server, stop_signal: signal.Signals
) -> None:
    pending = [
        send_slow_request(stoppable, 2),
        *(send_slow_request(stoppable, 0.3) for _ in range(MORE_THAN_THREADS)),
    ]
    time.sleep(0.2)  # some are running, the others wait for a thread
    began = time.monotonic()
    stoppable.process.send_signal(stop_signal)
    wait_until(lambda: refuses_connections(stoppable))
    assert time.monotonic() - began < 1, "new connections must be refused at once"
    for each in pending:
        with closing(each), each.getresponse() as response:
            assert response.status == 200
    assert stoppable.process.wait(10) == 0


@ONE_DATABASE
def test_stop_lets_requests_and_jobs_end_at_the_same_time(
    production_ini: str, migrated_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "state"
    with serving(production_ini, migrated_url, SLOW_JOB=str(path)) as server:
        wait_until(lambda: path.exists() and path.read_text() == "running")
        with closing(send_slow_request(server, 2.5)) as pending:
            time.sleep(0.2)  # the request is running
            began = time.monotonic()
            server.process.terminate()
            with pending.getresponse() as response:
                assert response.status == 200
            assert server.process.wait(10) == 0
            assert time.monotonic() - began < 4, "each takes more than 2 seconds"
        assert path.read_text() == "ended"


@ONE_DATABASE
@pytest.mark.parametrize("setting", ["true", "false"])
def test_service_runs_jobs_unless_the_setting_is_false(
    production_ini: str, migrated_url: str, setting: str
) -> None:
    with serving(production_ini, migrated_url, TODO_JOBS=setting) as server:
        _, _, threads = server.request("GET", "/threads")
        running = {name for name in threads if name.startswith("job-")}
        assert running == ({f"job-{job.name}" for job in JOBS} if setting == "true" else set())
        server.process.terminate()
        assert server.process.wait(5) == 0


@ONE_DATABASE
def test_stop_answers_open_connection_and_closes_it(stoppable: Server) -> None:
    with closing(
        http.client.HTTPConnection(stoppable.host, stoppable.port, timeout=10)
    ) as connection:
        connection.request("GET", "/api/v1")
        with connection.getresponse() as response:
            assert response.headers["Connection"] is None
            expected = response.read()
        stoppable.process.terminate()
        wait_until(lambda: refuses_connections(stoppable))
        connection.request("GET", "/api/v1")
        with connection.getresponse() as response:
            assert response.headers["Connection"] == "close"
            assert response.read() == expected
    assert stoppable.process.wait(5) == 0


@ONE_DATABASE
def test_stop_answers_connections_in_accept_queue(stoppable: Server) -> None:
    with ExitStack() as stack:
        stoppable.process.send_signal(signal.SIGSTOP)
        pending = [stack.enter_context(closing(send_slow_request(stoppable, 0))) for _ in range(20)]
        stoppable.process.terminate()
        stoppable.process.send_signal(signal.SIGCONT)
        assert {each.getresponse().status for each in pending} == {200}
        assert stoppable.process.wait(5) == 0


@ONE_DATABASE
def test_stop_does_not_wait_for_idle_connections(stoppable: Server) -> None:
    with socket.create_connection((stoppable.host, stoppable.port), timeout=5):
        stoppable.process.terminate()
        assert stoppable.process.wait(5) == 0


@ONE_DATABASE
def test_second_interrupt_exits_immediately(stoppable: Server) -> None:
    with closing(send_slow_request(stoppable, 60)):
        time.sleep(0.2)  # the request is running
        stoppable.process.send_signal(signal.SIGINT)
        wait_until(lambda: refuses_connections(stoppable))
        stoppable.process.send_signal(signal.SIGINT)
        assert stoppable.process.wait(5) == 0


def test_second_sigterm_does_not_interrupt_the_first() -> None:
    """The lock of the event would never be released, and the service would hang."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_SIGNALS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
