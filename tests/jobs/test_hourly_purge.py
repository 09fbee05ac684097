"""The hourly purge: one process of several does it, and a failure stops nothing."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.support.at_once import at_once
from tests.support.client import Client
from tests.support.factories import Login, make_account, make_key, make_token
from todo import clock, jobs
from todo.jobs import purge_hourly
from todo.models import IdempotencyKey, LimitCount, Token

Move = Callable[[timedelta], datetime]
HOUR = timedelta(hours=1)


def expire(session: Session, login: Login) -> None:
    make_token(session, login.id, expiration_date=clock.now() - HOUR)
    make_key(session, login, "old", clock.now() - HOUR)


def test_of_several_processes_one_purges_in_an_hour(
    committing_app: Any, committing_session: Session
) -> None:
    expire(committing_session, make_account(committing_session))
    registry = committing_app.registry
    results = at_once(lambda _: purge_hourly(registry["engine"], registry["settings"]), 4)
    [deleted] = [each for each in results if each]
    assert deleted["expired sessions and tokens"] == deleted["idempotency keys"] == 1
    committing_session.rollback()
    assert committing_session.scalars(select(IdempotencyKey.key)).all() == []


def test_the_next_hour_is_purged_again(
    committing_app: Any, committing_session: Session, set_clock: Move
) -> None:
    alice = make_account(committing_session)
    registry = committing_app.registry
    assert purge_hourly(registry["engine"], registry["settings"])
    expire(committing_session, alice)
    assert purge_hourly(registry["engine"], registry["settings"]) == {}
    set_clock(HOUR + timedelta(seconds=1))
    assert purge_hourly(registry["engine"], registry["settings"])["idempotency keys"] == 1


def test_a_request_purges_nothing(
    as_alice: Client, alice: Login, dbsession: Session, set_clock: Move
) -> None:
    expire(dbsession, alice)
    dbsession.add(LimitCount(name="x", subject="y", count=1, expiration_date=clock.now() - HOUR))
    dbsession.commit()
    set_clock(timedelta(minutes=2))
    assert as_alice.get(alice.tasks_url).status_int == 200
    assert as_alice.post(alice.tasks_url, {"name": "Milk"}).status_int == 201
    dbsession.commit()
    assert len(dbsession.scalars(select(Token.id)).all()) == 2
    assert dbsession.scalars(select(IdempotencyKey.key)).all() == ["old"]
    assert dbsession.scalars(select(LimitCount.name)).all() == ["x"]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_thread_goes_on_after_a_failure_and_stops(
    committing_app: Any,
    committing_session: Session,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expire(committing_session, make_account(committing_session))
    committing_session.execute(text("ALTER TABLE limit_counts RENAME TO hidden"))
    committing_session.commit()
    monkeypatch.setattr(jobs, "ROUND", 0.01)
    with caplog.at_level(logging.INFO, "todo.jobs"):
        thread = jobs.start(committing_app.registry)
        try:
            wait_until(lambda: "the purge failed, and is tried again" in caplog.text)
            committing_session.execute(text("ALTER TABLE hidden RENAME TO limit_counts"))
            committing_session.commit()
            wait_until(lambda: "purged: expired sessions and tokens 1" in caplog.text)
        finally:
            thread.stop()
    assert committing_session.scalars(select(IdempotencyKey.key)).all() == []


def test_a_failed_purge_is_due_again(committing_app: Any, committing_session: Session) -> None:
    expire(committing_session, make_account(committing_session))
    registry = committing_app.registry
    committing_session.execute(text("ALTER TABLE idempotency_keys RENAME TO hidden"))
    committing_session.commit()
    with pytest.raises(DBAPIError):
        purge_hourly(registry["engine"], registry["settings"])
    committing_session.execute(text("ALTER TABLE hidden RENAME TO idempotency_keys"))
    committing_session.commit()
    deleted = purge_hourly(registry["engine"], registry["settings"])
    assert (deleted["idempotency keys"], deleted["expired sessions and tokens"]) == (1, 0)


def test_a_purge_that_was_claimed_long_ago_is_due(
    committing_app: Any, committing_session: Session
) -> None:
    registry = committing_app.registry
    assert purge_hourly(registry["engine"], registry["settings"])
    past = {"expiration_date": clock.now() - HOUR}
    committing_session.execute(update(LimitCount).values(past))
    committing_session.commit()
    assert purge_hourly(registry["engine"], registry["settings"])
