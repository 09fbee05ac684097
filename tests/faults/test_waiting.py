"""Waits for connections and locks are limited in time and do not delay other requests."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import User
from tests.support.factories import make_account
from tests.support.fixtures import Patch, SetClock
from tests.support.running import running_app
from todo.models import engine
from todo.models.engine import POOL_OVERFLOW, POOL_SIZE, POOL_TIMEOUT

SLACK = 3  # seconds, for a busy machine


def assert_unavailable(response: TestResponse) -> None:
    assert (response.status_int, response.json["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_exhausted_pool_is_unavailable_after_timeout(real_alice: User) -> None:
    client = alice = real_alice
    reading = alice.app.registry["reading_engine"]
    with ExitStack() as stack, ThreadPoolExecutor(2) as clients:
        for _ in range(POOL_SIZE + POOL_OVERFLOW):
            stack.enter_context(closing(reading.raw_connection()))
        began = time.monotonic()
        pending = [clients.submit(client.get, url) for url in (alice.tasks_url, "/readyz")]
        assert client.get("/healthz").status_int == 200
        assert client.get("/api/v1").status_int == 200
        assert not any(each.done() for each in pending), "other requests must not wait"
        for each in pending:
            assert_unavailable(each.result())
        assert time.monotonic() - began < POOL_TIMEOUT + SLACK
    assert client.get(alice.tasks_url).status_int == 200
    assert client.get("/readyz").status_int == 200


@pytest.fixture
def impatient_app(monkeypatch: Patch, database_url: str) -> Iterator[Any]:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    with running_app(database_url) as app:
        yield app


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_long_write_transaction_blocks_other_writes_but_not_reads(
    impatient_app: Any, committed: Session
) -> None:
    alice = User(impatient_app, make_account(committed, "alice"))
    with impatient_app.registry["engine"].begin():
        assert_unavailable(alice.post_json(alice.tasks_url, {"name": "Milk"}))
        assert alice.get(alice.tasks_url).json["tasks"] == []
    assert alice.post_json(alice.tasks_url, {"name": "Milk"}).status_int == 201


def test_held_lock_blocks_conflicting_writes_but_not_reads(
    impatient_app: Any, committed: Session, set_clock: SetClock
) -> None:
    alice, bob = (User(impatient_app, make_account(committed, name)) for name in ("alice", "bob"))
    set_clock(timedelta(minutes=2))  # the tokens' last use is due for an update
    by_row = committed.get_bind().dialect.name == "postgresql"
    committed.execute(text("UPDATE accounts SET email = email WHERE username = 'alice'"))
    committed.execute(text(f"UPDATE tokens SET name = name WHERE account_id = {alice.id}"))
    milk = {"name": "Milk"}
    with ThreadPoolExecutor(1) as clients:
        began = time.monotonic()
        pending = clients.submit(alice.post, alice.tasks_url, milk)
        assert alice.get(alice.tasks_url).status_int == 200
        assert bob.get(bob.tasks_url).status_int == 200
        assert not pending.done(), "reads must not wait for the lock"
        assert_unavailable(pending.result())
        assert time.monotonic() - began < engine.LOCK_TIMEOUT + SLACK
    if by_row:
        assert bob.post(bob.tasks_url, milk).status_int == 201
    committed.rollback()
    assert alice.post(alice.tasks_url, milk).status_int == 201
    assert alice.get(alice.tasks_url).json["tasks"][0]["name"] == "Milk"


def test_wait_timeouts_are_two_and_five_seconds() -> None:
    assert (engine.POOL_TIMEOUT, engine.LOCK_TIMEOUT) == (2, 5)
