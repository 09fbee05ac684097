"""Quick entry: one line of English becomes a task."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.outline import add_list, change, show, tasks, trashed, undo
from todo import clock

DAY = clock.now().date() - timedelta(days=30)


def enter(user: User, text: str, query: str = "", **fields: Any) -> TestResponse:
    return user.send_json("POST", f"{user.tasks_url}/quick{query}", {"text": text, **fields})


def test_line_becomes_a_task(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone="Asia/Tokyo"))
    list_id = add_list(user, "Groceries")
    text = "Milk tomorrow 9:00 #groceries @home !1 every week"
    answer = enter(user, text, at=f"{DAY}T12:00:00Z")
    assert answer.status_int == 201
    task = answer.json["task"]
    expected = {
        "name": "Milk",
        "due_date": f"{DAY + timedelta(days=1)}T00:00:00Z",
        "list_id": list_id,
        "labels": ["home"],
        "priority": 1,
        "recurrence": "FREQ=WEEKLY",
        "recurrence_from": "due",
        "timezone": None,
    }
    assert task.items() >= expected.items()
    assert show(user, task["id"]) == task
    assert user.get(answer.location).json["task"] == task
    assert answer.headers["ETag"] == f'"{task["revision"]}"'
    assert [each["kind"] for each in answer.json["parsed"]] == [
        *("day", "time", "list", "label", "priority", "recurrence")
    ]
    for piece in answer.json["parsed"]:
        assert piece["text"] == text[piece["start"] : piece["end"]]
    undo(user, answer)
    assert (tasks(user), trashed(user)) == ([], [task["id"]])


def test_dry_run_stores_nothing(alice: User) -> None:
    answer = enter(alice, "Milk tomorrow", "?dry_run=true")
    assert (answer.status_int, answer.json["dry_run"]) == (201, True)
    assert answer.json["parsed"][0] == {"kind": "day", "text": "tomorrow", "start": 5, "end": 13}
    assert "Location" not in answer.headers
    assert tasks(alice) == []


def test_days_are_those_of_the_account_when_the_text_was_written(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone="Pacific/Kiritimati"))  # 14 hours ahead
    answer = enter(user, "Milk tomorrow", at=f"{DAY}T11:00:00Z")
    assert answer.json["task"]["due_date"] == str(DAY + timedelta(days=2))


def test_times_of_changed_clocks_are_read_as_elsewhere(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone="Europe/Berlin"))
    for local, due in (("2031-03-30 2:30", "01:30"), ("2031-10-26 2:30", "00:30")):
        task = enter(user, f"Milk {local}").json["task"]
        assert task["due_date"] == f"{local[:10]}T{due}:00Z"
    answer = enter(user, "Milk 0001-01-01 0:30")  # in year 0, in UTC
    assert faults(answer) == {"text": "date"}


def test_lists_of_the_account_that_are_not_archived_count(alice: User, bob: User) -> None:
    add_list(bob, "Home")
    archived = add_list(alice, "Office")
    alice.send_json("PATCH", f"{alice.url}/lists/{archived}", {"archived": True})
    task = enter(alice, "Milk #home #office").json["task"]
    assert (task["name"], task["list_id"]) == ("Milk #home #office", None)
    first, *_ = [add_list(alice, name) for name in ("Home", "home", "Home")]
    assert enter(alice, "Milk #HOME").json["task"]["list_id"] == first


def test_repeated_entry_with_its_key_or_uid_is_one_task(alice: User) -> None:
    key = {"Idempotency-Key": "one"}
    url = f"{alice.tasks_url}/quick"
    answers = [alice.send_json("POST", url, {"text": "Milk"}, key) for _ in range(2)]
    assert answers[0].json == answers[1].json
    enter(alice, "Tea", uid="offline-1")
    refused = enter(alice, "Tea", uid="offline-1")
    assert (refused.status_int, refused.json["code"]) == (409, "uid_taken")
    assert [task["name"] for task in tasks(alice)] == ["Milk", "Tea"]


def test_clock_of_a_client_may_be_ahead(alice: User) -> None:
    for minutes, status in ((2, 201), (8, 400)):
        at = clock.now() + timedelta(minutes=minutes)
        assert enter(alice, "Milk", at=at.isoformat()).status_int == status


def test_form_is_accepted(alice: User) -> None:
    answer = alice.post(f"{alice.tasks_url}/quick", {"text": "Milk 2030-02-01", "at": ""})
    assert answer.json["task"]["due_date"] == "2030-02-01"


def test_task_of_an_entry_completes_like_others(alice: User) -> None:
    task = enter(alice, "Milk 2030-02-01 every! day").json["task"]
    assert task["recurrence_from"] == "completion"
    assert change(alice, task["id"], completed=True).json["occurrence"]["due_date"] == "2030-02-01"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, {"text": "missing"}),
        ({"text": None}, {"text": "null"}),
        ({"text": ""}, {"text": "blank"}),
        ({"text": " \t"}, {"text": "blank"}),
        ({"text": "\u200b"}, {"text": "blank"}),
        ({"text": "a\nb"}, {"text": "lines"}),
        ({"text": "a\n"}, {"text": "lines"}),
        ({"text": "a\u2028b"}, {"text": "lines"}),
        ({"text": "a\0b"}, {"text": "nul"}),
        ({"text": "\ud800"}, {"text": "bad_unicode"}),
        ({"text": "n" * 1001}, {"text": "too_long"}),
        ({"text": 5}, {"text": "type"}),
        ({"text": ["Milk"]}, {"text": "type"}),
        # Nothing is left for the name, or a field does not fit a task.
        ({"text": "tomorrow @home"}, {"text": "blank"}),
        ({"text": "n" * 256}, {"text": "too_long"}),
        ({"text": "Milk 9999-12-31 every year"}, {"text": "recurrence"}),
        ({"text": f"Milk @{'n' * 65}"}, {"text": "too_long"}),
        ({"text": "Milk @a,b"}, {"text": "label"}),
        ({"text": "Milk " + " ".join(f"@l{n}" for n in range(21))}, {"text": "too_long"}),
        ({"text": "Milk", "at": "2999-01-01"}, {"at": "future"}),
        ({"text": "Milk", "at": "2020-01-01"}, {"at": "range"}),
        ({"text": "Milk", "at": "now"}, {"at": "date"}),
        ({"text": "Milk", "uid": ""}, {"uid": "uid"}),
        ({"text": "Milk", "name": "Tea"}, {"name": "unknown_field"}),
    ],
)
def test_bad_entry_is_refused(alice: User, fields: dict[str, Any], code: dict[str, str]) -> None:
    answer = alice.send_json("POST", f"{alice.tasks_url}/quick", fields)
    assert faults(answer) == code
    assert {fault["pointer"] for fault in answer.json["errors"]} == {f"/{name}" for name in code}
    assert tasks(alice) == []


def test_entry_for_today_is_due_today(alice: User) -> None:
    enter(alice, "Milk today")
    assert [task["name"] for task in tasks(alice, "due=today")] == ["Milk"]
