"""Accounts: register, show, change, delete."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.factories import PASSWORD, Login, make_account, make_task
from todo.models import Account, Task, Token

ACCOUNTS = "/api/v1/accounts"
NO_TIMEZONES = (
    "",
    " UTC",
    "Berlin",
    "Europe",
    "europe/berlin",
    "Europe/Berlin\n",
    "Europe/Berlin\0",
    "\ud800",
    "../Europe/Berlin",
    "/usr/share/zoneinfo/Europe/Berlin",
    "posixrules",
    "localtime",
    "Factory",
    "posix/Europe/Berlin",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "+02:00",
    "E" * 65,
)
CAROL = {"username": "Carol", "email": "carol@example.com", "password": PASSWORD}


def count(session: Session, model: type[Any]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("form", [True, False])
def test_register(client: Client, dbsession: Session, form: bool) -> None:
    fields = CAROL | {"password2": PASSWORD}
    response = client.post(ACCOUNTS, fields) if form else client.post_json(ACCOUNTS, fields)
    assert response.status_int == 201
    assert response.headers["Location"] == "/api/v1/accounts/Carol"
    assert response.json["msg"] == "Profile created"
    assert response.json["username"] == "Carol"
    profile = response.json["profile"]
    assert (profile["username"], profile["email"]) == ("Carol", "carol@example.com")
    assert response.json["token_expires"].endswith("Z")
    stored = dbsession.scalars(select(Account)).one()
    assert stored.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert profile["id"] == stored.id
    assert datetime.fromisoformat(profile["date_joined"]) == stored.date_joined


def test_register_logs_in_by_cookie_and_by_token(app: Any, client: Client) -> None:
    token = client.post(ACCOUNTS, CAROL).json["token"]
    assert client.get(f"{ACCOUNTS}/carol").status_int == 200
    assert Client(app, token).get(f"{ACCOUNTS}/carol").status_int == 200
    assert Client(app).get(f"{ACCOUNTS}/carol").status_int == 401


def test_location_is_never_made_from_host(client: Client) -> None:
    response = client.post(ACCOUNTS, CAROL, headers={"Host": "evil.example"})
    assert response.headers["Location"] == "/api/v1/accounts/Carol"


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"username": None}, {"username": "null"}),
        ({"username": ""}, {"username": "blank"}),
        ({"username": "a b"}, {"username": "username"}),
        ({"username": ".ab"}, {"username": "username"}),
        ({"username": "ab-"}, {"username": "username"}),
        ({"username": "login"}, {"username": "reserved"}),
        ({"username": "LogOut"}, {"username": "reserved"}),
        ({"username": "\uff41dmin"}, {"username": "username"}),
        ({"username": "\u212aelvin"}, {"username": "username"}),
        ({"username": "a\u202eb"}, {"username": "username"}),
        ({"username": "bob\n"}, {"username": "username"}),
        ({"username": "b\0b"}, {"username": "username"}),
        ({"username": "a" * 65}, {"username": "too_long"}),
        ({"username": 12}, {"username": "type"}),
        ({"email": "carol"}, {"email": "email"}),
        ({"email": "carol@example.com\r\nBcc: x@example.com"}, {"email": "email"}),
        ({"email": "Carol <carol@example.com>"}, {"email": "email"}),
        ({"email": f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 60}.com"}, {"email": "too_long"}),
        ({"password": "1234567"}, {"password": "password_too_short"}),
        ({"password": "é" * 513}, {"password": "password_too_long"}),
        ({"password": 123456789012345}, {"password": "type"}),
        ({"password": "nul\0nul\0nul"}, {"password": "nul"}),
        ({"password": "\ud800 lone surrogate"}, {"password": "bad_unicode"}),
        ({"password2": PASSWORD + "x"}, {"password2": "mismatch"}),
        ({"timezone": None}, {"timezone": "null"}),
        ({"timezone": 1}, {"timezone": "type"}),
        *(({"timezone": name}, {"timezone": "timezone"}) for name in NO_TIMEZONES),
        ({"is_admin": True}, {"is_admin": "unknown_field"}),
        (
            {"username": "-", "email": "-", "password": "-", "x": 1},
            {
                "username": "username",
                "email": "email",
                "password": "password_too_short",
                "x": "unknown_field",
            },
        ),
    ],
)
def test_register_refuses_with_every_fault(
    client: Client, dbsession: Session, change: dict[str, Any], codes: dict[str, str]
) -> None:
    response = client.post_json(ACCOUNTS, CAROL | change)
    assert faults(response) == codes
    assert PASSWORD not in response.text
    assert count(dbsession, Account) == 0


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_register_with_a_timezone(client: Client, dbsession: Session, name: str) -> None:
    profile = client.post(ACCOUNTS, CAROL | {"timezone": name}).json["profile"]
    assert profile["timezone"] == name
    assert dbsession.scalars(select(Account.timezone)).one() == name


def test_the_timezone_is_utc_until_somebody_says_otherwise(
    client: Client, as_alice: Client, alice: Login
) -> None:
    assert client.post(ACCOUNTS, CAROL).json["profile"]["timezone"] == "UTC"
    assert as_alice.get(alice.url).json["timezone"] == "UTC"


def test_register_without_fields(client: Client) -> None:
    missing = {"username": "missing", "email": "missing", "password": "missing"}
    assert faults(client.post_json(ACCOUNTS, {})) == missing
    assert faults(client.send_form("POST", ACCOUNTS, "")) == missing


def test_register_ignores_read_only_fields(client: Client) -> None:
    response = client.post_json(ACCOUNTS, CAROL | {"id": 77, "date_joined": "x"})
    assert response.status_int == 201
    assert response.json["profile"]["id"] != 77


@pytest.mark.parametrize("username", ["a", "7", "a.b_c-d", "A" * 64])
def test_register_takes_any_good_username(client: Client, username: str) -> None:
    assert client.post(ACCOUNTS, CAROL | {"username": username}).status_int == 201


def test_passwords_at_the_limits(client: Client) -> None:
    for username, password in (("short", "8 letter"), ("long", "é" * 512)):
        fields = CAROL | {"username": username, "password": password}
        assert client.post_json(ACCOUNTS, fields).status_int == 201
        assert client.post_json(f"{ACCOUNTS}/login", fields | {"email": ""}).status_int == 400
        del fields["email"]
        assert client.post_json(f"{ACCOUNTS}/login", fields).status_int == 200


def test_a_password_is_measured_and_compared_as_it_is_kept(client: Client) -> None:
    composed, decomposed = "caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301"
    fields = CAROL | {"password": composed, "password2": decomposed}
    assert client.post_json(ACCOUNTS, fields).status_int == 201
    short = CAROL | {"username": "dan", "password": "e\u0301" * 4}
    assert faults(client.post_json(ACCOUNTS, short)) == {"password": "password_too_short"}


def test_username_is_taken_in_any_case(client: Client, alice: Login, dbsession: Session) -> None:
    response = client.post(ACCOUNTS, CAROL | {"username": "ALICE"})
    assert (response.status_int, response.json["code"]) == (409, "username_taken")
    assert response.json["errors"][0]["field"] == "username"
    assert count(dbsession, Account) == 1
    assert "Set-Cookie" not in response.headers


def test_show(as_alice: Client, alice: Login) -> None:
    response = as_alice.get(alice.url)
    assert response.status_int == 200
    profile = response.json
    assert profile.keys() == {"id", "username", "email", "date_joined", "timezone"}
    assert profile["id"] == alice.id
    assert profile["date_joined"].endswith("Z")
    assert as_alice.get("/api/v1/accounts/ALICE").json == profile


@pytest.mark.parametrize("path", ["", "/tasks", "/tasks/1"])
def test_a_stranger_learns_nothing(as_alice: Client, bob: Login, client: Client, path: str) -> None:
    real, missing = as_alice.get(f"{bob.url}{path}"), as_alice.get(f"{ACCOUNTS}/nobody{path}")
    assert real.status_int == missing.status_int == 403
    assert real.body == missing.body
    assert client.get(f"{bob.url}{path}").status_int == 401


@pytest.mark.parametrize(
    "name", ["alice%0A", "alice%00", "..", "%D0%B0lice", "%E2%84%AAelvin", "al%C4%B1ce"]
)
def test_names_that_look_alike(as_alice: Client, name: str) -> None:
    response = as_alice.get(f"{ACCOUNTS}/{name}")
    assert (response.status_int, response.json["code"]) == (403, "forbidden")


def test_a_letter_that_folds_into_ascii_is_not_that_letter(app: Any, dbsession: Session) -> None:
    kim = make_account(dbsession, "kim")
    assert Client(app, kim.token).get(f"{ACCOUNTS}/%E2%84%AAim").status_int == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "change", [{"email": "new@example.com"}, {"timezone": "Pacific/Kiritimati"}]
)
def test_change_keeps_what_is_not_mentioned(
    as_alice: Client, alice: Login, method: str, change: dict[str, str]
) -> None:
    before = as_alice.get(alice.url).json
    response = as_alice.send_json(method, alice.url, change)
    assert response.status_int == 200
    assert response.json == {
        "msg": "Profile updated.",
        "username": "alice",
        "profile": before | change,
    }
    assert as_alice.get(alice.url).json == response.json["profile"]


def test_what_was_read_can_be_sent_back(as_alice: Client, alice: Login) -> None:
    profile = as_alice.get(alice.url).json
    response = as_alice.put_json(alice.url, profile | {"id": 7, "date_joined": "then"})
    assert response.status_int == 200
    assert response.json["profile"] == profile


def test_sessions_survive_a_new_username_and_the_old_url_does_not(
    as_alice: Client, alice: Login
) -> None:
    assert as_alice.put(alice.url, {"username": "Alicia"}).json["username"] == "Alicia"
    assert as_alice.get(f"{ACCOUNTS}/alicia").status_int == 200
    assert as_alice.get(alice.url).status_int == 403


def test_change_to_a_taken_username(as_alice: Client, alice: Login, bob: Login) -> None:
    response = as_alice.put(alice.url, {"username": "BOB", "email": "new@example.com"})
    assert (response.status_int, response.json["code"]) == (409, "username_taken")
    assert as_alice.get(alice.url).json["email"] == "alice@example.com"


def test_change_of_the_username_s_case_alone(as_alice: Client, alice: Login) -> None:
    assert as_alice.put(alice.url, {"username": "Alice"}).json["username"] == "Alice"


def test_new_password(app: Any, as_alice: Client, alice: Login, client: Client) -> None:
    def login(password: str) -> int:
        fields = {"username": "alice", "password": password}
        return client.post(f"{ACCOUNTS}/login", fields).status_int

    other = Client(
        app,
        client.post(f"{ACCOUNTS}/login", {"username": "alice", "password": PASSWORD}).json["token"],
    )
    changes = {"password": "another horse", "password2": "another horse", "email": "n@example.com"}
    response = as_alice.put(alice.url, changes)
    assert response.status_int == 200
    assert "todo_session=" in response.headers["Set-Cookie"]
    assert login(PASSWORD) == 401
    assert login("another horse") == 200
    new = Client(app, response.json["token"])
    assert new.get(alice.url).json["email"] == "n@example.com"
    for ended in (other, Client(app, alice.token)):
        assert ended.get(alice.url).status_int == 401, "a new password ends all other sessions"


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"password": "another horse", "password2": "other"}, {"password2": "mismatch"}),
        ({"password2": PASSWORD}, {"password2": "mismatch"}),
        ({"password": "short"}, {"password": "password_too_short"}),
        ({"username": None, "email": None}, {"username": "null", "email": "null"}),
        ({"timezone": None}, {"timezone": "null"}),
        ({"timezone": "Berlin", "email": "new@example.com"}, {"timezone": "timezone"}),
        ({"username": "login", "admin": 1}, {"username": "reserved", "admin": "unknown_field"}),
    ],
)
def test_change_refuses(
    as_alice: Client, alice: Login, change: dict[str, Any], codes: dict[str, str]
) -> None:
    before = as_alice.get(alice.url).json
    assert faults(as_alice.put_json(alice.url, change)) == codes
    assert as_alice.get(alice.url).json == before


def test_delete_takes_everything_along(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session
) -> None:
    make_task(dbsession, alice)
    kept = make_task(dbsession, bob)
    response = as_alice.delete(alice.url)
    assert (response.status_int, response.body) == (204, b"")
    assert "Content-Type" not in response.headers
    assert as_alice.get(alice.url).status_int == 401
    assert dbsession.scalars(select(Account.username)).all() == ["bob"]
    assert dbsession.scalars(select(Task.id)).all() == [kept]
    assert dbsession.scalars(select(Token.account_id)).all() == [bob.id]


def test_a_deleted_id_is_never_given_again(app: Any, as_alice: Client, alice: Login) -> None:
    as_alice.delete(alice.url)
    assert Client(app).post(ACCOUNTS, CAROL).json["profile"]["id"] > alice.id
