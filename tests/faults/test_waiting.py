"""What waits for a connection or a lock waits for a limited time, and lets others pass."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import Client
from tests.support.factories import make_account
from tests.support.running import running_app
from todo.models import engine
from todo.models.engine import POOL_OVERFLOW, POOL_SIZE, POOL_TIMEOUT

SLACK = 3  # seconds, for a machine with much else to do


def assert_unavailable(response: TestResponse) -> None:
    assert (response.status_int, response.json["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_an_exhausted_pool(committing_app: Any, committing_session: Session) -> None:
    alice = make_account(committing_session, "alice")
    client = Client(committing_app, alice.token)
    reading = committing_app.registry["reading_engine"]
    with ExitStack() as stack, ThreadPoolExecutor(2) as people:
        for _ in range(POOL_SIZE + POOL_OVERFLOW):
            stack.enter_context(closing(reading.raw_connection()))
        began = time.monotonic()
        asked = [people.submit(client.get, url) for url in (alice.tasks_url, "/readyz")]
        assert client.get("/healthz").status_int == 200
        assert client.get("/api/v1").status_int == 200
        assert not any(each.done() for each in asked), "others need not wait"
        for each in asked:
            assert_unavailable(each.result())
        assert time.monotonic() - began < POOL_TIMEOUT + SLACK
    assert client.get(alice.tasks_url).status_int == 200
    assert client.get("/readyz").status_int == 200


@pytest.fixture
def impatient_app(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Any]:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    with running_app(database_url) as app:
        yield app


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_a_thread_that_writes_for_long(impatient_app: Any, committing_session: Session) -> None:
    alice = make_account(committing_session, "alice")
    client = Client(impatient_app, alice.token)
    with impatient_app.registry["engine"].begin():
        assert_unavailable(client.post_json(alice.tasks_url, {"name": "Milk"}))
        assert client.get(alice.tasks_url).json["tasks"] == []
    assert client.post_json(alice.tasks_url, {"name": "Milk"}).status_int == 201


def test_a_lock_that_is_held(
    impatient_app: Any,
    committing_session: Session,
    set_clock: Callable[[timedelta], datetime],
) -> None:
    alice, bob = (make_account(committing_session, name) for name in ("alice", "bob"))
    set_clock(timedelta(minutes=2))  # the use of the tokens is to be noted
    by_row = committing_session.get_bind().dialect.name == "postgresql"
    committing_session.execute(text("UPDATE accounts SET email = email WHERE username = 'alice'"))
    committing_session.execute(text(f"UPDATE tokens SET name = name WHERE account_id = {alice.id}"))
    as_alice, as_bob = Client(impatient_app, alice.token), Client(impatient_app, bob.token)
    milk = {"name": "Milk"}
    with ThreadPoolExecutor(1) as people:
        began = time.monotonic()
        asked = people.submit(as_alice.post, alice.tasks_url, milk)
        assert as_alice.get(alice.tasks_url).status_int == 200
        assert as_bob.get(bob.tasks_url).status_int == 200
        assert not asked.done(), "who reads need not wait"
        assert_unavailable(asked.result())
        assert time.monotonic() - began < engine.LOCK_TIMEOUT + SLACK
    if by_row:
        assert as_bob.post(bob.tasks_url, milk).status_int == 201
    committing_session.rollback()
    assert as_alice.post(alice.tasks_url, milk).status_int == 201
    assert as_alice.get(alice.tasks_url).json["tasks"][0]["name"] == "Milk"


def test_how_long_is_configured() -> None:
    assert (engine.POOL_TIMEOUT, engine.LOCK_TIMEOUT) == (2, 5)
