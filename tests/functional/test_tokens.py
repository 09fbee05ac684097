"""Tokens: creation, listing, revocation and permissions."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.support.client import Client, User, faults, log_in
from tests.support.databases import statements
from tests.support.factories import PASSWORD, Login, change_accounts, make_account, make_task
from tests.support.fixtures import Patch, SetClock
from todo import clock
from todo.models import Token
from todo.models.token import TokenKind, is_well_formed, new_secret, token_digest

LOGIN = "/api/v1/accounts/login"
WHOAMI = "/api/v1/whoami"
TOKENS = "/api/v1/accounts/alice/tokens"

CreateApiClient = Callable[..., Client]


@pytest.fixture
def create_api_client(app: Any, alice: User) -> CreateApiClient:
    """Return a function that creates an API token and returns a client with it."""

    def create(scope: str, **fields: Any) -> Client:
        response = alice.post_json(TOKENS, {"name": "script", "scope": scope, **fields})
        assert response.status_int == 201, response
        return Client(app, response.json["token"])

    return create


def test_create_token_shows_secret_once(db: Session, alice: User) -> None:
    response = alice.post(TOKENS, {"name": "script", "scope": "read"})
    assert response.status_int == 201
    secret = response.json["token"]
    assert re.fullmatch(r"tdo_[0-9A-Za-z]{49}", secret)
    stored = db.scalars(select(Token).where(Token.digest == token_digest(secret))).one()
    assert (stored.kind, stored.scope, stored.name) == ("api", "read", "script")
    assert stored.expiration_date - stored.creation_date == pytest.approx(
        timedelta(days=90), abs=timedelta(seconds=5)
    )
    shown = alice.get(response.headers["Location"]).json["token"]
    assert shown == response.json["api_token"]
    assert secret not in alice.get(TOKENS).text


def test_token_list_marks_current_token(
    app: Any, alice: User, create_api_client: CreateApiClient
) -> None:
    create_api_client("write")
    headers = {"User-Agent": "browser\t/1 " + "x" * 300}
    log_in(Client(app), headers=headers)
    listed = alice.get(TOKENS).json["tokens"]
    assert [(row["kind"], row["scope"], row["current"]) for row in listed] == [
        ("session", "write", True),
        ("api", "write", False),
        ("session", "write", False),
    ]
    assert listed[2]["client"] == headers["User-Agent"][:255]


@pytest.mark.purged
def test_unused_api_token_is_valid_until_expiration(
    app: Any, create_api_client: CreateApiClient, set_clock: SetClock
) -> None:
    day = (datetime.now(UTC) + timedelta(days=365)).date()
    client = create_api_client("read", expires=day.isoformat())
    set_clock(timedelta(days=363))
    assert client.get(WHOAMI).status_int == 200, "an API token must not expire from disuse"
    set_clock(timedelta(days=366))
    assert client.get(WHOAMI).status_int == 401


@pytest.mark.parametrize(
    ("zone", "expires", "end"),
    [
        ("UTC", "2030-07-01", "2030-07-01T00:00:00Z"),
        ("Europe/Berlin", "2030-07-01", "2030-06-30T22:00:00Z"),
        ("Europe/Berlin", "2030-07-01T09:30:00", "2030-07-01T07:30:00Z"),
        ("Europe/Berlin", "2030-07-01T09:30:00Z", "2030-07-01T09:30:00Z"),
        ("Pacific/Kiritimati", "2030-01-02", None),  # already begun in this zone
        ("Pacific/Kiritimati", "0001-01-01", None),
        ("Etc/GMT+12", "2030-01-01", "2030-01-01T12:00:00Z"),  # not yet begun in this zone
    ],
)
def test_token_expiration_is_read_in_account_timezone(
    app: Any, db: Session, monkeypatch: Patch, zone: str, expires: str, end: str | None
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2030, 1, 1, 11, tzinfo=UTC))
    login = make_account(db, "zoe", timezone=zone)
    fields = {"name": "script", "scope": "read", "expires": expires}
    response = Client(app, login.token).post(f"{login.url}/tokens", fields)
    if end is None:
        assert faults(response) == {"expires": "expires"}
    else:
        assert response.json["token_expires"] == end


@pytest.mark.parametrize(
    ("scope", "permissions"), [("read", ["read"]), ("write", ["read", "write"])]
)
def test_whoami_shows_scope_and_permissions_of_api_token(
    app: Any, create_api_client: CreateApiClient, scope: str, permissions: list[str]
) -> None:
    answer = create_api_client(scope).get(WHOAMI).json
    assert (answer["username"], answer["kind"], answer["name"]) == ("alice", "api", "script")
    assert (answer["scope"], answer["permissions"]) == (scope, permissions)


def test_whoami_shows_permissions_of_session(alice: User, client: Client) -> None:
    assert alice.get(WHOAMI).json["permissions"] == ["manage", "read", "write"]
    assert client.get(WHOAMI).status_int == 401


def test_logout_keeps_api_token(app: Any, create_api_client: CreateApiClient) -> None:
    client = create_api_client("read")
    for method in ("GET", "POST"):
        assert client.request("/api/v1/accounts/logout", method=method).status_int == 200
    assert client.get(WHOAMI).status_int == 200


def test_token_with_broken_checksum_runs_no_query(
    app: Any, create_api_client: CreateApiClient, alice: Login
) -> None:
    good = create_api_client("read").authorization[1]
    with statements(app.registry["engine"]) as run:
        for broken in (
            good[:-1] + ("0" if good[-1] != "0" else "1"),
            good[:-1],
            good + "0",
            "tdo_",
        ):
            assert not is_well_formed(broken)
            assert Client(app, broken).get(alice.url).status_int == 401
        assert run == []
        assert Client(app, good).get(alice.url).status_int == 200
        assert run != []


def test_revoked_token_is_unauthenticated(
    app: Any, alice: User, create_api_client: CreateApiClient
) -> None:
    client = create_api_client("write")
    token_id = alice.get(TOKENS).json["tokens"][1]["id"]
    assert alice.delete(f"{TOKENS}/{token_id}").status_int == 200
    assert client.get(WHOAMI).status_int == 401
    assert alice.delete(f"{TOKENS}/{token_id}").status_int == 404


def test_revoke_tokens_keeps_current_token(
    app: Any, alice: User, create_api_client: CreateApiClient, bob: User
) -> None:
    client = create_api_client("write")
    assert alice.delete(TOKENS).status_int == 200
    assert client.get(WHOAMI).status_int == 401
    assert alice.get(WHOAMI).status_int == 200
    assert bob.get(WHOAMI).status_int == 200


def test_session_over_limit_ends_oldest_session(
    app: Any, alice: User, create_api_client: CreateApiClient
) -> None:
    api = create_api_client("read")
    tokens = [log_in(Client(app)).json["token"] for _ in range(20)]
    assert alice.get(WHOAMI).status_int == 401, "the oldest session must end"
    assert Client(app, tokens[0]).get(WHOAMI).status_int == 200
    listed = Client(app, tokens[-1]).get(TOKENS).json["tokens"]
    assert [row["kind"] for row in listed].count("session") == 20
    assert api.get(WHOAMI).status_int == 200


def test_login_ends_previous_session_of_client(client: Client, app: Any) -> None:
    fields = {"username": "zoe", "email": "zoe@example.com", "password": PASSWORD}
    first = client.post("/api/v1/accounts", fields).json["token"]
    second = log_in(client, "zoe").json["token"]
    assert Client(app, first).get(WHOAMI).status_int == 401
    assert Client(app, second).get(WHOAMI).status_int == 200


def test_token_last_use_is_updated_once_per_minute(alice: User, set_clock: SetClock) -> None:
    def last_used() -> datetime:
        [row] = alice.get(TOKENS).json["tokens"]
        return datetime.fromisoformat(row["last_used_date"])

    begin = last_used()
    set_clock(timedelta(seconds=30))
    assert [last_used(), last_used()] == [begin, begin]
    moved = set_clock(timedelta(minutes=5))
    assert last_used() == begin
    assert last_used() == moved.replace(microsecond=0)


LOGIN_NO_LONGER_RECENT = timedelta(minutes=11)


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("PUT", "", {"email": "new@example.com"}, 200),
        ("PUT", "", {"username": "alicia"}, 200),
        ("PUT", "", {"password": "another horse"}, 200),
        ("POST", "/tokens", {"name": "script", "scope": "read"}, 201),
        ("DELETE", "", {}, 204),
    ],
)
def test_sensitive_change_after_old_login_requires_password(
    alice: User, set_clock: SetClock, method: str, path: str, fields: dict[str, str], status: int
) -> None:
    set_clock(LOGIN_NO_LONGER_RECENT)
    url = alice.url + path
    for refused in (fields, fields | {"current_password": "wrong password"}):
        response = alice.send_json(method, url, refused)
        assert response.status_int == 403
        assert response.json["code"] == "reauthentication_required"
    answer = alice.send_json(method, url, fields | {"current_password": PASSWORD})
    assert answer.status_int == status


def test_unchanged_profile_needs_no_password(alice: User, set_clock: SetClock) -> None:
    set_clock(LOGIN_NO_LONGER_RECENT)
    assert alice.put_json(alice.url, alice.get(alice.url).json).status_int == 200


def test_timezone_change_needs_no_password(alice: User, set_clock: SetClock) -> None:
    set_clock(LOGIN_NO_LONGER_RECENT)
    change = {"timezone": "Europe/Berlin"}
    assert alice.put(alice.url, change).json["profile"]["timezone"] == "Europe/Berlin"
    profile = alice.get(alice.url).json | {"timezone": "Asia/Tokyo"}
    assert alice.put_json(alice.url, profile).json["profile"] == profile
    response = alice.put(alice.url, change | {"email": "new@example.com"})
    assert response.json["code"] == "reauthentication_required"
    assert alice.get(alice.url).json == profile


def test_sensitive_change_after_recent_login_needs_no_password(
    alice: User, set_clock: SetClock
) -> None:
    set_clock(timedelta(minutes=9))
    assert alice.put(alice.url, {"email": "new@example.com"}).status_int == 200


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Password1", "password_common"),
        ("1234567890", "password_common"),
        ("I am ALICE here", "password_personal"),
        ("to alice@example.com", "password_personal"),
    ],
)
def test_guessable_password_is_refused(
    alice: User, client: Client, password: str, code: str
) -> None:
    fields = {"username": "alice2", "email": "alice@example.com", "password": password}
    assert faults(client.post("/api/v1/accounts", fields)) == {"password": code}
    assert faults(alice.put(alice.url, {"password": password})) == {"password": code}


def test_former_username_is_reserved_for_90_days(
    alice: User, bob: User, client: Client, set_clock: SetClock
) -> None:
    fields = {"username": "ALICE", "email": "c@example.com", "password": PASSWORD}
    alice.put(alice.url, {"username": "alicia"})
    assert client.post("/api/v1/accounts", fields).json["code"] == "username_taken"
    assert bob.put(bob.url, {"username": "alice"}).json["code"] == "username_taken"
    assert alice.put("/api/v1/accounts/alicia", {"username": "alice"}).status_int == 200
    bob.delete(bob.url)
    assert client.post("/api/v1/accounts", fields | {"username": "bob"}).status_int == 409
    set_clock(timedelta(days=91))
    assert client.post("/api/v1/accounts", fields | {"username": "bob"}).status_int == 201


def test_disabled_account_cannot_authenticate(
    app: Any, alice: User, db: Session, create_api_client: CreateApiClient, client: Client
) -> None:
    api = create_api_client("read")
    change_accounts(db, disabled_date=datetime.now(UTC))
    db.commit()
    assert alice.get(WHOAMI).status_int == api.get(WHOAMI).status_int == 401
    response = log_in(client)
    assert (response.status_int, response.json["code"]) == (403, "account_disabled")
    wrong = log_in(client, password="wrong password")
    assert wrong.json["code"] == "bad_credentials", "a wrong password must not reveal the state"


def test_expired_session_is_not_listed(db: Session, client: Client, alice: User) -> None:
    log_in(client)
    unused = alice.get(TOKENS).json["tokens"][1]["id"]
    long_ago = datetime.now(UTC) - timedelta(days=8)
    db.execute(update(Token).where(Token.id == unused).values(last_used_date=long_ago))
    db.commit()
    assert [row["current"] for row in alice.get(TOKENS).json["tokens"]] == [True]
    assert alice.get(f"{TOKENS}/{unused}").status_int == 404


def test_insufficient_scope_does_not_reveal_existence(
    app: Any, alice: User, db: Session, create_api_client: CreateApiClient
) -> None:
    reader, writer = create_api_client("read"), create_api_client("write")
    task_id = make_task(db, alice)
    token_id = alice.get(f"{alice.url}/tokens").json["tokens"][0]["id"]
    for client, method, paths in (
        (reader, "DELETE", (f"tasks/{task_id}", f"tasks/{2**62}")),
        (reader, "GET", (f"tokens/{token_id}", f"tokens/{2**62}")),
        (writer, "DELETE", (f"tokens/{token_id}", f"tokens/{2**62}")),
    ):
        for path in paths:
            response = client.request(f"{alice.url}/{path}", method=method)
            assert (response.status_int, response.json["code"]) == (403, "insufficient_scope")


def test_register_ends_previous_session_of_client(app: Any, alice: User) -> None:
    fields = {"username": "zoe", "email": "zoe@example.com", "password": PASSWORD}
    assert alice.post("/api/v1/accounts", fields).status_int == 201
    assert Client(app, alice.token).get(WHOAMI).status_int == 401


def test_api_token_over_limit_is_refused(alice: User, monkeypatch: Patch) -> None:
    monkeypatch.setattr("todo.services.tokens.MAX_API_TOKENS", 2)
    fields = {"name": "script", "scope": "read"}
    answers = [alice.post(TOKENS, fields) for _ in range(3)]
    assert [answer.status_int for answer in answers] == [201, 201, 409]
    assert answers[2].json["code"] == "too_many_tokens"


def test_wrong_current_password_after_recent_login_is_refused(alice: User) -> None:
    fields = {"email": "new@example.com", "current_password": "wrong password"}
    assert alice.put(alice.url, fields).json["code"] == "reauthentication_required"
    assert alice.get(alice.url).json["email"] == "alice@example.com"


def test_session_token_never_has_api_token_prefix(monkeypatch: Patch) -> None:
    drawn = iter(["tdo_" + "x" * 39, "good"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(drawn))
    assert new_secret(TokenKind.SESSION) == "good"
