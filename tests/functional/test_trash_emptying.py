"""A very full trash is emptied by several transactions, between which others have their turn."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import Client
from tests.support.factories import Login, make_account, make_key, make_task, make_trashed
from todo import clock
from todo.http.request import Request
from todo.http.transactions import commit_so_far
from todo.models import Change, Token, TrashedTask
from todo.services import trash as service
from todo.views import trash as view


def trashed(client: Client, login: Login) -> list[int]:
    return [task["id"] for task in client.get(f"{login.trash_url}?limit=200").json["tasks"]]


def test_a_very_full_trash_is_emptied_by_one_request(
    as_alice: Client, alice: Login, dbsession: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 3)
    for number in (7, 6):
        for _ in range(number):
            make_task(dbsession, alice)
        as_alice.delete(f"{alice.tasks_url}?due=none")
        before = as_alice.get(alice.tasks_url).json["revision"]
        headers = {"Idempotency-Key": str(number)}
        answer = as_alice.send_json("DELETE", alice.trash_url, {}, headers)
        assert (answer.status_int, answer.json["deleted"]) == (200, number)
        assert trashed(as_alice, alice) == []
        revision = as_alice.get(alice.tasks_url).json["revision"]
        assert revision == before + -(-number // 3), "one a batch"
        again = as_alice.send_json("DELETE", alice.trash_url, {}, headers)
        assert again.body == answer.body
    dbsession.commit()
    query = select(Change.token_kind).where(Change.action == "purge")
    assert set(dbsession.scalars(query)) == {"session"}


def test_what_is_deleted_meanwhile_stays(
    committing_app: Any, committing_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = make_account(committing_session)
    for _ in range(5):
        make_trashed(committing_session, alice)
    monkeypatch.setattr(service, "AT_ONCE", 2)
    deleted = []

    def delete_another(request: Request) -> None:
        commit_so_far(request)
        deleted.append(make_trashed(committing_session, alice))

    monkeypatch.setattr(view, "commit_so_far", delete_another)
    client = Client(committing_app, alice.token)
    assert client.delete(alice.trash_url).json["deleted"] == 5
    assert sorted(trashed(client, alice)) == deleted
    committing_session.commit()
    journal.check(committing_session)


def test_an_old_key_is_used_anew_by_several_transactions(
    as_alice: Client, alice: Login, dbsession: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 2)
    for _ in range(5):
        make_trashed(dbsession, alice)
    make_key(dbsession, alice, "old", clock.now() - timedelta(days=1))
    answer = as_alice.send_json("DELETE", alice.trash_url, {}, {"Idempotency-Key": "old"})
    assert (answer.status_int, answer.json["deleted"]) == (200, 5)


def test_whose_login_ends_meanwhile_empties_no_further(
    committing_app: Any, committing_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = make_account(committing_session)
    for _ in range(5):
        make_trashed(committing_session, alice)
    monkeypatch.setattr(service, "AT_ONCE", 2)

    def log_out(request: Request) -> None:
        commit_so_far(request)
        committing_session.delete(committing_session.scalars(select(Token)).one())
        committing_session.commit()
        monkeypatch.setattr(view, "commit_so_far", commit_so_far)

    monkeypatch.setattr(view, "commit_so_far", log_out)
    client = Client(committing_app, alice.token)
    assert client.delete(alice.trash_url).status_int == 401
    assert len(committing_session.scalars(select(TrashedTask.id)).all()) == 3
    journal.check(committing_session)
    committing_session.commit()
    assert committing_app.registry["engine"].pool.checkedout() == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("inside"), 500), (OperationalError("DELETE", {}, Exception("locked")), 503)],
)
def test_an_error_in_the_middle_says_that_a_part_is_gone(
    as_alice: Client,
    alice: Login,
    dbsession: Session,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
) -> None:
    for _ in range(3):
        make_trashed(dbsession, alice)
    monkeypatch.setattr(service, "AT_ONCE", 2)

    def fail(request: Request) -> None:
        commit_so_far(request)
        raise error

    monkeypatch.setattr(view, "commit_so_far", fail)
    answer = as_alice.delete(alice.trash_url)
    assert answer.status_int == status
    assert "A part of this was done" in answer.json["detail"]
    assert len(trashed(as_alice, alice)) == 1
