"""Each attack costs its account or client something, and no other.

The suite asserts answers and counts. `make abuse` also asserts that others wait less than a second,
and that the service needs less than 150 MB more memory.
"""

import itertools
import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.abuse import LONG, SECONDS
from tests.abuse.honest import Honest, honest_client
from tests.support.databases import session_on
from tests.support.factories import PASSWORD, Login
from tests.support.pserve import Server
from tests.torture.calls import Caller
from todo.jobs.purge import purge_expired
from todo.journal.writes import MAX_TASKS
from todo.models import Account, Task
from todo.settings import read

MANY = MAX_TASKS if LONG else 300
CONNECTIONS = 12
MARKS = "a" + "\u0f73" * 9_999

NewAccount = Callable[..., Login]
Report = Callable[[str], None]
# Method, path and fields of a request, from its number.
Attack = Callable[[int], tuple[str, str, Any]]


@pytest.fixture
def attack(service: Server, new_account: NewAccount, report: Report) -> Callable[..., Counter[int]]:
    """Return a function that sends requests on many connections; it returns their statuses."""

    def run(
        name: str, login: Login | None, request: Attack, threads: int = CONNECTIONS
    ) -> Counter[int]:
        until, numbers = time.monotonic() + SECONDS, itertools.count()

        def send(_: int) -> Counter[int]:
            statuses = Counter[int]()
            with closing(Caller(service, login)) as caller:
                while time.monotonic() < until:
                    method, path, fields = request(next(numbers))
                    statuses[caller.send(method, path, fields).status] += 1
            return statuses

        with honest_client(service, new_account()) as honest, ThreadPoolExecutor(threads) as pool:
            statuses = sum(pool.map(send, range(threads)), Counter[int]())
        shown = ", ".join(f"{count} of {status}" for status, count in sorted(statuses.items()))
        report(f"{name}: {shown}")
        report(f"    {honest}")
        check_unharmed(honest)
        assert not {status for status in statuses if status >= 500} - {503}, statuses
        return statuses

    return run


def check_unharmed(honest: Honest) -> None:
    assert set(honest.statuses) == {200}, honest
    if LONG:
        waits = sorted(honest.waits)
        assert waits[int(0.99 * (len(waits) - 1))] < 1, honest
        assert honest.peak - honest.rest < 150, honest


def test_texts_that_are_slow_to_fold(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    login = new_account()
    tasks = {"tasks": [{"name": "x", "note": MARKS}] * 34}
    statuses = attack("texts of combining marks", login, lambda _: ("POST", login.tasks_url, tasks))
    assert statuses.keys() <= {201, 429}
    assert statuses[201]


def test_large_writes_on_many_connections(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    login = new_account()
    tasks = {"tasks": [{"name": "x", "note": "long words " * 850}] * 95}
    statuses = attack("writes of 0.9 MB", login, lambda _: ("POST", login.tasks_url, tasks))
    assert statuses.keys() <= {201, 429}
    assert statuses[201]
    assert statuses[429], "one large request of an account at a time"


def test_changes_of_many_tasks(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    login = new_account(MANY)
    long, short = {"note": "\U0001f600" * 10_000}, {"note": "short"}
    statuses = attack(
        f"changes of {MANY} tasks",
        login,
        lambda n: ("PATCH", login.all_tasks_url, (long, short)[n % 2] | {"completed": n % 3 == 0}),
    )
    assert statuses.keys() <= {200, 409, 429}
    assert statuses[409], "too many bytes"


def test_deletion_and_undo_of_many_tasks(
    attack: Callable[..., Counter[int]], new_account: NewAccount, service: Server
) -> None:
    login = new_account(MANY)
    restore = f"{login.trash_url}/restore?due=none"
    requests: Any = (("DELETE", login.all_tasks_url, {}), ("POST", restore, {}))
    statuses = attack(f"deletion of {MANY} tasks", login, lambda n: requests[n % 2], 2)
    assert statuses.keys() <= {200, 429}
    assert statuses[200]


def test_emptying_of_a_large_trash(
    attack: Callable[..., Counter[int]], new_account: NewAccount, service: Server
) -> None:
    login = new_account(MANY, "fifty or so characters of words, all of them in one note")
    with closing(Caller(service, login)) as caller:
        deleted = caller.send("DELETE", f"{login.all_tasks_url}").json["deleted"]
    assert deleted == MANY
    statuses = attack(
        f"emptying a trash of {MANY} tasks", login, lambda _: ("DELETE", login.trash_url, {}), 1
    )
    assert statuses.keys() <= {200, 429}
    assert statuses[200]


def test_deletion_of_a_large_account(
    service: Server, new_account: NewAccount, report: Report, url: str
) -> None:
    words = "".join(f" {n:05}" for n in range(600)) if LONG else "some words"
    login = new_account(MANY, words)
    settings = read({"sqlalchemy.url": "sqlite:////x"}, {})
    with honest_client(service, new_account()) as honest:
        with closing(Caller(service, login)) as caller:
            began = time.monotonic()
            assert caller.send("DELETE", login.url, {}).status == 204
            closed = time.monotonic() - began
            assert caller.send("GET", login.url).status == 401
        with session_on(url) as session:
            purge_expired(session, settings)
    with session_on(url) as session:
        left = select(func.count()).select_from(Task).where(Task.account_id == login.id)
        assert session.scalar(left) == 0
        assert session.get(Account, login.id) is None
    report(f"deletion of an account of {MANY} tasks with {len(words)} characters: {closed:.3f} s")
    report(f"    {honest}")
    check_unharmed(honest)


def test_expensive_reads_in_a_loop(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    login = new_account(MANY, "some words to search for")
    paths = (
        f"{login.url}/counts",
        f"{login.tasks_url}?count=true&search=words&limit=200",
        f"{login.tasks_url}?search=w&sort=-completion_date",
        f"{login.url}/changes?limit=200",
    )
    statuses = attack("reads in a loop", login, lambda n: ("GET", paths[n % len(paths)], None))
    assert statuses.keys() <= {200, 429}
    assert statuses[200]


def test_large_pages_in_a_loop(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    login = new_account(200, "\x01" * 10_000)  # JSON needs six bytes for each of these characters
    paths = (f"{login.tasks_url}?limit=200", f"{login.url}/changes?limit=200")
    statuses = attack("pages of 12 MB", login, lambda n: ("GET", paths[n % 2], None))
    assert statuses.keys() <= {200, 429}
    assert statuses[200]


def test_creations_in_a_loop(
    attack: Callable[..., Counter[int]], new_account: NewAccount, service: Server
) -> None:
    login = new_account()
    tasks = {"tasks": [{"name": "x", "note": "short"}] * 100}

    def create(number: int) -> tuple[str, str, Any]:
        return "POST", login.tasks_url, tasks

    statuses = attack("creations of 100 tasks", login, create)
    assert statuses.keys() <= {201, 429}
    with closing(Caller(service, login)) as caller:
        usage = caller.send("GET", f"{login.url}/usage").json
    assert usage["tasks"]["bytes"] <= 600 * 100 * 250, "writes are limited"


def test_exports_that_nobody_reads(
    service: Server, new_account: NewAccount, report: Report
) -> None:
    login = new_account(500, "x" * 10_000)
    statuses = Counter[int]()
    with honest_client(service, new_account()) as honest:
        connections = [
            send_unread(service, f"{login.url}/export", login) for _ in range(8 if LONG else 3)
        ]
        for connection in connections:
            statuses[int(connection.recv(12).split()[1])] += 1
        time.sleep(SECONDS / 5)
        for connection in connections:
            connection.close()
    report(f"exports that nobody reads: {dict(statuses)}")
    report(f"    {honest}")
    check_unharmed(honest)
    assert statuses[200] == 1
    assert statuses[429] == len(connections) - 1


def send_unread(service: Server, path: str, login: Login) -> socket.socket:
    """Send a request and leave its answer unread."""
    connection = socket.create_connection((service.host, service.port), timeout=30)
    fields = f"Host: a\r\nAuthorization: Bearer {login.token}\r\n"
    connection.sendall(f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode())
    return connection


def test_valid_logins_in_a_loop(
    attack: Callable[..., Counter[int]], new_account: NewAccount, service: Server, report: Report
) -> None:
    logins, other = [new_account() for _ in range(4)], new_account()
    others: list[tuple[int, float]] = []

    def log_in(number: int) -> tuple[str, str, Any]:
        if number == 20:  # in the middle of the flood
            others.append(log_in_elsewhere(service, other))
        fields = {"username": logins[number % 4].username, "password": PASSWORD}
        return "POST", "/api/v1/accounts/login", fields

    threads = 40 if LONG else 8
    statuses = attack("valid logins of 4 accounts", None, log_in, threads)
    report(f"    a login from another address: {others}")
    assert statuses.keys() <= {200, 429, 503}
    assert statuses[200] <= 4 * 60 + threads, "successes are limited"
    assert [status for status, _ in others] == [200] * len(others)


def log_in_elsewhere(service: Server, login: Login) -> tuple[int, float]:
    """Log in from another address; return the status and the seconds."""
    connection = HTTPConnection(service.host, service.port, 30, source_address=("127.0.0.2", 0))
    fields = json.dumps({"username": login.username, "password": PASSWORD})
    began = time.monotonic()
    try:
        connection.request(
            "POST", "/api/v1/accounts/login", fields, {"Content-Type": "application/json"}
        )
        return connection.getresponse().status, round(time.monotonic() - began, 3)
    finally:
        connection.close()


def test_small_requests_of_one_account(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    """A page may send twenty short requests at once: nothing is refused but too many writes."""
    login = new_account(100)
    statuses = attack(
        "short reads on 20 connections", login, lambda _: ("GET", login.url, None), 20
    )
    assert statuses.keys() <= {200, 429}
    assert statuses[200] > (2000 if LONG else 50)


def test_writes_with_unknown_tokens(
    attack: Callable[..., Counter[int]], new_account: NewAccount
) -> None:
    login = new_account()
    stranger = Login(login.id, login.username, login.token[:-3] + "AAA")
    tasks = {"tasks": [{"name": "x", "note": MARKS}] * 34}
    statuses = attack("writes of a stranger", stranger, lambda _: ("POST", login.tasks_url, tasks))
    assert set(statuses) == {401}
