"""Failing receivers: messages are repeated, webhooks disabled, and no other receiver waits."""

import gzip
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.client import User
from tests.support.fixtures import Patch, SetClock
from tests.support.outline import add
from tests.support.receiver import Receiver, running_receiver
from tests.support.webhooks import Deliver, add_webhook, names, show
from todo.services import outbox, sending

HOUR = timedelta(hours=1)


def test_receiver_that_is_down_for_an_hour_gets_all(
    alice: User, deliver: Deliver, set_clock: SetClock
) -> None:
    with running_receiver() as stopped:
        pass
    path, _ = add_webhook(alice, stopped.url)
    for name in ("a", "b"):
        add(alice, name=name)
    moments = []
    elapsed = timedelta(0)
    while elapsed < HOUR:
        now = set_clock(elapsed)
        deliver()
        shown = show(alice, path)
        assert shown["enabled"]
        assert shown["last_answer"]["status"] is None
        assert "connection was not possible" in shown["last_answer"]["error"]
        following = datetime.fromisoformat(shown["next_attempt_date"])
        moments.append(round((following - now).total_seconds(), -1))
        set_clock(elapsed + (following - now) / 2)
        deliver()
        assert show(alice, path)["last_answer"] == shown["last_answer"], "it has to wait"
        elapsed += following - now + timedelta(seconds=1)
    assert moments == [0, 30, 120, 600, 1800, 3600]
    port = int(stopped.url.rpartition(":")[2])
    set_clock(elapsed)
    with running_receiver(port) as receiver:
        deliver()
    assert names(receiver.received) == ["a", "b"]
    shown = show(alice, path)
    assert (shown["failing_since"], shown["next_attempt_date"]) == (None, None)


def test_webhook_is_disabled_after_a_day_of_failures(
    alice: User, receiver: Receiver, deliver: Deliver, set_clock: SetClock
) -> None:
    receiver.statuses["/"] = 500
    path, _ = add_webhook(alice, receiver.url + "/")
    add(alice, name="a")
    began = set_clock(timedelta(0))
    elapsed = timedelta(0)
    for _ in range(30):
        deliver()
        shown = show(alice, path)
        if not shown["enabled"]:
            break
        assert (shown["last_answer"]["status"], shown["failing_since"]) == (
            500,
            f"{began.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
        following = datetime.fromisoformat(shown["next_attempt_date"])
        elapsed = following - began + timedelta(seconds=1)
        set_clock(elapsed)
    assert (shown["disabled_reason"], shown["next_attempt_date"]) == ("failing", None)
    assert timedelta(hours=24) <= elapsed < timedelta(hours=24, minutes=1)
    assert len({each.id for each in receiver.received}) == 1, "the id is the same at each attempt"
    assert len(receiver.received) == 19

    count = len(receiver.received)
    add(alice, name="b")
    set_clock(elapsed + 3 * HOUR)
    deliver()
    assert len(receiver.received) == count
    receiver.statuses.clear()
    enabled = alice.send_json("PATCH", path, {"enabled": True}).json["webhook"]
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
    deliver()
    assert names(receiver.received[count:]) == ["a", "b"], "it goes on where it stopped"


def test_pause_of_the_service_is_no_day_of_failures(
    alice: User, receiver: Receiver, deliver: Deliver, set_clock: SetClock
) -> None:
    receiver.statuses["/"] = 500
    path, _ = add_webhook(alice, receiver.url + "/")
    add(alice, name="a")
    deliver()
    set_clock(timedelta(hours=30))
    deliver()
    assert len(receiver.received) == 2
    assert show(alice, path)["enabled"]


def test_gone_disables_at_once(alice: User, receiver: Receiver, deliver: Deliver) -> None:
    receiver.statuses["/"] = 410
    path, _ = add_webhook(alice, receiver.url + "/")
    add(alice, name="a")
    deliver()
    shown = show(alice, path)
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    assert shown["last_answer"]["status"] == 410


def test_redirect_is_not_followed(alice: User, receiver: Receiver, deliver: Deliver) -> None:
    receiver.statuses["/"] = 307
    receiver.fields["Location"] = f"{receiver.url}/elsewhere"
    path, _ = add_webhook(alice, receiver.url + "/")
    add(alice, name="a")
    deliver()
    assert receiver.at("/elsewhere") == []
    answer = show(alice, path)["last_answer"]
    assert answer["status"] == 307
    assert "redirect" in answer["error"]


@pytest.mark.parametrize("compressed", [False, True])
def test_huge_answer_is_not_read(
    alice: User, receiver: Receiver, deliver: Deliver, compressed: bool
) -> None:
    receiver.body, receiver.repeated = b"x" * 100_000, 1000
    if compressed:
        receiver.fields["Content-Encoding"] = "gzip"
        receiver.body, receiver.repeated = gzip.compress(bytes(100_000_000)), 1
    path, _ = add_webhook(alice, receiver.url)
    add(alice, name="a")
    tracemalloc.start()
    deliver()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    assert receiver.sent < 50_000_000
    assert show(alice, path)["last_answer"]["error"] is None


def test_receiver_that_hangs_delays_nobody_else(
    alice: User, bob: User, receiver: Receiver, deliver: Deliver, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 4)
    release = threading.Event()
    receiver.before_answer = lambda request: request.path != "/hang" or release.wait(60)
    paths = [add_webhook(alice, receiver.url + "/hang")[0] for _ in range(4)]
    add_webhook(bob, receiver.url + "/bob")
    add(alice, name="a")
    add(bob, name="a")
    job = threading.Thread(target=deliver)
    job.start()
    receiver.wait_for(1, "/bob")
    receiver.wait_for(2, "/hang")
    add(bob, name="b")
    assert names(receiver.wait_for(2, "/bob")) == ["a", "b"], "also what becomes due meanwhile"
    assert len(receiver.at("/hang")) == outbox.OF_ACCOUNT
    job.join(60)
    release.set()
    answers = [show(alice, path)["last_answer"] for path in paths]
    assert {answer["error"] for answer in answers} == {
        "There was no complete answer within 4 seconds."
    }
    assert all(4000 <= answer["milliseconds"] < 6000 for answer in answers)
