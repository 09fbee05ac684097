"""A receiver of webhooks, and accounts that have some."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import make_account
from tests.support.fixtures import Patch
from tests.support.receiver import LOCAL, Receiver, running_receiver
from tests.support.webhooks import Deliver
from todo.jobs.webhooks import deliver_webhooks


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def alice(real_alice: User) -> User:
    return real_alice


@pytest.fixture
def bob(real_app: Any, committed: Session) -> User:
    return User(real_app, make_account(committed, "bob"))


@pytest.fixture
def deliver(real_app: Any, monkeypatch: Patch) -> Deliver:
    """Return a function that runs the job, which may send to this machine."""
    engine, settings = real_app.registry["engine"], real_app.registry["settings"]
    monkeypatch.setattr(settings, "webhook_networks", LOCAL)
    return lambda: deliver_webhooks(engine, settings, lambda _seconds: None)
