"""The job sends changes to webhooks: in order, at least once, and never held up by a receiver."""

import gzip
import os
import signal
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from tests.support.client import User
from tests.support.databases import event_listener, session_on
from tests.support.factories import change_accounts, make_account
from tests.support.fixtures import Patch, SetClock
from tests.support.outline import add, change
from tests.support.pserve import pserve
from tests.support.receiver import LOCAL, Received, Receiver, running_receiver
from tests.support.running import run_concurrently
from todo.jobs.runner import StoppedError
from todo.jobs.webhooks import deliver_webhooks
from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.models.engine import create_engine
from todo.models.webhook import WEBHOOKS
from todo.services import outbox, sending

HOUR = timedelta(hours=1)

Deliver = Callable[[], None]


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


def add_webhook(user: User, url: str, **fields: Any) -> tuple[str, str]:
    """Create a webhook and return its path and its secret."""
    answer = user.post_json(f"{user.url}/webhooks", {"url": url, **fields})
    assert answer.status_int == 201, answer
    return answer.headers["Location"], answer.json["secret"]


def show(user: User, path: str) -> dict[str, Any]:
    shown: dict[str, Any] = user.get(path).json["webhook"]
    return shown


def names(received: list[Received]) -> list[str]:
    return [each.json["data"]["change"]["after"]["name"] for each in received]


def test_changes_are_sent_signed_and_in_order(
    alice: User, receiver: Receiver, deliver: Deliver
) -> None:
    add(alice, name="before")
    path, secret = add_webhook(alice, f"{receiver.url}/hook?key=%20x")
    since = alice.get(alice.tasks_url).json["revision"]
    task_id = add(alice, name="Milk")
    change(alice, task_id, name="Tea")
    alice.post_json(alice.tasks_url, {"tasks": [{"name": "a"}, {"name": "b"}]})
    alice.delete(f"{alice.tasks_url}/{task_id}")
    deliver()
    feed = alice.get(f"{alice.url}/changes?since={since}").json["changes"]
    assert [each.json["data"]["change"] for each in receiver.received] == feed
    assert len(feed) == 5
    for each in receiver.received:
        assert each.path == "/hook?key=%20x"
        assert each.headers["User-Agent"] == "todo"
        assert each.headers["Content-Type"] == "application/json"
        message = Webhook(secret).verify(each.body, dict(each.headers))
        changed = message["data"]["change"]
        assert message["type"] == f"{changed['kind']}.{changed['action']}"
        assert message["timestamp"] == changed["date"]
        assert message["data"]["username"] == "alice"
    assert len({each.id for each in receiver.received}) == 5
    last = show(alice, path)["last_answer"]
    assert (last["status"], last["error"]) == (200, None)
    deliver()
    assert len(receiver.received) == 5, "each message is sent once"


def test_only_wanted_events_are_sent(
    alice: User, receiver: Receiver, deliver: Deliver, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(outbox, "MAX_SCANNED", 3)
    add_webhook(alice, receiver.url + "/deletions", events=["task.delete"])
    add_webhook(alice, receiver.url + "/lists", events=["list.*", "filter.create"])
    ids = alice.post_json(alice.tasks_url, {"tasks": [{"name": "a"}] * 7}).json["tasks"]
    alice.post_json(f"{alice.url}/lists", {"name": "Home"})
    alice.post_json(f"{alice.url}/filters", {"name": "Open", "query": ""})
    alice.delete(f"{alice.tasks_url}/{ids[3]['id']}")
    deliver()
    deleted = [each.json["type"] for each in receiver.at("/deletions")]
    assert deleted == ["task.delete"]
    lists = [each.json["type"] for each in receiver.at("/lists")]
    assert lists == ["list.create", "filter.create"]


def test_long_journal_is_sent_in_several_turns(
    alice: User, receiver: Receiver, deliver: Deliver, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(outbox, "MAX_MESSAGES", 3)
    monkeypatch.setattr(outbox, "MAX_SCANNED", 4)
    monkeypatch.setattr(outbox, "MAX_BYTES", 2000)
    path, _ = add_webhook(alice, receiver.url)
    expected = []
    for number in range(4):
        several = [
            {"name": f"{number} {each}", "note": "x" * 900} for each in range(number * 2 + 1)
        ]
        alice.post_json(alice.tasks_url, {"tasks": several})
        expected += [each["name"] for each in several]
    deliver()
    assert names(receiver.received) == expected
    assert show(alice, path)["last_answer"]["error"] is None


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


def test_forgotten_changes_are_told(
    alice: User, receiver: Receiver, deliver: Deliver, committed: Session
) -> None:
    add_webhook(alice, receiver.url)
    since = alice.get(alice.tasks_url).json["revision"]
    for name in ("a", "b", "c"):
        add(alice, name=name)
    committed.execute(delete(CHANGES).where(CHANGES.c.revision <= since + 2))
    committed.commit()
    deliver()
    first, second = receiver.received
    assert first.json["type"] == "changes.expired"
    assert first.json["data"] == {"username": "alice", "since": since, "revision": since + 2}
    assert names([second]) == ["c"]
    add(alice, name="d")
    committed.execute(delete(CHANGES))
    committed.commit()
    deliver()
    assert receiver.received[2].json["data"]["revision"] == since + 4
    add(alice, name="e")
    deliver()
    assert names(receiver.received[3:]) == ["e"]


def test_disabled_and_closed_accounts_rest(
    alice: User, receiver: Receiver, deliver: Deliver, committed: Session
) -> None:
    add_webhook(alice, receiver.url)
    add(alice, name="a")
    for column in ("disabled_date", "closed_date"):
        change_accounts(committed, **{column: datetime.now(UTC)})
        committed.commit()
        deliver()
        assert receiver.received == []
        change_accounts(committed, **{column: None})
        committed.commit()
    deliver()
    assert names(receiver.received) == ["a"]


def test_changed_url_and_pause_take_effect(
    alice: User, receiver: Receiver, deliver: Deliver, set_clock: SetClock
) -> None:
    receiver.statuses["/old"] = 500
    path, _ = add_webhook(alice, receiver.url + "/old")
    add(alice, name="a")
    deliver()
    alice.send_json("PATCH", path, {"url": receiver.url + "/new"})
    deliver()
    assert names(receiver.at("/new")) == ["a"], "a new URL is tried at once"
    paused = alice.send_json("PATCH", path, {"enabled": False}).json["webhook"]
    assert (paused["enabled"], paused["disabled_reason"]) == (False, "paused")
    add(alice, name="b")
    deliver()
    assert len(receiver.at("/new")) == 1
    alice.send_json("PATCH", path, {"enabled": True})
    deliver()
    assert names(receiver.at("/new")) == ["a", "b"]


def test_reminder_comes_with_its_task(
    alice: User, receiver: Receiver, deliver: Deliver, committed: Session
) -> None:
    add_webhook(alice, receiver.url)
    task_id = add(alice, name="Milk")
    revision = alice.get(alice.tasks_url).json["revision"]
    recorded = [
        (1, "create", {"task_id": task_id}),
        (2, "create", {"task_id": task_id + 99}),
        (1, "update", {"dismissed_date": None}),
    ]
    for number, (reminder_id, action, after) in enumerate(recorded, start=1):
        reminder = {
            "account_id": alice.id,
            "revision": revision + number,
            "kind": "reminder",
            "object_id": reminder_id,
            "date": datetime.now(UTC),
            "action": action,
            "after": after,
        }
        committed.execute(insert(CHANGES).values(reminder))
    raised = update(ACCOUNTS).values(revision=revision + 3).execution_options(recorded=True)
    committed.execute(raised)
    committed.commit()
    deliver()
    _, fired, without, changed = receiver.received
    task = alice.get(f"{alice.tasks_url}/{task_id}").json["task"]
    assert (fired.json["type"], fired.json["data"]["task"]) == ("reminder.create", task)
    assert (changed.json["type"], changed.json["data"]["task"]) == ("reminder.update", task)
    assert "task" not in without.json["data"]


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
