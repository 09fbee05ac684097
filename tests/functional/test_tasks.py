"""Tasks: list, create, show, change, delete."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.factories import Login, make_account, make_task
from todo.models import Task

FIELDS = {
    "revision",
    "id",
    "name",
    "note",
    "creation_date",
    "modification_date",
    "due_date",
    "completed",
    "completion_date",
}


@pytest.fixture
def milk(dbsession: Session, alice: Login) -> str:
    """The URL of a task of Alice's."""
    values = {"name": "Milk", "note": "two", "due_date": datetime(2030, 2, 1, 9, tzinfo=UTC)}
    return f"{alice.tasks_url}/{make_task(dbsession, alice, **values)}"


def test_create_with_a_name_alone(as_alice: Client, alice: Login) -> None:
    response = as_alice.post_json(alice.tasks_url, {"name": "Milk"})
    assert response.status_int == 201
    assert (response.json["msg"], response.json["username"]) == ("posted", "alice")
    task = response.json["task"]
    assert task.keys() == FIELDS
    assert task["name"] == "Milk"
    assert (task["note"], task["due_date"], task["completion_date"]) == (None, None, None)
    assert task["completed"] is False
    assert task["modification_date"] == task["creation_date"]
    assert datetime.fromisoformat(task["creation_date"]).utcoffset() == timedelta(0)
    assert response.headers["Location"] == f"{alice.tasks_url}/{task['id']}"
    assert as_alice.get(response.headers["Location"]).json["task"] == task


def test_create_in_full_by_form_and_by_json(as_alice: Client, alice: Login) -> None:
    form = {"name": "Tea", "note": "", "due_date": "01/02/2030 09:30:00", "completed": "yes"}
    fields = form | {"note": None, "completed": True}
    for response in (
        as_alice.post(alice.tasks_url, form),
        as_alice.post_json(alice.tasks_url, fields),
    ):
        task = response.json["task"]
        assert (task["note"], task["due_date"]) == (None, "2030-02-01T09:30:00Z")
        assert task["completed"] is True
        assert task["completion_date"] == task["creation_date"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2030-02-01T09:30:00+02:00", "2030-02-01T07:30:00Z"),
        ("2030-02-01T09:30:00Z", "2030-02-01T09:30:00Z"),
        ("2030-02-01T09:30:00", "2030-02-01T09:30:00Z"),
        ("2030-02-01", "2030-02-01"),
        ("01/02/2030 09:30:00", "2030-02-01T09:30:00Z"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("", None),
        (None, None),
    ],
)
def test_due_date_comes_out_as_it_went_in(
    as_alice: Client, alice: Login, given: str | None, shown: str | None
) -> None:
    created = as_alice.post_json(alice.tasks_url, {"name": "Milk", "due_date": given})
    assert created.json["task"]["due_date"] == shown
    assert as_alice.get(created.headers["Location"]).json["task"]["due_date"] == shown


BERLIN, KIRITIMATI, BAKER = "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"


@pytest.mark.parametrize(
    ("zone", "given", "shown"),
    [
        (BERLIN, "2030-02-01T09:30:00", "2030-02-01T08:30:00Z"),
        (BERLIN, "01/07/2030 09:30:00", "2030-07-01T07:30:00Z"),
        (BERLIN, "2030-02-01T09:30:00Z", "2030-02-01T09:30:00Z"),
        (BERLIN, "2030-02-01T09:30:00-03:00", "2030-02-01T12:30:00Z"),
        (BERLIN, "2030-03-31T02:30:00", "2030-03-31T01:30:00Z"),
        (BERLIN, "31/03/2030 02:30:00", "2030-03-31T01:30:00Z"),
        (BERLIN, "2030-10-27T02:30:00", "2030-10-27T00:30:00Z"),
        (BERLIN, "2030-10-27T02:30:00+01:00", "2030-10-27T01:30:00Z"),
        ("Asia/Beirut", "2022-03-27T00:30:00", "2022-03-26T22:30:00Z"),
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"),
        (KIRITIMATI, "2028-02-29T00:00:00", "2028-02-28T10:00:00Z"),
        (KIRITIMATI, "9999-12-31T23:59:59", "9999-12-31T09:59:59Z"),
        (BAKER, "29/02/2028 12:00:00", "2028-03-01T00:00:00Z"),
        (BAKER, "0001-01-01T00:00:00", "0001-01-01T12:00:00Z"),
        # A day is a day, wherever one is, and whether it was there or not.
        ("Pacific/Apia", "2011-12-30", "2011-12-30"),
        (KIRITIMATI, "0001-01-01", "0001-01-01"),
        (KIRITIMATI, "2028-02-29", "2028-02-29"),
        (BAKER, "2028-02-29", "2028-02-29"),
        (BAKER, "9999-12-31", "9999-12-31"),
        (BAKER, "", None),
    ],
)
def test_due_date_in_a_time_zone(
    app: Any, dbsession: Session, zone: str, given: str, shown: str | None
) -> None:
    login = make_account(dbsession, timezone=zone)
    client = Client(app, login.token)
    created = client.post(login.tasks_url, {"name": "Milk", "due_date": given})
    assert created.json["task"]["due_date"] == shown
    url = created.headers["Location"]
    for other in (KIRITIMATI, BAKER):
        assert client.put(login.url, {"timezone": other}).status_int == 200
        assert client.get(url).json == {"username": login.username, "task": created.json["task"]}
    client.put(login.url, {"timezone": zone})
    changed = client.put_json(url, {"due_date": given}).json["task"]
    assert changed == created.json["task"], "it is read alike when a task is changed"


@pytest.mark.parametrize(
    ("zone", "given"),
    [
        (KIRITIMATI, "2030-02-29T09:30:00"),
        ("Asia/Tokyo", "0001-01-01T00:00:00"),
        ("Asia/Tokyo", "01/01/0001 00:00:00"),
        (BAKER, "9999-12-31T23:59:59"),
    ],
)
def test_due_date_out_of_range(app: Any, dbsession: Session, zone: str, given: str) -> None:
    login = make_account(dbsession, timezone=zone)
    fields = {"name": "Milk", "due_date": given}
    assert faults(Client(app, login.token).post(login.tasks_url, fields)) == {"due_date": "date"}


def test_a_zone_that_the_machine_does_not_know_is_read_as_utc(app: Any, dbsession: Session) -> None:
    login = make_account(dbsession, timezone="Europe/Atlantis")
    client = Client(app, login.token)
    fields = {"name": "Milk", "due_date": "2030-02-01T09:30:00"}
    task = client.post(login.tasks_url, fields).json["task"]
    assert task["due_date"] == "2030-02-01T09:30:00Z"
    assert client.get(login.url).json["timezone"] == "Europe/Atlantis"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("yes", "on", "true", "True", "1")),
        *((text, False) for text in ("no", "off", "false", "False", "0")),
    ],
)
def test_truth_in_a_form(as_alice: Client, milk: str, text: str, value: bool) -> None:
    assert as_alice.put(milk, {"completed": text}).json["task"]["completed"] is value


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, {"name": "missing"}),
        ({"name": None}, {"name": "null"}),
        ({"name": ""}, {"name": "blank"}),
        ({"name": " \t\n\u2003"}, {"name": "blank"}),
        ({"name": "n" * 256}, {"name": "too_long"}),
        ({"name": "a\0b"}, {"name": "nul"}),
        ({"name": "\udc00"}, {"name": "bad_unicode"}),
        ({"name": 5}, {"name": "type"}),
        ({"name": ["Milk"]}, {"name": "type"}),
        ({"name": "Milk", "note": "n" * 10_001}, {"note": "too_long"}),
        ({"name": "Milk", "note": "\0"}, {"note": "nul"}),
        ({"name": "Milk", "due_date": "31/02/2026 10:00:00"}, {"due_date": "date"}),
        ({"name": "Milk", "due_date": "2026-02-01T23:59:60Z"}, {"due_date": "date"}),
        ({"name": "Milk", "due_date": "0001-01-01T00:00:00+14:00"}, {"due_date": "date"}),
        ({"name": "Milk", "due_date": "tomorrow"}, {"due_date": "date"}),
        ({"name": "Milk", "due_date": 1700000000}, {"due_date": "type"}),
        ({"name": "Milk", "due_date": 0}, {"due_date": "type"}),
        ({"name": "Milk", "completed": "true"}, {"completed": "type"}),
        ({"name": "Milk", "completed": 1}, {"completed": "type"}),
        ({"name": "Milk", "completed": None}, {"completed": "null"}),
        ({"name": "Milk", "colour": "red"}, {"colour": "unknown_field"}),
        (
            {"note": "\0", "due_date": "never", "completed": 2, "x": 1},
            {
                "name": "missing",
                "note": "nul",
                "due_date": "date",
                "completed": "type",
                "x": "unknown_field",
            },
        ),
    ],
)
def test_create_refuses_with_every_fault(
    as_alice: Client, alice: Login, fields: dict[str, Any], codes: dict[str, str]
) -> None:
    assert faults(as_alice.post_json(alice.tasks_url, fields)) == codes
    assert as_alice.get(alice.tasks_url).json["tasks"] == []


@pytest.mark.parametrize(
    ("form", "codes"),
    [
        ("name=", {"name": "null"}),
        ("name=Milk&completed=maybe", {"completed": "type"}),
        ("name=Milk&completed=", {"completed": "null"}),
        ("name=Milk&due_date=0", {"due_date": "date"}),
        ("name=%00", {"name": "nul"}),
        ("name=Milk&tasks=Tea", {"tasks": "unknown_field"}),
        ("tasks=", {"name": "missing", "tasks": "unknown_field"}),
    ],
)
def test_form_refused(as_alice: Client, alice: Login, form: str, codes: dict[str, str]) -> None:
    assert faults(as_alice.send_form("POST", alice.tasks_url, form)) == codes


def test_create_several_in_their_order(as_alice: Client, alice: Login) -> None:
    given = [
        {"name": "Milk"},
        {"name": "Tea", "note": "green", "due_date": "2030-02-01", "completed": True},
        {"id": 9, "creation_date": "then", "name": "Milk", "due_date": ""},
    ]
    response = as_alice.post_json(alice.tasks_url, {"tasks": given})
    assert response.status_int == 201
    assert response.json.keys() == {"msg", "username", "tasks"}
    assert (response.json["msg"], response.json["username"]) == ("posted", "alice")
    tasks = response.json["tasks"]
    assert [task["name"] for task in tasks] == ["Milk", "Tea", "Milk"]
    assert [task["completed"] for task in tasks] == [False, True, False]
    assert (tasks[1]["note"], tasks[1]["due_date"]) == ("green", "2030-02-01")
    ids = [task["id"] for task in tasks]
    assert ids == sorted(ids)
    shown = ",".join(map(str, ids))
    assert response.headers["Location"] == f"{alice.tasks_url}?id={shown}&limit=3"
    assert as_alice.get(alice.tasks_url).json["tasks"] == tasks


def test_create_as_many_as_one_request_may(as_alice: Client, alice: Login) -> None:
    names = [f"Task {number}" for number in range(100)]
    tasks = [{"name": name} for name in names]
    created = as_alice.post_json(alice.tasks_url, {"tasks": tasks}).json["tasks"]
    assert [task["name"] for task in created] == names
    assert as_alice.get(f"{alice.tasks_url}?limit=100").json["tasks"] == created


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"tasks": None}, {"tasks": "null"}),
        ({"tasks": "Milk"}, {"tasks": "type"}),
        ({"tasks": {"name": "Milk"}}, {"tasks": "type"}),
        ({"tasks": []}, {"tasks": "too_short"}),
        ({"tasks": [{"name": "Milk"}] * 101}, {"tasks": "too_long"}),
        ({"tasks": [{"name": "Milk"}], "name": "Tea"}, {"name": "unknown_field"}),
        ({"tasks": [{"name": "Milk"}], "id": 1}, {"id": "unknown_field"}),
        ({"tasks": [{"name": "Milk"}, "Tea", None]}, {"tasks.1": "type", "tasks.2": "null"}),
        (
            {"tasks": [{"tasks": [{"name": "Milk"}], "name": "Tea"}]},
            {"tasks.0.tasks": "unknown_field"},
        ),
        (
            {"tasks": [{"name": "Milk"}, {"name": "\0"}, {"name": "Tea", "colour": 1, "note": 5}]},
            {"tasks.1.name": "nul", "tasks.2.colour": "unknown_field", "tasks.2.note": "type"},
        ),
        ({"tasks": [{"name": "Milk", "completed": "true"}]}, {"tasks.0.completed": "type"}),
        ({"tasks": [{}] * 100}, {f"tasks.{index}.name": "missing" for index in range(100)}),
        (
            {"tasks": [{"note": 5}] * 100},  # 200 faults, of which 100 are shown
            {f"tasks.{index}.name": "missing" for index in range(50)}
            | {f"tasks.{index}.note": "type" for index in range(50)},
        ),
    ],
)
def test_several_are_refused_together(
    as_alice: Client, alice: Login, fields: dict[str, Any], codes: dict[str, str]
) -> None:
    assert faults(as_alice.post_json(alice.tasks_url, fields)) == codes
    assert as_alice.get(alice.tasks_url).json["tasks"] == []


def test_texts_at_their_limits(as_alice: Client, alice: Login) -> None:
    name, note = "\U0001f95b" * 255, "\U0001f95b" * 10_000
    response = as_alice.post_json(alice.tasks_url, {"name": name, "note": note})
    task = as_alice.get(response.headers["Location"]).json["task"]
    assert (task["name"], task["note"]) == (name, note)


def test_list_holds_one_s_own_tasks_oldest_first(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session
) -> None:
    ids = [make_task(dbsession, alice) for _ in range(3)]
    make_task(dbsession, bob)
    response = as_alice.get(alice.tasks_url)
    assert response.status_int == 200
    assert response.json["username"] == "alice"
    assert [task["id"] for task in response.json["tasks"]] == ids
    assert response.json["tasks"][0].keys() == FIELDS


def test_show(as_alice: Client, milk: str) -> None:
    response = as_alice.get(milk)
    assert response.status_int == 200
    assert response.json.keys() == {"username", "task"}
    assert response.json["task"]["due_date"] == "2030-02-01T09:00:00Z"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": "Tea"}, {"name": "Tea"}),
        ({"note": None}, {"note": None}),
        ({"note": ""}, {"note": ""}),
        ({"due_date": "2031-01-01"}, {"due_date": "2031-01-01"}),
        ({"due_date": None}, {"due_date": None}),
        ({"due_date": ""}, {"due_date": None}),
    ],
)
def test_change_keeps_what_is_not_mentioned(
    as_alice: Client,
    milk: str,
    method: str,
    change: dict[str, Any],
    shown: dict[str, Any],
) -> None:
    before = as_alice.get(milk).json["task"]
    response = as_alice.send_json(method, milk, change)
    assert response.status_int == 200
    after = response.json["task"]
    assert after["modification_date"] > before["modification_date"]
    assert after["revision"] == before["revision"] + 1
    dated = {name: after[name] for name in ("modification_date", "revision")}
    assert after == before | shown | dated
    assert as_alice.get(milk).json["task"] == after


def test_completing_and_reopening(
    as_alice: Client, milk: str, set_clock: Callable[[timedelta], datetime]
) -> None:
    before = as_alice.get(milk).json["task"]
    noon = set_clock(timedelta(hours=1))
    task = as_alice.put(milk, {"completed": "True"}).json["task"]
    assert task["completed"] is True
    assert datetime.fromisoformat(task["completion_date"]) == noon
    assert task["due_date"] == before["due_date"], "completing leaves the due date alone"
    set_clock(timedelta(hours=2))
    again = as_alice.put_json(milk, {"completed": True}).json["task"]
    assert again == task, "completing twice changes nothing"
    reopened = as_alice.put(milk, {"completed": "False"}).json["task"]
    assert (reopened["completed"], reopened["completion_date"]) == (False, None)


def test_a_change_that_changes_nothing_is_not_dated(as_alice: Client, milk: str) -> None:
    task = as_alice.get(milk).json["task"]
    assert as_alice.put_json(milk, {"name": "Milk", "completed": False}).json["task"] == task
    assert as_alice.put_json(milk, {}).json["task"] == task


def test_what_was_read_can_be_sent_back(as_alice: Client, milk: str) -> None:
    task = as_alice.get(milk).json["task"]
    changed = task | {"id": 9, "creation_date": "then", "modification_date": 0}
    assert as_alice.put_json(milk, changed).json["task"] == task


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"completed": None}, {"completed": "null"}),
        ({"completed": "yes"}, {"completed": "type"}),
        ({"name": None}, {"name": "null"}),
        ({"name": "", "nmae": "Tea"}, {"name": "blank", "nmae": "unknown_field"}),
        ({"note": "Tea", "due_date": "2030-02-30"}, {"due_date": "date"}),
    ],
)
def test_change_refuses(
    as_alice: Client, milk: str, change: dict[str, Any], codes: dict[str, str]
) -> None:
    before = as_alice.get(milk).json
    assert faults(as_alice.put_json(milk, change)) == codes
    assert as_alice.get(milk).json == before


def test_delete(as_alice: Client, milk: str) -> None:
    response = as_alice.delete(milk)
    assert response.status_int == 200
    assert response.json == {"username": "alice", "msg": "Deleted."}
    assert as_alice.get(milk).status_int == 404
    assert as_alice.delete(milk).status_int == 404


def test_delete_pays_no_heed_to_a_body(as_alice: Client, milk: str) -> None:
    assert as_alice.send_form("DELETE", milk, "name=%ff&x=1").status_int == 200


def test_a_deleted_id_is_never_given_again(as_alice: Client, alice: Login, milk: str) -> None:
    as_alice.delete(milk)
    response = as_alice.post(alice.tasks_url, {"name": "Tea"})
    assert response.json["task"]["id"] > int(milk.rpartition("/")[2])


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_s_task_looks_like_none(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session, method: str
) -> None:
    foreign = make_task(dbsession, bob)
    answers = [
        as_alice.send_form(method, f"{alice.tasks_url}/{task_id}", "name=Mine")
        for task_id in (foreign, 2**62)
    ]
    assert [answer.status_int for answer in answers] == [404, 404]
    assert answers[0].body == answers[1].body
    assert dbsession.scalars(select(Task.name)).one() == "Water the plants"


@pytest.mark.parametrize(
    "task_id",
    [
        "-1",
        "0",
        "01",
        "1e3",
        "%D9%A1%D9%A2",
        "1%00",
        "1%0A",
        "9223372036854775808",
        "9" * 5000,
        "x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_id_that_is_none(as_alice: Client, alice: Login, task_id: str, method: str) -> None:
    response = as_alice.send_form(method, f"{alice.tasks_url}/{task_id}", "name=Mine")
    assert (response.status_int, response.json["code"]) == (404, "not_found")


def test_one_url_a_task(as_alice: Client, milk: str) -> None:
    assert as_alice.get(f"{milk}%0A").status_int == 404
    assert as_alice.get(milk.replace("/tasks/", "/tasks/0")).status_int == 404
    assert as_alice.get(f"{milk}/").status_int == 404
