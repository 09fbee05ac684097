"""The purge deletes nothing for a day after the clock has jumped ahead."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import Login, make_account, make_key
from tests.support.fixtures import Logs, SetClock
from todo import clock
from todo.jobs.hourly import purge_hourly
from todo.models import IdempotencyKey, LimitCount, Token

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
JUMP = DAY + HOUR + timedelta(minutes=1)

Purge = Callable[[], bool]


@pytest.fixture
def alice(committed: Session) -> Login:
    return make_account(committed, "alice")


@pytest.fixture
def purge(real_app: Any, committed: Session, alice: Login) -> Purge:
    """Return a function that runs the hourly purge, and returns whether it deletes an old key."""
    registry = real_app.registry

    def run() -> bool:
        make_key(committed, alice, "old", clock.now() - HOUR)
        committed.commit()
        purge_hourly(registry["engine"], registry["settings"])
        kept = committed.scalars(select(IdempotencyKey.key)).all()
        committed.execute(delete(IdempotencyKey))
        committed.commit()
        return kept == []

    return run


def test_purge_pauses_for_a_day_after_clock_jump(
    purge: Purge, real_app: Any, alice: Login, set_clock: SetClock, caplog: Logs
) -> None:
    assert purge()
    until = set_clock(JUMP).astimezone(UTC) + DAY
    user = User(real_app, alice)
    assert user.post(user.tasks_url, {"name": "Milk"}).status_int == 201
    for hours in range(24):
        set_clock(JUMP + hours * HOUR + timedelta(minutes=hours))
        assert not purge(), hours
    paused = [record for record in caplog.records if "nothing is purged until" in record.message]
    assert [record.levelname for record in paused] == ["WARNING"] * 24
    assert f"until {until:%Y-%m-%dT%H:%MZ}: the clock" in caplog.text
    set_clock(JUMP + DAY + HOUR)
    assert purge()


def test_purge_pauses_if_newest_write_is_older_than_a_day(
    purge: Purge, set_clock: SetClock
) -> None:
    set_clock(JUMP)
    assert not purge()


def test_purge_of_new_database_runs(real_app: Any, committed: Session) -> None:
    registry = real_app.registry
    assert committed.scalars(select(Token.id)).all() == []
    committed.rollback()
    assert purge_hourly(registry["engine"], registry["settings"])["changes"] == 0


def test_purge_of_service_without_writes_continues(purge: Purge, set_clock: SetClock) -> None:
    for hours in range(0, 72, 12):
        set_clock(hours * HOUR)
        assert purge(), hours


def test_purge_after_clock_is_corrected_runs(purge: Purge, set_clock: SetClock) -> None:
    assert purge()
    set_clock(26 * HOUR)
    assert not purge()
    for hours in range(2, 60, 7):  # also past the end of that pause
        set_clock(hours * HOUR)
        assert purge(), hours


def test_second_clock_jump_restarts_pause(purge: Purge, set_clock: SetClock) -> None:
    assert purge()
    for jumps in (1, 2, 3):
        set_clock(jumps * JUMP)
        assert not purge(), jumps


def test_purge_by_process_with_wrong_clock_pauses(
    purge: Purge, set_clock: SetClock, committed: Session
) -> None:
    for hours in (0, 2, 4):
        set_clock(hours * HOUR)
        assert purge()
        set_clock(hours * HOUR + 400 * DAY)
        assert not purge()
    assert "purge-pause" in committed.scalars(select(LimitCount.name)).all()
