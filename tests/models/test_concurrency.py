"""Concurrent requests to a service that pserve runs; tests/torture has more of them."""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from tests.support.factories import PASSWORD, Login, make_account, make_key, make_task
from tests.support.pserve import Server, pserve
from tests.support.running import run_concurrently
from todo import clock, settings
from todo.auth.passwords import MAX_PENDING_OF_ADDRESS
from todo.jobs.purge import purge_expired
from todo.models import Account, Task, Token
from todo.models.token import TokenKind, new_token
from todo.services.invitations import create_invitation

THREADS = 8
CHANGE_EMAIL = update(Account).execution_options(recorded=True).values(email="other@example.com")


@pytest.fixture
def alice(committed: Session) -> Login:
    return make_account(committed, "alice")


def test_concurrent_renames_to_one_username_have_one_winner(
    server: Server, committed: Session
) -> None:
    logins = [make_account(committed) for _ in range(THREADS)]

    def rename(number: int) -> int:
        login = logins[number]
        return server.send("PUT", login.url, {"username": "carol"}, login.token)[0]

    assert Counter(run_concurrently(rename, THREADS)) == {200: 1, 409: THREADS - 1}


def test_concurrent_registrations_use_invitation_once(
    database_url: str, committed: Session
) -> None:
    invitation = create_invitation(committed)
    committed.commit()
    fields = {"email": "carol@example.com", "password": PASSWORD, "invitation": invitation}
    with pserve("development.ini", DATABASE_URL=database_url, TODO_REGISTRATION="invite") as server:

        def register(number: int) -> int:
            body = fields | {"username": f"carol{number}"}
            return server.send("POST", "/api/v1/accounts", body)[0]

        answers = Counter(run_concurrently(register, MAX_PENDING_OF_ADDRESS))
        assert answers == {201: 1, 403: MAX_PENDING_OF_ADDRESS - 1}
    assert len(committed.scalars(select(Account)).all()) == 1


def test_concurrent_changes_of_different_fields_are_all_kept(
    server: Server, alice: Login, committed: Session
) -> None:
    url = f"{alice.tasks_url}/{make_task(committed, alice)}"
    fields = {"name": "Tea", "note": "green", "due_date": "2030-02-01", "completed": True}
    bodies = [{name: value} for name, value in fields.items()]

    def change(number: int) -> int:
        return server.send("PATCH", url, bodies[number], alice.token)[0]

    assert run_concurrently(change, 4) == [200] * 4
    _, _, body = server.send("GET", url, {}, alice.token)
    assert body["task"].items() >= fields.items()


@pytest.fixture
def run_during_change(committed: Session) -> Callable[..., Any]:
    """Run an action while another transaction with an uncommitted change locks the account."""

    def run(change: Any, action: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            committed.execute(change)
            future = pool.submit(action)
            time.sleep(0.5)  # until the request waits for the lock
            committed.commit()
            return future.result()

    return run


def test_profile_update_after_lock_wait_uses_current_row(
    server: Server, alice: Login, committed: Session, run_during_change: Callable[..., Any]
) -> None:
    fields = {"username": "alice2", "email": "alice@example.com"}
    status, _, body = run_during_change(
        CHANGE_EMAIL, lambda: server.send("PUT", alice.url, fields, alice.token)
    )
    assert (status, body["profile"]["email"]) == (200, "alice@example.com")
    assert committed.scalars(select(Account.email)).one() == "alice@example.com"


def test_update_with_outdated_email_requires_reauthentication(
    server: Server, alice: Login, committed: Session, run_during_change: Callable[..., Any]
) -> None:
    # An old login resends the e-mail address that it read, which has changed since.
    committed.execute(update(Token).values(creation_date=clock.now() - timedelta(hours=1)))
    committed.commit()
    fields = {"timezone": "Europe/Berlin", "email": "alice@example.com"}
    status, _, body = run_during_change(
        CHANGE_EMAIL, lambda: server.send("PUT", alice.url, fields, alice.token)
    )
    assert (status, body["code"]) == (403, "reauthentication_required")
    account = committed.execute(select(Account.email, Account.timezone)).one()
    assert account == ("other@example.com", "UTC")


def test_session_revoked_during_request_cannot_change_password(
    server: Server, alice: Login, committed: Session, run_during_change: Callable[..., Any]
) -> None:
    before = committed.scalars(select(Account.password_hash)).one()
    committed.execute(select(Account).with_for_update())
    status, _, _ = run_during_change(
        delete(Token),
        lambda: server.send("PUT", alice.url, {"password": "a new password"}, alice.token),
    )
    assert status == 401
    committed.expire_all()
    assert committed.scalars(select(Account.password_hash)).one() == before


def test_token_revoked_during_request_cannot_create_task(
    server: Server, alice: Login, committed: Session, run_during_change: Callable[..., Any]
) -> None:
    committed.execute(select(Account).with_for_update())
    status, _, _ = run_during_change(
        delete(Token), lambda: server.send("POST", alice.tasks_url, {"name": "Tea"}, alice.token)
    )
    assert status == 401
    assert committed.scalars(select(Task)).all() == []


def test_expired_idempotency_key_is_reused_once(
    server: Server, alice: Login, committed: Session
) -> None:
    make_key(committed, alice, "daily", clock.now() - timedelta(days=1))
    key, tea = {"Idempotency-Key": "daily"}, {"name": "Tea"}
    answers = run_concurrently(
        lambda _: server.send("POST", alice.tasks_url, tea, alice.token, **key), THREADS
    )
    assert [status for status, _, _ in answers] == [201] * THREADS
    assert len(committed.scalars(select(Task)).all()) == 1


def test_revoke_all_includes_concurrently_created_token(
    server: Server, alice: Login, committed: Session, run_during_change: Callable[..., Any]
) -> None:
    committed.execute(select(Account).with_for_update())
    columns, _ = new_token(
        alice.id, clock.now() + timedelta(days=1), kind=TokenKind.API, name="late"
    )
    status, _, _ = run_during_change(
        insert(Token).values(columns),
        lambda: server.send("DELETE", f"{alice.url}/tokens", {}, alice.token),
    )
    assert status == 200
    assert len(committed.scalars(select(Token)).all()) == 1


REQUESTS_WITH_KEY: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("DELETE", "/tasks/{id}", {}, {}),
    ("DELETE", "/tasks?due=none", {}, {}),
    ("PUT", "/tasks/{id}", {"name": "Tea"}, {"If-Match": '"2"'}),
    ("PUT", "/tasks/{id}", {}, {}),
    ("POST", "/tasks", {"name": "Tea"}, {"If-Match": '"2"'}),
    ("PUT", "", {"username": "alicia", "current_password": PASSWORD}, {}),
]


@pytest.mark.parametrize(("method", "path", "fields", "headers"), REQUESTS_WITH_KEY)
def test_concurrent_requests_with_one_key_get_same_response(
    server: Server,
    alice: Login,
    committed: Session,
    method: str,
    path: str,
    fields: dict[str, Any],
    headers: dict[str, str],
) -> None:
    """Run twice, most would fail: the task is deleted, the account renamed, the version stale."""
    url = alice.url + path.format(id=make_task(committed, alice))
    headers = headers | {"Idempotency-Key": "one"}
    # The service refuses more than MAX_PENDING_OF_ADDRESS concurrent password checks as busy.
    count = MAX_PENDING_OF_ADDRESS if "current_password" in fields else THREADS
    answers = run_concurrently(
        lambda _: server.send(method, url, fields, alice.token, **headers), count
    )
    assert {status for status, _, _ in answers} <= {200, 201}, answers
    assert len({json.dumps(body) for _, _, body in answers}) == 1
    replayed = [fields["Idempotency-Replayed"] for _, fields, _ in answers]
    assert Counter(replayed) == {None: 1, "true": count - 1}


def test_writes_during_account_deletion_leave_no_tasks(server: Server, committed: Session) -> None:
    for _ in range(5):
        login = make_account(committed)

        def act(number: int, login: Login = login) -> int:
            if number == 0:
                return server.send("DELETE", login.url, {}, login.token)[0]
            fields: dict[str, Any] = {"name": "Tea"}
            if number % 2:
                return server.send("POST", login.tasks_url, fields, login.token)[0]
            return server.send("PUT", login.url, {"password": PASSWORD + "2"}, login.token)[0]

        deleted, *others = run_concurrently(act, 6)
        assert deleted in (204, 401), "a password change may have ended the session"
        assert set(others) <= {200, 201, 401, 409}
        purge_expired(committed, settings.read({"sqlalchemy.url": "sqlite:////x"}, {}))
        tasks = committed.scalars(select(Task).where(Task.account_id == login.id)).all()
        assert deleted == 401 or tasks == [], "a deleted account has no tasks"
        committed.rollback()
