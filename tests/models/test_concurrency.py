"""Requests at the same time, to a service that pserve runs; tests/torture has more of them."""

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
from tests.support.pserve import Server
from tests.support.running import at_once
from todo import clock
from todo.auth.passwords import MAX_PENDING
from todo.models import Account, Task, Token
from todo.models.token import TokenKind, new_token

THREADS = 8
OTHER_EMAIL = update(Account).execution_options(recorded=True).values(email="other@example.com")


@pytest.fixture
def alice(committed: Session) -> Login:
    return make_account(committed, "alice")


def test_one_change_to_a_name_wins(server: Server, committed: Session) -> None:
    logins = [make_account(committed) for _ in range(THREADS)]

    def rename(number: int) -> int:
        login = logins[number]
        return server.send("PUT", login.url, {"username": "carol"}, login.token)[0]

    assert Counter(at_once(rename, THREADS)) == {200: 1, 409: THREADS - 1}


def test_changes_of_different_fields_all_survive(
    server: Server, alice: Login, committed: Session
) -> None:
    url = f"{alice.tasks_url}/{make_task(committed, alice)}"
    fields = {"name": "Tea", "note": "green", "due_date": "2030-02-01", "completed": True}
    each = [{name: value} for name, value in fields.items()]

    def change(number: int) -> int:
        return server.send("PATCH", url, each[number], alice.token)[0]

    assert at_once(change, 4) == [200] * 4
    _, _, body = server.send("GET", url, {}, alice.token)
    assert body["task"].items() >= fields.items()


@pytest.fixture
def elsewhere(committed: Session) -> Callable[..., Any]:
    """Run something while another transaction, with a change of its own, holds the account."""

    def run(change: Any, action: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            committed.execute(change)
            future = pool.submit(action)
            time.sleep(0.5)  # for the request to arrive at the lock
            committed.commit()
            return future.result()

    return run


def test_a_change_is_made_to_what_is_there_now(
    server: Server, alice: Login, committed: Session, elsewhere: Callable[..., Any]
) -> None:
    fields = {"username": "alice2", "email": "alice@example.com"}
    status, _, body = elsewhere(
        OTHER_EMAIL, lambda: server.send("PUT", alice.url, fields, alice.token)
    )
    assert (status, body["profile"]["email"]) == (200, "alice@example.com")
    assert committed.scalars(select(Account.email)).one() == "alice@example.com"


def test_what_needs_no_password_does_not_undo_what_needs_one(
    server: Server, alice: Login, committed: Session, elsewhere: Callable[..., Any]
) -> None:
    # An older login sends back the e-mail that it read; meanwhile there is another.
    committed.execute(update(Token).values(creation_date=clock.now() - timedelta(hours=1)))
    committed.commit()
    fields = {"timezone": "Europe/Berlin", "email": "alice@example.com"}
    status, _, body = elsewhere(
        OTHER_EMAIL, lambda: server.send("PUT", alice.url, fields, alice.token)
    )
    assert (status, body["code"]) == (403, "reauthentication_required")
    account = committed.execute(select(Account.email, Account.timezone)).one()
    assert account == ("other@example.com", "UTC")


def test_an_ended_session_changes_no_password(
    server: Server, alice: Login, committed: Session, elsewhere: Callable[..., Any]
) -> None:
    before = committed.scalars(select(Account.password_hash)).one()
    committed.execute(select(Account).with_for_update())
    status, _, _ = elsewhere(
        delete(Token),
        lambda: server.send("PUT", alice.url, {"password": "a new password"}, alice.token),
    )
    assert status == 401
    committed.expire_all()
    assert committed.scalars(select(Account.password_hash)).one() == before


def test_an_ended_token_changes_no_task(
    server: Server, alice: Login, committed: Session, elsewhere: Callable[..., Any]
) -> None:
    committed.execute(select(Account).with_for_update())
    status, _, _ = elsewhere(
        delete(Token), lambda: server.send("POST", alice.tasks_url, {"name": "Tea"}, alice.token)
    )
    assert status == 401
    assert committed.scalars(select(Task)).all() == []


def test_an_expired_key_comes_to_life_once(
    server: Server, alice: Login, committed: Session
) -> None:
    make_key(committed, alice, "daily", clock.now() - timedelta(days=1))
    key, tea = {"Idempotency-Key": "daily"}, {"name": "Tea"}
    answers = at_once(
        lambda _: server.send("POST", alice.tasks_url, tea, alice.token, **key), THREADS
    )
    assert [status for status, _, _ in answers] == [201] * THREADS
    assert len(committed.scalars(select(Task)).all()) == 1


def test_a_token_that_is_made_meanwhile_is_revoked_too(
    server: Server, alice: Login, committed: Session, elsewhere: Callable[..., Any]
) -> None:
    committed.execute(select(Account).with_for_update())
    made, _ = new_token(alice.id, clock.now() + timedelta(days=1), kind=TokenKind.API, name="late")
    status, _, _ = elsewhere(
        insert(Token).values(made),
        lambda: server.send("DELETE", f"{alice.url}/tokens", {}, alice.token),
    )
    assert status == 200
    assert len(committed.scalars(select(Token)).all()) == 1


SAME: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("DELETE", "/tasks/{id}", {}, {}),
    ("DELETE", "/tasks?due=none", {}, {}),
    ("PUT", "/tasks/{id}", {"name": "Tea"}, {"If-Match": '"2"'}),
    ("PUT", "/tasks/{id}", {}, {}),
    ("POST", "/tasks", {"name": "Tea"}, {"If-Match": '"2"'}),
    ("PUT", "", {"username": "alicia", "current_password": PASSWORD}, {}),
]


@pytest.mark.parametrize(("method", "path", "fields", "headers"), SAME)
def test_the_same_with_one_key_is_answered_alike(
    server: Server,
    alice: Login,
    committed: Session,
    method: str,
    path: str,
    fields: dict[str, Any],
    headers: dict[str, str],
) -> None:
    """Where done twice it would fail: what was deleted, moved, or changed from that version."""
    url = alice.url + path.format(id=make_task(committed, alice))
    headers = headers | {"Idempotency-Key": "one"}
    # More passwords than MAX_PENDING at one moment are refused as busy.
    times = MAX_PENDING if "current_password" in fields else THREADS
    answers = at_once(lambda _: server.send(method, url, fields, alice.token, **headers), times)
    assert {status for status, _, _ in answers} <= {200, 201}, answers
    assert len({json.dumps(body) for _, _, body in answers}) == 1
    replayed = [fields["Idempotency-Replayed"] for _, fields, _ in answers]
    assert Counter(replayed) == {None: 1, "true": times - 1}


def test_writing_to_an_account_while_it_is_deleted(server: Server, committed: Session) -> None:
    for _ in range(5):
        login = make_account(committed)

        def act(number: int, login: Login = login) -> int:
            if number == 0:
                return server.send("DELETE", login.url, {}, login.token)[0]
            fields: dict[str, Any] = {"name": "Tea"}
            if number % 2:
                return server.send("POST", login.tasks_url, fields, login.token)[0]
            return server.send("PUT", login.url, {"password": PASSWORD + "2"}, login.token)[0]

        deleted, *others = at_once(act, 6)
        assert deleted in (204, 401), "a new password ends this session, too"
        assert set(others) <= {200, 201, 401, 409}
        tasks = committed.scalars(select(Task).where(Task.account_id == login.id)).all()
        assert deleted == 401 or tasks == [], "nobody writes to what is gone"
        committed.rollback()
