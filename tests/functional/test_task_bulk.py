"""Many tasks at once: changed, deleted, and what a dry run leaves."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.databases import statements
from tests.support.factories import Login, make_task
from todo.services import tasks as service


def listed(client: Client, login: Login, query: str = "") -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = client.get(f"{login.tasks_url}?limit=200&{query}").json["tasks"]
    return tasks


@pytest.fixture
def three(dbsession: Session, alice: Login, bob: Login) -> list[int]:
    """Milk, which is done, tea and bread of Alice's; and as many of Bob's."""
    ids = []
    for login in (alice, bob):
        for name in ("Milk", "Tea", "Bread"):
            ids.append(make_task(dbsession, login, name=name, completed=name == "Milk"))
    return ids[:3]


def test_update_what_fits(
    as_alice: Client, as_bob: Client, alice: Login, bob: Login, three: list[int]
) -> None:
    before, others = listed(as_alice, alice), listed(as_bob, bob)
    change = {"note": "now", "due_date": "2030-02-01"}
    answer = as_alice.send_json("PATCH", f"{alice.tasks_url}?completed=false", change)
    assert answer.status_int == 200
    assert answer.json == {"username": "alice", "updated": 2}
    after = listed(as_alice, alice)
    assert after[0] == before[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        dated = {name: new[name] for name in ("modification_date", "revision")}
        assert new == old | change | dated
        assert new["revision"] == max(task["revision"] for task in before) + 1
        assert new["modification_date"] > old["modification_date"]
    assert listed(as_bob, bob) == others


def test_update_all_by_form(as_alice: Client, alice: Login, three: list[int]) -> None:
    answer = as_alice.send_form("PATCH", alice.tasks_url, "completed=yes&name=Done")
    assert answer.json == {"username": "alice", "updated": 3}
    assert {(task["name"], task["completed"]) for task in listed(as_alice, alice)} == {
        ("Done", True)
    }


def test_complete_and_reopen(as_alice: Client, alice: Login, three: list[int]) -> None:
    milk = listed(as_alice, alice)[0]
    as_alice.send_json("PATCH", alice.tasks_url, {"completed": True})
    tasks = listed(as_alice, alice)
    # It was completed before: it still is of then, and is not changed.
    assert tasks[0] == milk
    assert all(task["completed"] for task in tasks)
    assert tasks[1]["completion_date"] == tasks[1]["modification_date"]
    as_alice.send_json("PATCH", f"{alice.tasks_url}?id={three[0]}", {"completed": False})
    assert [task["completion_date"] is None for task in listed(as_alice, alice)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "change",
    [{}, {"name": "Tea"}, {"note": None}, {"due_date": None}, {"completed": False}, {"id": 7}],
)
def test_a_change_that_changes_nothing_is_not_dated(
    as_alice: Client, alice: Login, three: list[int], change: dict[str, Any]
) -> None:
    before = listed(as_alice, alice)
    answer = as_alice.send_json("PATCH", f"{alice.tasks_url}?id={three[1]}", change)
    assert answer.json == {"username": "alice", "updated": 1}
    assert listed(as_alice, alice) == before


def test_times_of_a_change_are_read_in_the_account_s_zone(
    as_alice: Client, alice: Login, three: list[int]
) -> None:
    as_alice.send_json("PATCH", alice.url, {"timezone": "Europe/Berlin"})
    as_alice.send_json("PATCH", alice.tasks_url, {"due_date": "2030-07-01T09:00:00"})
    assert {task["due_date"] for task in listed(as_alice, alice)} == {"2030-07-01T07:00:00Z"}


def test_delete_what_fits(
    as_alice: Client, as_bob: Client, alice: Login, bob: Login, three: list[int]
) -> None:
    answer = as_alice.delete(f"{alice.tasks_url}?completed=false")
    assert answer.status_int == 200
    assert answer.json == {"username": "alice", "deleted": 2}
    assert [task["id"] for task in listed(as_alice, alice)] == three[:1]
    assert len(listed(as_bob, bob)) == 3
    assert as_alice.delete(f"{alice.tasks_url}?due=any").json["deleted"] == 0


def test_delete_needs_a_filter(as_alice: Client, alice: Login, three: list[int]) -> None:
    for query in ("", "?dry_run=true", "?dry_run=false"):
        assert faults(as_alice.delete(alice.tasks_url + query)) == {"query": "missing"}
    assert len(listed(as_alice, alice)) == 3


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("limit=1", "limit", "unknown_field"),
        ("after=x", "after", "unknown_field"),
        ("sort=name", "sort", "unknown_field"),
        ("fields=id", "fields", "unknown_field"),
        ("count=true", "count", "unknown_field"),
        ("dry_run=yes", "dry_run", "type"),
        ("dry_run=", "dry_run", "type"),
        ("completed=", "completed", "type"),
    ],
)
def test_a_part_is_not_promised(
    as_alice: Client,
    alice: Login,
    three: list[int],
    method: str,
    query: str,
    field: str,
    code: str,
) -> None:
    url = f"{alice.tasks_url}?id={three[1]}&{query}"
    assert faults(as_alice.send_json(method, url, {"name": "x"})) == {field: code}
    assert len(listed(as_alice, alice, "search=tea")) == 1


def test_faults_of_query_and_body_come_together(
    as_alice: Client, alice: Login, three: list[int]
) -> None:
    answer = as_alice.send_json("PATCH", f"{alice.tasks_url}?due=soon", {"name": " ", "x": 1})
    assert faults(answer) == {"due": "choice", "name": "blank", "x": "unknown_field"}


@pytest.mark.parametrize(
    ("method", "query", "body", "answered"),
    [
        ("PATCH", "completed=false&", {"name": "x", "completed": True}, {"updated": 2}),
        ("DELETE", "completed=false&", {}, {"deleted": 2}),
    ],
)
def test_a_dry_run_changes_nothing(
    as_alice: Client,
    alice: Login,
    three: list[int],
    method: str,
    query: str,
    body: dict[str, Any],
    answered: dict[str, int],
) -> None:
    before = listed(as_alice, alice)
    url = f"{alice.tasks_url}?{query}dry_run="
    wet = {"username": "alice"} | answered
    assert as_alice.send_json(method, f"{url}true", body).json == wet | {"dry_run": True}
    assert listed(as_alice, alice) == before
    assert as_alice.send_json(method, f"{url}false", body).json == wet
    assert listed(as_alice, alice) != before


@pytest.mark.parametrize("body", [{"name": "New"}, {"tasks": [{"name": "New"}, {"name": "Old"}]}])
def test_a_dry_run_creates_nothing(as_alice: Client, alice: Login, body: dict[str, Any]) -> None:
    dry = as_alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", body)
    assert dry.status_int == 201
    assert "Location" not in dry.headers
    assert listed(as_alice, alice) == []
    wet = as_alice.send_json("POST", alice.tasks_url, body)
    assert dry.json.keys() == wet.json.keys() | {"dry_run"}
    assert faults(as_alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", {"name": ""}))


def test_several_are_found_where_location_says(as_alice: Client, alice: Login) -> None:
    body = {"tasks": [{"name": str(n)} for n in range(100)]}
    answer = as_alice.send_json("POST", alice.tasks_url, body)
    assert as_alice.get(answer.location).json["tasks"] == answer.json["tasks"]


def test_how_many_at_once() -> None:
    assert service.MOST_AT_ONCE == 10_000


@pytest.mark.parametrize(("method", "counted"), [("PATCH", "updated"), ("DELETE", "deleted")])
def test_at_most_so_many_at_once(
    as_alice: Client,
    alice: Login,
    dbsession: Session,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    counted: str,
) -> None:
    monkeypatch.setattr(service, "MOST_AT_ONCE", 10)
    old, *others = (make_task(dbsession, alice, name="Tea") for _ in range(11))
    answer = as_alice.send_json(method, f"{alice.tasks_url}?due=none", {"name": "Milk"})
    assert answer.status_int == 409
    assert (answer.json["code"], answer.json["count"]) == ("too_many", 11)
    assert {task["name"] for task in listed(as_alice, alice)} == {"Tea"}

    as_alice.send_json("PATCH", f"{alice.tasks_url}/{old}", {"completed": True})
    with statements(dbsession.get_bind().engine) as run:
        answer = as_alice.send_json(method, f"{alice.tasks_url}?completed=false", {"name": "Milk"})
    assert answer.json[counted] == len(others) == 10
    # The identity, how many, of how many words, the tasks; the revision, the record and the change,
    # or the move to the trash: whatever their number, up to a thousand.
    assert len(run) == (8 if method == "DELETE" else 7)
    assert [task["id"] for task in listed(as_alice, alice, "search=tea")] == [old]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_at_most_so_many_words_at_once(
    as_alice: Client,
    alice: Login,
    dbsession: Session,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    make_task(dbsession, alice, name="Milk", note="bottles")
    make_task(dbsession, alice, name="Bread", completed=True)
    words = len(" milk bottles bread")
    monkeypatch.setattr(service, "MOST_WORDS_AT_ONCE", words - 1)
    answer = as_alice.send_json(method, f"{alice.tasks_url}?due=none", {"completed": True})
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 2)
    # What each is given counts, too.
    monkeypatch.setattr(service, "MOST_WORDS_AT_ONCE", words)
    url = f"{alice.tasks_url}?due=none"
    assert as_alice.send_json("PATCH", url, {"note": "x"}).status_int == 409
    assert as_alice.send_json(method, url, {"completed": True}).status_int == 200
