"""Budgets: what one account may use of a process in a minute or an hour."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import make_task
from tests.support.fixtures import ApiToken, Patch, SetClock
from todo.auth.budgets import MOST_WINDOWS, READS, WRITTEN, Budgets
from todo.auth.running import Running
from todo.http.errors import Problem

LARGE = {"tasks": [{"name": "Milk", "note": "x" * 10_000}] * 7}


@pytest.fixture
def limit(app: Any) -> Iterator[Callable[[str, int], None]]:
    settings = app.registry["settings"]
    before = vars(settings).copy()
    app.registry["budgets"] = Budgets()

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
    monkeypatch.setattr("todo.auth.running.PATIENCE", 0)
    running: Running = app.registry["running"]
    began = running.begin(alice.id, heavy=True)
    assert {alice.post_json(alice.tasks_url, LARGE).status_int for _ in range(3)} == {429}
    running.end(alice.id, began, heavy=True)
    assert alice.post_json(alice.tasks_url, LARGE).status_int == 201


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


def test_memory_of_budgets_is_bounded() -> None:
    """The windows that end last are kept, so filling the memory does not reset an hour."""
    budgets = Budgets()
    budgets.spend("exports", 0, 10)
    for number in range(MOST_WINDOWS + 10):
        budgets.spend(READS, number, 1)
        budgets.spend(WRITTEN, number, 1)
    assert len(budgets._windows) <= MOST_WINDOWS
    with pytest.raises(Problem, match="Too many exports"):
        budgets.refuse_exceeded("exports", 0, 10)
