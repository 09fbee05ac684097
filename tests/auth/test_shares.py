"""Fair shares: what one account may use of a process, at once and in a minute."""

import os
import socket
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client, User
from tests.support.databases import statements
from tests.support.factories import make_account, make_task, make_tasks, make_token
from tests.support.fixtures import ApiToken, Patch, SetClock
from tests.support.pserve import Server
from todo import clock
from todo.auth import shares as module
from todo.auth.shares import AT_ONCE, LARGE_BODY, MOST_ENTRIES, READS, WAITING, WRITTEN, Shares
from todo.http.errors import Problem
from todo.server import DEFAULTS

LARGE = {"tasks": [{"name": "Milk", "note": "x" * 10_000}] * 7}


@pytest.fixture
def limit(app: Any) -> Iterator[Callable[[str, int], None]]:
    settings = app.registry["settings"]
    before = vars(settings).copy()
    app.registry["shares"] = Shares()

    def set_limit(name: str, maximum: int) -> None:
        setattr(settings, f"limit_{name}", maximum)

    yield set_limit
    vars(settings).update(before)


def test_reads_of_an_account_are_limited_per_minute(
    alice: User, bob: User, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("reads", 3)
    paths = ("/tasks", "/counts", "/changes", "/export", "", "/usage")
    answers = [alice.get(alice.url + path) for path in paths]
    assert [answer.status_int for answer in answers] == [200] * 3 + [429] * 3
    assert answers[-1].json["code"] == "too_many_requests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert alice.post_json(alice.tasks_url, {"name": "Milk"}).status_int == 201
    assert bob.get(bob.url).status_int == 200
    set_clock(timedelta(seconds=61))
    assert alice.get(alice.url).status_int == 200
    # A count of a clock that was ahead does not last.
    set_clock(timedelta(0))
    assert alice.get(alice.url).status_int == 200


def test_written_bytes_of_an_account_are_limited_per_minute(
    alice: User, bob: User, limit: Callable[[str, int], None]
) -> None:
    limit("write_bytes", 100_000)
    statuses = [alice.post_json(alice.tasks_url, LARGE).status_int for _ in range(2)]
    assert statuses == [201, 429], "the body and what it recorded"
    assert alice.get(alice.url).status_int == 200
    assert bob.post_json(bob.tasks_url, {"name": "Milk"}).status_int == 201


def test_recorded_bytes_of_a_short_request_are_limited(
    alice: User, db: Session, limit: Callable[[str, int], None]
) -> None:
    for _ in range(10):
        make_task(db, alice, note="x" * 1000)
    limit("write_bytes", 10_000)
    change = {"completed": True, "note": "y" * 1000}
    statuses = [
        alice.send_json("PATCH", alice.all_tasks_url, change | {"name": str(n)}).status_int
        for n in range(2)
    ]
    assert statuses == [200, 429]


def test_dry_run_counts_as_well(alice: User, limit: Callable[[str, int], None]) -> None:
    limit("write_bytes", 100_000)
    url = f"{alice.tasks_url}?dry_run=true"
    assert [alice.post_json(url, LARGE).status_int for _ in range(2)] == [201, 429]


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_large_body_is_folded_before_the_account_is_locked(
    app: Any, alice: User, monkeypatch: Patch, query: str
) -> None:
    normalize = unicodedata.normalize

    def record(form: Any, text: str) -> str:
        executed.append("normalize")
        return normalize(form, text)

    alice.get(alice.url)
    with statements(app.registry["engine"]) as executed:
        monkeypatch.setattr(unicodedata, "normalize", record)
        tasks = {"tasks": [{"name": "Milk", "note": "é" * 10_000}] * 7}
        assert alice.post_json(alice.tasks_url + query, tasks).status_int == 201
    firsts = [statement.split()[0] for statement in executed]
    assert firsts[:8] == ["SELECT"] + ["normalize"] * 7, "an identity without a lock, then folding"
    assert "normalize" not in firsts[8:]


def test_faults_of_a_large_body_come_after_those_of_the_path(alice: User, bob: User) -> None:
    wrong = LARGE | {"no_such_field": 1}
    assert alice.post_json(alice.tasks_url, wrong).json["code"] == "validation"
    assert alice.post_json(bob.tasks_url, wrong).json["code"] == "forbidden"
    large = {"name": "x" * LARGE_BODY}
    assert alice.send_json("PATCH", f"{alice.tasks_url}/999", large).status_int == 404
    broken = alice.send("POST", alice.tasks_url, "{" * (LARGE_BODY + 1), "application/json")
    assert (broken.status_int, broken.json["code"]) == (400, "bad_json")


def test_write_with_unknown_token_locks_nothing(app: Any, alice: User, db: Session) -> None:
    _, secret = make_token(db, alice.id, expiration_date=clock.now() - timedelta(days=1))
    db.commit()
    with statements(app.registry["engine"]) as run:
        refused = Client(app, secret).post_json(alice.tasks_url, {"name": "Milk"})
    assert refused.status_int == 401
    assert len(run) == 1
    assert "FOR UPDATE" not in run[0]


def test_ended_token_does_not_spend_the_budget_of_its_account(
    app: Any, alice: User, api_token: ApiToken, limit: Callable[[str, int], None]
) -> None:
    limit("reads", 5)
    token_id, script = api_token()
    assert script.get(alice.url).status_int == 200
    assert alice.delete(f"{alice.url}/tokens/{token_id}").status_int == 200
    assert {script.get(alice.url).status_int for _ in range(10)} == {401}
    assert alice.get(alice.url).status_int == 200


def test_refused_request_spends_nothing(
    app: Any, alice: User, limit: Callable[[str, int], None], monkeypatch: Patch
) -> None:
    limit("write_bytes", 100_000)
    monkeypatch.setattr(module, "PATIENCE", 0)
    shares: Shares = app.registry["shares"]
    began = shares.begin(alice.id, heavy=True)
    assert {alice.post_json(alice.tasks_url, LARGE).status_int for _ in range(3)} == {429}
    shares.end(alice.id, began, heavy=True)
    assert alice.post_json(alice.tasks_url, LARGE).status_int == 201


def test_requests_that_wait_are_bounded(monkeypatch: Patch) -> None:
    """Each occupies a thread; two more of the process serve other accounts."""
    assert DEFAULTS["threads"] == AT_ONCE + WAITING + 2
    monkeypatch.setattr(module, "PATIENCE", 5)
    shares = Shares()
    for _ in range(AT_ONCE):
        shares.begin(1, heavy=False)
    with ThreadPoolExecutor(WAITING) as pool:
        waiting = [pool.submit(shares.begin, 1, heavy=False) for _ in range(WAITING)]
        while shares._running[1].waiting < WAITING:
            time.sleep(0.01)
        with pytest.raises(Problem):
            shares.begin(1, heavy=False)
        for _ in range(WAITING):
            shares.end(1, 0, heavy=False)
        assert all(each.result(timeout=5) for each in waiting)


def test_requests_at_once_are_bounded() -> None:
    shares = Shares()
    for _ in range(AT_ONCE):
        shares.begin(1, heavy=False)
    with pytest.raises(Problem) as refused:
        shares.begin(1, heavy=False)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == ("too_many_requests", "1")
    shares.begin(2, heavy=True)
    shares.end(1, 0, heavy=False)
    shares.begin(1, heavy=True)


def test_heavy_requests_of_an_account_run_one_at_a_time() -> None:
    shares = Shares()
    shares.begin(1, heavy=True)
    with pytest.raises(Problem):
        shares.begin(1, heavy=True)
    shares.begin(1, heavy=False)
    shares.begin(2, heavy=True)
    shares.end(1, time.monotonic(), heavy=True)
    shares.begin(1, heavy=True)


def test_heavy_request_rests_as_long_as_the_one_before(monkeypatch: Patch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(module, "sleep", rests.append)
    shares = Shares()
    for took in (0.25, 60):
        shares.begin(1, heavy=True)
        shares.end(1, time.monotonic() - took, heavy=True)
    for account_id, heavy in ((1, False), (2, True)):
        shares.begin(account_id, heavy=heavy)
    assert len(rests) == 1, "neither the first, nor a light one, nor another account's"
    shares.begin(1, heavy=True)
    assert [round(rest, 1) for rest in rests] == [0.2, module.LONGEST_REST]


def test_request_waits_as_long_as_others_end(monkeypatch: Patch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 5)
    shares, running, most = Shares(), Counter[int](), 0
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal most
        shares.begin(1, heavy=False)
        with lock:
            running[1] += 1
            most = max(most, running[1])
        with lock:
            running[1] -= 1
        shares.end(1, 0, heavy=False)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(200)))
    assert most <= AT_ONCE
    assert not shares._running


def test_account_with_running_requests_does_not_stop_others(
    app: Any, alice: User, bob: User, monkeypatch: Patch
) -> None:
    shares: Shares = app.registry["shares"]
    for _ in range(AT_ONCE):
        shares.begin(alice.id, heavy=False)
    monkeypatch.setattr(module, "PATIENCE", 0)
    for answer in (alice.get(alice.url), alice.post_json(alice.tasks_url, {"name": "Tea"})):
        assert (answer.status_int, answer.headers["Retry-After"]) == (429, "1")
    assert bob.post_json(bob.tasks_url, {"name": "Tea"}).status_int == 201
    for _ in range(AT_ONCE):
        shares.end(alice.id, 0, heavy=False)
    assert alice.get(alice.url).status_int == 200


def test_every_request_gives_its_share_back(app: Any, alice: User) -> None:
    for method, path, fields in (
        ("GET", "/tasks", {}),
        ("GET", "/tasks/999", {}),
        ("POST", "/tasks", {"name": "Milk"}),
        ("POST", "/tasks", {"name": ""}),
        ("POST", "/tasks", LARGE),
        ("DELETE", "/tasks?due=none", {}),
        ("GET", "/export", {}),
    ):
        alice.send_json(method, alice.url + path, fields)
    assert not app.registry["shares"]._running


def test_memory_of_shares_is_bounded() -> None:
    shares = Shares()
    for number in range(MOST_ENTRIES + 10):
        shares.spend(READS, number, 1, 10)
        shares.spend(WRITTEN, number, 1, 10)
        shares.remember(number.to_bytes(32, "big"), number)
    assert len(shares._windows) <= MOST_ENTRIES
    assert len(shares.accounts) <= MOST_ENTRIES


def test_exports_of_an_account_are_limited_per_hour(
    alice: User, bob: User, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("exports", 2)
    statuses = [alice.get(f"{alice.url}/export").status_int for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert bob.get(f"{bob.url}/export").status_int == 200
    assert alice.get(alice.url).status_int == 200
    set_clock(timedelta(minutes=61))
    assert alice.get(f"{alice.url}/export").status_int == 200


def test_second_export_waits_until_the_first_is_read(server: Server, committed: Session) -> None:
    login, other = make_account(committed), make_account(committed)
    for _ in range(2):
        make_tasks(committed, login, [{"note": "x" * 10_000}] * 500)
    before = deleted_files(server)
    with closing(socket.create_connection((server.host, server.port), timeout=30)) as unread:
        token = f"Authorization: Bearer {login.token}"
        unread.sendall(f"GET {login.url}/export HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n".encode())
        assert unread.recv(12) == b"HTTP/1.1 200"
        for _ in range(3):
            status, headers, problem = server.send("GET", f"{login.url}/export", token=login.token)
            assert (status, problem["code"]) == (429, "too_many_requests")
            assert headers["Retry-After"] == "10"
        assert len(deleted_files(server) - before) == 1, "one temporary file without a name"
        assert server.send("GET", f"{other.url}/export", token=other.token)[0] == 200
    deadline = time.monotonic() + 10
    while deleted_files(server) - before:
        assert time.monotonic() < deadline, "the server keeps the file of a closed connection"
        time.sleep(0.05)
    assert server.send("GET", f"{login.url}/export", token=login.token)[0] == 200


def deleted_files(server: Server) -> set[str]:
    """Return the open files of the server's process that have no name (Linux only)."""
    descriptors = Path(f"/proc/{server.process.pid}/fd").iterdir()
    return {name for each in descriptors if (name := os.readlink(each)).endswith(" (deleted)")}
