"""Quick entry: one line of English becomes a task."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.outline import (
    add,
    add_chain,
    add_list,
    change,
    place,
    show,
    tasks,
    trashed,
    undo,
)
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


def test_given_place_counts_unless_the_text_names_a_list(alice: User) -> None:
    home, job = add_list(alice, "Home"), add_list(alice, "Job")
    parent = add(alice, list_id=home)
    for text, given, expected in (
        ("Milk", {"list_id": home}, (home, None)),
        ("Milk", {"parent_id": parent}, (home, parent)),
        ("Milk", {"list_id": home, "parent_id": parent}, (home, parent)),
        ("Milk", {"list_id": None, "parent_id": None}, (None, None)),
        ("Milk #job", {"list_id": home, "parent_id": parent}, (job, None)),
        ("Milk #home", {"parent_id": parent}, (home, None)),
        # The text replaces these ids, so they are not looked up; the list may be deleted by now.
        ("Milk #job", {"list_id": 2**63 - 1, "parent_id": 2**63 - 1}, (job, None)),
    ):
        task = enter(alice, text, **given).json["task"]
        assert (task["name"], place(show(alice, task["id"]))) == ("Milk", expected)


def test_given_list_may_be_archived(alice: User) -> None:
    archived = add_list(alice, archived=True)
    assert enter(alice, "Milk", list_id=archived).json["task"]["list_id"] == archived


def test_given_date_counts_unless_the_text_has_a_day(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone="Asia/Tokyo"))  # nine hours ahead
    for text, given, expected in (
        ("Milk", "2031-03-07", "2031-03-07"),
        ("Milk", "2031-03-07T09:00", "2031-03-07T00:00:00Z"),
        ("Milk", "2031-03-07T20:00:30Z", "2031-03-07T20:00:30Z"),
        ("Milk 2031-05-01", "2031-03-07T09:00", "2031-05-01"),
        ("Milk 8:00", "2031-03-07", "2031-03-06T23:00:00Z"),
        ("Milk 2031-05-01 8:00", "2031-03-07", "2031-04-30T23:00:00Z"),
        ("Milk every monday", "2031-03-07", "2031-03-10"),
        # It is Saturday there.
        ("Milk every saturday", "2031-03-07T20:00:30Z", "2031-03-07T20:00:30Z"),
        ("Milk every sunday", "2031-03-07T20:00:30Z", "2031-03-08T20:00:30Z"),
        ("Milk", "", None),
        ("Milk", None, None),
    ):
        task = enter(user, text, due_date=given).json["task"]
        assert (task["name"], task["due_date"]) == ("Milk", expected)
        assert show(user, task["id"]) == task


def test_given_instant_stays_when_its_local_time_is_repeated(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone="Europe/Berlin"))
    for due in ("2031-10-26T00:30:00Z", "2031-10-26T01:30:00Z"):
        for text in ("Milk", "Milk every day"):
            assert enter(user, text, due_date=due).json["task"]["due_date"] == due


def test_given_labels_are_added_to_those_of_the_text(alice: User) -> None:
    for text, given, expected in (
        ("Milk", ["home"], ["home"]),
        ("Milk @job", ["home", "JOB"], ["job", "home"]),
        ("Milk @job @Job @café @cafe", ["CAFÉ"], ["job", "café", "cafe"]),
        ("Milk @job", [], ["job"]),
        ("Milk @job", None, ["job"]),
    ):
        assert enter(alice, text, labels=given).json["task"]["labels"] == expected


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
    url, list_id = f"{alice.tasks_url}/quick", add_list(alice)
    answer = alice.post(url, {"text": "Milk 2030-02-01", "at": ""})
    assert answer.json["task"]["due_date"] == "2030-02-01"
    given = {"list_id": str(list_id), "parent_id": "", "due_date": "2030-02-01", "labels": "a,b"}
    task = alice.post(url, {"text": "Milk"} | given).json["task"]
    expected = {"list_id": list_id, "due_date": "2030-02-01", "labels": ["a", "b"]}
    assert task.items() >= expected.items()
    nothing = dict.fromkeys(given, "")
    assert alice.post(url, {"text": "Milk"} | nothing).json["task"]["labels"] == []


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


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"list_id": 2**63 - 1}, {"list_id": "unknown"}),
        ({"list_id": 2**63}, {"list_id": "range"}),
        ({"list_id": 0}, {"list_id": "range"}),
        ({"list_id": "1"}, {"list_id": "type"}),
        ({"list_id": True}, {"list_id": "type"}),
        ({"parent_id": 2**63 - 1}, {"parent_id": "unknown"}),
        ({"parent_id": -1}, {"parent_id": "range"}),
        ({"parent_id": [1]}, {"parent_id": "type"}),
        ({"due_date": "soon"}, {"due_date": "date"}),
        ({"due_date": 5}, {"due_date": "type"}),
        ({"due_date": "2030-02-30"}, {"due_date": "date"}),
        ({"due_date": "0001-01-01T00:30:00"}, {"due_date": "date"}),  # in year 0, in UTC
        ({"labels": "home"}, {"labels": "type"}),
        ({"labels": ["a", "A"]}, {"labels": "duplicate"}),
        ({"labels": [f"l{n}" for n in range(21)]}, {"labels": "too_long"}),
        ({"labels": ["a", "a,b"]}, {"labels.1": "label"}),
        ({"labels": [None]}, {"labels.0": "null"}),
        ({"labels": ["\0"]}, {"labels.0": "nul"}),
        # The text adds what does not fit to what does.
        ({"text": "Milk @b", "labels": [f"l{n}" for n in range(20)]}, {"text": "too_long"}),
        ({"text": "Milk @a,b", "labels": ["a"]}, {"text": "label"}),
        ({"text": "Milk every year", "due_date": "9999-12-31"}, {"text": "recurrence"}),
        ({"text": "Milk 0:30", "due_date": "0001-01-01"}, {"text": "date"}),
        # Every fault at once.
        (
            {"list_id": 2**63 - 1, "parent_id": 2**63 - 1},
            {"list_id": "unknown", "parent_id": "unknown"},
        ),
        ({"text": "@a", "list_id": 0}, {"list_id": "range"}),
    ],
)
def test_bad_given_field_is_refused(
    app: Any, db: Session, fields: dict[str, Any], code: dict[str, str]
) -> None:
    user = User(app, make_account(db, timezone="Europe/Berlin"))
    answer = user.send_json("POST", f"{user.tasks_url}/quick", {"text": "Milk"} | fields)
    assert faults(answer) == code
    pointers = {f"/{name.replace('.', '/')}" for name in code}
    assert {fault["pointer"] for fault in answer.json["errors"]} == pointers
    assert tasks(user) == []


def test_place_that_does_not_fit_is_refused(alice: User, bob: User) -> None:
    home, *_, deepest = add_list(alice), *add_chain(alice, 5)
    parent = add(alice)
    before = tasks(alice)
    for given, code in (
        ({"list_id": add_list(bob)}, {"list_id": "unknown"}),
        ({"parent_id": add(bob)}, {"parent_id": "unknown"}),
        ({"parent_id": deepest}, {"parent_id": "depth"}),
        ({"list_id": home, "parent_id": parent}, {"list_id": "parent"}),
    ):
        for query in ("", "?dry_run=true"):
            assert faults(enter(alice, "Milk", query, **given)) == code
    assert tasks(alice) == before


def test_entry_for_today_is_due_today(alice: User) -> None:
    enter(alice, "Milk today")
    assert [task["name"] for task in tasks(alice, "due=today")] == ["Milk"]
