"""Many tasks at once: changed, deleted, and what a dry run leaves."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.databases import statements
from tests.support.factories import Login, make_task
from tests.support.fixtures import Patch
from todo.services import tasks as service


def listed(user: User, query: str = "") -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = user.get(f"{user.tasks_url}?limit=200&{query}").json["tasks"]
    return tasks


@pytest.fixture
def three(db: Session, alice: Login, bob: Login) -> list[int]:
    """Milk, which is done, tea and bread of Alice's; and as many of Bob's."""
    ids = []
    for login in (alice, bob):
        for name in ("Milk", "Tea", "Bread"):
            ids.append(make_task(db, login, name=name, completed=name == "Milk"))
    return ids[:3]


def test_update_what_fits(alice: User, bob: User, three: list[int]) -> None:
    before, others = listed(alice), listed(bob)
    change = {"note": "now", "due_date": "2030-02-01"}
    answer = alice.send_json("PATCH", f"{alice.tasks_url}?completed=false", change)
    assert answer.status_int == 200
    assert answer.json == {"username": "alice", "updated": 2}
    after = listed(alice)
    assert after[0] == before[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        dated = {name: new[name] for name in ("modification_date", "revision")}
        assert new == old | change | dated
        assert new["revision"] == max(task["revision"] for task in before) + 1
        assert new["modification_date"] > old["modification_date"]
    assert listed(bob) == others


def test_update_all_by_form(alice: User, three: list[int]) -> None:
    answer = alice.send_form("PATCH", alice.tasks_url, "completed=yes&name=Done")
    assert answer.json == {"username": "alice", "updated": 3}
    assert {(task["name"], task["completed"]) for task in listed(alice)} == {("Done", True)}


def test_complete_and_reopen(alice: User, three: list[int]) -> None:
    milk = listed(alice)[0]
    alice.send_json("PATCH", alice.tasks_url, {"completed": True})
    tasks = listed(alice)
    # It was completed before: it still is of then, and is not changed.
    assert tasks[0] == milk
    assert all(task["completed"] for task in tasks)
    assert tasks[1]["completion_date"] == tasks[1]["modification_date"]
    alice.send_json("PATCH", f"{alice.tasks_url}?id={three[0]}", {"completed": False})
    assert [task["completion_date"] is None for task in listed(alice)] == [True, False, False]


@pytest.mark.parametrize(
    "change",
    [{}, {"name": "Tea"}, {"note": None}, {"due_date": None}, {"completed": False}, {"id": 7}],
)
def test_a_change_that_changes_nothing_is_not_dated(
    alice: User, three: list[int], change: dict[str, Any]
) -> None:
    before = listed(alice)
    answer = alice.send_json("PATCH", f"{alice.tasks_url}?id={three[1]}", change)
    assert answer.json == {"username": "alice", "updated": 1}
    assert listed(alice) == before


def test_times_of_a_change_are_read_in_the_account_s_zone(alice: User, three: list[int]) -> None:
    alice.send_json("PATCH", alice.url, {"timezone": "Europe/Berlin"})
    alice.send_json("PATCH", alice.tasks_url, {"due_date": "2030-07-01T09:00:00"})
    assert {task["due_date"] for task in listed(alice)} == {"2030-07-01T07:00:00Z"}


def test_delete_what_fits(alice: User, bob: User, three: list[int]) -> None:
    answer = alice.delete(f"{alice.tasks_url}?completed=false")
    assert answer.status_int == 200
    assert answer.json == {"username": "alice", "deleted": 2}
    assert [task["id"] for task in listed(alice)] == three[:1]
    assert len(listed(bob)) == 3
    assert alice.delete(f"{alice.tasks_url}?due=any").json["deleted"] == 0


def test_delete_needs_a_filter(alice: User, three: list[int]) -> None:
    for query in ("", "?dry_run=true", "?dry_run=false"):
        assert faults(alice.delete(alice.tasks_url + query)) == {"query": "missing"}
    assert len(listed(alice)) == 3


@pytest.mark.parametrize(
    ("method", "query", "body", "answered"),
    [
        ("PATCH", "completed=false&", {"name": "x", "completed": True}, {"updated": 2}),
        ("DELETE", "completed=false&", {}, {"deleted": 2}),
    ],
)
def test_a_dry_run_changes_nothing(
    alice: User,
    three: list[int],
    method: str,
    query: str,
    body: dict[str, Any],
    answered: dict[str, int],
) -> None:
    before = listed(alice)
    url = f"{alice.tasks_url}?{query}dry_run="
    wet = {"username": "alice"} | answered
    assert alice.send_json(method, f"{url}true", body).json == wet | {"dry_run": True}
    assert listed(alice) == before
    assert alice.send_json(method, f"{url}false", body).json == wet
    assert listed(alice) != before


@pytest.mark.parametrize("body", [{"name": "New"}, {"tasks": [{"name": "New"}, {"name": "Old"}]}])
def test_a_dry_run_creates_nothing(alice: User, body: dict[str, Any]) -> None:
    dry = alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", body)
    assert dry.status_int == 201
    assert "Location" not in dry.headers
    assert listed(alice) == []
    wet = alice.send_json("POST", alice.tasks_url, body)
    assert dry.json.keys() == wet.json.keys() | {"dry_run"}
    assert faults(alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", {"name": ""}))


def test_several_are_found_where_location_says(alice: User) -> None:
    body = {"tasks": [{"name": str(n)} for n in range(100)]}
    answer = alice.send_json("POST", alice.tasks_url, body)
    assert [task["name"] for task in answer.json["tasks"]] == [str(n) for n in range(100)]
    assert alice.get(answer.location).json["tasks"] == answer.json["tasks"]


def test_how_many_at_once() -> None:
    assert service.MAX_TASKS == 10_000


@pytest.mark.parametrize(("method", "counted"), [("PATCH", "updated"), ("DELETE", "deleted")])
def test_at_most_so_many_at_once(
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
    # The identity, how many, of how many words, the tasks; the revision, the record and the change,
    # or the move to the trash: whatever their number, up to a thousand.
    assert len(run) == (8 if method == "DELETE" else 7)
    assert [task["id"] for task in listed(alice, "search=tea")] == [old]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_at_most_so_many_words_at_once(
    alice: User, db: Session, monkeypatch: Patch, method: str
) -> None:
    make_task(db, alice, name="Milk", note="bottles")
    make_task(db, alice, name="Bread", completed=True)
    words = len(" milk bottles bread")
    monkeypatch.setattr(service, "MAX_INDEXED_CHARACTERS", words - 1)
    answer = alice.send_json(method, f"{alice.tasks_url}?due=none", {"completed": True})
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 2)
    # What each is given counts, too.
    monkeypatch.setattr(service, "MAX_INDEXED_CHARACTERS", words)
    url = f"{alice.tasks_url}?due=none"
    assert alice.send_json("PATCH", url, {"note": "x"}).status_int == 409
    assert alice.send_json(method, url, {"completed": True}).status_int == 200
