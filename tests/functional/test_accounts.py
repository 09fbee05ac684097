"""Accounts: register, show, update, delete."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.client import Client, User, faults, log_in
from tests.support.factories import (
    PASSWORD,
    Login,
    make_account,
    make_key,
    make_task,
    make_trashed,
)
from tests.support.fixtures import ApiToken, Patch, SetClock
from todo import clock
from todo.jobs.purge import purge_expired
from todo.models import Account, Base, ReleasedUsername
from todo.models.account import ACCOUNTS as TABLE
from todo.services.invitations import create_invitation

ACCOUNTS = "/api/v1/accounts"
CAROL = {"username": "Carol", "email": "carol@example.com", "password": PASSWORD}


def count(session: Session, model: type[Any]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("form", [True, False])
def test_register_creates_account(client: Client, db: Session, form: bool) -> None:
    fields = CAROL | {"password2": PASSWORD}
    response = client.post(ACCOUNTS, fields) if form else client.post_json(ACCOUNTS, fields)
    assert response.status_int == 201
    assert response.headers["Location"] == "/api/v1/accounts/Carol"
    assert response.json["msg"] == "Profile created"
    assert response.json["username"] == "Carol"
    profile = response.json["profile"]
    assert (profile["username"], profile["email"]) == ("Carol", "carol@example.com")
    assert response.json["token_expires"].endswith("Z")
    stored = db.scalars(select(Account)).one()
    assert stored.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert profile["id"] == stored.id
    assert datetime.fromisoformat(profile["date_joined"]) == (
        stored.date_joined.replace(microsecond=0)
    )


def test_registration_is_refused_if_closed(
    app: Any, client: Client, alice: User, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(app.registry["settings"], "registration", "closed")
    response = client.post(ACCOUNTS, CAROL)
    assert (response.status_int, response.json["code"]) == (403, "registration_closed")
    assert "Set-Cookie" not in response.headers
    assert db.scalars(select(Account.username)).all() == ["alice"]
    assert log_in(client).status_int == 200


@pytest.fixture
def invitation(app: Any, db: Session, monkeypatch: Patch) -> str:
    """An invitation, in a service that requires one."""
    monkeypatch.setattr(app.registry["settings"], "registration", "invite")
    secret = create_invitation(db)
    db.commit()
    return secret


@pytest.mark.parametrize("form", [True, False])
def test_invitation_is_valid_once(client: Client, db: Session, invitation: str, form: bool) -> None:
    post = client.post if form else client.post_json
    assert post(ACCOUNTS, CAROL | {"invitation": invitation}).status_int == 201
    dave = CAROL | {"username": "dave", "invitation": invitation}
    response = post(ACCOUNTS, dave)
    assert (response.status_int, response.json["code"]) == (403, "invitation_required")
    assert invitation not in response.text
    assert db.scalars(select(Account.username)).all() == ["Carol"]


@pytest.mark.parametrize(
    "given", [{}, {"invitation": None}, {"invitation": "unknown"}, {"invitation": "\u00e9\0"}]
)
def test_registration_without_valid_invitation_is_refused(
    client: Client, db: Session, invitation: str, given: dict[str, str]
) -> None:
    response = client.post_json(ACCOUNTS, CAROL | given)
    assert (response.status_int, response.json["code"]) == (403, "invitation_required")
    assert db.scalars(select(Account.username)).all() == []


@pytest.mark.parametrize(("days", "status"), [(6, 201), (8, 403)])
def test_invitation_is_valid_for_a_week(
    client: Client, invitation: str, set_clock: SetClock, days: int, status: int
) -> None:
    set_clock(timedelta(days=days))
    assert client.post(ACCOUNTS, CAROL | {"invitation": invitation}).status_int == status


def test_refused_registration_keeps_invitation(
    client: Client, alice: User, invitation: str
) -> None:
    taken = CAROL | {"username": "ALICE", "invitation": invitation}
    assert client.post(ACCOUNTS, taken).status_int == 409
    assert client.post(ACCOUNTS, CAROL | {"email": "x", "invitation": invitation}).status_int == 400
    assert client.post(ACCOUNTS, CAROL | {"invitation": invitation}).status_int == 201


def test_open_service_ignores_invitation(client: Client) -> None:
    for number, invitation in enumerate(("unknown", "", None)):
        fields = CAROL | {"username": f"carol{number}", "invitation": invitation}
        assert client.post_json(ACCOUNTS, fields).status_int == 201
    assert client.post(ACCOUNTS, CAROL | {"invitation": ""}).status_int == 201


@pytest.mark.parametrize(
    "email", ["carol@localhost", "carol@nas.local", "carol@printer.home.local"]
)
def test_register_accepts_address_of_home_server(client: Client, email: str) -> None:
    response = client.post(ACCOUNTS, CAROL | {"email": email})
    assert response.json["profile"]["email"] == email


@pytest.mark.parametrize("email", ["carol@intranet", "carol@x.test", "carol@evil@localhost"])
def test_register_refuses_address_without_domain(client: Client, email: str) -> None:
    assert faults(client.post(ACCOUNTS, CAROL | {"email": email})) == {"email": "email"}


def test_register_returns_valid_cookie_and_token(app: Any, client: Client) -> None:
    token = client.post(ACCOUNTS, CAROL).json["token"]
    assert client.get(f"{ACCOUNTS}/carol").status_int == 200
    assert Client(app, token).get(f"{ACCOUNTS}/carol").status_int == 200
    assert Client(app).get(f"{ACCOUNTS}/carol").status_int == 401


def test_register_location_ignores_host_header(client: Client) -> None:
    response = client.post(ACCOUNTS, CAROL, headers={"Host": "evil.example"})
    assert response.headers["Location"] == "/api/v1/accounts/Carol"


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_register_stores_timezone(client: Client, db: Session, name: str) -> None:
    profile = client.post(ACCOUNTS, CAROL | {"timezone": name}).json["profile"]
    assert profile["timezone"] == name
    assert db.scalars(select(Account.timezone)).one() == name


def test_account_timezone_defaults_to_utc(client: Client, alice: User) -> None:
    assert client.post(ACCOUNTS, CAROL).json["profile"]["timezone"] == "UTC"
    assert alice.get(alice.url).json["timezone"] == "UTC"


def test_register_ignores_read_only_fields(client: Client) -> None:
    response = client.post_json(ACCOUNTS, CAROL | {"id": 77, "date_joined": "x"})
    assert response.status_int == 201
    assert response.json["profile"]["id"] != 77


@pytest.mark.parametrize("username", ["a", "7", "a.b_c-d", "A" * 64])
def test_register_accepts_valid_username(client: Client, username: str) -> None:
    assert client.post(ACCOUNTS, CAROL | {"username": username}).status_int == 201


def test_passwords_at_length_limits_are_accepted(client: Client) -> None:
    for username, password in (("short", "8 letter"), ("long", "é" * 512)):
        fields = CAROL | {"username": username, "password": password}
        assert client.post_json(ACCOUNTS, fields).status_int == 201
        assert client.post_json(f"{ACCOUNTS}/login", fields | {"email": ""}).status_int == 400
        assert log_in(client, username, password).status_int == 200


def test_password_is_normalised_before_comparing_and_measuring(client: Client) -> None:
    composed, decomposed = "caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301"
    fields = CAROL | {"password": composed, "password2": decomposed}
    assert client.post_json(ACCOUNTS, fields).status_int == 201
    assert log_in(client, "Carol", decomposed).status_int == 200
    short = CAROL | {"username": "dan", "password": "e\u0301" * 4}
    assert faults(client.post_json(ACCOUNTS, short)) == {"password": "password_too_short"}


def test_register_taken_username_in_other_case_is_conflict(
    client: Client, alice: Login, db: Session
) -> None:
    response = client.post(ACCOUNTS, CAROL | {"username": "ALICE"})
    assert (response.status_int, response.json["code"]) == (409, "username_taken")
    assert response.json["errors"][0]["field"] == "username"
    assert count(db, Account) == 1
    assert "Set-Cookie" not in response.headers


def test_account_shows_profile(alice: User) -> None:
    response = alice.get(alice.url)
    assert response.status_int == 200
    profile = response.json
    assert profile.keys() == {"id", "username", "email", "date_joined", "timezone"}
    assert profile["id"] == alice.id
    assert profile["date_joined"].endswith("Z")
    assert alice.get("/api/v1/accounts/ALICE").json == profile


def test_account_url_with_unicode_lookalike_is_forbidden(app: Any, db: Session) -> None:
    kim = make_account(db, "kim")
    assert Client(app, kim.token).get(f"{ACCOUNTS}/%E2%84%AAim").status_int == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "change", [{"email": "new@example.com"}, {"timezone": "Pacific/Kiritimati"}]
)
def test_account_update_keeps_omitted_fields(
    alice: User, method: str, change: dict[str, str]
) -> None:
    before = alice.get(alice.url).json
    response = alice.send_json(method, alice.url, change)
    assert response.status_int == 200
    assert response.json == {
        "msg": "Profile updated.",
        "username": "alice",
        "profile": before | change,
    }
    assert alice.get(alice.url).json == response.json["profile"]


def test_account_update_accepts_profile_as_read(alice: User) -> None:
    profile = alice.get(alice.url).json
    response = alice.put_json(alice.url, profile | {"id": 7, "date_joined": "then"})
    assert response.status_int == 200
    assert response.json["profile"] == profile


def test_username_change_keeps_session_and_former_url(alice: User, bob: User) -> None:
    assert alice.put(alice.url, {"username": "Alicia"}).json["username"] == "Alicia"
    assert alice.get(f"{ACCOUNTS}/alicia").status_int == 200
    created = alice.post(f"{ACCOUNTS}/ALICE/tasks", {"name": "Milk"})
    assert created.headers["Location"].startswith(f"{ACCOUNTS}/Alicia/tasks/")
    assert alice.get(alice.url).json["username"] == "Alicia"
    assert bob.get(alice.url).status_int == 403


@pytest.mark.parametrize(("days", "status"), [(89, 200), (91, 403)])
def test_former_username_works_during_its_quarantine(
    alice: User, client: Client, set_clock: SetClock, days: int, status: int
) -> None:
    alice.put(alice.url, {"username": "Alicia"})
    set_clock(timedelta(days=days))
    token = log_in(client, "alicia").json["token"]
    assert Client(client.app, token).get(alice.url).status_int == status


def test_me_is_the_account_of_the_token(alice: User, bob: User) -> None:
    created = alice.post(f"{ACCOUNTS}/me/tasks", {"name": "Milk"})
    assert alice.get(created.headers["Location"]).json["task"]["name"] == "Milk"
    for user in (alice, bob):
        assert user.get(f"{ACCOUNTS}/ME").json["username"] == user.username
    assert bob.get(f"{ACCOUNTS}/me/tasks").json["tasks"] == []
    alice.post(f"{ACCOUNTS}/me/tasks", {"name": "Tea"})
    page = alice.get(f"{ACCOUNTS}/me/tasks?limit=1")
    assert alice.get(page.json["next"]).json["tasks"][0]["name"] == "Tea"


def test_me_without_login_is_unauthenticated(client: Client) -> None:
    assert client.get(f"{ACCOUNTS}/me").status_int == 401


def test_account_update_to_taken_username_is_conflict(alice: User, bob: Login) -> None:
    response = alice.put(alice.url, {"username": "BOB", "email": "new@example.com"})
    assert (response.status_int, response.json["code"]) == (409, "username_taken")
    assert alice.get(alice.url).json["email"] == "alice@example.com"


def test_account_update_of_username_case_succeeds(alice: User) -> None:
    assert alice.put(alice.url, {"username": "Alice"}).json["username"] == "Alice"


def test_password_change_ends_other_sessions(app: Any, alice: User, client: Client) -> None:
    other = Client(app, log_in(client).json["token"])
    changes = {"password": "another horse", "password2": "another horse", "email": "n@example.com"}
    response = alice.put(alice.url, changes)
    assert response.status_int == 200
    assert "todo_session=" in response.headers["Set-Cookie"]
    assert log_in(client).status_int == 401
    assert log_in(client, password="another horse").status_int == 200
    new = Client(app, response.json["token"])
    assert new.get(alice.url).json["email"] == "n@example.com"
    for ended in (other, Client(app, alice.token)):
        assert ended.get(alice.url).status_int == 401, "a new password ends all other sessions"


def test_deleted_account_is_unreachable_at_once(
    app: Any, alice: User, bob: User, db: Session, api_token: ApiToken
) -> None:
    _, script = api_token()
    make_task(db, alice)
    response = alice.delete(alice.url)
    assert (response.status_int, response.body) == (204, b"")
    assert "Content-Type" not in response.headers
    assert [each.get(alice.url).status_int for each in (alice, script)] == [401, 401]
    assert alice.post_json(alice.tasks_url, {"name": "Tea"}).status_int == 401
    closed = db.get_one(Account, alice.id)
    for username in ("alice", closed.username):
        answer = log_in(Client(app), username)
        assert (answer.status_int, answer.json["code"]) == (401, "bad_credentials")
    assert bob.get(alice.url).status_int == 403
    taken = Client(app).post(ACCOUNTS, CAROL | {"username": "Alice"})
    assert (taken.status_int, taken.json["code"]) == (409, "username_taken")
    personal = {closed.username, closed.username_lower, closed.email, closed.password_hash}
    assert personal == {f"#{alice.id}", ""}, "its personal data is gone"


@pytest.mark.purged
def test_purge_erases_rows_of_deleted_account_only(
    app: Any, alice: User, bob: Login, db: Session
) -> None:
    for login in (alice, bob):
        make_task(db, login)
        make_trashed(db, login)
        make_key(db, login, "one", clock.now() + timedelta(days=1))
    assert alice.delete(alice.url).status_int == 204
    before = rows_of(db, bob)
    assert purge_expired(db, app.registry["settings"], lambda _: None)["closed accounts"] == 1
    assert rows_of(db, alice) == {}
    assert rows_of(db, bob) == before
    released = db.scalars(select(ReleasedUsername.username_lower)).all()
    assert released == ["alice"], "the name stays reserved"


def rows_of(session: Session, login: Login) -> dict[str, list[Any]]:
    """Return the rows of the account by table, except its released usernames."""
    rows = {"accounts": session.execute(select(TABLE).where(TABLE.c.id == login.id)).all()}
    for table in Base.metadata.sorted_tables:
        if "account_id" in table.c and table.name != "released_usernames":
            owned = select(table).where(table.c.account_id == login.id)
            rows[table.name] = session.execute(owned).all()
    return {name: list(found) for name, found in rows.items() if found}


def test_name_of_deleted_account_is_free_after_quarantine_without_a_purge(
    app: Any, alice: User, set_clock: SetClock
) -> None:
    alice.delete(alice.url)
    set_clock(timedelta(days=91))
    assert Client(app).post(ACCOUNTS, CAROL | {"username": "alice"}).status_int == 201


def test_deleted_account_id_is_never_reused(app: Any, alice: User) -> None:
    alice.delete(alice.url)
    assert Client(app).post(ACCOUNTS, CAROL).json["profile"]["id"] > alice.id
