"""Several processes, kills and wrong clocks: each message is sent at least once, in order."""

import os
import signal
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.databases import event_listener, session_on
from tests.support.factories import make_account
from tests.support.fixtures import SetClock
from tests.support.outline import add
from tests.support.pserve import pserve
from tests.support.receiver import Received, Receiver
from tests.support.running import run_concurrently
from tests.support.webhooks import Deliver, add_webhook, names, show
from todo.jobs.runner import StoppedError
from todo.jobs.webhooks import deliver_webhooks
from todo.models.engine import create_engine
from todo.models.webhook import WEBHOOKS
from todo.services import outbox


def test_two_runners_send_each_message_once(
    real_app: Any, committed: Session, receiver: Receiver, deliver: Deliver, database_url: str
) -> None:
    users = [User(real_app, make_account(committed)) for _ in range(6)]
    for user in users:
        for number in range(2):
            add_webhook(user, f"{receiver.url}/{user.username}/{number}")
        for _ in range(3):
            alike = {"tasks": [{"name": "a"}] * 20}
            assert user.post_json(user.tasks_url, alike).status_int == 201
    settings = real_app.registry["settings"]
    engines = [create_engine(database_url) for _ in range(2)]
    for _ in range(2):
        run_concurrently(
            lambda number: deliver_webhooks(engines[number], settings, lambda _seconds: None), 2
        )
    for engine in engines:
        engine.dispose()
    assert len(receiver.received) == 6 * 2 * 60
    counts = Counter((each.path, each.id) for each in receiver.received)
    assert set(counts.values()) == {1}
    for user in users:
        revisions = [
            (each.json["data"]["change"]["revision"], each.json["data"]["change"]["id"])
            for each in receiver.at(f"/{user.username}/0")
        ]
        assert revisions == sorted(revisions)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_webhook_claimed_in_between_is_skipped(
    alice: User, receiver: Receiver, deliver: Deliver, database_url: str
) -> None:
    """On SQLite, the lock for writes is held from the look to the claim."""
    add_webhook(alice, receiver.url)
    add(alice, name="a")
    claimed = []

    def claim_first(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE webhooks"):
            with session_on(database_url) as other:
                claimed.extend(outbox.claim_due(other, [], 10))
                other.commit()

    with session_on(database_url) as session:
        with event_listener(session.get_bind(), "before_cursor_execute", claim_first):
            assert outbox.claim_due(session, [], 10) == []
        session.rollback()
    assert len(claimed) == 1


def test_message_is_repeated_after_a_kill(
    alice: User,
    receiver: Receiver,
    deliver: Deliver,
    database_url: str,
    set_clock: SetClock,
) -> None:
    path, _ = add_webhook(alice, receiver.url)
    for name in ("a", "b", "c"):
        add(alice, name=name)
    networks = {"TODO_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    with pserve("development.ini", DATABASE_URL=database_url, **networks) as server:

        def kill(_request: Received) -> None:
            if len(receiver.received) == 2:
                os.kill(server.process.pid, signal.SIGKILL)

        receiver.before_answer = kill
        receiver.wait_for(2)
        server.process.wait(30)
    deliver()
    assert len(receiver.received) == 2, "the claim of the killed process has not ended"
    set_clock(outbox.CLAIM + timedelta(seconds=1))
    deliver()
    assert names(receiver.received) == ["a", "b", "a", "b", "c"]
    assert receiver.received[0].id == receiver.received[2].id
    assert receiver.received[1].id == receiver.received[3].id
    assert show(alice, path)["last_answer"]["error"] is None


def test_stop_ends_the_running_request_and_stores_its_result(
    alice: User, receiver: Receiver, real_app: Any, deliver: Deliver
) -> None:
    add_webhook(alice, receiver.url)
    for name in ("a", "b"):
        add(alice, name=name)
    stopping = threading.Event()

    def stop(_request: Received) -> None:
        stopping.set()
        asked.wait(60)

    def pause(_seconds: float) -> None:
        if stopping.is_set():
            asked.set()
            raise StoppedError

    asked = threading.Event()
    receiver.before_answer = stop
    registry = real_app.registry
    with pytest.raises(StoppedError):
        deliver_webhooks(registry["engine"], registry["settings"], pause)
    assert names(receiver.received) == ["a"]
    receiver.before_answer = lambda _request: None
    deliver()
    assert names(receiver.received) == ["a", "b"], "the claim has ended with the process"


def test_claim_from_a_wrong_clock_is_not_waited_for(
    alice: User, receiver: Receiver, deliver: Deliver, committed: Session
) -> None:
    add_webhook(alice, receiver.url)
    add(alice, name="a")
    ahead = datetime.now(UTC) + timedelta(days=300)
    committed.execute(update(WEBHOOKS).values(claimed_until=ahead, next_attempt_date=ahead))
    committed.commit()
    deliver()
    assert names(receiver.received) == ["a"]


def test_claim_of_a_process_whose_clock_is_ahead_holds(
    alice: User, receiver: Receiver, deliver: Deliver, committed: Session
) -> None:
    add_webhook(alice, receiver.url)
    add(alice, name="a")
    ahead = datetime.now(UTC) + outbox.CLAIM + timedelta(seconds=10)
    committed.execute(update(WEBHOOKS).values(claimed_until=ahead))
    committed.commit()
    deliver()
    assert receiver.received == []


def test_answer_of_an_old_url_counts_no_failure(
    alice: User, receiver: Receiver, deliver: Deliver
) -> None:
    receiver.statuses["/old"] = 410
    path, _ = add_webhook(alice, receiver.url + "/old")
    add(alice, name="a")

    def change_url(request: Received) -> None:
        if request.path == "/old":
            alice.send_json("PATCH", path, {"url": receiver.url + "/new"})

    receiver.before_answer = change_url
    deliver()
    assert names(receiver.at("/new")) == ["a"]
    assert show(alice, path)["enabled"]


def test_answer_of_a_lost_claim_is_not_stored(
    alice: User, receiver: Receiver, deliver: Deliver, database_url: str
) -> None:
    path, _ = add_webhook(alice, receiver.url)
    add(alice, name="a")
    later = datetime.now(UTC) + timedelta(seconds=30)

    def claim_again(_request: Received) -> None:
        with session_on(database_url) as session:
            session.execute(update(WEBHOOKS).values(claimed_until=later))
            session.commit()

    receiver.before_answer = claim_again
    deliver()
    assert len(receiver.received) == 1
    assert show(alice, path)["last_answer"] is None
