"""Tokens: listed, created, revoked, and what each may do."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.databases import statements
from tests.support.factories import PASSWORD, Login, make_account, make_task
from todo import clock
from todo.models import Account, Token
from todo.models.token import Kind, is_well_formed, new_secret, token_digest

Move = Callable[[timedelta], datetime]

LOGIN = "/api/v1/accounts/login"
WHOAMI = "/api/v1/whoami"


@pytest.fixture
def tokens_url(alice: Login) -> str:
    return f"{alice.url}/tokens"


@pytest.fixture
def api_token(as_alice: Client, tokens_url: str) -> Callable[..., str]:
    def create(scope: str, **fields: Any) -> str:
        response = as_alice.post_json(tokens_url, {"name": "script", "scope": scope, **fields})
        assert response.status_int == 201, response
        return str(response.json["token"])

    return create


def test_create(as_alice: Client, tokens_url: str, dbsession: Session, alice: Login) -> None:
    response = as_alice.post(tokens_url, {"name": "script", "scope": "read"})
    assert response.status_int == 201
    secret = response.json["token"]
    assert re.fullmatch(r"tdo_[0-9A-Za-z]{49}", secret)
    stored = dbsession.scalars(select(Token).where(Token.digest == token_digest(secret))).one()
    assert (stored.kind, stored.scope, stored.name) == ("api", "read", "script")
    assert stored.expiration_date - stored.creation_date == pytest.approx(
        timedelta(days=90), abs=timedelta(seconds=5)
    )
    shown = as_alice.get(response.headers["Location"]).json["token"]
    assert shown == response.json["api_token"]
    assert secret not in as_alice.get(tokens_url).text


def test_list_says_which_one_asks(
    app: Any, as_alice: Client, tokens_url: str, api_token: Callable[..., str]
) -> None:
    api_token("write")
    headers = {"User-Agent": "browser\t/1 " + "x" * 300}
    fields = {"username": "alice", "password": PASSWORD}
    Client(app).post(LOGIN, fields, headers=headers)
    listed = as_alice.get(tokens_url).json["tokens"]
    assert [(row["kind"], row["scope"], row["current"]) for row in listed] == [
        ("session", "write", True),
        ("api", "write", False),
        ("session", "write", False),
    ]
    assert listed[2]["client"] == headers["User-Agent"][:255]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, {"name": "missing", "scope": "missing"}),
        ({"name": " ", "scope": "admin"}, {"name": "blank", "scope": "choice"}),
        ({"name": "n" * 65, "scope": None}, {"name": "too_long", "scope": "choice"}),
        ({"name": "n", "scope": "read", "expires": "2020-01-01"}, {"expires": "expires"}),
        ({"name": "n", "scope": "read", "expires": "9999-01-01"}, {"expires": "expires"}),
        ({"name": "n", "scope": "read", "expires": 90}, {"expires": "type"}),
        ({"name": "n", "scope": "read", "kind": "session"}, {"kind": "unknown_field"}),
    ],
)
def test_create_refuses(
    as_alice: Client, tokens_url: str, fields: dict[str, Any], codes: dict[str, str]
) -> None:
    assert faults(as_alice.post_json(tokens_url, fields)) == codes
    assert len(as_alice.get(tokens_url).json["tokens"]) == 1


@pytest.mark.purged
def test_longest_life(app: Any, api_token: Callable[..., str], set_clock: Move) -> None:
    day = (datetime.now(UTC) + timedelta(days=365)).date()
    client = Client(app, api_token("read", expires=day.isoformat()))
    set_clock(timedelta(days=363))
    assert client.get(WHOAMI).status_int == 200, "an API token does not end by being unused"
    set_clock(timedelta(days=366))
    assert client.get(WHOAMI).status_int == 401


@pytest.mark.parametrize(
    ("zone", "expires", "end"),
    [
        ("UTC", "2030-07-01", "2030-07-01T00:00:00Z"),
        ("Europe/Berlin", "2030-07-01", "2030-06-30T22:00:00Z"),
        ("Europe/Berlin", "2030-07-01T09:30:00", "2030-07-01T07:30:00Z"),
        ("Europe/Berlin", "2030-07-01T09:30:00Z", "2030-07-01T09:30:00Z"),
        ("Pacific/Kiritimati", "2030-01-02", None),  # it has begun
        ("Pacific/Kiritimati", "0001-01-01", None),
        ("Etc/GMT+12", "2030-01-01", "2030-01-01T12:00:00Z"),  # it has not begun
    ],
)
def test_the_end_is_read_in_the_account_s_zone(
    app: Any,
    dbsession: Session,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    expires: str,
    end: str | None,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2030, 1, 1, 11, tzinfo=UTC))
    login = make_account(dbsession, "zoe", timezone=zone)
    fields = {"name": "script", "scope": "read", "expires": expires}
    response = Client(app, login.token).post(f"{login.url}/tokens", fields)
    if end is None:
        assert faults(response) == {"expires": "expires"}
    else:
        assert response.json["token_expires"] == end


@pytest.mark.parametrize(
    ("scope", "permissions"), [("read", ["read"]), ("write", ["read", "write"])]
)
def test_whoami(
    app: Any, api_token: Callable[..., str], scope: str, permissions: list[str]
) -> None:
    answer = Client(app, api_token(scope)).get(WHOAMI).json
    assert (answer["username"], answer["kind"], answer["name"]) == ("alice", "api", "script")
    assert (answer["scope"], answer["permissions"]) == (scope, permissions)


def test_whoami_of_a_session(as_alice: Client, client: Client) -> None:
    assert as_alice.get(WHOAMI).json["permissions"] == ["manage", "read", "write"]
    assert client.get(WHOAMI).status_int == 401


@pytest.mark.parametrize("scope", ["read", "write"])
def test_scopes(
    app: Any, alice: Login, dbsession: Session, api_token: Callable[..., str], scope: str
) -> None:
    client = Client(app, api_token(scope))
    task = f"{alice.tasks_url}/{make_task(dbsession, alice)}"
    assert client.get(task).status_int == 200
    writes = [
        client.post(alice.tasks_url, {"name": "Milk"}),
        client.put(task, {"name": "Tea"}),
        client.delete(task),
    ]
    assert [response.status_int for response in writes] == (
        [201, 200, 200] if scope == "write" else [403, 403, 403]
    )
    management = [
        client.get(f"{alice.url}/tokens"),
        client.post(f"{alice.url}/tokens", {"name": "more", "scope": "read"}),
        client.put(alice.url, {"email": "x@example.com", "current_password": PASSWORD}),
        client.put(alice.url, {"timezone": "Europe/Berlin"}),
        client.send_form("DELETE", alice.url, f"current_password={PASSWORD}"),
        client.delete(f"{alice.url}/tokens"),
    ]
    for response in management + (writes if scope == "read" else []):
        assert (response.status_int, response.json["code"]) == (403, "insufficient_scope")
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_logout_leaves_an_api_token_alone(app: Any, api_token: Callable[..., str]) -> None:
    client = Client(app, api_token("read"))
    for method in ("GET", "POST"):
        assert client.request("/api/v1/accounts/logout", method=method).status_int == 200
    assert client.get(WHOAMI).status_int == 200


def test_a_broken_checksum_costs_no_query(
    app: Any, api_token: Callable[..., str], alice: Login
) -> None:
    good = api_token("read")
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


def test_revoke_one(
    app: Any, as_alice: Client, tokens_url: str, api_token: Callable[..., str]
) -> None:
    client = Client(app, api_token("write"))
    token_id = as_alice.get(tokens_url).json["tokens"][1]["id"]
    assert as_alice.delete(f"{tokens_url}/{token_id}").status_int == 200
    assert client.get(WHOAMI).status_int == 401
    assert as_alice.delete(f"{tokens_url}/{token_id}").status_int == 404


def test_another_s_token_looks_like_none(
    as_alice: Client, as_bob: Client, bob: Login, tokens_url: str
) -> None:
    foreign = as_bob.get(f"{bob.url}/tokens").json["tokens"][0]["id"]
    for method in ("GET", "DELETE"):
        answers = [
            as_alice.request(f"{tokens_url}/{token_id}", method=method)
            for token_id in (foreign, 2**62)
        ]
        assert [answer.status_int for answer in answers] == [404, 404]
        assert answers[0].body == answers[1].body
    assert as_bob.get(bob.url).status_int == 200


def test_revoke_all_but_this_one(
    app: Any, as_alice: Client, tokens_url: str, api_token: Callable[..., str], as_bob: Client
) -> None:
    client = Client(app, api_token("write"))
    assert as_alice.delete(tokens_url).status_int == 200
    assert client.get(WHOAMI).status_int == 401
    assert as_alice.get(WHOAMI).status_int == 200
    assert as_bob.get(WHOAMI).status_int == 200


def test_at_most_twenty_sessions(
    app: Any, as_alice: Client, alice: Login, tokens_url: str, api_token: Callable[..., str]
) -> None:
    api = Client(app, api_token("read"))
    fields = {"username": "alice", "password": PASSWORD}
    tokens = [Client(app).post(LOGIN, fields).json["token"] for _ in range(20)]
    assert as_alice.get(WHOAMI).status_int == 401, "the oldest goes"
    assert Client(app, tokens[0]).get(WHOAMI).status_int == 200
    listed = Client(app, tokens[-1]).get(tokens_url).json["tokens"]
    assert [row["kind"] for row in listed].count("session") == 20
    assert api.get(WHOAMI).status_int == 200


def test_logging_in_again_ends_the_session_it_came_with(client: Client, app: Any) -> None:
    fields = {"username": "zoe", "email": "zoe@example.com", "password": PASSWORD}
    first = client.post("/api/v1/accounts", fields).json["token"]
    del fields["email"]
    second = client.post(LOGIN, fields).json["token"]
    assert Client(app, first).get(WHOAMI).status_int == 401
    assert Client(app, second).get(WHOAMI).status_int == 200


def test_last_use_is_noted_to_the_minute(
    as_alice: Client, tokens_url: str, set_clock: Move
) -> None:
    def last_used() -> datetime:
        [row] = as_alice.get(tokens_url).json["tokens"]
        return datetime.fromisoformat(row["last_used_date"])

    begin = last_used()
    set_clock(timedelta(seconds=30))
    assert [last_used(), last_used()] == [begin, begin]
    moved = set_clock(timedelta(minutes=5))
    assert last_used() == begin
    assert last_used() == moved


LATER = timedelta(minutes=11)


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
def test_an_older_login_is_asked_for_the_password(
    as_alice: Client,
    alice: Login,
    set_clock: Move,
    method: str,
    path: str,
    fields: dict[str, str],
    status: int,
) -> None:
    set_clock(LATER)
    url = alice.url + path
    for refused in (fields, fields | {"current_password": "wrong password"}):
        response = as_alice.send_json(method, url, refused)
        assert response.status_int == 403
        assert response.json["code"] == "reauthentication_required"
    answer = as_alice.send_json(method, url, fields | {"current_password": PASSWORD})
    assert answer.status_int == status


def test_what_is_no_change_needs_no_password(
    as_alice: Client, alice: Login, set_clock: Move
) -> None:
    set_clock(LATER)
    assert as_alice.put_json(alice.url, as_alice.get(alice.url).json).status_int == 200


def test_a_timezone_alone_needs_no_password(
    as_alice: Client, alice: Login, set_clock: Move
) -> None:
    set_clock(LATER)
    change = {"timezone": "Europe/Berlin"}
    assert as_alice.put(alice.url, change).json["profile"]["timezone"] == "Europe/Berlin"
    profile = as_alice.get(alice.url).json | {"timezone": "Asia/Tokyo"}
    assert as_alice.put_json(alice.url, profile).json["profile"] == profile
    response = as_alice.put(alice.url, change | {"email": "new@example.com"})
    assert response.json["code"] == "reauthentication_required"
    assert as_alice.get(alice.url).json == profile


def test_a_fresh_login_is_not_asked(as_alice: Client, alice: Login, set_clock: Move) -> None:
    set_clock(timedelta(minutes=9))
    assert as_alice.put(alice.url, {"email": "new@example.com"}).status_int == 200


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Password1", "password_common"),
        ("1234567890", "password_common"),
        ("I am ALICE here", "password_personal"),
        ("to alice@example.com", "password_personal"),
    ],
)
def test_passwords_that_are_guessed(
    as_alice: Client, alice: Login, client: Client, password: str, code: str
) -> None:
    fields = {"username": "alice2", "email": "alice@example.com", "password": password}
    assert faults(client.post("/api/v1/accounts", fields)) == {"password": code}
    assert faults(as_alice.put(alice.url, {"password": password})) == {"password": code}


def test_a_freed_username_is_kept_for_its_owner(
    as_alice: Client, alice: Login, as_bob: Client, bob: Login, client: Client, set_clock: Move
) -> None:
    fields = {"username": "ALICE", "email": "c@example.com", "password": PASSWORD}
    as_alice.put(alice.url, {"username": "alicia"})
    assert client.post("/api/v1/accounts", fields).json["code"] == "username_taken"
    assert as_bob.put(bob.url, {"username": "alice"}).json["code"] == "username_taken"
    assert as_alice.put("/api/v1/accounts/alicia", {"username": "alice"}).status_int == 200
    as_bob.delete(bob.url)
    assert client.post("/api/v1/accounts", fields | {"username": "bob"}).status_int == 409
    set_clock(timedelta(days=91))
    assert client.post("/api/v1/accounts", fields | {"username": "bob"}).status_int == 201


def test_a_disabled_account(
    app: Any, as_alice: Client, dbsession: Session, api_token: Callable[..., str], client: Client
) -> None:
    api = Client(app, api_token("read"))
    dbsession.execute(
        update(Account).execution_options(recorded=True).values(disabled_date=datetime.now(UTC))
    )
    dbsession.commit()
    assert as_alice.get(WHOAMI).status_int == api.get(WHOAMI).status_int == 401
    response = client.post(LOGIN, {"username": "alice", "password": PASSWORD})
    assert (response.status_int, response.json["code"]) == (403, "account_disabled")
    wrong = client.post(LOGIN, {"username": "alice", "password": "wrong password"})
    assert wrong.json["code"] == "bad_credentials", "who does not know the password learns nothing"


def test_what_has_ended_is_not_listed(
    as_alice: Client, tokens_url: str, dbsession: Session, client: Client, alice: Login
) -> None:
    client.post(LOGIN, {"username": "alice", "password": PASSWORD})
    unused = as_alice.get(tokens_url).json["tokens"][1]["id"]
    long_ago = datetime.now(UTC) - timedelta(days=8)
    dbsession.execute(update(Token).where(Token.id == unused).values(last_used_date=long_ago))
    dbsession.commit()
    assert [row["current"] for row in as_alice.get(tokens_url).json["tokens"]] == [True]
    assert as_alice.get(f"{tokens_url}/{unused}").status_int == 404


def test_a_small_scope_does_not_tell_what_exists(
    app: Any, as_alice: Client, alice: Login, dbsession: Session, api_token: Callable[..., str]
) -> None:
    reader, writer = Client(app, api_token("read")), Client(app, api_token("write"))
    task_id = make_task(dbsession, alice)
    token_id = as_alice.get(f"{alice.url}/tokens").json["tokens"][0]["id"]
    for client, method, paths in (
        (reader, "DELETE", (f"tasks/{task_id}", f"tasks/{2**62}")),
        (reader, "GET", (f"tokens/{token_id}", f"tokens/{2**62}")),
        (writer, "DELETE", (f"tokens/{token_id}", f"tokens/{2**62}")),
    ):
        for path in paths:
            response = client.request(f"{alice.url}/{path}", method=method)
            assert (response.status_int, response.json["code"]) == (403, "insufficient_scope")


def test_registering_ends_the_session_it_came_with(
    as_alice: Client, app: Any, alice: Login
) -> None:
    fields = {"username": "zoe", "email": "zoe@example.com", "password": PASSWORD}
    assert as_alice.post("/api/v1/accounts", fields).status_int == 201
    assert Client(app, alice.token).get(WHOAMI).status_int == 401


def test_at_most_a_hundred_api_tokens(
    as_alice: Client, tokens_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo.services.tokens.MOST_API_TOKENS", 2)
    fields = {"name": "script", "scope": "read"}
    answers = [as_alice.post(tokens_url, fields) for _ in range(3)]
    assert [answer.status_int for answer in answers] == [201, 201, 409]
    assert answers[2].json["code"] == "too_many_tokens"


def test_a_password_that_is_sent_must_be_right(as_alice: Client, alice: Login) -> None:
    fields = {"email": "new@example.com", "current_password": "wrong password"}
    assert as_alice.put(alice.url, fields).json["code"] == "reauthentication_required"
    assert as_alice.get(alice.url).json["email"] == "alice@example.com"


def test_a_session_s_token_never_looks_like_an_api_token(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["tdo_" + "x" * 39, "good"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(drawn))
    assert new_secret(Kind.SESSION) == "good"
