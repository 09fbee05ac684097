"""The hourly purge: only one process runs it, and it is repeated after a failure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import Login, make_account, make_key, make_token
from tests.support.running import run_concurrently
from todo import clock
from todo.jobs.hourly import purge_hourly
from todo.models import IdempotencyKey, LimitCount, Token

SetClock = Callable[[timedelta], datetime]
HOUR = timedelta(hours=1)


def add_expired_rows(session: Session, login: Login) -> None:
    make_token(session, login.id, expiration_date=clock.now() - HOUR)
    make_key(session, login, "old", clock.now() - HOUR)


def test_hourly_purge_runs_in_one_process_only(real_app: Any, committed: Session) -> None:
    add_expired_rows(committed, make_account(committed))
    registry = real_app.registry
    results = run_concurrently(lambda _: purge_hourly(registry["engine"], registry["settings"]), 4)
    [deleted] = [each for each in results if each]
    assert deleted["expired sessions and tokens"] == deleted["idempotency keys"] == 1
    committed.rollback()
    assert committed.scalars(select(IdempotencyKey.key)).all() == []


def test_hourly_purge_runs_again_in_next_hour(
    real_app: Any, committed: Session, set_clock: SetClock
) -> None:
    alice = make_account(committed)
    registry = real_app.registry
    assert purge_hourly(registry["engine"], registry["settings"])
    add_expired_rows(committed, alice)
    assert purge_hourly(registry["engine"], registry["settings"]) == {}
    set_clock(HOUR + timedelta(seconds=1))
    assert purge_hourly(registry["engine"], registry["settings"])["idempotency keys"] == 1


def test_request_deletes_no_expired_rows(
    real_app: Any, committed: Session, set_clock: SetClock
) -> None:
    alice = User(real_app, make_account(committed))
    add_expired_rows(committed, alice)
    committed.add(LimitCount(name="x", subject="y", count=1, expiration_date=clock.now() - HOUR))
    committed.commit()
    set_clock(timedelta(minutes=2))
    assert alice.get(alice.tasks_url).status_int == 200
    assert alice.post(alice.tasks_url, {"name": "Milk"}).status_int == 201
    assert len(committed.scalars(select(Token.id)).all()) == 2
    assert committed.scalars(select(IdempotencyKey.key)).all() == ["old"]
    assert committed.scalars(select(LimitCount.name)).all() == ["x"]


def test_failed_purge_is_due_again(real_app: Any, committed: Session) -> None:
    add_expired_rows(committed, make_account(committed))
    registry = real_app.registry
    committed.execute(text("ALTER TABLE idempotency_keys RENAME TO hidden"))
    committed.commit()
    with pytest.raises(DBAPIError):
        purge_hourly(registry["engine"], registry["settings"])
    committed.execute(text("ALTER TABLE hidden RENAME TO idempotency_keys"))
    committed.commit()
    deleted = purge_hourly(registry["engine"], registry["settings"])
    assert (deleted["idempotency keys"], deleted["expired sessions and tokens"]) == (1, 0)


def test_purge_with_expired_claim_is_due(real_app: Any, committed: Session) -> None:
    registry = real_app.registry
    assert purge_hourly(registry["engine"], registry["settings"])
    expired = {"expiration_date": clock.now() - HOUR}
    committed.execute(update(LimitCount).values(expired))
    committed.commit()
    assert purge_hourly(registry["engine"], registry["settings"])
