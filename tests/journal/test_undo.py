"""Undo: revert the changes that one request made to tasks."""

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.authorization import ACCOUNT
from tests.support.client import User
from tests.support.factories import Login, make_filter, make_list, make_task, make_trashed
from tests.support.fixtures import Patch
from tests.support.plans import page_queries
from todo.http.operations import operations
from todo.journal import undo as service
from todo.journal import writes

# Fields that an undo does not restore.
STAMPS = {"revision", "modification_date"}

LIST = "the id of the list"

# One request per operation that changes tasks. Permanent deletion has no undo.
FULL = {
    "name": "Crème",
    "note": "x",
    "due_date": "2031-01-01T09:30:00.5Z",
    "completed": True,
    "recurrence": "FREQ=DAILY;COUNT=1",
    "recurrence_from": "completion",
    "reminders": [{"before": "PT15M"}, {"at": "2031-01-01T08:00:00Z"}],
}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/tasks", FULL),
    ("POST", "/tasks", {"tasks": [FULL, {"name": "Rice"}]}),
    ("PATCH", "/tasks?completed=false", FULL),
    ("PATCH", "/tasks?search=milk", {"name": "Tea", "due_date": None}),
    ("PATCH", "/tasks?due=any", {"completed": False, "note": None, "reminders": []}),
    ("DELETE", "/tasks?due=any", {}),
    ("PUT", "/tasks/{id}", FULL),
    ("PUT", "/tasks/{id}", {"due_date": None, "note": None, "recurrence": None}),
    ("PATCH", "/tasks/{id}", {"completed": True}),
    ("DELETE", "/tasks/{id}", {}),
    ("POST", "/filters", {"name": "Overdue", "query": "due=overdue"}),
    ("PUT", "/filters/{filter}", {"name": "Overdue", "query": "due=overdue"}),
    ("PATCH", "/filters/{filter}", {"query": ""}),
    ("DELETE", "/filters/{filter}", {}),
    ("POST", "/trash/restore?search=milk", {}),
    ("POST", "/trash/{trashed}/restore", {}),
    ("POST", "/tasks/{id}/move", {"first": True}),
    ("POST", "/tasks/{id}/move", {"list_id": LIST}),
    ("POST", "/tasks/{parent}/move", {"list_id": LIST, "first": True}),
    ("DELETE", "/tasks/{parent}", {}),
    ("POST", "/trash/{trashed_parent}/restore", {}),
    ("PATCH", "/tasks/{parent}", {"completed": True, "subtasks": True, "priority": 1}),
    ("PATCH", "/tasks?list={list}", {"list_id": None}),
    ("PATCH", "/tasks?completed=false", {"add_labels": ["home"], "remove_labels": ["x"]}),
    ("PATCH", "/labels/urgent", {"name": "Important"}),
    ("PUT", "/labels/urgent", {"name": "later"}),
    ("DELETE", "/labels/urgent", {}),
    ("POST", "/lists", {"name": "Home", "color": "#ff0000"}),
    ("PUT", "/lists/{list}", {"name": "Home", "note": None, "archived": True}),
    ("PATCH", "/lists/{list}", {"color": "#ff0000"}),
    ("DELETE", "/lists/{list}", {}),
    ("POST", "/lists/{list}/move", {"first": True}),
    ("PATCH", "/tasks/{recurring}", {"completed": True, "note": "done"}),
    ("PATCH", "/tasks?id={recurring}", {"completed": True, "catch_up": True}),
    ("POST", "/tasks/{recurring}/skip", {}),
    ("POST", "/tasks/quick", {"text": "Crème 2031-01-01 !1"}),
]
PURGING = {("DELETE", "/trash"), ("DELETE", "/trash/{id}")}
UNDOING = {("POST", "/changes/{revision}/undo")}
NOT_CHANGING_TASKS = {
    ("POST", "/recurrence/preview"),
    *(("POST", "/reminders/{id}/dismiss"), ("POST", "/reminders/{id}/snooze")),
    ("POST", "/tokens"),
    ("DELETE", "/tokens"),
    ("DELETE", "/tokens/{id}"),
    ("POST", "/webhooks"),
    ("PUT", "/webhooks/{id}"),
    ("PATCH", "/webhooks/{id}"),
    ("DELETE", "/webhooks/{id}"),
    ("POST", "/webhooks/{id}/test"),
}


def undo_path(answer: TestResponse) -> str:
    """Return the undo path from the Link header."""
    match = re.fullmatch(r'<([^>]*)>; rel="undo"', answer.headers["Link"])
    assert match, answer.headers["Link"]
    return match[1]


def state(user: User) -> Any:
    """Return all tasks, lists and filters, as the lists, searches and their own URLs show them."""
    lists = ("tasks?archived=any", "tasks?search=milk", "tasks?search=creme", "tasks?due=none")
    paths = (*lists, "trash?search=milk", "trash")
    tasks = [user.get(f"{user.url}/{path}").json["tasks"] for path in paths]
    for trash in tasks[-2:]:
        trash.sort(key=lambda task: task["id"])  # an undo may delete a task again, later
    for task in (task for each in tasks for task in each):
        for name in STAMPS | {"deletion_date"}:
            task.pop(name, None)
    shown = [user.get(f"{user.tasks_url}/{task['id']}").json["task"] for task in tasks[0]]
    others = [user.get(f"{user.url}/{name}").json[name] for name in ("lists", "filters")]
    return tasks, *map(without_stamps, (shown, *others))


def without_stamps(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: each[name] for name in each.keys() - STAMPS} for each in objects]


@pytest.fixture
def ids(db: Session, alice: Login) -> dict[str, int]:
    """The ids of an open and a trashed task; the account has tasks of other kinds, too."""
    make_task(db, alice, name="Done milk", completed=True, due_date=date(2030, 2, 1))
    make_task(db, alice, name="Bread", note="dark")
    milk = make_task(
        db, alice, name="Milk", note="two", due_date=date(2030, 2, 1), labels=["Urgent", "later"]
    )
    make_list(db, alice, name="Work")
    list_id = make_list(db, alice, name="Shopping", note="every week")
    parent = make_task(db, alice, name="Party", list_id=list_id)
    make_task(db, alice, name="Cake", list_id=list_id, parent_id=parent)
    recurring = make_task(db, alice, name="Tea", due_date=date(2030, 2, 1), recurrence="FREQ=DAILY")
    make_task(db, alice, name="Cups", parent_id=recurring, completed=True)
    return {
        "recurring": recurring,
        "id": milk,
        "trashed": make_trashed(db, alice, name="Old milk"),
        "list": list_id,
        "parent": parent,
        "filter": make_filter(db, alice),
    }


@pytest.fixture
def trashed_parent(alice: User, db: Session) -> int:
    parent = make_task(db, alice, name="Old party")
    make_task(db, alice, name="Old cake", parent_id=parent)
    alice.delete(f"{alice.tasks_url}/{parent}")
    return parent


def test_undo_requests_cover_every_task_operation(app: Any) -> None:
    changing = {
        (method, operation.pattern.removeprefix(ACCOUNT).replace("{name}", "{id}"))
        for operation in operations(app.registry)
        for method in operation.methods
        if operation.pattern.startswith(f"{ACCOUNT}/") and method not in ("GET", "HEAD")
    }
    tried = {
        (method, re.sub(r"{\w+}|urgent", "{id}", path.partition("?")[0]))
        for method, path, _ in REQUESTS
    }
    assert changing == tried | PURGING | UNDOING | NOT_CHANGING_TASKS


@pytest.mark.parametrize(("method", "path", "fields"), REQUESTS)
def test_undo_restores_state_and_second_undo_redoes(
    alice: User,
    ids: dict[str, int],
    trashed_parent: int,
    method: str,
    path: str,
    fields: dict[str, Any],
) -> None:
    ids["trashed_parent"] = trashed_parent
    before = state(alice)
    values = {name: ids["list"] if value == LIST else value for name, value in fields.items()}
    answer = alice.send_json(method, alice.url + path.format(**ids), values)
    assert answer.status_int < 300
    done = state(alice)
    assert done != before
    undone = alice.post(undo_path(answer))
    assert undone.status_int == 200
    assert without_creations(state(alice), before) == before
    redone = alice.post(undo_path(undone))
    assert redone.status_int == 200
    assert redone.json == undone.json | {"revision": undone.json["revision"] + 1}
    assert state(alice) == done
    again = alice.post(undo_path(redone))
    assert again.status_int == 200
    assert without_creations(state(alice), before) == before


def without_creations(after: Any, before: Any) -> Any:
    """Return the state without the trashed tasks that `before` lacks: undone creations."""
    known = {task["id"] for each in before[0] for task in each}
    after[0][-1] = [task for task in after[0][-1] if task["id"] in known]
    return after


def test_undo_of_many_tasks_is_one_revision(alice: User, ids: dict[str, int]) -> None:
    answer = alice.send_json("PATCH", alice.all_tasks_url, {"note": "all"})
    before = alice.get(alice.tasks_url).json["revision"]
    assert undo_path(answer) == f"{alice.url}/changes/{before}/undo"
    assert answer.json["revision"] == before
    undone = alice.post(undo_path(answer))
    assert undone.json == {"username": "alice", "undone": 7, "revision": before + 1}
    listed = alice.get(alice.tasks_url).json
    assert listed["revision"] == before + 1
    assert {task["revision"] for task in listed["tasks"]} == {before + 1}


def test_undo_of_field_changed_since_is_409(alice: User, ids: dict[str, int]) -> None:
    milk = f"{alice.tasks_url}/{ids['id']}"
    renamed = alice.send_json("PATCH", milk, {"name": "Tea", "note": "green"})
    later = alice.send_json("PATCH", milk, {"note": "black", "completed": True})
    before = alice.get(alice.tasks_url).json
    answer = alice.post(undo_path(renamed))
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict")
    assert answer.json["conflicts"] == [{"kind": "task", "id": ids["id"], "fields": ["note"]}]
    assert alice.get(alice.tasks_url).json == before
    # Later changes of other fields are no conflict.
    completed = alice.send_json("PATCH", milk, {"completed": False})
    assert alice.post(undo_path(completed)).status_int == 200
    # In reverse order, each undo finds the values that its change has left.
    assert alice.post(undo_path(later)).status_int == 200
    assert alice.post(undo_path(renamed)).status_int == 200
    task = alice.get(milk).json["task"]
    assert (task["name"], task["note"], task["completed"]) == ("Milk", "two", False)


def test_undo_keeps_later_changes_of_other_fields(alice: User, ids: dict[str, int]) -> None:
    milk = f"{alice.tasks_url}/{ids['id']}"
    renamed = alice.send_json("PATCH", milk, {"name": "Tea"})
    alice.send_json("PATCH", milk, {"note": "green", "due_date": None})
    assert alice.post(undo_path(renamed)).status_int == 200
    task = alice.get(milk).json["task"]
    assert (task["name"], task["note"], task["due_date"]) == ("Milk", "green", None)


def test_undo_with_one_conflict_reverts_no_task(alice: User, ids: dict[str, int]) -> None:
    answer = alice.send_json("PATCH", alice.all_tasks_url, {"note": "all", "name": "All"})
    alice.send_json("PATCH", f"{alice.tasks_url}/{ids['id']}", {"note": "one"})
    refused = alice.post(undo_path(answer))
    assert refused.json["conflicts"] == [{"kind": "task", "id": ids["id"], "fields": ["note"]}]
    assert {task["name"] for task in alice.get(alice.tasks_url).json["tasks"]} == {"All"}


def test_undo_of_trashed_task_is_409_until_restored(alice: User, ids: dict[str, int]) -> None:
    milk = f"{alice.tasks_url}/{ids['id']}"
    renamed = alice.send_json("PATCH", milk, {"name": "Tea"})
    deleted = alice.delete(milk)
    refused = alice.post(undo_path(renamed))
    assert refused.json["conflicts"] == [{"kind": "task", "id": ids["id"], "fields": ["name"]}]
    # Once restored, the task has its former values again.
    assert alice.post(undo_path(deleted)).status_int == 200
    assert alice.post(undo_path(deleted)).json["code"] == "undo_conflict"
    assert alice.post(undo_path(renamed)).status_int == 200
    assert alice.get(milk).json["task"]["name"] == "Milk"


def test_undo_of_creation_after_change_is_409(alice: User, ids: dict[str, int]) -> None:
    created = alice.post_json(alice.tasks_url, {"name": "Tea"})
    alice.send_json("PATCH", created.headers["Location"], {"note": "green"})
    refused = alice.post(undo_path(created))
    conflicts = [{"kind": "task", "id": created.json["task"]["id"], "fields": ["note"]}]
    assert refused.json["conflicts"] == conflicts


def test_undo_of_purged_task_is_409(alice: User, ids: dict[str, int]) -> None:
    deleted = alice.delete(f"{alice.tasks_url}/{ids['id']}")
    purged = alice.delete(f"{alice.url}/trash/{ids['id']}")
    assert purged.status_int == 200
    assert "Link" not in purged.headers
    revision = alice.get(alice.tasks_url).json["revision"]
    for path in (undo_path(deleted), f"{alice.url}/changes/{revision}/undo"):
        answer = alice.post(path)
        assert (answer.status_int, answer.json["code"]) == (409, "not_undoable")


def test_undo_with_one_purged_task_is_409(alice: User, ids: dict[str, int]) -> None:
    answer = alice.send_json("PATCH", alice.all_tasks_url, {"note": "all"})
    alice.delete(f"{alice.tasks_url}/{ids['id']}")
    alice.delete(f"{alice.url}/trash/{ids['id']}")
    refused = alice.post(undo_path(answer))
    assert refused.json["code"] == "undo_conflict"
    assert refused.json["conflicts"] == [{"kind": "task", "id": ids["id"], "fields": []}]


def test_undo_of_too_much_text_is_409(alice: User, ids: dict[str, int], monkeypatch: Patch) -> None:
    alice.send_json("PATCH", alice.all_tasks_url, {"note": "long " * 100})
    answer = alice.send_json("PATCH", alice.all_tasks_url, {"note": "short"})
    monkeypatch.setattr(writes, "MAX_RECORDED_BYTES", 1000)
    refused = alice.post(undo_path(answer))
    assert (refused.status_int, refused.json["code"]) == (409, "too_many")
    assert refused.json["count"] == 7
    assert {task["note"] for task in alice.get(alice.tasks_url).json["tasks"]} == {"short"}


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_undo_in_batches_reverts_all_tasks(
    alice: User, ids: dict[str, int], monkeypatch: Patch, batch: int
) -> None:
    monkeypatch.setattr(service, "BATCH_SIZE", batch)
    before = state(alice)
    answer = alice.send_json("PATCH", alice.all_tasks_url, FULL)
    assert alice.post(undo_path(answer)).json["undone"] == 7
    assert state(alice) == before


def test_undo_of_profile_change_is_409(alice: User) -> None:
    changed = alice.send_json("PATCH", alice.url, {"timezone": "Asia/Tokyo"})
    assert "Link" not in changed.headers
    for revision in (1, 2):
        answer = alice.post(f"{alice.url}/changes/{revision}/undo")
        assert (answer.status_int, answer.json["code"]) == (409, "not_undoable")


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_undo_reads_only_changed_tasks_by_id(app: Any, alice: User, ids: dict[str, int]) -> None:
    """The cost must not grow with the account, so no index of the account is used."""
    engine = app.registry["engine"]
    changed = alice.send_json("PATCH", alice.all_tasks_url, {"note": "all"})
    links = [undo_path(changed), undo_path(alice.delete(f"{alice.tasks_url}/{ids['id']}"))]
    with page_queries(
        engine, re.compile(r".*\b(tasks|trash|UPDATE changes)\b", re.DOTALL)
    ) as queries:
        for link in reversed(links):  # restores the task, then reverts all three
            assert alice.post(link).status_int == 200
        created = alice.post_json(alice.tasks_url, {"name": "Tea"})
        assert alice.post(undo_path(created)).status_int == 200
        assert alice.delete(alice.trash_url).status_int == 200
    plans = [row[3] for query in queries for row in query.run(engine, "EXPLAIN QUERY PLAN")]
    used = {name for plan in plans for name in re.findall(r"\bix_\w+|INTEGER PRIMARY KEY", plan)}
    # Emptying the trash lists its tasks (first index) and erases their records (second).
    # The last checks look for tasks that have lost their list or parent, or start too late.
    assert used == {
        *("INTEGER PRIMARY KEY", "ix_trash_deletion", "ix_changes_object"),
        *("ix_tasks_parent", "ix_tasks_list", "ix_lists_account_id_id", "ix_tasks_account_id_id"),
    }
    of_account = r"SCAN (tasks|trash)\b|SEARCH tasks .*\(account_id=\?\)"
    assert not [plan for plan in plans if re.match(of_account, plan)]
