"""Completing and skipping tasks that recur: docs/recurrence.md has the truth table."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.outline import (
    add,
    add_list,
    change,
    delete,
    feed,
    ids,
    show,
    tasks,
    trashed,
    undo,
    unversioned,
)
from tests.support.recurring import BERLIN, TUESDAYS, At, complete, due_dates, skip


def test_completed_occurrence_is_a_task_and_the_series_goes_on(carol: User) -> None:
    home = add_list(carol)
    fields: dict[str, Any] = {
        "note": "two bottles",
        "labels": ["shop"],
        "priority": 2,
        "list_id": home,
        "start_date": "2030-03-04",
        "due_date": "2030-03-05",
        "timezone": "Asia/Tokyo",
    }
    task_id = add(carol, recurrence=TUESDAYS, **fields)
    before = show(carol, task_id)
    answer = complete(carol, task_id)
    task, occurrence = answer.json["task"], answer.json["occurrence"]
    assert {name: occurrence[name] for name in fields} == fields
    assert (occurrence["name"], occurrence["completed"]) == ("Milk", True)
    assert occurrence["completion_date"] == "2030-03-01T12:00:00Z"
    assert (occurrence["recurrence"], occurrence["occurrence_of"]) == (None, task_id)
    assert occurrence["uid"] != task["uid"]
    moved = {"start_date": "2030-03-11", "due_date": "2030-03-12"}
    assert unversioned([task]) == unversioned([before | moved])
    assert answer.headers["ETag"] == f'"{task["revision"]}"' != f'"{before["revision"]}"'
    assert show(carol, task_id) == task
    assert show(carol, occurrence["id"]) == occurrence
    assert ids(carol) == [task_id, occurrence["id"]]
    kinds = [(each["action"], each["id"]) for each in feed(carol, answer)]
    assert kinds == [("update", task_id), ("create", occurrence["id"])]


@pytest.mark.parametrize(
    ("now", "fields", "expected"),
    [
        # Early, on time, and so late that dates were missed.
        ("2030-03-01T12:00:00Z", {}, "2030-03-12"),
        ("2030-03-05T12:00:00Z", {}, "2030-03-12"),
        ("2030-03-11T12:00:00Z", {}, "2030-03-12"),
        # A day has begun, so it is not after now. It begins at 23:00 UTC.
        ("2030-03-11T22:59:59Z", {}, "2030-03-12"),
        ("2030-03-11T23:00:00Z", {}, "2030-03-19"),
        ("2030-04-24T12:00:00Z", {}, "2030-04-30"),
        ("2030-04-24T12:00:00Z", {"catch_up": True}, "2030-03-12"),
        ("2030-04-24T12:00:00Z", {"catch_up": False}, "2030-04-30"),
    ],
)
def test_next_day(app: Any, db: Session, at: At, now: str, fields: Any, expected: str) -> None:
    at(now)
    user = User(app, make_account(db, timezone=BERLIN))
    task_id = add(user, due_date="2030-03-05", recurrence=TUESDAYS)
    assert due_dates(complete(user, task_id, **fields)) == ("2030-03-05", expected)
    task_id = add(user, due_date="2030-03-05", recurrence=TUESDAYS)
    assert skip(user, task_id, **fields).json["task"]["due_date"] == expected


@pytest.mark.parametrize(
    ("now", "fields", "expected"),
    [
        ("2030-03-01T12:00:00Z", {}, "2030-03-12T08:00:00Z"),
        ("2030-03-12T07:59:59Z", {}, "2030-03-12T08:00:00Z"),
        ("2030-03-12T08:00:00Z", {}, "2030-03-19T08:00:00Z"),
        # Summer time begins on 31 March.
        ("2030-04-24T12:00:00Z", {}, "2030-04-30T07:00:00Z"),
        ("2030-04-24T12:00:00Z", {"catch_up": True}, "2030-03-12T08:00:00Z"),
    ],
)
def test_next_time(app: Any, db: Session, at: At, now: str, fields: Any, expected: str) -> None:
    at(now)
    user = User(app, make_account(db, timezone=BERLIN))
    due = "2030-03-05T09:00"
    task_id = add(user, due_date=due, recurrence=TUESDAYS)
    assert due_dates(complete(user, task_id, **fields)) == ("2030-03-05T08:00:00Z", expected)
    elsewhere = add(user, due_date=due, recurrence=TUESDAYS, timezone=BERLIN)
    change(user, elsewhere, completed=True, **fields)
    assert show(user, elsewhere)["due_date"] == expected


@pytest.mark.parametrize(
    ("rule", "due", "now", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=3", "2030-03-05", "2030-03-20T12:00:00Z", "2030-03-23"),
        ("FREQ=DAILY;INTERVAL=3", "2030-03-05", "2030-03-01T12:00:00Z", "2030-03-04"),
        # 23:30 UTC is the next day in Berlin.
        ("FREQ=DAILY;INTERVAL=3", "2030-03-05", "2030-03-20T23:30:00Z", "2030-03-24"),
        (
            "FREQ=DAILY;INTERVAL=3",
            "2030-03-05T09:00",
            "2030-03-29T12:00:00Z",
            "2030-04-01T07:00:00Z",
        ),
        (TUESDAYS, "2030-03-05", "2030-03-19T12:00:00Z", "2030-03-26"),
        ("FREQ=MONTHLY", "2030-03-05", "2030-03-20T12:00:00Z", "2030-04-20"),
    ],
)
def test_next_date_from_completion(
    app: Any, db: Session, at: At, rule: str, due: str, now: str, expected: str
) -> None:
    at(now)
    user = User(app, make_account(db, timezone=BERLIN))
    task_id = add(user, due_date=due, recurrence=rule, recurrence_from="completion")
    assert complete(user, task_id).json["task"]["due_date"] == expected


@pytest.mark.parametrize("recurrence_from", ["due", "completion"])
@pytest.mark.parametrize("skipped", [True, False])
def test_count_includes_the_current_date_and_missed_ones(
    carol: User, at: At, recurrence_from: str, skipped: bool
) -> None:
    rule = "FREQ=DAILY;COUNT=5"
    task_id = add(carol, due_date="2030-03-01", recurrence=rule, recurrence_from=recurrence_from)
    go_on = skip if skipped else complete
    assert go_on(carol, task_id).json["task"]["recurrence"] == "FREQ=DAILY;COUNT=4"
    if recurrence_from == "completion":
        return
    at("2030-03-03T12:00:00Z")  # the 2nd, which is current, and the 3rd are passed
    shown = go_on(carol, task_id).json["task"]
    assert (shown["due_date"], shown["recurrence"]) == ("2030-03-04", "FREQ=DAILY;COUNT=2")
    go_on(carol, task_id)
    shown = go_on(carol, task_id).json["task"]
    assert (shown["due_date"], shown["completed"]) == ("2030-03-05", True)
    assert shown["recurrence"] == "FREQ=DAILY;COUNT=1"


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;COUNT=1", "FREQ=DAILY;UNTIL=20300304", "FREQ=DAILY;UNTIL=20300305T225959Z"]
)
def test_last_occurrence_is_the_series_itself(carol: User, rule: str) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=rule)
    below = add(carol, parent_id=task_id)
    answer = complete(carol, task_id, occurrence="2030-03-05")
    assert "occurrence" not in answer.json
    assert (answer.json["task"]["completed"], answer.json["task"]["recurrence"]) == (True, rule)
    assert show(carol, below)["completed"]
    again = complete(carol, task_id, occurrence="2030-03-05", name="Tea")
    assert (again.status_int, again.json["task"]) == (200, answer.json["task"])
    assert "Link" not in again.headers
    refused = skip(carol, task_id)
    assert (refused.status_int, refused.json["code"]) == (409, "not_recurring")


def test_series_that_the_missed_dates_have_ended_is_completed(carol: User, at: At) -> None:
    task_id = add(carol, due_date="2030-03-01", recurrence="FREQ=DAILY;COUNT=3")
    at("2030-03-05T12:00:00Z")
    answer = complete(carol, task_id)
    assert (answer.json["task"]["completed"], "occurrence" in answer.json) == (True, False)


def test_completed_dates_are_those_of_the_preview(carol: User) -> None:
    rule, due = "FREQ=MONTHLY;BYDAY=-1SU,2MO;COUNT=9", "2030-03-03T02:30"
    body = {"recurrence": rule, "due_date": due, "count": 20}
    previewed = carol.send_json("POST", f"{carol.url}/recurrence/preview", body).json["dates"]
    task_id = add(carol, due_date=due, recurrence=rule)
    done = [complete(carol, task_id).json for _ in previewed]
    completed = [answer.get("occurrence", answer["task"])["due_date"] for answer in done]
    assert completed == previewed
    assert (len(completed), show(carol, task_id)["completed"]) == (9, True)


def test_subtasks_stay_with_the_occurrence_and_open_again(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    done = add(carol, "done", parent_id=task_id, due_date="2030-03-04", labels=["home"])
    still_open = add(carol, "open", parent_id=task_id, start_date="2030-03-03T09:00")
    deeper = add(carol, "deeper", parent_id=still_open)
    change(carol, done, completed=True)
    completed = show(carol, done)
    answer = complete(carol, task_id)
    assert answer.json["task"]["subtasks"] == {"total": 2, "open": 2}
    assert answer.json["occurrence"]["subtasks"] == {"total": 2, "open": 0}
    assert show(carol, answer.json["occurrence"]["id"]) == answer.json["occurrence"]
    first, second = tasks(carol, f"parent={answer.json['occurrence']['id']}")
    assert (first["name"], second["name"]) == ("done", "open")
    kept = ("name", "labels", "due_date", "completion_date", "completed")
    assert [first[name] for name in kept] == [completed[name] for name in kept]
    assert second["completion_date"] == "2030-03-01T12:00:00Z"
    assert {each["occurrence_of"] for each in (first, second)} == {None}
    [third] = tasks(carol, f"parent={second['id']}")
    assert (third["name"], third["completed"]) == ("deeper", True)
    assert [show(carol, each)["completed"] for each in (done, still_open, deeper)] == [False] * 3
    assert show(carol, done)["due_date"] == "2030-03-11"
    assert show(carol, still_open)["start_date"] == "2030-03-10T08:00:00Z"


def test_subtask_that_recurs_stays_with_the_series(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    below = add(carol, parent_id=task_id, due_date="2030-03-02", recurrence="FREQ=DAILY")
    earlier = complete(carol, below).json["occurrence"]
    current = show(carol, below)
    answer = complete(carol, task_id, subtasks=False)
    assert (show(carol, below), show(carol, earlier["id"])) == (current, earlier)
    assert answer.json["occurrence"]["subtasks"] == {"total": 0, "open": 0}
    answer = complete(carol, task_id, subtasks=True)
    assert show(carol, below)["due_date"] == "2030-03-04"
    assert answer.json["task"]["subtasks"] == {"total": 3, "open": 1}


def test_subtasks_of_a_plain_task_go_on_with_it(carol: User) -> None:
    parent = add(carol)
    below = add(carol, parent_id=parent, due_date="2030-03-05", recurrence=TUESDAYS)
    answer = complete(carol, parent, subtasks=True)
    assert answer.json["task"]["completed"]
    assert "occurrence" not in answer.json
    assert show(carol, below)["due_date"] == "2030-03-12"
    done, *_ = tasks(carol, f"parent={parent}&completed=true")
    assert done["occurrence_of"] == below


@pytest.mark.parametrize("skipped", [True, False])
def test_undo_and_redo_take_every_row_along(carol: User, skipped: bool) -> None:
    task_id = add(carol, due_date="2030-03-05", start_date="2030-03-04", recurrence=TUESDAYS)
    below = add(carol, parent_id=task_id)
    complete(carol, below)
    before = unversioned(tasks(carol))
    answer = (skip if skipped else complete)(carol, task_id)
    after = unversioned(tasks(carol))
    undone = undo(carol, answer)
    assert undone.status_int == 200, undone
    assert unversioned(tasks(carol)) == before
    assert len(trashed(carol)) == (0 if skipped else 2)
    undo(carol, undone)
    assert unversioned(tasks(carol)) == after


def test_completing_after_an_undo_makes_a_new_occurrence(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    undo(carol, complete(carol, task_id, occurrence="2030-03-05"))
    answer = complete(carol, task_id, occurrence="2030-03-05")
    assert due_dates(answer) == ("2030-03-05", "2030-03-12")
    assert len(ids(carol)) == 2


def test_named_occurrence_is_completed_once(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05T09:00", recurrence=TUESDAYS)
    for occurrence in ("2030-03-05T09:00", "2030-03-05T08:00:00Z", "05/03/2030 09:00:00"):
        answer = complete(carol, task_id, occurrence=occurrence, note="twice?")
        assert due_dates(answer) == ("2030-03-05T08:00:00Z", "2030-03-12T08:00:00Z")
    assert "Link" not in answer.headers
    assert [task["note"] for task in tasks(carol)] == ["twice?", "twice?"]
    delete(carol, answer.json["occurrence"]["id"])
    again = complete(carol, task_id, occurrence="2030-03-05T09:00")
    assert (again.status_int, again.json["task"]) == (200, answer.json["task"])
    assert "occurrence" not in again.json
    assert ids(carol) == [task_id]


@pytest.mark.parametrize("occurrence", ["2030-03-12", "2030-02-26", "2030-03-05T00:00:00Z"])
@pytest.mark.parametrize("as_bulk", [True, False])
def test_other_occurrence_changes_nothing(carol: User, occurrence: str, as_bulk: bool) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    before = tasks(carol)
    fields = {"completed": True, "occurrence": occurrence, "note": "x"}
    if as_bulk:
        bulk = carol.send_json("PATCH", f"{carol.tasks_url}?id={task_id}", fields)
        assert bulk.json == {"username": "carol", "updated": 1}
    else:
        answer = change(carol, task_id, **fields)
        assert (answer.status_int, answer.json["code"]) == (409, "other_occurrence")
    assert tasks(carol) == before


def test_due_date_in_the_same_request_is_that_of_the_occurrence(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence="FREQ=WEEKLY")
    answer = complete(carol, task_id, occurrence="2030-03-05", due_date="2030-03-06", name="Tea")
    assert due_dates(answer) == ("2030-03-06", "2030-03-13")
    assert {answer.json[each]["name"] for each in ("task", "occurrence")} == {"Tea"}


def test_rule_that_the_same_request_takes_away_does_not_count(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    answer = complete(carol, task_id, recurrence=None)
    assert answer.json["task"]["completed"]
    assert ids(carol) == [task_id]


def test_new_completed_task_keeps_its_rule_and_has_ended(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS, completed=True)
    assert (ids(carol), show(carol, task_id)["recurrence"]) == ([task_id], TUESDAYS)
    assert skip(carol, task_id).json["code"] == "not_recurring"
    change(carol, task_id, completed=False)
    assert due_dates(complete(carol, task_id)) == ("2030-03-05", "2030-03-12")


@pytest.mark.parametrize("name", ["occurrence", "catch_up"])
def test_completing_fields_need_completed(carol: User, name: str) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    value = {"occurrence": "2030-03-05", "catch_up": True}[name]
    for fields in ({name: value}, {name: value, "completed": False}):
        assert faults(change(carol, task_id, **fields)) == {name: "not_completed"}
        bulk = carol.send_json("PATCH", f"{carol.tasks_url}?id={task_id}", fields)
        assert faults(bulk) == {name: "not_completed"}
    new = {"name": "Tea", name: value, "completed": True}
    assert faults(carol.send_json("POST", carol.tasks_url, new)) == {name: "unknown_field"}


@pytest.mark.parametrize("occurrence", ["2030-03-05", None, ["2030-03-05"]])
def test_occurrence_outside_of_the_task_is_refused(carol: User, occurrence: Any) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    url = f"{carol.tasks_url}/{task_id}"
    before = tasks(carol)
    body = {"task": {"completed": True}, "occurrence": occurrence}
    assert faults(carol.send_json("PATCH", url, body)) == {"occurrence": "place"}
    assert tasks(carol) == before
    body = {"task": {"completed": True, "occurrence": "2030-03-05"}}
    assert due_dates(carol.send_json("PATCH", url, body)) == ("2030-03-05", "2030-03-12")


def test_answer_with_an_occurrence_can_be_sent_back(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    answer = complete(carol, task_id)
    again = carol.send_json("PUT", f"{carol.tasks_url}/{task_id}", answer.json)
    assert (again.status_int, again.json["task"]) == (200, answer.json["task"])
    occurrence = answer.json["occurrence"]
    again = carol.send_json("PUT", f"{carol.tasks_url}/{occurrence['id']}", occurrence)
    assert (again.status_int, again.json["task"]) == (200, occurrence)


def test_list_of_completed_occurrences(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    first, second = (complete(carol, task_id).json["occurrence"] for _ in range(2))
    query = f"occurrence_of={task_id}"
    assert tasks(carol, query) == [first, second]
    assert tasks(carol, f"{query}&due_after=2030-03-06") == [second]
    delete(carol, first["id"])
    assert tasks(carol, query) == [second]
    trash = carol.get(f"{carol.trash_url}?{query}").json["tasks"]
    assert [task["id"] for task in trash] == [first["id"]]
    assert tasks(carol, f"occurrence_of={first['id']}") == []


@pytest.mark.parametrize(
    ("value", "code"), [("none", "type"), ("0", "range"), ("-1", "range"), (str(2**63), "range")]
)
def test_bad_filter_of_occurrences_is_refused(alice: User, value: str, code: str) -> None:
    answer = alice.get(f"{alice.tasks_url}?occurrence_of={value}")
    assert faults(answer) == {"occurrence_of": code}
