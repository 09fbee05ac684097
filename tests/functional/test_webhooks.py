"""Webhooks: creation, change, listing, test messages, and input that is refused."""

import re
import threading
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import Client, User, faults
from tests.support.databases import statements
from tests.support.factories import PASSWORD, make_webhook
from tests.support.fixtures import ApiToken, Patch, SetClock
from tests.support.receiver import LOCAL, Receiver, running_receiver
from todo.models.webhook import WEBHOOKS, event_names
from todo.services import sending, webhooks

URL = "https://hooks.example.com/todo"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def allowed(app: Any, monkeypatch: Patch) -> None:
    """Let webhooks lead to this machine."""
    monkeypatch.setattr(app.registry["settings"], "webhook_networks", LOCAL)


def count(db: Session) -> int:
    return len(db.execute(select(WEBHOOKS.c.id)).all())


def test_new_webhook_shows_secret_once(alice: User, db: Session) -> None:
    answer = alice.post_json(f"{alice.url}/webhooks", {"url": URL})
    assert answer.status_int == 201
    secret = answer.json["secret"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert len(b64decode(secret.removeprefix("whsec_"))) == 32
    path = answer.headers["Location"]
    webhook = answer.json["webhook"]
    assert webhook == {
        "id": webhook["id"],
        "url": URL,
        "events": ["*"],
        "creation_date": webhook["creation_date"],
        "enabled": True,
        "disabled_date": None,
        "disabled_reason": None,
        "failing_since": None,
        "next_attempt_date": None,
        "last_answer": None,
    }
    assert alice.get(path).json == {"username": "alice", "webhook": webhook}
    listed = alice.get(f"{alice.url}/webhooks")
    assert listed.json == {"username": "alice", "webhooks": [webhook]}
    export = alice.get(f"{alice.url}/export")
    assert export.json["webhooks"] == [webhook]
    assert secret not in listed.text + export.text
    other = alice.post(f"{alice.url}/webhooks", {"url": URL, "events": "task.create,list.*"})
    assert other.json["secret"] != secret
    assert other.json["webhook"]["events"] == ["task.create", "list.*"]
    assert count(db) == 2


def test_webhook_begins_after_the_current_revision(alice: User, db: Session) -> None:
    revision = alice.post_json(alice.tasks_url, {"name": "Milk"}).json["task"]["revision"]
    alice.post_json(f"{alice.url}/webhooks", {"url": URL})
    assert db.scalar(select(WEBHOOKS.c.cursor_revision)) == revision


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"url": "http://example.com"}, {"url": "http://example.com"}),
        ({"events": ["task.*", "task.*"]}, {"events": ["task.*"]}),
        ({"enabled": False}, {"enabled": False, "disabled_reason": "paused"}),
        ({}, {}),
    ],
)
def test_change_keeps_fields_that_are_not_mentioned(
    alice: User, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    path = alice.post_json(f"{alice.url}/webhooks", {"url": URL}).headers["Location"]
    before = alice.get(path).json["webhook"]
    for method in ("PATCH", "PUT"):
        after = alice.send_json(method, path, change).json["webhook"]
        assert after == before | expected | {"disabled_date": after["disabled_date"]}
    assert alice.get(path).json["webhook"] == after


def test_shown_webhook_can_be_sent_back(alice: User, db: Session) -> None:
    failing = {"attempts": 3, "failing_since": db.scalar(select(WEBHOOKS.c.creation_date))}
    path = f"{alice.url}/webhooks/{make_webhook(db, alice, **failing)}"
    shown = alice.get(path).json
    assert alice.send_json("PUT", path, shown).json == shown
    assert alice.send_json("PATCH", path, shown["webhook"]).json == shown
    assert db.scalar(select(WEBHOOKS.c.attempts)) == 3


def test_deleted_webhook_is_gone(alice: User, bob: User, db: Session) -> None:
    path = f"{alice.url}/webhooks/{make_webhook(db, alice)}"
    foreign = make_webhook(db, bob)
    assert alice.get(f"{alice.url}/webhooks/{foreign}").status_int == 404
    assert alice.delete(f"{alice.url}/webhooks/{foreign}").status_int == 404
    assert alice.delete(path).json == {"username": "alice", "msg": "Deleted."}
    assert alice.get(path).status_int == 404
    assert count(db) == 1


def test_webhooks_over_the_limit_are_refused(alice: User, db: Session) -> None:
    for _ in range(webhooks.MAX_WEBHOOKS):
        make_webhook(db, alice)
    answer = alice.post_json(f"{alice.url}/webhooks", {"url": URL})
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 20)
    assert count(db) == 20


PRIVATE = [
    "http://127.0.0.1",
    "http://127.0.0.1:8000/x",
    "http://127.1",
    "http://127.0.0.1./",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://2130706433",
    "http://0",
    "http://10.0.0.1",
    "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1",
    "http://224.0.0.1",
    "http://[::1]",
    "http://[::]",
    "http://[::ffff:169.254.169.254]",
    "http://[::127.0.0.1]",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
    "http://[fe80::1]",
    "http://[fd00::1]",
    "http://[ff02::1]",
    "http://localhost",
    "http://LOCALHOST.:80",
    "http://a.localhost/",
]
WRONG = [
    "",
    "example.com",
    "file:///etc/passwd",
    "ftp://example.com",
    "//example.com",
    "https:///x",
    "https://",
    "http://:80",
    "http://user@example.com",
    "http://user:password@example.com",
    "http://example.com#fragment",
    "http://example.com/#",
    "http://example.com:0",
    "http://example.com:65536",
    "http://example.com:80a",
    "http://example.com:99999999999",
    "http://example.com/\n",
    "http://example.com/a b",
    "http://example.com\\@127.0.0.1/",
    "http://example.com/%zz",
    "http://exämple.com",
    "http://127。0。0。1",
    "http://a..b",
    f"http://{'a' * 64}.com",
    f"http://{'a.' * 130}com",
    "http://[::1",
    "http://[1.2.3.4]",
    "http://[fe80::1%25eth0]",
    "http://[:::]",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_literal_address_that_is_not_public_is_refused(alice: User, db: Session, url: str) -> None:
    path = f"{alice.url}/webhooks/{make_webhook(db, alice)}"
    assert faults(alice.post_json(f"{alice.url}/webhooks", {"url": url})) == {
        "url": "private_address"
    }
    assert faults(alice.send_json("PATCH", path, {"url": url})) == {"url": "private_address"}
    assert alice.get(path).json["webhook"]["url"] == URL
    assert count(db) == 1


@pytest.mark.parametrize("url", WRONG)
def test_wrong_url_is_refused(alice: User, db: Session, url: str) -> None:
    assert faults(alice.post_json(f"{alice.url}/webhooks", {"url": url})) == {"url": "url"}
    assert count(db) == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"url": "missing"}),
        ({"url": None}, {"url": "null"}),
        ({"url": 1}, {"url": "type"}),
        ({"url": "https://example.com/\0"}, {"url": "nul"}),
        ({"url": "https://example.com/\ud800"}, None),
        ({"url": "https://example.com/" + "x" * 1981}, {"url": "too_long"}),
        ({"url": URL, "events": []}, {"events": "too_short"}),
        ({"url": URL, "events": None}, {"events": "null"}),
        ({"url": URL, "events": "*"}, {"events": "type"}),
        ({"url": URL, "events": ["*"] * 101}, {"events": "too_long"}),
        ({"url": URL, "events": ["task.create", "task.vanish"]}, {"events.1": "event"}),
        ({"url": URL, "events": ["TASK.CREATE"]}, {"events.0": "event"}),
        ({"url": URL, "events": ["task"]}, {"events.0": "event"}),
        ({"url": URL, "events": ["*.create"]}, {"events.0": "event"}),
        ({"url": URL, "events": [1]}, {"events.0": "type"}),
        ({"url": URL, "enabled": None}, {"enabled": "null"}),
        ({"url": URL, "enabled": "yes"}, {"enabled": "type"}),
        ({"url": URL, "secret": "x"}, {"secret": "unknown_field"}),
        ({"url": "http://[::1]", "events": ["x"]}, {"url": "private_address", "events.0": "event"}),
    ],
)
def test_wrong_fields_are_refused(
    alice: User, db: Session, fields: dict[str, Any], expected: dict[str, str] | None
) -> None:
    answer = alice.post_json(f"{alice.url}/webhooks", fields)
    if expected is None:
        assert answer.status_int == 400
    else:
        assert faults(answer) == expected
    assert count(db) == 0


def test_longest_url_and_all_events_are_accepted(alice: User) -> None:
    longest = "https://example.com/" + "x" * 1980
    for url in (longest, "http://[2606:4700::1111]:8080?x=[1]", "https://8.8.8.8", URL + "?a=%20"):
        fields = {"url": url, "events": list(event_names())}
        webhook = alice.post_json(f"{alice.url}/webhooks", fields).json["webhook"]
        assert (webhook["url"], webhook["events"]) == (url, list(event_names()))


def test_events_are_those_of_all_kinds(alice: User) -> None:
    kinds = {name.partition(".")[0] for name in event_names()} - {"*"}
    assert kinds >= {"task", "list", "filter", "profile"}
    assert {"task.create", "task.update", "task.delete", "task.restore", "task.purge"} <= set(
        event_names()
    )


def test_after_old_login_new_url_requires_password(
    alice: User, db: Session, set_clock: SetClock
) -> None:
    path = f"{alice.url}/webhooks/{make_webhook(db, alice)}"
    set_clock(timedelta(minutes=11))
    new = {"url": "https://example.com"}
    for method, url in (("POST", f"{alice.url}/webhooks"), ("PATCH", path)):
        for refused in (new, new | {"current_password": "wrong password"}):
            answer = alice.send_json(method, url, refused)
            assert (answer.status_int, answer.json["code"]) == (403, "reauthentication_required")
        assert alice.send_json(method, url, new | {"current_password": PASSWORD}).status_int < 300
    assert alice.send_json("PATCH", path, {"enabled": False}).status_int == 200


def test_api_token_may_not_see_webhooks(
    app: Any, alice: User, db: Session, api_token: ApiToken
) -> None:
    webhook_id = make_webhook(db, alice)
    _, client = api_token()
    for path in (f"/webhooks/{webhook_id}", f"/webhooks/{2**62}", "/webhooks"):
        answer = client.get(alice.url + path)
        assert (answer.status_int, answer.json["code"]) == (403, "insufficient_scope")
    assert "webhooks" not in client.get(f"{alice.url}/export").json


@pytest.mark.usefixtures("allowed")
def test_test_shows_the_answer(alice: User, receiver: Receiver, db: Session) -> None:
    created = alice.post_json(
        f"{alice.url}/webhooks", {"url": receiver.url + "/", "enabled": False}
    ).json
    path = f"{alice.url}/webhooks/{created['webhook']['id']}"
    for status in (200, 204, 500, 302):
        receiver.statuses["/"] = status
        answer = alice.post(f"{path}/test")
        assert answer.status_int == 200
        assert answer.json["username"] == "alice"
        assert answer.json["answer"]["status"] == status
        assert (answer.json["answer"]["error"] is None) == (status < 300)
    [first, *_] = receiver.received
    assert first.json["type"] == "test"
    assert first.json["data"] == {"username": "alice"}
    assert len({each.id for each in receiver.received}) == 4
    assert alice.get(path).json["webhook"] == created["webhook"], "nothing is stored"


@pytest.mark.usefixtures("allowed")
def test_test_holds_no_connection_while_it_waits(
    real_app: Any, real_alice: User, receiver: Receiver, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(real_app.registry["settings"], "webhook_networks", LOCAL)
    path = real_alice.post_json(f"{real_alice.url}/webhooks", {"url": receiver.url}).location
    held = []

    def look(_request: object) -> None:
        held.append(real_app.registry["engine"].pool.checkedout())
        assert real_alice.post_json(real_alice.tasks_url, {"name": "Tea"}).status_int == 201

    receiver.before_answer = look
    assert real_alice.post(f"{path}/test").json["answer"]["status"] == 200
    assert held == [0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_address_is_checked_when_connecting(
    alice: User, receiver: Receiver, db: Session, host: str
) -> None:
    """A name leads to an address only then. Others are refused earlier, but not only there."""
    port = receiver.url.rpartition(":")[2]
    webhook_id = make_webhook(db, alice, url=f"http://{host}:{port}/")
    answer = alice.post(f"{alice.url}/webhooks/{webhook_id}/test").json["answer"]
    assert answer["status"] is None
    assert "not public" in answer["error"]
    assert "127" not in answer["error"]
    assert receiver.received == []


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://nobody.invalid/", "The name of the host was not found."),
        ("http://127.0.0.1:1/", "A connection was not possible: Connection refused."),
        ("https://127.0.0.1:{port}/", "A TLS connection was not possible."),
    ],
)
@pytest.mark.usefixtures("allowed")
def test_test_explains_failures(
    alice: User, receiver: Receiver, db: Session, url: str, error: str
) -> None:
    port = receiver.url.rpartition(":")[2]
    webhook_id = make_webhook(db, alice, url=url.format(port=port))
    answer = alice.post(f"{alice.url}/webhooks/{webhook_id}/test").json["answer"]
    assert (answer["status"], answer["error"]) == (None, error)


@pytest.mark.usefixtures("allowed")
def test_test_ends_after_the_timeout(
    alice: User, receiver: Receiver, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 0.2)
    released = threading.Event()
    receiver.before_answer = lambda _request: released.wait(30)
    webhook_id = make_webhook(db, alice, url=receiver.url)
    answer = alice.post(f"{alice.url}/webhooks/{webhook_id}/test").json["answer"]
    released.set()
    assert "no complete answer" in answer["error"]


@pytest.mark.usefixtures("allowed")
def test_too_many_tests_at_once_are_refused(alice: User, receiver: Receiver, db: Session) -> None:
    webhook_id = make_webhook(db, alice, url=receiver.url)
    for _ in range(webhooks.TESTS_AT_ONCE):
        assert webhooks._tests.acquire(blocking=False)
    try:
        answer = alice.post(f"{alice.url}/webhooks/{webhook_id}/test")
    finally:
        webhooks._tests.release(webhooks.TESTS_AT_ONCE)
    assert (answer.status_int, answer.json["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "10"
    assert receiver.received == []


def test_creating_a_task_writes_nothing_for_webhooks(app: Any, alice: User, db: Session) -> None:
    make_webhook(db, alice)
    alice.get(alice.url)
    with statements(app.registry["engine"]) as run:
        assert alice.post_json(alice.tasks_url, {"name": "Tea"}).status_int == 201
    assert not [each for each in run if "webhooks" in each]


def test_webhooks_of_erased_account_are_gone(app: Any, alice: User, db: Session) -> None:
    make_webhook(db, alice)
    alice.delete(alice.url)
    assert Client(app, alice.token).get(f"{alice.url}/webhooks").status_int == 401
