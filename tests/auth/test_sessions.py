"""Login sessions: login, logout, expiry, and the cookie or header that carries the token."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import Client, User, log_in
from tests.support.factories import PASSWORD, Login, change_accounts
from tests.support.fixtures import Logs, Patch, SetClock
from todo.auth import passwords
from todo.models import Account, Token
from todo.models.token import token_digest

LOGIN = "/api/v1/accounts/login"
LOGOUT = "/api/v1/accounts/logout"
IDLE = timedelta(days=7)


def credentials(password: str = PASSWORD, username: str = "alice") -> dict[str, str]:
    return {"username": username, "password": password}


@pytest.mark.parametrize("form", [True, False])
def test_login_returns_new_session_token(
    client: Client, alice: Login, db: Session, form: bool
) -> None:
    post = client.post if form else client.post_json
    response = post(LOGIN, credentials(username="ALICE "))
    assert response.status_int == 200
    assert response.json.keys() == {"msg", "username", "token", "token_expires"}
    assert (response.json["msg"], response.json["username"]) == ("Authenticated", "alice")
    stored = db.scalars(
        select(Token).where(Token.digest == token_digest(response.json["token"]))
    ).one()
    assert datetime.fromisoformat(response.json["token_expires"]) == (
        stored.expiration_date.replace(microsecond=0)
    )
    assert len(response.json["token"]) == 43, "256 bits in base64"


def test_session_cookie_is_httponly_and_samesite(client: Client, alice: Login) -> None:
    attributes = log_in(client).headers["Set-Cookie"].split("; ")
    assert attributes[0].startswith("todo_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"} <= set(attributes)
    assert client.get(alice.url).status_int == 200


@pytest.mark.parametrize(
    "fields",
    [
        credentials("wrong password"),
        credentials(username="nobody"),
        credentials(username="al\0ice"),
        credentials(username="\u212aim"),
        credentials("x" * 2000),
        credentials(""),
    ],
)
def test_login_with_wrong_credentials_is_refused(
    client: Client, alice: Login, fields: dict[str, str]
) -> None:
    response = client.post_json(LOGIN, fields)
    assert (response.status_int, response.json["code"]) == (401, "bad_credentials")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="todo"'
    assert "Set-Cookie" not in response.headers


class RecordingHasher:
    """The real argon2; records each hash to verify against."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self.hasher = hasher
        self.verified: list[str] = []

    def verify(self, password_hash: str, password: bytes) -> bool:
        self.verified.append(password_hash)
        return self.hasher.verify(password_hash, password)


@pytest.mark.parametrize("username", ["alice", "nobody", "\u212aim", "al\0ice"])
def test_login_of_unknown_user_costs_same_hash_as_wrong_password(
    client: Client, alice: Login, monkeypatch: Patch, username: str
) -> None:
    hasher = RecordingHasher(passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    response = client.post_json(LOGIN, credentials("wrong password", username))
    assert response.status_int == 401
    [verified] = hasher.verified
    assert extract_parameters(verified) == extract_parameters(hasher.hasher.hash(PASSWORD))


def test_login_with_corrupt_hash_is_refused_and_logged(
    client: Client, alice: Login, db: Session, caplog: Logs
) -> None:
    change_accounts(db, password_hash="$argon2id$broken")
    db.commit()
    assert log_in(client).status_int == 401
    levels = {record.name: record.levelname for record in caplog.records}
    assert levels == {"todo.auth.passwords": "ERROR", "todo.audit": "INFO"}
    assert "broken" not in caplog.text


def test_login_renews_hash_with_outdated_parameters(
    client: Client, alice: Login, db: Session
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    change_accounts(db, password_hash=weak)
    db.commit()
    assert log_in(client).status_int == 200
    assert "m=19456,t=2,p=1" in db.scalars(select(Account.password_hash)).one()
    assert log_in(client).status_int == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logout_ends_only_current_session(
    app: Any, alice: User, client: Client, method: str
) -> None:
    log_in(client)
    response = client.request(LOGOUT, method=method)
    assert (response.status_int, response.json) == (200, {"msg": "Logged out."})
    assert "todo_session=;" in response.headers["Set-Cookie"]
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert client.get(alice.url).status_int == 401
    assert alice.get(alice.url).status_int == 200


def test_token_is_refused_after_logout(app: Any, alice: User) -> None:
    alice.get(LOGOUT)
    response = Client(app, alice.token).get(alice.url)
    assert response.status_int == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_head_logout_keeps_session(alice: User) -> None:
    assert alice.head(LOGOUT).status_int == 200
    assert alice.get(alice.url).status_int == 200


def test_logout_ends_session_of_header_or_of_any_cookie(
    app: Any, client: Client, alice: Login
) -> None:
    token = log_in(client).json["token"]
    response = client.get(LOGOUT, headers={"Authorization": f"Bearer {alice.token}"})
    assert "Set-Cookie" not in response.headers, "the cookie's session continues"
    assert Client(app, alice.token).get(alice.url).status_int == 401
    assert Client(app, token).get(alice.url).status_int == 200
    response = Client(app).get(
        LOGOUT, headers={"Cookie": f"todo_session={token}; todo_session=planted"}
    )
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert Client(app, token).get(alice.url).status_int == 401


def test_logout_without_login_succeeds(client: Client) -> None:
    assert client.get(LOGOUT).status_int == 200


def test_session_unused_for_a_week_expires(app: Any, alice: Login, set_clock: SetClock) -> None:
    set_clock(IDLE + timedelta(minutes=1))
    assert Client(app, alice.token).get(alice.url).status_int == 401


def test_session_in_use_expires_after_30_days(app: Any, alice: Login, set_clock: SetClock) -> None:
    client = Client(app, alice.token)
    for days in (6, 12, 18, 24, 29):
        set_clock(timedelta(days=days))
        assert client.get(alice.url).status_int == 200
    set_clock(timedelta(days=30, minutes=1))
    assert client.get(alice.url).status_int == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nope", "bearer \u00e9", "Bearer a b"]
)
def test_invalid_bearer_token_is_refused_despite_valid_cookie(
    app: Any, alice: Login, header: str
) -> None:
    client = Client(app)
    log_in(client)
    response = client.get(alice.url, headers={"Authorization": header})
    assert (response.status_int, response.json["code"]) == (401, "unauthenticated")


def test_bearer_scheme_is_case_insensitive(app: Any, alice: Login) -> None:
    headers = {"Authorization": f"bearer {alice.token}"}
    assert Client(app).get(alice.url, headers=headers).status_int == 200


def test_bearer_token_takes_precedence_over_cookie(
    client: Client, alice: Login, bob: Login
) -> None:
    log_in(client)
    headers = {"Authorization": f"Bearer {bob.token}"}
    assert client.get(alice.url, headers=headers).status_int == 403
    assert client.get(bob.url, headers=headers).status_int == 200


def test_cookie_authenticates_despite_basic_header(client: Client, alice: Login) -> None:
    log_in(client)
    headers = {"Authorization": "Basic cHJveHk6cHJveHk="}
    assert client.get(alice.url, headers=headers).status_int == 200


def test_request_with_two_session_cookies_is_unauthenticated(app: Any, alice: Login) -> None:
    cookie = f"todo_session={alice.token}"
    client = Client(app)
    assert client.get(alice.url, headers={"Cookie": cookie}).status_int == 200
    assert client.get(alice.url, headers={"Cookie": f"{cookie}; {cookie}"}).status_int == 401


def test_database_stores_no_plain_token(alice: Login, db: Session) -> None:
    row = db.scalars(select(Token)).one()
    assert alice.token.encode() not in b"".join(
        value if isinstance(value, bytes) else str(value).encode() for value in vars(row).values()
    )
