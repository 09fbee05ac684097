"""Fixtures of tests about tasks that recur."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import make_account
from tests.support.fixtures import SetClock
from tests.support.recurring import BERLIN, At


@pytest.fixture
def at(set_clock: SetClock) -> At:
    """Return a function that sets the clock, which is at noon of 1 March 2030, a Friday."""

    def move(text: str) -> None:
        set_clock(datetime.fromisoformat(text) - datetime.now().astimezone())

    move("2030-03-01T12:00:00Z")
    return move


@pytest.fixture
def carol(at: At, app: Any, db: Session) -> User:
    return User(app, make_account(db, "carol", timezone=BERLIN))
