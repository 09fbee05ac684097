"""The export: all data of an account in one document."""

import json
import os
import socket
import time
import tracemalloc
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import (
    Login,
    make_account,
    make_filter,
    make_list,
    make_reminder,
    make_task,
    make_tasks,
    make_trashed,
    make_webhook,
)
from tests.support.fixtures import Patch, SetClock
from tests.support.outline import add
from tests.support.pserve import Server
from tests.support.recurring import complete
from todo.models.trash import TRASH
from todo.schemas.task import StoredTask
from todo.services import export

WEEKLY = {"recurrence": "FREQ=WEEKLY", "recurrence_from": "completion"}


def stored(tasks: list[Any]) -> list[Any]:
    """Return the tasks without the numbers of their subtasks."""
    return [{name: task[name] for name in task if name != "subtasks"} for task in tasks]


@pytest.mark.parametrize("tasks", [0, 1, 4, 5])
def test_export_contains_all_data_of_account_only(
    db: Session, alice: User, bob: Login, tasks: int, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(export, "BATCH_SIZE", 2)
    for number in range(tasks):
        make_task(
            db,
            alice,
            name=f'"Crème" {number}',
            note="\\ \n" if number else None,
            due_date=date(2030, 2, 1) if number % 2 else None,
            completed=number > 2,
        )
        make_trashed(db, alice, name=f"Old {number}")
        make_filter(db, alice, name=f"Filter {number}")
        make_webhook(db, alice, url=f"https://{number}.example.com", attempts=number)
        make_task(db, bob)
        make_filter(db, bob)
        make_reminder(db, bob, task_id=number)
        make_reminder(db, alice, task_id=number)
        make_webhook(db, bob)
        make_trashed(db, bob)
    for archived in (False, True):
        list_id = make_list(db, alice, archived=archived)
        make_task(db, alice, list_id=list_id)
        make_list(db, bob)
    response = alice.get(f"{alice.url}/export")
    assert response.json == {
        "username": "alice",
        "profile": alice.get(alice.url).json,
        "lists": alice.get(f"{alice.url}/lists").json["lists"],
        "filters": alice.get(f"{alice.url}/filters").json["filters"],
        "tasks": stored(alice.get(f"{alice.tasks_url}?archived=any").json["tasks"]),
        "reminders": [
            {key: each[key] for key in each.keys() - {"name"}}
            for each in alice.get(f"{alice.url}/reminders").json["reminders"][::-1]
        ],
        "trash": alice.get(alice.trash_url).json["tasks"][::-1],
        "webhooks": alice.get(f"{alice.url}/webhooks").json["webhooks"],
    }
    assert len(response.json["tasks"]) == len(response.json["trash"]) + 2 == tasks + 2
    assert response.headers["Content-Disposition"] == 'attachment; filename="todo-alice.json"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Length"] == str(len(response.body))


def test_exported_tasks_can_be_posted_to_another_account(
    alice: User, bob: User, set_clock: SetClock
) -> None:
    for days, fields in (
        (-300, {"name": "a day", "due_date": "2030-02-01"}),
        (-200, {"name": "a time", "due_date": "2030-02-01T09:30:00Z", "note": "two\nbottles"}),
        (-100, {"name": "done", "completed": True}),
        (-90, {"name": "daily", "due_date": "2030-02-01", "recurrence": "FREQ=DAILY;COUNT=3"}),
        (
            -80,
            {"name": "weekly", "due_date": "2030-02-01T09:30", "timezone": "Europe/Berlin"}
            | WEEKLY,
        ),
        (-70, {"name": "ended", "due_date": "2030-02-01", "completed": True} | WEEKLY),
    ):
        set_clock(timedelta(days=days))
        alice.post_json(alice.tasks_url, fields)
    set_clock(timedelta(0))
    exported = alice.get(f"{alice.url}/export").json["tasks"]
    assert bob.post_json(bob.tasks_url, {"tasks": exported}).status_int == 201
    imported = bob.get(f"{bob.url}/export").json["tasks"]
    own = ("id", "revision", "modification_date", "position")
    assert [{**task, **dict.fromkeys(own)} for task in imported] == [
        {**task, **dict.fromkeys(own)} for task in exported
    ]


def test_exported_occurrence_is_posted_as_a_task_of_its_own(alice: User, bob: User) -> None:
    series = add(alice, due_date="2030-02-01", **WEEKLY)
    complete(alice, series)
    exported = alice.get(f"{alice.url}/export").json["tasks"]
    assert [task["occurrence_of"] for task in exported] == [None, series]
    assert bob.post_json(bob.tasks_url, {"tasks": exported}).status_int == 201
    names = ("name", "due_date", "recurrence", "recurrence_from", "completed", "completion_date")
    imported = bob.get(f"{bob.url}/export").json["tasks"]
    assert [[task[name] for name in names] for task in imported] == [
        [task[name] for name in names] for task in exported
    ]
    assert [task["occurrence_of"] for task in imported] == [None, None]


@pytest.fixture
def exporter(real_alice: User, committed: Session, monkeypatch: Patch) -> User:
    """A user with more tasks than the export reads in one batch."""
    monkeypatch.setattr(export, "BATCH_SIZE", 1)
    for number in range(3):
        make_task(committed, real_alice, name=str(number))
    return real_alice


def test_export_allows_writes_between_batches(
    committed: Session, exporter: User, monkeypatch: Patch
) -> None:
    of_each = StoredTask.of_each

    def write(tasks: Any) -> list[dict[str, Any]]:
        monkeypatch.setattr(StoredTask, "of_each", of_each)
        make_task(committed, exporter, name="concurrent")
        return of_each(tasks)

    monkeypatch.setattr(StoredTask, "of_each", write)
    tasks = exporter.get(f"{exporter.url}/export").json["tasks"]
    assert [task["name"] for task in tasks] == ["0", "1", "2", "concurrent"]


def test_export_includes_task_restored_concurrently(
    committed: Session, exporter: User, monkeypatch: Patch
) -> None:
    trashed = make_trashed(committed, exporter)
    batches = export._batches

    def restore(db: Any, query: Any, key: Any) -> Any:
        if key[-1] is TRASH.c.id:
            monkeypatch.setattr(export, "_batches", batches)
            assert exporter.post(f"{exporter.trash_url}/{trashed}/restore").status_int == 200
        return batches(db, query, key)

    monkeypatch.setattr(export, "_batches", restore)
    exported = exporter.get(f"{exporter.url}/export").json
    assert trashed in [task["id"] for task in exported["tasks"]]
    assert exported["trash"] == []


def test_export_head_has_length_without_body(alice: User) -> None:
    body = alice.get(f"{alice.url}/export").body
    head = alice.head(f"{alice.url}/export")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(body)))


def test_export_memory_use_is_bounded(db: Session, alice: User, monkeypatch: Patch) -> None:
    monkeypatch.setattr(export, "BATCH_SIZE", 10)
    values = {"name": "long", "note": "x" * 10_000}
    make_tasks(db, alice, [values] * 200)
    db.close()
    alice.head(f"{alice.url}/export")
    tracemalloc.start()
    try:
        length = int(alice.head(f"{alice.url}/export").headers["Content-Length"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length > 2_000_000
    assert peak < 1_000_000


def test_export_contains_no_secrets(alice: User) -> None:
    shown = json.dumps(alice.get(f"{alice.url}/export").json)
    assert alice.token not in shown
    assert "hash" not in shown
    assert "digest" not in shown


def test_export_failure_is_internal_error(db: Session, alice: User, monkeypatch: Patch) -> None:
    def fail(_tasks: Any) -> None:
        raise OSError(28, "No space left on device")

    make_task(db, alice)
    monkeypatch.setattr(StoredTask, "of_each", fail)
    response = alice.get(f"{alice.url}/export")
    assert (response.status_int, response.json["code"]) == (500, "internal_error")
    assert "Content-Disposition" not in response.headers


def test_second_export_waits_until_the_first_is_read(server: Server, committed: Session) -> None:
    login, other = make_account(committed), make_account(committed)
    for _ in range(2):
        make_tasks(committed, login, [{"note": "x" * 10_000}] * 500)
    before = deleted_files(server)
    with closing(socket.create_connection((server.host, server.port), timeout=30)) as unread:
        token = f"Authorization: Bearer {login.token}"
        unread.sendall(f"GET {login.url}/export HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n".encode())
        assert unread.recv(12) == b"HTTP/1.1 200"
        for _ in range(3):
            status, headers, problem = server.send("GET", f"{login.url}/export", token=login.token)
            assert (status, problem["code"]) == (429, "too_many_requests")
            assert headers["Retry-After"] == "10"
        assert len(deleted_files(server) - before) == 1, "one temporary file without a name"
        assert server.send("GET", f"{other.url}/export", token=other.token)[0] == 200
    deadline = time.monotonic() + 10
    while deleted_files(server) - before:
        assert time.monotonic() < deadline, "the server keeps the file of a closed connection"
        time.sleep(0.05)
    assert server.send("GET", f"{login.url}/export", token=login.token)[0] == 200


def deleted_files(server: Server) -> set[str]:
    """Return the open files of the server's process that have no name (Linux only)."""
    descriptors = Path(f"/proc/{server.process.pid}/fd").iterdir()
    return {name for each in descriptors if (name := os.readlink(each)).endswith(" (deleted)")}
