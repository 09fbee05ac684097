"""The requests of an account in work: some run, some wait, and the others are refused."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.client import User
from tests.support.fixtures import Patch
from todo.auth import running as module
from todo.auth.running import AT_ONCE, WAITING, Running
from todo.http.errors import Problem
from todo.server import DEFAULTS

LARGE = {"tasks": [{"name": "Milk", "note": "x" * 10_000}] * 7}


def test_requests_that_wait_are_bounded(monkeypatch: Patch) -> None:
    """Each occupies a thread; two more of the process serve other accounts."""
    assert DEFAULTS["threads"] == AT_ONCE + WAITING + 2
    monkeypatch.setattr(module, "PATIENCE", 5)
    running = Running()
    for _ in range(AT_ONCE):
        running.begin(1, heavy=False)
    with ThreadPoolExecutor(WAITING) as pool:
        waiting = [pool.submit(running.begin, 1, heavy=False) for _ in range(WAITING)]
        while running._accounts[1].waiting < WAITING:
            time.sleep(0.01)
        with pytest.raises(Problem):
            running.begin(1, heavy=False)
        for _ in range(WAITING):
            running.end(1, 0, heavy=False)
        assert all(each.result(timeout=5) for each in waiting)


def test_requests_at_once_are_bounded(monkeypatch: Patch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    running = Running()
    for _ in range(AT_ONCE):
        running.begin(1, heavy=False)
    with pytest.raises(Problem) as refused:
        running.begin(1, heavy=False)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == ("too_many_requests", "1")
    running.begin(2, heavy=True)
    running.end(1, 0, heavy=False)
    running.begin(1, heavy=True)


def test_heavy_requests_of_an_account_run_one_at_a_time(monkeypatch: Patch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    running = Running()
    running.begin(1, heavy=True)
    with pytest.raises(Problem):
        running.begin(1, heavy=True)
    running.begin(1, heavy=False)
    running.begin(2, heavy=True)
    running.end(1, time.monotonic(), heavy=True)
    running.begin(1, heavy=True)


def test_heavy_request_rests_as_long_as_the_one_before(monkeypatch: Patch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(module, "sleep", rests.append)
    running = Running()
    for took in (0.25, 60):
        running.begin(1, heavy=True)
        running.end(1, time.monotonic() - took, heavy=True)
    for account_id, heavy in ((1, False), (2, True)):
        running.begin(account_id, heavy=heavy)
    assert len(rests) == 1, "neither the first, nor a light one, nor another account's"
    running.begin(1, heavy=True)
    assert [round(rest, 1) for rest in rests] == [0.2, module.LONGEST_REST]


def test_request_waits_as_long_as_others_end(monkeypatch: Patch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 5)
    running, entered, most = Running(), Counter[int](), 0
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal most
        running.begin(1, heavy=False)
        with lock:
            entered[1] += 1
            most = max(most, entered[1])
        with lock:
            entered[1] -= 1
        running.end(1, 0, heavy=False)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(200)))
    assert most <= AT_ONCE
    assert not running._accounts


def test_account_with_running_requests_does_not_stop_others(
    app: Any, alice: User, bob: User, monkeypatch: Patch
) -> None:
    running: Running = app.registry["running"]
    for _ in range(AT_ONCE):
        running.begin(alice.id, heavy=False)
    monkeypatch.setattr(module, "PATIENCE", 0)
    for answer in (alice.get(alice.url), alice.post_json(alice.tasks_url, {"name": "Tea"})):
        assert (answer.status_int, answer.headers["Retry-After"]) == (429, "1")
    assert bob.post_json(bob.tasks_url, {"name": "Tea"}).status_int == 201
    for _ in range(AT_ONCE):
        running.end(alice.id, 0, heavy=False)
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
    assert not app.registry["running"]._accounts
