"""Undo: what one request has changed of tasks, changed back."""

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.authorization import ACCOUNT
from tests.support.client import User
from tests.support.factories import Login, make_task, make_trashed
from tests.support.fixtures import Patch
from tests.support.plans import page_queries
from todo.http.operations import operations
from todo.journal import undo as service

# What may differ after an undo.
STAMPS = {"revision", "modification_date"}

# A request for each operation that changes tasks; those that erase for good have no undo.
FULL = {"name": "Crème", "note": "x", "due_date": "2031-01-01T09:30:00.5Z", "completed": True}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/tasks", FULL),
    ("POST", "/tasks", {"tasks": [FULL, {"name": "Rice"}]}),
    ("PATCH", "/tasks?completed=false", FULL),
    ("PATCH", "/tasks?search=milk", {"name": "Tea", "due_date": None}),
    ("PATCH", "/tasks", {"completed": False, "note": None}),
    ("DELETE", "/tasks?due=any", {}),
    ("PUT", "/tasks/{id}", FULL),
    ("PUT", "/tasks/{id}", {"due_date": None, "note": None}),
    ("PATCH", "/tasks/{id}", {"completed": True}),
    ("DELETE", "/tasks/{id}", {}),
    ("POST", "/trash/{trashed}/restore", {}),
]
ERASING = {("DELETE", "/trash"), ("DELETE", "/trash/{id}")}
UNDOING = {("POST", "/changes/{revision}/undo")}
OF_NO_TASK = {("POST", "/tokens"), ("DELETE", "/tokens"), ("DELETE", "/tokens/{id}")}


def undo_path(answer: TestResponse) -> str:
    """Return the path that the answer names."""
    match = re.fullmatch(r'<([^>]*)>; rel="undo"', answer.headers["Link"])
    assert match, answer.headers["Link"]
    return match[1]


def state(user: User) -> Any:
    """Return all that is shown of the tasks, on the lists and by searches."""
    paths = ("tasks", "tasks?search=milk", "tasks?search=creme", "tasks?due=none", "trash")
    tasks = [user.get(f"{user.url}/{path}").json["tasks"] for path in paths]
    for task in (task for each in tasks for task in each):
        for name in STAMPS | {"deletion_date"}:
            task.pop(name, None)
    shown = [user.get(f"{user.tasks_url}/{task['id']}").json["task"] for task in tasks[0]]
    return tasks, [{name: task[name] for name in task.keys() - STAMPS} for task in shown]


@pytest.fixture
def ids(db: Session, alice: Login) -> dict[str, int]:
    """Tasks of many kinds, one of them in the trash."""
    make_task(db, alice, name="Done milk", completed=True, due_date=date(2030, 2, 1))
    make_task(db, alice, name="Bread", note="dark")
    milk = make_task(db, alice, name="Milk", note="two", due_date=date(2030, 2, 1))
    return {"id": milk, "trashed": make_trashed(db, alice, name="Old milk")}


def test_every_operation_that_changes_tasks_is_tried(app: Any) -> None:
    changing = {
        (method, operation.pattern.removeprefix(ACCOUNT))
        for operation in operations(app.registry)
        for method in operation.methods
        if operation.pattern.startswith(f"{ACCOUNT}/") and method not in ("GET", "HEAD")
    }
    tried = {
        (method, path.partition("?")[0].replace("{trashed}", "{id}"))
        for method, path, _ in REQUESTS
    }
    assert changing == tried | ERASING | UNDOING | OF_NO_TASK


@pytest.mark.parametrize(("method", "path", "fields"), REQUESTS)
def test_done_undone_and_done_again(
    alice: User, ids: dict[str, int], method: str, path: str, fields: dict[str, Any]
) -> None:
    before = state(alice)
    answer = alice.send_json(method, alice.url + path.format(**ids), fields)
    assert answer.status_int < 300
    done = state(alice)
    assert done != before
    undone = alice.post(undo_path(answer))
    assert undone.status_int == 200
    assert without_creations(state(alice), before) == before
    redone = alice.post(undo_path(undone))
    assert redone.status_int == 200
    assert undone.json == redone.json
    assert state(alice) == done
    again = alice.post(undo_path(redone))
    assert again.status_int == 200
    assert without_creations(state(alice), before) == before


def without_creations(after: Any, before: Any) -> Any:
    """Return the state without what the trash has more: what was created, and undone."""
    known = {task["id"] for each in before[0] for task in each}
    after[0][-1] = [task for task in after[0][-1] if task["id"] in known]
    return after


def test_one_undo_is_one_revision(alice: User, ids: dict[str, int]) -> None:
    answer = alice.send_json("PATCH", alice.tasks_url, {"note": "all"})
    before = alice.get(alice.tasks_url).json["revision"]
    assert undo_path(answer) == f"{alice.url}/changes/{before}/undo"
    undone = alice.post(undo_path(answer))
    assert undone.json == {"username": "alice", "undone": 3}
    listed = alice.get(alice.tasks_url).json
    assert listed["revision"] == before + 1
    assert {task["revision"] for task in listed["tasks"]} == {before + 1}


def test_what_was_changed_since_stays(alice: User, ids: dict[str, int]) -> None:
    milk = f"{alice.tasks_url}/{ids['id']}"
    renamed = alice.send_json("PATCH", milk, {"name": "Tea", "note": "green"})
    later = alice.send_json("PATCH", milk, {"note": "black", "completed": True})
    before = alice.get(alice.tasks_url).json
    answer = alice.post(undo_path(renamed))
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict")
    assert answer.json["conflicts"] == [{"id": ids["id"], "fields": ["note"]}]
    assert alice.get(alice.tasks_url).json == before
    # What touches other fields does not stand in the way.
    completed = alice.send_json("PATCH", milk, {"completed": False})
    assert alice.post(undo_path(completed)).status_int == 200
    # Undone one after the other, backwards, each is as it was left.
    assert alice.post(undo_path(later)).status_int == 200
    assert alice.post(undo_path(renamed)).status_int == 200
    task = alice.get(milk).json["task"]
    assert (task["name"], task["note"], task["completed"]) == ("Milk", "two", False)


def test_other_fields_are_left_alone(alice: User, ids: dict[str, int]) -> None:
    milk = f"{alice.tasks_url}/{ids['id']}"
    renamed = alice.send_json("PATCH", milk, {"name": "Tea"})
    alice.send_json("PATCH", milk, {"note": "green", "due_date": None})
    assert alice.post(undo_path(renamed)).status_int == 200
    task = alice.get(milk).json["task"]
    assert (task["name"], task["note"], task["due_date"]) == ("Milk", "green", None)


def test_of_many_none_is_undone_where_one_conflicts(alice: User, ids: dict[str, int]) -> None:
    answer = alice.send_json("PATCH", alice.tasks_url, {"note": "all", "name": "All"})
    alice.send_json("PATCH", f"{alice.tasks_url}/{ids['id']}", {"note": "one"})
    refused = alice.post(undo_path(answer))
    assert refused.json["conflicts"] == [{"id": ids["id"], "fields": ["note"]}]
    assert {task["name"] for task in alice.get(alice.tasks_url).json["tasks"]} == {"All"}


def test_what_is_not_there(alice: User, ids: dict[str, int]) -> None:
    milk = f"{alice.tasks_url}/{ids['id']}"
    renamed = alice.send_json("PATCH", milk, {"name": "Tea"})
    deleted = alice.delete(milk)
    refused = alice.post(undo_path(renamed))
    assert refused.json["conflicts"] == [{"id": ids["id"], "fields": ["name"]}]
    # Deleted and back, it is as it was.
    assert alice.post(undo_path(deleted)).status_int == 200
    assert alice.post(undo_path(deleted)).json["code"] == "undo_conflict"
    assert alice.post(undo_path(renamed)).status_int == 200
    assert alice.get(milk).json["task"]["name"] == "Milk"


def test_what_was_created_and_changed_is_not_thrown_away(alice: User, ids: dict[str, int]) -> None:
    created = alice.post_json(alice.tasks_url, {"name": "Tea"})
    alice.send_json("PATCH", created.headers["Location"], {"note": "green"})
    refused = alice.post(undo_path(created))
    conflicts = [{"id": created.json["task"]["id"], "fields": ["note"]}]
    assert refused.json["conflicts"] == conflicts


def test_what_has_gone_for_good(alice: User, ids: dict[str, int]) -> None:
    deleted = alice.delete(f"{alice.tasks_url}/{ids['id']}")
    purged = alice.delete(f"{alice.url}/trash/{ids['id']}")
    assert purged.status_int == 200
    assert "Link" not in purged.headers
    revision = alice.get(alice.tasks_url).json["revision"]
    for path in (undo_path(deleted), f"{alice.url}/changes/{revision}/undo"):
        answer = alice.post(path)
        assert (answer.status_int, answer.json["code"]) == (409, "not_undoable")


def test_one_of_many_has_gone_for_good(alice: User, ids: dict[str, int]) -> None:
    answer = alice.send_json("PATCH", alice.tasks_url, {"note": "all"})
    alice.delete(f"{alice.tasks_url}/{ids['id']}")
    alice.delete(f"{alice.url}/trash/{ids['id']}")
    refused = alice.post(undo_path(answer))
    assert refused.json["code"] == "undo_conflict"
    assert refused.json["conflicts"] == [{"id": ids["id"], "fields": []}]


def test_at_most_so_much_text_at_once(alice: User, ids: dict[str, int], monkeypatch: Patch) -> None:
    alice.send_json("PATCH", alice.tasks_url, {"note": "long " * 100})
    answer = alice.send_json("PATCH", alice.tasks_url, {"note": "short"})
    monkeypatch.setattr(service, "MAX_INDEXED_CHARACTERS", 100)
    refused = alice.post(undo_path(answer))
    assert (refused.status_int, refused.json["code"]) == (409, "too_many")
    assert refused.json["count"] == 3
    assert {task["note"] for task in alice.get(alice.tasks_url).json["tasks"]} == {"short"}


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_many_are_read_in_batches(
    alice: User, ids: dict[str, int], monkeypatch: Patch, batch: int
) -> None:
    monkeypatch.setattr(service, "BATCH_SIZE", batch)
    before = state(alice)
    answer = alice.send_json("PATCH", alice.tasks_url, FULL)
    assert alice.post(undo_path(answer)).json["undone"] == 3
    assert state(alice) == before


def test_the_profile_has_no_undo(alice: User) -> None:
    changed = alice.send_json("PATCH", alice.url, {"timezone": "Asia/Tokyo"})
    assert "Link" not in changed.headers
    for revision in (1, 2):
        answer = alice.post(f"{alice.url}/changes/{revision}/undo")
        assert (answer.status_int, answer.json["code"]) == (409, "not_undoable")


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_it_reads_its_own_tasks_alone(app: Any, alice: User, ids: dict[str, int]) -> None:
    """However many the account has: by their ids, and not by what begins with the account."""
    engine = app.registry["engine"]
    changed = alice.send_json("PATCH", alice.tasks_url, {"note": "all"})
    links = [undo_path(changed), undo_path(alice.delete(f"{alice.tasks_url}/{ids['id']}"))]
    with page_queries(engine, re.compile(r".*\b(tasks|trash|UPDATE changes)\b", re.DOTALL)) as run:
        for link in reversed(links):  # a task comes back, others are set back, and it goes again
            assert alice.post(link).status_int == 200
        created = alice.post_json(alice.tasks_url, {"name": "Tea"})
        assert alice.post(undo_path(created)).status_int == 200
        assert alice.delete(alice.trash_url).status_int == 200
    plans = [row[3] for query in run for row in query.run(engine, "EXPLAIN QUERY PLAN")]
    used = {name for plan in plans for name in re.findall(r"\bix_\w+|INTEGER PRIMARY KEY", plan)}
    # Emptying the trash asks for what is in it; erasing, for what was recorded.
    assert used == {"INTEGER PRIMARY KEY", "ix_trash_deletion", "ix_changes_object"}
    assert not [plan for plan in plans if re.match(r"SCAN (tasks|trash)\b", plan)]
