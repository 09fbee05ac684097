"""The metrics of the pools of connections, and of waits for locks."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import Engine, exc, text
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import make_account
from tests.support.fixtures import Patch
from tests.support.metrics import increase_of
from tests.support.running import running_app
from todo.models import engine as module
from todo.models.engine import create_engine
from todo.models.sqlite import begin_with_short_timeout

POOLS = pytest.mark.parametrize("pool", ["writing", "reading"])


@pytest.fixture
def make_engine(database_url: str, monkeypatch: Patch) -> Iterator[Any]:
    """Return a function that makes an engine with at most two connections."""
    for name, value in (("POOL_SIZE", 1), ("POOL_OVERFLOW", 1), ("POOL_TIMEOUT", 0.01)):
        monkeypatch.setattr(module, name, value)
    with ExitStack() as stack:

        def make(pool: str) -> Engine:
            engine = create_engine(database_url, reads_only=pool == "reading")
            stack.callback(engine.dispose)
            return engine

        yield make


@POOLS
def test_connections_are_counted_by_pool_and_state(make_engine: Any, pool: str) -> None:
    in_use, idle = (
        increase_of("todo_pool_connections", pool=pool, state=state) for state in ("in_use", "idle")
    )
    engine = make_engine(pool)
    assert (in_use(), idle()) == (0, 0)
    first, second = engine.raw_connection(), engine.raw_connection()
    assert (in_use(), idle()) == (2, 0)
    first.close()
    assert (in_use(), idle()) == (1, 1)
    second.close()  # beyond the size of the pool
    assert (in_use(), idle()) == (0, 1)
    lost = engine.raw_connection()
    lost.invalidate()
    assert (in_use(), idle()) == (0, 0)
    engine.raw_connection().close()
    engine.dispose()
    assert (in_use(), idle()) == (0, 0)
    engine.raw_connection().close()
    assert (in_use(), idle()) == (0, 1), "a renewed pool counts as well"


@POOLS
def test_pool_timeout_is_counted(make_engine: Any, pool: str) -> None:
    timeouts = increase_of("todo_pool_timeouts_total", pool=pool)
    engine = make_engine(pool)
    with closing(engine.raw_connection()), closing(engine.raw_connection()):
        with pytest.raises(exc.TimeoutError):
            engine.raw_connection()
        assert timeouts() == 1
    engine.raw_connection().close()
    assert timeouts() == 1


@pytest.fixture
def impatient_app(monkeypatch: Patch, database_url: str) -> Iterator[Any]:
    monkeypatch.setattr(module, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(module.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    with running_app(database_url) as app:
        yield app


def test_wait_for_lock_and_its_timeout_are_measured(impatient_app: Any, committed: Session) -> None:
    alice = User(impatient_app, make_account(committed, "alice"))
    timeouts = increase_of("todo_lock_wait_timeouts_total")
    waits = increase_of("todo_lock_wait_seconds_count")
    short = increase_of("todo_lock_wait_seconds_bucket", le="0.5")
    assert alice.get(alice.tasks_url).status_int == 200
    assert waits() == 0, "a read waits for no lock"
    assert alice.post_json(alice.tasks_url, {"name": "Milk"}).status_int == 201
    assert (waits(), short(), timeouts()) == (1, 1, 0)
    committed.execute(text("UPDATE accounts SET email = email"))
    assert alice.post_json(alice.tasks_url, {"name": "Milk"}).status_int == 503
    assert (waits(), short(), timeouts()) == (2, 1, 1)
    committed.rollback()


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_lock_of_other_thread_is_counted_unless_wait_is_short(impatient_app: Any) -> None:
    timeouts = increase_of("todo_lock_wait_timeouts_total")
    engine = impatient_app.registry["engine"]
    with engine.begin(), Session(engine) as session:
        with pytest.raises(exc.OperationalError):
            begin_with_short_timeout(session)
        session.rollback()
        assert timeouts() == 0
        with pytest.raises(exc.OperationalError):
            session.connection()
        assert timeouts() == 1


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_short_wait_for_other_process_is_not_counted(
    impatient_app: Any, committed: Session
) -> None:
    timeouts = increase_of("todo_lock_wait_timeouts_total")
    committed.execute(text("UPDATE accounts SET email = email"))
    engine = impatient_app.registry["engine"]
    with Session(engine) as session, pytest.raises(exc.OperationalError):
        begin_with_short_timeout(session)
    assert timeouts() == 0
    committed.rollback()
