"""The export: everything of an account in one document."""

import json
import tracemalloc
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.factories import Login, make_account, make_task, make_tasks, make_trashed
from todo.models.trash import TRASH
from todo.schemas.task import Task
from todo.services import export


@pytest.mark.parametrize("tasks", [0, 1, 4, 5])
def test_everything_of_the_account_and_nothing_else(
    as_alice: Client,
    dbsession: Session,
    alice: Login,
    bob: Login,
    tasks: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    for number in range(tasks):
        make_task(
            dbsession,
            alice,
            name=f'"Crème" {number}',
            note="\\ \n" if number else None,
            due_date=date(2030, 2, 1) if number % 2 else None,
            completed=number > 2,
        )
        make_trashed(dbsession, alice, name=f"Old {number}")
        make_task(dbsession, bob)
        make_trashed(dbsession, bob)
    response = as_alice.get(f"{alice.url}/export")
    assert response.json == {
        "username": "alice",
        "profile": as_alice.get(alice.url).json,
        "tasks": as_alice.get(alice.tasks_url).json["tasks"],
        "trash": as_alice.get(alice.trash_url).json["tasks"][::-1],
    }
    assert len(response.json["tasks"]) == len(response.json["trash"]) == tasks
    assert response.headers["Content-Disposition"] == 'attachment; filename="todo-alice.json"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Length"] == str(len(response.body))


@pytest.fixture
def three(committing_session: Session, monkeypatch: pytest.MonkeyPatch) -> Login:
    """Somebody with more tasks than are read at once."""
    monkeypatch.setattr(export, "BATCH", 1)
    login = make_account(committing_session, "alice")
    for number in range(3):
        make_task(committing_session, login, name=str(number))
    return login


def test_a_writer_has_its_turn_between_two_batches(
    committing_app: Any, committing_session: Session, three: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_each = Task.of_each

    def write(tasks: Any) -> list[dict[str, Any]]:
        monkeypatch.setattr(Task, "of_each", of_each)
        make_task(committing_session, three, name="written meanwhile")
        return of_each(tasks)

    monkeypatch.setattr(Task, "of_each", write)
    tasks = Client(committing_app, three.token).get(f"{three.url}/export").json["tasks"]
    assert [task["name"] for task in tasks] == ["0", "1", "2", "written meanwhile"]


def test_what_is_restored_meanwhile_is_not_missing(
    committing_app: Any, committing_session: Session, three: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed = make_trashed(committing_session, three)
    client = Client(committing_app, three.token)
    batches = export._batches

    def restore(db: Any, query: Any, key: Any) -> Any:
        if key[-1] is TRASH.c.id:
            monkeypatch.setattr(export, "_batches", batches)
            assert client.post(f"{three.trash_url}/{trashed}/restore").status_int == 200
        return batches(db, query, key)

    monkeypatch.setattr(export, "_batches", restore)
    exported = client.get(f"{three.url}/export").json
    assert trashed in [task["id"] for task in exported["tasks"]]
    assert exported["trash"] == []


def test_head_has_the_length_and_no_body(as_alice: Client, alice: Login) -> None:
    body = as_alice.get(f"{alice.url}/export").body
    head = as_alice.head(f"{alice.url}/export")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(body)))


def test_it_takes_no_more_memory_for_more_tasks(
    as_alice: Client, dbsession: Session, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 10)
    values = {"name": "long", "note": "x" * 10_000}
    make_tasks(dbsession, alice, [values] * 200)
    dbsession.close()
    as_alice.head(f"{alice.url}/export")
    tracemalloc.start()
    try:
        length = int(as_alice.head(f"{alice.url}/export").headers["Content-Length"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length > 2_000_000
    assert peak < 1_000_000


def test_it_has_no_secret(as_alice: Client, alice: Login) -> None:
    shown = json.dumps(as_alice.get(f"{alice.url}/export").json)
    assert alice.token not in shown
    assert "hash" not in shown
    assert "digest" not in shown


def test_it_takes_no_parameters(as_alice: Client, alice: Login) -> None:
    assert as_alice.get(f"{alice.url}/export?limit=1").status_int == 400


def test_what_fails_on_the_way_is_an_error(
    as_alice: Client, dbsession: Session, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_tasks: Any) -> None:
        raise OSError(28, "No space left on device")

    make_task(dbsession, alice)
    monkeypatch.setattr(Task, "of_each", fail)
    response = as_alice.get(f"{alice.url}/export")
    assert (response.status_int, response.json["code"]) == (500, "internal_error")
    assert "Content-Disposition" not in response.headers
