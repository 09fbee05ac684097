"""The job sends changes to webhooks, signed and in order."""

from datetime import UTC, datetime

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from tests.support.client import User
from tests.support.factories import change_accounts
from tests.support.fixtures import Patch, SetClock
from tests.support.outline import add, change
from tests.support.receiver import Receiver
from tests.support.webhooks import Deliver, add_webhook, names, show
from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.services import outbox


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
