"""Bulk updates and deletions of tasks, and dry runs."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.databases import statements
from tests.support.factories import Login, make_task
from tests.support.fixtures import Patch, SetClock
from todo.journal import writes
from todo.services import matching as service


def listed(user: User, query: str = "") -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = user.get(f"{user.tasks_url}?limit=200&{query}").json["tasks"]
    return tasks


@pytest.fixture
def task_ids(db: Session, alice: Login, bob: Login) -> list[int]:
    """Create three tasks each for Alice and Bob, one completed; return the ids of Alice's."""
    ids = []
    for login in (alice, bob):
        for name in ("Milk", "Tea", "Bread"):
            ids.append(make_task(db, login, name=name, completed=name == "Milk"))
    return ids[:3]


def test_bulk_update_changes_matching_tasks_only(
    alice: User, bob: User, task_ids: list[int], set_clock: SetClock
) -> None:
    before, others = listed(alice), listed(bob)
    set_clock(timedelta(seconds=1))
    change = {"note": "now", "due_date": "2030-02-01"}
    answer = alice.send_json("PATCH", f"{alice.tasks_url}?completed=false", change)
    assert answer.status_int == 200
    after = listed(alice)
    revision = after[1]["revision"]
    assert answer.json == {"username": "alice", "updated": 2, "revision": revision}
    assert after[0] == before[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        dated = {name: new[name] for name in ("modification_date", "revision")}
        assert new == old | change | dated
        assert new["revision"] == max(task["revision"] for task in before) + 1
        assert new["modification_date"] > old["modification_date"]
    assert listed(bob) == others


def test_bulk_update_by_form_changes_all_matching_tasks(alice: User, task_ids: list[int]) -> None:
    answer = alice.send_form("PATCH", alice.all_tasks_url, "completed=yes&name=Done")
    revision = listed(alice)[0]["revision"]
    assert answer.json == {"username": "alice", "updated": 3, "revision": revision}
    assert {(task["name"], task["completed"]) for task in listed(alice)} == {("Done", True)}


def test_bulk_update_sets_and_clears_completion_date(alice: User, task_ids: list[int]) -> None:
    milk = listed(alice)[0]
    alice.send_json("PATCH", alice.all_tasks_url, {"completed": True})
    tasks = listed(alice)
    # Already completed: the task keeps its completion date and is not changed.
    assert tasks[0] == milk
    assert all(task["completed"] for task in tasks)
    assert tasks[1]["completion_date"] == tasks[1]["modification_date"]
    alice.send_json("PATCH", f"{alice.tasks_url}?id={task_ids[0]}", {"completed": False})
    assert [task["completion_date"] is None for task in listed(alice)] == [True, False, False]


@pytest.mark.parametrize(
    "change",
    [{}, {"name": "Tea"}, {"note": None}, {"due_date": None}, {"completed": False}, {"id": 7}],
)
def test_bulk_update_without_effect_keeps_modification_date(
    alice: User, task_ids: list[int], change: dict[str, Any]
) -> None:
    before = listed(alice)
    answer = alice.send_json("PATCH", f"{alice.tasks_url}?id={task_ids[1]}", change)
    assert answer.json == {"username": "alice", "updated": 1}
    assert listed(alice) == before


def test_bulk_update_reads_times_in_account_timezone(alice: User, task_ids: list[int]) -> None:
    alice.send_json("PATCH", alice.url, {"timezone": "Europe/Berlin"})
    alice.send_json("PATCH", alice.all_tasks_url, {"due_date": "2030-07-01T09:00:00"})
    assert {task["due_date"] for task in listed(alice)} == {"2030-07-01T07:00:00Z"}


def test_bulk_delete_removes_matching_tasks_only(
    alice: User, bob: User, task_ids: list[int]
) -> None:
    answer = alice.delete(f"{alice.tasks_url}?completed=false")
    assert answer.status_int == 200
    revision = alice.get(alice.tasks_url).json["revision"]
    assert answer.json == {"username": "alice", "deleted": 2, "revision": revision}
    assert [task["id"] for task in listed(alice)] == task_ids[:1]
    assert len(listed(bob)) == 3
    assert alice.delete(f"{alice.tasks_url}?due=any").json["deleted"] == 0


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("query", ["", "?dry_run=true", "?dry_run=false"])
def test_bulk_change_without_filter_is_refused(
    alice: User, task_ids: list[int], method: str, query: str
) -> None:
    before = listed(alice)
    answer = alice.send_json(method, alice.tasks_url + query, {"name": "Done"})
    assert faults(answer) == {"query": "missing"}
    assert listed(alice) == before


@pytest.mark.parametrize(("completed", "matching"), [("true", 1), ("false", 2)])
def test_bulk_update_accepts_completed_as_only_filter(
    alice: User, task_ids: list[int], completed: str, matching: int
) -> None:
    alice.send_json("PATCH", f"{alice.tasks_url}/{task_ids[0]}", {"completed": True})
    alice.send_json(
        "PATCH", f"{alice.tasks_url}?id={task_ids[1]},{task_ids[2]}", {"completed": False}
    )
    url = f"{alice.tasks_url}?completed={completed}"
    assert alice.send_json("PATCH", url, {"name": "Done"}).json["updated"] == matching


@pytest.mark.parametrize(
    ("method", "query", "body", "answered"),
    [
        ("PATCH", "completed=false&", {"name": "x", "completed": True}, {"updated": 2}),
        ("DELETE", "completed=false&", {}, {"deleted": 2}),
    ],
)
def test_dry_run_of_bulk_change_changes_nothing(
    alice: User,
    task_ids: list[int],
    method: str,
    query: str,
    body: dict[str, Any],
    answered: dict[str, int],
) -> None:
    before = listed(alice)
    url = f"{alice.tasks_url}?{query}dry_run="
    expected = {"username": "alice"} | answered
    assert alice.send_json(method, f"{url}true", body).json == expected | {"dry_run": True}
    assert listed(alice) == before
    changed = alice.send_json(method, f"{url}false", body).json
    revision = alice.get(alice.tasks_url).json["revision"]
    assert changed == expected | {"revision": revision}
    assert listed(alice) != before


@pytest.mark.parametrize("body", [{"name": "New"}, {"tasks": [{"name": "New"}, {"name": "Old"}]}])
def test_dry_run_of_create_creates_nothing(alice: User, body: dict[str, Any]) -> None:
    dry = alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", body)
    assert dry.status_int == 201
    assert "Location" not in dry.headers
    assert listed(alice) == []
    created = alice.send_json("POST", alice.tasks_url, body)
    assert dry.json.keys() == created.json.keys() - {"revision"} | {"dry_run"}
    assert faults(alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", {"name": ""}))


def test_create_several_tasks_location_lists_them(alice: User) -> None:
    body = {"tasks": [{"name": str(n)} for n in range(100)]}
    answer = alice.send_json("POST", alice.tasks_url, body)
    assert [task["name"] for task in answer.json["tasks"]] == [str(n) for n in range(100)]
    assert alice.get(answer.location).json["tasks"] == answer.json["tasks"]


def test_bulk_limit_is_five_thousand_tasks() -> None:
    assert writes.MAX_TASKS == 5_000


@pytest.mark.parametrize(("method", "counted"), [("PATCH", "updated"), ("DELETE", "deleted")])
def test_bulk_change_of_too_many_tasks_is_refused(
    alice: User, db: Session, monkeypatch: Patch, method: str, counted: str
) -> None:
    monkeypatch.setattr(service, "MAX_TASKS", 10)
    old, *others = (make_task(db, alice, name="Tea") for _ in range(11))
    answer = alice.send_json(method, f"{alice.tasks_url}?due=none", {"name": "Milk"})
    assert answer.status_int == 409
    assert (answer.json["code"], answer.json["count"]) == ("too_many", 11)
    assert {task["name"] for task in listed(alice)} == {"Tea"}

    alice.send_json("PATCH", f"{alice.tasks_url}/{old}", {"completed": True})
    with statements(db.get_bind().engine) as run:
        answer = alice.send_json(method, f"{alice.tasks_url}?completed=false", {"name": "Milk"})
    assert answer.json[counted] == len(others) == 10
    # Authentication, count, text length, tasks, revision, journal record, then the update or the
    # move to the trash. The number is the same for any count up to a thousand tasks.
    assert len(run) == (8 if method == "DELETE" else 7)
    assert [task["id"] for task in listed(alice, "search=tea")] == [old]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_bulk_change_of_too_much_text_is_refused(
    alice: User, db: Session, monkeypatch: Patch, method: str
) -> None:
    make_task(db, alice, name="Milk", note="bottles")
    make_task(db, alice, name="Bread", completed=True)
    words = len(" milk bottles bread")
    monkeypatch.setattr(service, "MAX_INDEXED_CHARACTERS", words - 1)
    answer = alice.send_json(method, f"{alice.tasks_url}?due=none", {"completed": True})
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 2)
    # The new text of each task counts too.
    monkeypatch.setattr(service, "MAX_INDEXED_CHARACTERS", words)
    url = f"{alice.tasks_url}?due=none"
    assert alice.send_json("PATCH", url, {"note": "x"}).status_int == 409
    assert alice.send_json(method, url, {"completed": True}).status_int == 200
