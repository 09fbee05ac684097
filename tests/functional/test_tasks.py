"""Tasks: create, show, update, delete."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client, User, faults
from tests.support.factories import Login, make_account, make_task
from tests.support.fixtures import SetClock
from todo.schemas.task import NewTask, TaskChange

FIELDS = {
    *("revision", "id", "name", "note", "creation_date", "modification_date", "due_date"),
    *("completed", "completion_date", "uid", "list_id", "parent_id", "position", "priority"),
    *("recurrence", "recurrence_from", "occurrence_of"),
    *("labels", "start_date", "timezone", "reminders", "subtasks"),
}


@pytest.fixture
def milk(db: Session, alice: Login) -> str:
    """The URL of one of Alice's tasks."""
    values = {"name": "Milk", "note": "two", "due_date": datetime(2030, 2, 1, 9, tzinfo=UTC)}
    return f"{alice.tasks_url}/{make_task(db, alice, **values)}"


def test_create_task_with_name_only_sets_defaults(alice: User) -> None:
    response = alice.post_json(alice.tasks_url, {"name": "Milk"})
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
    assert alice.get(response.headers["Location"]).json["task"] == task


def test_create_task_accepts_form_and_json(alice: User) -> None:
    form = {"name": "Tea", "note": "", "due_date": "01/02/2030 09:30:00", "completed": "yes"}
    fields = form | {"note": None, "completed": True}
    for response in (alice.post(alice.tasks_url, form), alice.post_json(alice.tasks_url, fields)):
        task = response.json["task"]
        assert (task["note"], task["due_date"]) == (None, "2030-02-01T09:30:00Z")
        assert task["completed"] is True
        assert task["completion_date"] == task["creation_date"]


BERLIN, KIRITIMATI, BAKER = "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"


# tests/listing/test_days.py tests the parsing of dates in detail.
@pytest.mark.parametrize(
    ("zone", "given", "shown"),
    [
        ("UTC", "2030-02-01T09:30:00+02:00", "2030-02-01T07:30:00Z"),
        ("UTC", "2030-02-01T09:30:00", "2030-02-01T09:30:00Z"),
        ("UTC", "2030-02-01", "2030-02-01"),
        ("UTC", "01/02/2030 09:30:00", "2030-02-01T09:30:00Z"),
        ("UTC", "0001-01-01", "0001-01-01"),
        ("UTC", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z"),
        ("UTC", None, None),
        (BERLIN, "2030-02-01T09:30:00Z", "2030-02-01T09:30:00Z"),
        (BERLIN, "31/03/2030 02:30:00", "2030-03-31T01:30:00Z"),
        (BERLIN, "2030-10-27T02:30:00+01:00", "2030-10-27T01:30:00Z"),
        (KIRITIMATI, "9999-12-31T23:59:59", "9999-12-31T09:59:59Z"),
        (BAKER, "0001-01-01T00:00:00", "0001-01-01T12:00:00Z"),
        # A plain day does not depend on the zone. Apia skipped 2011-12-30.
        ("Pacific/Apia", "2011-12-30", "2011-12-30"),
        (KIRITIMATI, "0001-01-01", "0001-01-01"),
        (BAKER, "9999-12-31", "9999-12-31"),
        (BAKER, "", None),
    ],
)
def test_due_date_is_read_in_account_timezone(
    app: Any, db: Session, zone: str, given: str | None, shown: str | None
) -> None:
    login = make_account(db, timezone=zone)
    client = Client(app, login.token)
    created = client.post_json(login.tasks_url, {"name": "Milk", "due_date": given})
    assert created.json["task"]["due_date"] == shown
    url = created.headers["Location"]
    for other in (KIRITIMATI, BAKER):
        assert client.put(login.url, {"timezone": other}).status_int == 200
        assert client.get(url).json == {"username": login.username, "task": created.json["task"]}
    client.put(login.url, {"timezone": zone})
    changed = client.put_json(url, {"due_date": given}).json["task"]
    assert changed == created.json["task"], "an update must read dates like a creation"


@pytest.mark.parametrize(
    ("zone", "given"),
    [
        (KIRITIMATI, "2030-02-29T09:30:00"),
        ("Asia/Tokyo", "0001-01-01T00:00:00"),
        ("Asia/Tokyo", "01/01/0001 00:00:00"),
        (BAKER, "9999-12-31T23:59:59"),
    ],
)
def test_due_date_out_of_range_is_refused(app: Any, db: Session, zone: str, given: str) -> None:
    login = make_account(db, timezone=zone)
    fields = {"name": "Milk", "due_date": given}
    assert faults(Client(app, login.token).post(login.tasks_url, fields)) == {"due_date": "date"}


def test_unknown_timezone_is_read_as_utc(app: Any, db: Session) -> None:
    login = make_account(db, timezone="Europe/Atlantis")
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
def test_form_boolean_spellings_are_accepted(
    alice: User, milk: str, text: str, value: bool
) -> None:
    assert alice.put(milk, {"completed": text}).json["task"]["completed"] is value


def test_create_several_tasks_keeps_order(alice: User) -> None:
    given = [
        {"name": "Milk"},
        {"name": "Tea", "note": "green", "due_date": "2030-02-01", "completed": True},
        {"id": 9, "modification_date": "then", "name": "Milk", "due_date": ""},
    ]
    response = alice.post_json(alice.tasks_url, {"tasks": given})
    assert response.status_int == 201
    assert response.json.keys() == {"msg", "username", "tasks", "revision"}
    assert (response.json["msg"], response.json["username"]) == ("posted", "alice")
    tasks = response.json["tasks"]
    assert {task["revision"] for task in tasks} == {response.json["revision"]}
    assert [task["name"] for task in tasks] == ["Milk", "Tea", "Milk"]
    assert [task["completed"] for task in tasks] == [False, True, False]
    assert (tasks[1]["note"], tasks[1]["due_date"]) == ("green", "2030-02-01")
    ids = [task["id"] for task in tasks]
    assert ids == sorted(ids)
    shown = ",".join(map(str, ids))
    assert response.headers["Location"] == f"{alice.tasks_url}?id={shown}&limit=3"
    assert alice.get(alice.tasks_url).json["tasks"] == tasks


def test_texts_at_length_limits_are_stored(alice: User) -> None:
    name, note = "\U0001f95b" * 255, "\U0001f95b" * 10_000
    response = alice.post_json(alice.tasks_url, {"name": name, "note": note})
    task = alice.get(response.headers["Location"]).json["task"]
    assert (task["name"], task["note"]) == (name, note)


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
def test_task_update_keeps_omitted_fields(
    alice: User,
    milk: str,
    set_clock: SetClock,
    method: str,
    change: dict[str, Any],
    shown: dict[str, Any],
) -> None:
    before = alice.get(milk).json["task"]
    set_clock(timedelta(seconds=1))
    response = alice.send_json(method, milk, change)
    assert response.status_int == 200
    after = response.json["task"]
    assert after["modification_date"] > before["modification_date"]
    assert after["revision"] == before["revision"] + 1
    dated = {name: after[name] for name in ("modification_date", "revision")}
    assert after == before | shown | dated
    assert alice.get(milk).json["task"] == after


def test_completing_and_reopening_task_changes_completion_date(
    alice: User, milk: str, set_clock: SetClock
) -> None:
    before = alice.get(milk).json["task"]
    noon = set_clock(timedelta(hours=1))
    task = alice.put(milk, {"completed": "True"}).json["task"]
    assert task["completed"] is True
    assert datetime.fromisoformat(task["completion_date"]) == noon.replace(microsecond=0)
    assert task["due_date"] == before["due_date"], "completing leaves the due date alone"
    set_clock(timedelta(hours=2))
    again = alice.put_json(milk, {"completed": True}).json["task"]
    assert again == task, "completing twice changes nothing"
    reopened = alice.put(milk, {"completed": "False"}).json["task"]
    assert (reopened["completed"], reopened["completion_date"]) == (False, None)


def test_task_update_accepts_task_as_read(alice: User, milk: str) -> None:
    task = alice.get(milk).json["task"]
    changed = task | {"id": 9, "creation_date": "then", "modification_date": 0}
    assert alice.put_json(milk, changed).json["task"] == task


@pytest.mark.parametrize("put", ["put_json", "patch_json"])
def test_task_update_accepts_answer_as_read(alice: User, milk: str, put: str) -> None:
    answer = alice.get(milk).json
    answer["task"]["note"] = "two bottles"
    changed = getattr(alice, put)(milk, answer).json
    revision = answer["task"]["revision"] + 1
    assert changed["task"].items() >= {"note": "two bottles", "revision": revision}.items()
    assert changed["username"] == "alice"


def test_task_update_accepts_answer_of_creation(alice: User) -> None:
    posted = alice.post(alice.tasks_url, {"name": "Tea", "due_date": "2030-02-01"})
    assert (
        alice.put_json(posted.headers["Location"], posted.json).json["task"]
        == (posted.json["task"])
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"task": {"name": " "}}, {"task.name": "blank"}),
        ({"task": {"nam": "Tea"}}, {"task.nam": "unknown_field"}),
        ({"task": None}, {"task": "null"}),
        ({"task": []}, {"task": "type"}),
        ({"task": {"name": "Tea"}, "name": "Milk"}, {"name": "unknown_field"}),
    ],
)
def test_task_update_refuses_wrong_envelope(
    alice: User, milk: str, body: dict[str, Any], expected: dict[str, str]
) -> None:
    before = alice.get(milk).json
    response = alice.put_json(milk, body)
    assert (response.status_int, faults(response)) == (400, expected)
    assert alice.get(milk).json == before


def test_deleted_task_is_not_found(alice: User, milk: str) -> None:
    response = alice.delete(milk)
    assert response.status_int == 200
    revision = alice.get(alice.tasks_url).json["revision"]
    assert response.json == {"username": "alice", "msg": "Deleted.", "revision": revision}
    assert alice.get(milk).status_int == 404
    assert alice.delete(milk).status_int == 404


def test_deleted_task_id_is_never_reused(alice: User, milk: str) -> None:
    alice.delete(milk)
    response = alice.post(alice.tasks_url, {"name": "Tea"})
    assert response.json["task"]["id"] > int(milk.rpartition("/")[2])


def test_update_ignores_more_fields_than_creation() -> None:
    assert NewTask.read_only() == {
        *("id", "position", "modification_date", "revision", "occurrence_of")
    }
    only_new = {"uid", "creation_date", "completion_date"}
    assert TaskChange.read_only() == NewTask.read_only() | only_new


DATES = {"creation_date": "2020-02-01T09:30:00Z", "completion_date": "2020-02-02T10:00:00Z"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (DATES, {"completed": True, **DATES}),
        (DATES | {"completed": True}, {"completed": True, **DATES}),
        ({"creation_date": "2020-02-01"}, {"creation_date": "2020-02-01T00:00:00Z"}),
        ({"creation_date": "01/02/2020 09:30:00"}, {"creation_date": "2020-02-01T09:30:00Z"}),
        ({"completion_date": None, "completed": False}, {"completion_date": None}),
    ],
)
def test_create_task_with_dates_of_import(
    alice: User, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    posted = alice.post_json(alice.tasks_url, {"name": "Milk", **given})
    assert posted.status_int == 201
    assert posted.json["task"].items() >= shown.items()
    assert alice.get(posted.headers["Location"]).json["task"] == posted.json["task"]


def test_create_task_with_null_dates_uses_present(alice: User, set_clock: SetClock) -> None:
    now = f"{set_clock(timedelta(hours=1)):%Y-%m-%dT%H:%M:%SZ}"
    fields = {"creation_date": None, "completion_date": None, "completed": True}
    task = alice.post_json(alice.tasks_url, {"name": "Milk", **fields}).json["task"]
    assert (task["creation_date"], task["completion_date"]) == (now, now)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"creation_date": "2999-01-01"}, {"creation_date": "future"}),
        ({"creation_date": "yesterday"}, {"creation_date": "date"}),
        ({"creation_date": 0}, {"creation_date": "type"}),
        ({"completion_date": "2999-01-01T00:00:00Z"}, {"completion_date": "future"}),
        (
            {"completion_date": "2020-01-01", "completed": False},
            {"completion_date": "not_completed"},
        ),
    ],
)
def test_create_task_refuses_wrong_dates_of_import(
    alice: User, given: dict[str, Any], expected: dict[str, str]
) -> None:
    assert faults(alice.post_json(alice.tasks_url, {"name": "Milk", **given})) == expected
    assert alice.get(alice.tasks_url).json["tasks"] == []


@pytest.mark.parametrize(
    "name",
    ["\u200b", "\u200b \ufeff", "\u2060\u00ad", "\u3164", "\u2800", "\x1b", "\u202e"],
)
def test_name_without_visible_character_is_refused(alice: User, milk: str, name: str) -> None:
    assert faults(alice.post_json(alice.tasks_url, {"name": name})) == {"name": "blank"}
    assert faults(alice.put_json(milk, {"name": name})) == {"name": "blank"}
    token = {"name": name, "scope": "read"}
    assert faults(alice.post_json(f"{alice.url}/tokens", token)) == {"name": "blank"}


@pytest.mark.parametrize("name", ["🏳️‍🌈", "\u0301a", ".", "\u200bMilk"])
def test_name_with_visible_character_is_stored(alice: User, name: str) -> None:
    assert alice.post_json(alice.tasks_url, {"name": name}).json["task"]["name"] == name
