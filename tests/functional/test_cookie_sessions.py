"""`session: cookie`: only the cookie carries the session, so that no script ever has its token."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import Client, User, faults
from tests.support.databases import all_rows
from tests.support.factories import PASSWORD
from tests.support.fixtures import SetClock
from todo.models import Token
from todo.models.token import token_digest

ACCOUNTS = "/api/v1/accounts"
LOGIN = f"{ACCOUNTS}/login"
LOGOUT = f"{ACCOUNTS}/logout"
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
ALICE = {"username": "alice", "password": PASSWORD}
NEW_PASSWORD = {"password": "another horse"}
COOKIE = {"session": "cookie"}
PROFILE_MEMBERS = {"msg", "username", "profile", "token_expires"}


def secret_of(response: TestResponse) -> str:
    """Return the token in the response's cookie, whose attributes keep scripts and sites away."""
    [cookie] = response.headers.getall("Set-Cookie")
    pair, *attributes = cookie.split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    name, _, secret = pair.partition("=")
    assert name == "todo_session"
    return str(secret)


def assert_only_cookie_has_token(response: TestResponse, db: Session) -> None:
    secret = secret_of(response)
    assert db.scalars(select(Token).where(Token.digest == token_digest(secret))).one()
    assert secret not in response.text
    others = [value for name, value in response.headers.items() if name != "Set-Cookie"]
    assert not [value for value in others if secret in value]


@pytest.mark.parametrize("form", [True, False])
def test_answers_leave_token_to_cookie(client: Client, db: Session, form: bool) -> None:
    suffix = "" if form else "_json"
    post, put, patch = (getattr(client, name + suffix) for name in ("post", "put", "patch"))
    registered = post(ACCOUNTS, CAROL | COOKIE)
    assert (registered.status_int, registered.json.keys()) == (201, PROFILE_MEMBERS)
    assert_only_cookie_has_token(registered, db)
    logged_in = post(LOGIN, {"username": "carol", "password": PASSWORD} | COOKIE)
    assert logged_in.json.keys() == {"msg", "username", "token_expires"}
    assert_only_cookie_has_token(logged_in, db)
    for change, password in ((put, "another horse"), (patch, "a third horse")):
        changed = change(f"{ACCOUNTS}/carol", {"password": password} | COOKIE)
        assert (changed.status_int, changed.json.keys()) == (200, PROFILE_MEMBERS)
        assert_only_cookie_has_token(changed, db)
        assert client.get(f"{ACCOUNTS}/carol").status_int == 200


@pytest.mark.parametrize("fields", [{}, {"session": None}])
def test_without_session_answers_have_token(client: Client, fields: dict[str, Any]) -> None:
    answers = [
        client.post_json(ACCOUNTS, CAROL | fields),
        client.post_json(LOGIN, {"username": "carol", "password": PASSWORD} | fields),
        client.put_json(f"{ACCOUNTS}/carol", NEW_PASSWORD | fields),
    ]
    members = [PROFILE_MEMBERS, {"msg", "username", "token_expires"}, PROFILE_MEMBERS]
    for answer, expected in zip(answers, members, strict=True):
        assert answer.json.keys() == expected | {"token"}
        assert secret_of(answer) == answer.json["token"]


def test_empty_session_in_form_is_null(client: Client, alice: User) -> None:
    assert "token" in client.post(LOGIN, ALICE | {"session": ""}).json


@pytest.mark.parametrize(
    "value", ["Cookie", "cookie ", "token", "bearer", "", True, 1, ["cookie"], {}]
)
def test_other_session_is_refused_and_changes_nothing(
    client: Client, alice: User, db: Session, value: Any
) -> None:
    before = all_rows(db)
    fields = {"session": value}
    for response in (
        client.post_json(ACCOUNTS, CAROL | fields),
        client.post_json(LOGIN, ALICE | fields),
        alice.put_json(alice.url, NEW_PASSWORD | fields),
        alice.patch_json(alice.url, {"timezone": "Europe/Berlin"} | fields),
    ):
        assert faults(response).keys() == {"session"}
        assert "Set-Cookie" not in response.headers
    assert all_rows(db) == before


def test_session_without_new_password_starts_none(alice: User) -> None:
    response = alice.patch_json(alice.url, {"timezone": "Europe/Berlin"} | COOKIE)
    assert response.json["profile"]["timezone"] == "Europe/Berlin"
    assert response.json.keys() == {"msg", "username", "profile"}
    assert "Set-Cookie" not in response.headers


def test_key_is_ignored_with_new_password(client: Client, alice: User) -> None:
    client.post_json(LOGIN, ALICE | COOKIE)
    first, again = (
        client.send_json("PUT", alice.url, NEW_PASSWORD | COOKIE, {"Idempotency-Key": "0f6b5e0c"})
        for _ in range(2)
    )
    assert (again.status_int, "Idempotency-Replayed" in again.headers) == (200, False)
    assert secret_of(again) != secret_of(first), "a replay could not set the cookie"


def test_page_with_cookie_alone_can_do_what_owner_can(
    app: Any, client: Client, set_clock: SetClock
) -> None:
    url = f"{ACCOUNTS}/carol"
    first = secret_of(client.post_json(ACCOUNTS, CAROL | COOKIE))
    assert client.post_json(f"{url}/tasks", {"name": "Milk"}).status_int == 201
    set_clock(timedelta(minutes=11))  # from now on, sensitive changes need the password
    token = {"name": "script", "scope": "read"}
    assert client.post_json(f"{url}/tokens", token).json["code"] == "reauthentication_required"
    created = client.post_json(f"{url}/tokens", token | {"current_password": PASSWORD})
    assert created.status_int == 201
    assert "Set-Cookie" not in created.headers
    assert client.get("/api/v1/whoami").json["kind"] == "session"
    listed = client.get(f"{url}/tokens").json["tokens"]
    assert [(each["kind"], each["current"]) for each in listed] == [
        ("session", True),
        ("api", False),
    ]
    changes = NEW_PASSWORD | {"current_password": PASSWORD} | COOKIE
    second = secret_of(client.put_json(url, changes))
    listed = client.get(f"{url}/tokens").json["tokens"]
    assert [(each["kind"], each["current"]) for each in listed] == [("session", True)]
    for ended in (first, created.json["token"]):
        assert Client(app, ended).get(url).status_int == 401
    assert Client(app, second).get(url).status_int == 200
    assert client.delete(f"{url}/tokens").status_int == 200
    assert client.get(url).status_int == 200, "revoking the others keeps this session"
    logged_out = client.post(LOGOUT)
    assert secret_of(logged_out) == ""
    assert client.get(url).status_int == 401
    assert Client(app, second).get(url).status_int == 401
    client.post_json(LOGIN, {"username": "carol", "password": "another horse"} | COOKIE)
    deleted = client.delete(url)
    assert (deleted.status_int, secret_of(deleted)) == (204, "")
    assert client.get("/api/v1/whoami").status_int == 401


def test_login_with_cookie_ends_session_of_earlier_cookie(
    app: Any, client: Client, alice: User
) -> None:
    first = secret_of(client.post_json(LOGIN, ALICE | COOKIE))
    second = secret_of(client.post_json(LOGIN, ALICE | COOKIE))
    statuses = [Client(app, each).get(alice.url).status_int for each in (first, second)]
    assert statuses == [401, 200]


@pytest.mark.parametrize("path", [ACCOUNTS, LOGIN])
def test_other_site_starts_no_cookie_session(
    client: Client, alice: User, db: Session, path: str
) -> None:
    before = all_rows(db)
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    fields = (CAROL if path == ACCOUNTS else ALICE) | COOKIE
    response = client.post_json(path, fields, headers=headers)
    assert (response.status_int, response.json["code"]) == (403, "cross_site")
    assert "Set-Cookie" not in response.headers
    assert all_rows(db) == before


@pytest.mark.parametrize("name", ["LoggedIn", "Registered", "AccountChanged"])
def test_document_says_when_token_is_absent(client: Client, name: str) -> None:
    described = client.get("/api/v1/openapi.json").json["components"]["schemas"][name]
    assert "token" not in described["required"]
    token = described["properties"]["token"]
    assert "`session: cookie`" in token["description"]
    assert token["x-omitted-with"] == "session"
