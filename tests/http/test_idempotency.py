"""Idempotency-Key: a repeated write is executed once and gets the stored response."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import Client, User
from tests.support.factories import PASSWORD, Login, make_filter, make_task, make_trashed
from tests.support.fixtures import ApiToken, SetClock
from todo.http.operations import operations
from todo.models import Account, IdempotencyKey
from todo.models.token import Scope

KEY = {"Idempotency-Key": "0f6b5e0c-3c5b-4f0e-9a9b-1d2f6a1c7e55"}
REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def milk(db: Session, alice: Login) -> str:
    return f"{alice.tasks_url}/{make_task(db, alice, name='Milk')}"


def stored_keys(session: Session) -> int:
    session.commit()
    return session.scalar(select(func.count()).select_from(IdempotencyKey)) or 0


def replayed_parts(answer: TestResponse) -> Any:
    names = ("Content-Type", "ETag", "Location", "Link", "Cache-Control", "Vary")
    return answer.status, answer.body, {name: answer.headers.get(name) for name in names}


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/tasks", {"name": "Tea"}),
        ("POST", "/tasks", {"tasks": [{"name": "Tea"}, {"name": "Rice"}]}),
        ("PATCH", "/tasks?due=none", {"name": "Tea"}),
        ("DELETE", "/tasks?due=none", {}),
        ("PUT", "/tasks/{id}", {"name": "Tea"}),
        ("PATCH", "/tasks/{id}", {"completed": True}),
        ("DELETE", "/tasks/{id}", {}),
        ("PUT", "", {"email": "new@example.com"}),
        ("PATCH", "", {"username": "alicia", "current_password": PASSWORD}),
        ("POST", "/trash/{trashed}/restore", {}),
        ("POST", "/trash/restore?due=none", {}),
        ("DELETE", "/trash/{trashed}", {}),
        ("DELETE", "/trash", {}),
        ("DELETE", "/trash?due=none", {}),
        ("POST", "/changes/{revision}/undo", {}),
        ("POST", "/filters", {"name": "Overdue", "query": "due=overdue"}),
        ("PATCH", "/filters/{filter}", {"query": "due=overdue"}),
        ("DELETE", "/filters/{filter}", {}),
    ],
)
def test_repeated_write_is_replayed_and_executed_once(
    alice: User, milk: str, db: Session, method: str, path: str, fields: dict[str, Any]
) -> None:
    saved = make_filter(db, alice)
    trashed = make_trashed(db, alice)
    revision = db.get_one(Account, alice.id).revision
    ids = {"id": milk.rpartition("/")[2], "trashed": trashed, "revision": revision, "filter": saved}
    url = alice.url + path.format(**ids)
    first = alice.send_json(method, url, fields, KEY)
    assert first.status_int < 300
    assert REPLAYED not in first.headers
    # One more task in the trash: a second execution would change the response.
    make_trashed(db, alice)
    for _ in range(2):
        again = alice.send_json(method, url, fields, KEY)
        assert replayed_parts(again) == replayed_parts(first)
        assert again.headers[REPLAYED] == "true"
    db.commit()
    db.expire_all()
    assert db.get_one(Account, alice.id).revision == revision + 3
    assert stored_keys(db) == 1


def test_same_fields_in_other_encoding_are_replayed(alice: User) -> None:
    first = alice.send_json("POST", alice.tasks_url, {"name": "Tea", "note": "two"}, KEY)
    spaced = alice.request(
        alice.tasks_url,
        method="POST",
        body=b'{ "note":"two","name":"Tea"}',
        headers={"Content-Type": "application/json", **KEY},
    )
    form = alice.post(alice.tasks_url, {"name": "Tea", "note": "two"}, headers=KEY)
    assert first.body == spaced.body == form.body


@pytest.mark.parametrize(
    ("method", "path", "fields", "headers"),
    [
        ("POST", "", {"name": "Rice"}, {}),
        ("POST", "", {"name": "Tea", "note": None}, {}),
        ("POST", "?dry_run=false", {"name": "Tea"}, {}),
        ("PATCH", "", {"name": "Tea"}, {}),
        ("POST", "", {"name": "Tea"}, {"If-Match": "*"}),
        ("DELETE", "/{id}", {}, {}),
    ],
)
def test_key_reused_for_other_request_is_refused(
    alice: User, method: str, path: str, fields: dict[str, Any], headers: dict[str, str]
) -> None:
    created = alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY).json["task"]
    url = alice.tasks_url + path.format(id=created["id"])
    answer = alice.send_json(method, url, fields, KEY | headers)
    assert (answer.status_int, answer.json["code"]) == (422, "key_reused")
    assert alice.get(alice.tasks_url).json["tasks"] == [created]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b""),
        ("application/json", b"[]"),
        ("application/json", b'{"name": "Tea", "name": "Tea"}'),
        ("text/plain", b"{}"),
        ("application/x-www-form-urlencoded", b"name=%ff"),
    ],
)
def test_malformed_body_is_refused_and_never_replayed(
    alice: User, milk: str, content_type: str, body: bytes
) -> None:
    url = f"{alice.tasks_url}?completed=false"
    assert alice.send_json("PATCH", url, {}, KEY).json["updated"] == 1
    headers = {"Content-Type": content_type, **KEY}
    answer = alice.request(url, method="PATCH", body=body, headers=headers, status="*")
    assert answer.status_int in (400, 415)
    assert REPLAYED not in answer.headers
    assert alice.send_json("PATCH", url, {}, KEY).headers[REPLAYED] == "true"


def test_key_is_replayed_under_former_username_and_me(alice: User) -> None:
    first = alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY)
    alice.put(alice.url, {"username": "Alicia"})
    for name in ("alice", "alicia", "me"):
        url = f"/api/v1/accounts/{name}/tasks"
        again = alice.send_json("POST", url, {"name": "Tea"}, KEY)
        assert replayed_parts(again) == replayed_parts(first)
        assert again.headers[REPLAYED] == "true"


def test_refused_write_leaves_key_unused(alice: User, milk: str, db: Session) -> None:
    for method, url, fields, status in (
        ("POST", alice.tasks_url, {"name": ""}, 400),
        ("PUT", milk + "0", {"name": "Tea"}, 404),
        ("PUT", "/api/v1/accounts/bob/tasks/1", {"name": "Tea"}, 403),
        ("PUT", alice.url, {"email": "x@example.com", "current_password": "wrong"}, 403),
        ("PUT", alice.url, {"username": "admin!"}, 400),
    ):
        assert alice.send_json(method, url, fields, KEY).status_int == status
    stale = alice.send_json("PUT", milk, {"name": "Tea"}, KEY | {"If-Match": '"1"'})
    assert stale.status_int == 412
    assert stored_keys(db) == 0
    assert alice.send_json("PUT", milk, {"name": "Tea"}, KEY).status_int == 200
    assert stored_keys(db) == 1


def test_dry_run_leaves_key_unused(alice: User, db: Session) -> None:
    dry = alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", {"name": "Tea"}, KEY)
    assert (dry.status_int, stored_keys(db)) == (201, 0)
    assert alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY).status_int == 201


def test_keys_are_scoped_to_account(alice: User, bob: User, app: Any, api_token: ApiToken) -> None:
    first = alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY)
    other = bob.send_json("POST", bob.tasks_url, {"name": "Rice"}, KEY)
    assert (first.status_int, other.status_int) == (201, 201)
    script, reader = (api_token(scope=scope)[1] for scope in (Scope.WRITE, Scope.READ))
    assert script.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY).body == first.body
    for other, status in ((reader, 403), (Client(app), 401)):
        answer = other.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY)
        assert answer.status_int == status


@pytest.mark.parametrize("key", ["1", "x" * 255, '"8e03978e"', "two words; and % \\ '"])
def test_valid_key_is_accepted(alice: User, key: str) -> None:
    answers = [
        alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, {"Idempotency-Key": key})
        for _ in range(2)
    ]
    assert [REPLAYED in answer.headers for answer in answers] == [False, True]


def test_key_expires_after_24_hours(alice: User, db: Session, set_clock: SetClock) -> None:
    first = alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY)
    set_clock(timedelta(hours=23, minutes=59))
    again = alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY)
    assert again.body == first.body
    set_clock(timedelta(hours=24, minutes=1))
    another = alice.send_json("POST", alice.tasks_url, {"name": "Rice"}, KEY)
    assert (another.status_int, REPLAYED in another.headers) == (201, False)
    assert stored_keys(db) == 1
    again = alice.send_json("POST", alice.tasks_url, {"name": "Rice"}, KEY)
    assert again.body == another.body


def test_key_is_ignored_if_response_contains_secret(
    client: Client, alice: User, db: Session
) -> None:
    login = {"username": "alice", "password": PASSWORD}
    tokens = {
        client.send_json("POST", "/api/v1/accounts/login", login, KEY).json["token"]
        for _ in range(2)
    }
    assert len(tokens) == 2
    for number in range(2):
        fields = {"name": f"script {number}", "scope": "read"}
        answer = alice.send_json("POST", f"{alice.url}/tokens", fields, KEY)
        assert (answer.status_int, REPLAYED in answer.headers) == (201, False)
    carol = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    statuses = [
        client.send_json("POST", "/api/v1/accounts", carol, KEY).status_int for _ in range(2)
    ]
    assert statuses == [201, 409]
    fields = {"password": f"{PASSWORD} 2"}
    answer = alice.send_json("PUT", alice.url, fields, KEY)
    assert answer.status_int == 200
    again = Client(alice.app, answer.json["token"]).send_json("PUT", alice.url, fields, KEY)
    assert again.json["token"] != answer.json["token"]
    assert stored_keys(db) == 0


def test_used_key_is_ignored_by_operations_without_keys(alice: User, db: Session) -> None:
    alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, KEY)
    created = alice.send_json("POST", f"{alice.url}/tokens", {"name": "x", "scope": "read"}, KEY)
    assert created.status_int == 201
    fields = {"password": f"{PASSWORD} 2"}
    answer = alice.send_json("PUT", alice.url, fields, KEY)
    assert answer.status_int == 200
    assert (
        Client(alice.app, answer.json["token"]).send_json("DELETE", alice.url, {}, KEY).status_int
        == 204
    )


def test_stored_digest_excludes_current_password(alice: User, db: Session) -> None:
    """Otherwise, a stolen database would allow guessing passwords against a fast digest."""
    fields = {"email": "new@example.com"}
    alice.send_json("PUT", alice.url, fields | {"current_password": PASSWORD}, KEY)
    again = alice.send_json("PUT", alice.url, fields | {"current_password": "other"}, KEY)
    assert again.headers[REPLAYED] == "true"
    assert again.json["profile"]["email"] == "new@example.com"


def test_replay_requires_permission_for_operation(
    alice: User, app: Any, api_token: ApiToken
) -> None:
    fields = {"timezone": "Asia/Tokyo"}
    assert alice.send_json("PUT", alice.url, fields, KEY).status_int == 200
    _, script = api_token()
    for sent in (fields, {"timezone": "UTC"}):
        answer = script.send_json("PUT", alice.url, sent, KEY)
        assert (answer.status_int, answer.json["code"]) == (403, "insufficient_scope")
    in_browser = {"Cookie": f"todo_session={alice.token}", "Sec-Fetch-Site": "cross-site"}
    answer = Client(app).send_json("PUT", alice.url, fields, KEY | in_browser)
    assert (answer.status_int, answer.json["code"]) == (403, "cross_site")


def test_every_versioned_write_except_account_deletion_supports_key(app: Any) -> None:
    without = {
        (method, operation.pattern)
        for operation in operations(app.registry)
        for method in operation.methods
        if getattr(operation.factory, "versioned", False) and method != "GET"
        if not operation.options.get("idempotency_key")
    }
    assert without == {("DELETE", "/api/v1/accounts/{username}")}


def test_unread_body_is_not_compared_for_replay(alice: User, milk: str) -> None:
    first = alice.send_json("DELETE", milk, {"password": "x"}, KEY)
    again = alice.send_json("DELETE", milk, {}, KEY)
    assert first.status_int == 200
    assert again.headers[REPLAYED] == "true"
