"""PostgreSQL that stops, restarts, or is down."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from sqlalchemy import create_engine, make_url, select, text

from tests.support.databases import PostgreSQL, database, execute, migrate, session_on
from tests.support.factories import Login, make_account
from tests.support.pserve import PUBLIC_URL, Server, pserve, pserve_refuses
from todo.models import Task

RECOVERY_TIME = 5  # seconds


@pytest.fixture(scope="module")
def url(postgres: PostgreSQL) -> Iterator[str]:
    with database(postgres.url) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="module")
def service(url: str) -> Iterator[Server]:
    with pserve("development.ini", DATABASE_URL=url) as server:
        yield server


@pytest.fixture(scope="module")
def alice(url: str) -> Login:
    with session_on(url) as session:
        return make_account(session, "alice")


@dataclass
class Load:
    """Clients that read and write continuously, and retry failed writes."""

    server: Server
    login: Login
    answers: list[tuple[int, str | None]] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def read(self, _number: int) -> None:
        while not self.stopped.is_set():
            self.send("GET")

    def write(self, number: int) -> None:
        names = (f"{number}.{count}" for count in range(10**6))
        name = next(names)
        while not self.stopped.is_set():
            if self.send("POST", name) == 201:
                self.created.append(name)
                name = next(names)

    def send(self, method: str, name: str = "") -> int:
        headers = {"Authorization": f"Bearer {self.login.token}"}
        if name:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": name}
        body = json.dumps({"name": name}) if name else ""
        status, answered, _ = self.server.request(method, self.login.tasks_url, body, headers)
        self.answers.append((status, answered["Retry-After"]))
        return status

    def has_recovered(self) -> bool:
        """Return whether the last 50 requests succeeded, reads and writes among them."""
        return {status for status, _ in self.answers[-50:]} == {200, 201}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_database_restart_under_load_loses_no_write(
    postgres: PostgreSQL, url: str, service: Server, alice: Login, mode: str
) -> None:
    execute(url, "DELETE FROM idempotency_keys")
    execute(url, "DELETE FROM tasks")
    load = Load(service, alice)
    with ThreadPoolExecutor(5) as clients:
        running = [
            clients.submit(run, number)
            for number, run in enumerate([load.read] * 2 + [load.write] * 3)
        ]
        try:
            wait_until(lambda: len(load.created) > 20)
            postgres.stop(mode)
            began = len(load.answers)
            wait_until(lambda: len(load.answers) > began + 20)
            assert service.request("GET", "/healthz")[0] == 200
            status, headers, body = service.request("GET", "/readyz")
            assert (status, body["code"], headers["Retry-After"]) == (503, "unavailable", "1")
            postgres.start()
            back = time.monotonic()
            wait_until(lambda: load.has_recovered() or time.monotonic() > back + RECOVERY_TIME)
            assert load.has_recovered()
        finally:
            load.stopped.set()
            postgres.start()  # a no-op if it runs already
    for each in running:
        each.result()
    assert {status for status, _ in load.answers} == {200, 201, 503}
    assert {wait for status, wait in load.answers if status == 503} == {"1"}
    # Acknowledged writes are stored, and no retry was applied twice.
    with session_on(url) as session:
        names = list(session.scalars(select(Task.name)))
    assert len(names) == len(set(names))
    assert set(load.created) <= set(names)


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_dropped_database_connections_are_replaced(url: str, service: Server, alice: Login) -> None:
    load = Load(service, alice)
    with ThreadPoolExecutor(5) as clients:
        list(clients.map(lambda _: load.send("GET"), range(20)))
    execute(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    with ThreadPoolExecutor(5) as clients:
        statuses = list(clients.map(lambda _: load.send("GET"), range(10)))
    assert statuses == [200] * 10
    assert load.send("POST", "after the cut") == 201


def test_start_without_database_is_refused(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    away = make_url(url).set(
        host="127.0.0.1", port=port, username="todo", password="secret", query={}
    )
    environ = {
        "DATABASE_URL": away.render_as_string(hide_password=False),
        "TODO_PUBLIC_URL": PUBLIC_URL,
    }
    refusal = pserve_refuses("production.ini", **environ)
    assert refusal.startswith("todo: cannot open the database: ")
    assert "Connection refused" in refusal
    assert refusal.count("\n") == 1
    assert "secret" not in refusal


def test_database_crash_during_write_is_unavailable_and_changes_nothing(
    postgres: PostgreSQL, url: str, service: Server, alice: Login
) -> None:
    """The connection breaks before COMMIT and no retry is possible: nothing is written."""
    headers = {"Authorization": f"Bearer {alice.token}", "Content-Type": "application/json"}
    body = json.dumps({"name": "interrupted"})
    engine = create_engine(url)
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    try:
        with engine.connect() as connection, ThreadPoolExecutor(1) as clients:
            connection.execute(text("SELECT * FROM accounts FOR UPDATE"))
            pending = clients.submit(service.request, "POST", alice.tasks_url, body, headers)
            wait_until(lambda: connection.scalar(waiting) == 1)
            postgres.stop("immediate")
            status, answered, problem = pending.result()
            connection.invalidate()
    finally:
        postgres.start()
        engine.dispose()
    assert (status, problem["code"], answered["Retry-After"]) == (503, "unavailable", "1")
    assert "changed nothing" in problem["detail"]
    _, _, found = service.request("GET", f"{alice.tasks_url}?search=interrupted", headers=headers)
    assert found["tasks"] == []
