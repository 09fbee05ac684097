"""Two instances behind a proxy, restarted one after the other while clients read and write."""

import http.client
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.deployment.conftest import ENVIRON
from tests.support.databases import ROOT, database, delete_all_rows, migrate, session_on
from tests.support.factories import Login, make_account
from tests.support.proxies import HOST, Proxy, free_port, send_request
from tests.support.pserve import PSERVE
from tests.support.scratch_migrations import run_migrations, scratch_config, write_migration
from todo.models import Task
from todo.models.migration import MIGRATION

READERS = WRITERS = 3


@dataclass
class Instance:
    """An instance of todo@.service, started and stopped like systemd does."""

    port: int
    url: str
    process: "subprocess.Popen[str] | None" = None

    def start(self) -> None:
        """Start the process and wait until it listens."""
        self.process = subprocess.Popen(
            [PSERVE, "production.ini", f"http_port={self.port}"],
            cwd=ROOT,
            env=os.environ | ENVIRON | {"DATABASE_URL": self.url},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        while "todo listens" not in (line := self.process.stdout.readline()):
            assert line, "the process has exited"

    def stop(self) -> None:
        """Send SIGTERM and wait for a clean exit."""
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=30)
            assert self.process.returncode == 0
            self.process = None

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@dataclass
class Load:
    """Clients that read and write continuously over persistent connections."""

    port: int
    certificate: Path
    login: Login
    stopped: threading.Event = field(default_factory=threading.Event)
    statuses: list[int | str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)

    def read(self, _number: int) -> None:
        self.send_all("GET", lambda: "")

    def write(self, number: int) -> None:
        count = iter(range(10**6))
        self.send_all("POST", lambda: f"{number}.{next(count)}")

    def send_all(self, method: str, next_name: Callable[[], str]) -> None:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=20, context=context
        )
        headers = {
            "Host": HOST,
            "Authorization": f"Bearer {self.login.token}",
            "Content-Type": "application/json",
        }
        url = self.login.tasks_url + ("?limit=5" if method == "GET" else "")
        while not self.stopped.is_set():
            name = next_name()
            body = json.dumps({"name": name}) if name else None
            try:
                connection.request(method, url, body, headers)
                with connection.getresponse() as response:
                    response.read()
                    self.statuses.append(response.status)
            except (OSError, http.client.HTTPException) as error:
                self.statuses.append(repr(error))
                continue
            if response.status == 201:
                self.created.append(name)
            time.sleep(0.002)
        connection.close()


@pytest.fixture
def alice(url: str) -> Login:
    delete_all_rows(url)
    with session_on(url) as session:
        return make_account(session, "alice")


def test_killed_instance_does_not_interrupt_service(
    url: str, start_proxy: Callable[..., Proxy], proxy_name: str, certificate: Path
) -> None:
    instances = [Instance(free_port(), url) for _ in range(2)]
    with ExitStack() as stack:
        for instance in instances:
            stack.callback(instance.kill)
            instance.start()
        proxy = start_proxy(proxy_name, (instances[0].port, instances[1].port))
        instances[0].kill()
        request = f"GET /api/v1 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
        assert {send_request(proxy.port, certificate, request)[0] for _ in range(10)} == {200}


def restart_under_load(
    login: Login,
    instances: list[Instance],
    start_proxy: Callable[[tuple[int, int]], Proxy],
    certificate: Path,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Run an action, restart each instance, and check that no request failed or ran twice."""
    # The stack is left first, also after an error: it stops the clients.
    with ThreadPoolExecutor(READERS + WRITERS) as clients, ExitStack() as stack:
        for instance in instances:
            stack.callback(instance.stop)
            instance.start()
        proxy = start_proxy((instances[0].port, instances[1].port))
        load = Load(proxy.port, certificate, login)
        stack.callback(load.stopped.set)
        running = [clients.submit(load.read, number) for number in range(READERS)]
        running += [clients.submit(load.write, number) for number in range(WRITERS)]
        time.sleep(0.5)
        before()
        for instance in instances:
            instance.stop()
            time.sleep(0.2)
            instance.start()
            time.sleep(1.2)  # longer than the interval of health checks
        load.stopped.set()
        for each in running:
            each.result()
    assert set(load.statuses) == {200, 201}, [
        each for each in load.statuses if each not in {200, 201}
    ]
    assert len(load.created) > 50
    with session_on(instances[0].url) as session:
        stored = list(session.scalars(select(Task.name)))
    # Each once: no proxy has sent a write to both instances.
    assert sorted(stored) == sorted(load.created)


def test_rolling_restart_loses_no_request(
    url: str, alice: Login, start_proxy: Callable[..., Proxy], proxy_name: str, certificate: Path
) -> None:
    instances = [Instance(free_port(), url) for _ in range(2)]
    restart_under_load(alice, instances, partial(start_proxy, proxy_name), certificate)


def test_rolling_update_with_expanding_migration_loses_no_request(
    start_proxy: Callable[..., Proxy], certificate: Path, tmp_path: Path
) -> None:
    added = 'op.add_column("tasks", sa.Column("energy", sa.Integer(), server_default="1"))'
    write_migration(tmp_path, 1, MIGRATION, (added, "pass"))
    config = scratch_config(tmp_path, "rolling")
    with database(tmp_path) as url:
        migrate(url)
        with session_on(url) as session:
            login = make_account(session, "alice")
        instances = [Instance(free_port(), url) for _ in range(2)]
        update = partial(run_migrations, url, config)
        restart_under_load(login, instances, partial(start_proxy, "haproxy"), certificate, update)
