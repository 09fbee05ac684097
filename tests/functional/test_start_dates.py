"""Start dates: days and instants like due dates, and never after them."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.outline import add, change, delete, feed, ids, restore, show, tasks, undo

NEW_YORK = "America/New_York"  # 05:00 UTC is midnight in winter
LATE = {"start_date": "late_start"}

# Start and due dates around midnight in New York.
TOO_LATE = {
    "day, day": ("2030-02-02", "2030-02-01"),
    "instant, instant": ("2030-02-01T10:00:01Z", "2030-02-01T10:00:00Z"),
    "day, instant": ("2030-02-02", "2030-02-02T04:59:59Z"),
    "instant, day": ("2030-02-02T05:00:00Z", "2030-02-01"),
    "local, local": ("2030-02-01T10:01", "2030-02-01T10:00"),
    "local, instant": ("2030-02-01T10:01", "2030-02-01T15:00:00Z"),
    "last day, instant": ("9999-12-31", "9999-12-31T04:59:59Z"),
    "short day": ("2030-03-11T04:00:00Z", "2030-03-10"),
    "long day": ("2030-11-04T05:00:00Z", "2030-11-03"),
}
IN_TIME = {
    "day, day": ("2030-02-01", "2030-02-01"),
    "instant, instant": ("2030-02-01T10:00:00Z", "2030-02-01T10:00:00Z"),
    "day, instant": ("2030-02-02", "2030-02-02T05:00:00Z"),
    "instant, day": ("2030-02-02T04:59:59Z", "2030-02-01"),
    "local, instant": ("2030-02-01T10:00", "2030-02-01T15:00:00Z"),
    "last day": ("9999-12-31T23:59:59Z", "9999-12-31"),
    "first day": ("0001-01-01", "0001-01-01T05:00:00Z"),
    "short day": ("2030-03-11T03:59:59Z", "2030-03-10"),
    "long day": ("2030-11-04T04:59:59Z", "2030-11-03"),
    "no due date": ("2030-02-02", None),
    "no start date": (None, "2030-02-01"),
}


@pytest.fixture(params=["account", "task"])
def zoned(request: pytest.FixtureRequest, app: Any, db: Session) -> tuple[User, dict[str, Any]]:
    """A user and fields of a task, of which one has a time zone: that of New York."""
    if request.param == "account":
        return User(app, make_account(db, timezone=NEW_YORK)), {}
    return User(app, make_account(db, timezone="Asia/Tokyo")), {"timezone": NEW_YORK}


def dates(task: dict[str, Any]) -> tuple[str | None, str | None]:
    return task["start_date"], task["due_date"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2030-02-01", "2030-02-01"),
        ("2030-02-01T09:30:00+02:00", "2030-02-01T07:30:00Z"),
        ("2030-02-01T09:30", "2030-02-01T09:30:00Z"),
        ("01/02/2030 09:30:00", "2030-02-01T09:30:00Z"),
        ("2030-02-01T09:30:00.999Z", "2030-02-01T09:30:00Z"),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("as_form", [False, True])
def test_start_date_has_formats_of_due_date(
    alice: User, as_form: bool, given: str | None, shown: str | None
) -> None:
    fields = {"name": "Tea", "start_date": (given or "") if as_form else given}
    post, put = (alice.post, alice.put) if as_form else (alice.post_json, alice.put_json)
    posted = post(alice.tasks_url, fields)
    assert posted.json["task"]["start_date"] == shown
    assert alice.get(posted.location).json["task"]["start_date"] == shown
    url = f"{alice.tasks_url}/{add(alice, start_date='2029-01-01')}"
    assert put(url, {"start_date": fields["start_date"]}).json["task"]["start_date"] == shown


def test_start_date_is_null_by_default_and_kept_by_other_changes(alice: User) -> None:
    assert show(alice, add(alice))["start_date"] is None
    task_id = add(alice, start_date="2030-02-01", due_date="2030-02-02T10:00:00Z")
    task = change(alice, task_id, name="Tea", completed=True).json["task"]
    assert dates(task) == ("2030-02-01", "2030-02-02T10:00:00Z")
    assert change(alice, task_id, start_date=None).json["task"]["start_date"] is None
    assert show(alice, task_id)["due_date"] == "2030-02-02T10:00:00Z"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("tomorrow", "date"),
        ("2030-02-30", "date"),
        ("2030-02-01T25:00", "date"),
        ("0000-01-01", "date"),
        ("10000-01-01", "date"),
        ("0001-01-01T00:00:00+01:00", "date"),
        ("9999-12-31T23:59:59-01:00", "date"),
        (" ", "date"),
        (7, "type"),
        (True, "type"),
        ([], "type"),
        ({}, "type"),
    ],
)
def test_wrong_start_date_is_refused(alice: User, value: Any, code: str) -> None:
    task_id = add(alice)
    for answer in (
        alice.post_json(alice.tasks_url, {"name": "Tea", "start_date": value}),
        change(alice, task_id, start_date=value),
        alice.send_json("PATCH", alice.all_tasks_url, {"start_date": value}),
    ):
        assert faults(answer) == {"start_date": code}
    assert ids(alice) == [task_id]


def all_answers(user: User, fields: dict[str, Any], task_id: int) -> list[TestResponse]:
    """Send the fields in every request that may set them, and return the answers."""
    url, form = f"{user.tasks_url}/{task_id}", {name: fields[name] or "" for name in fields}
    return [
        user.post_json(user.tasks_url, {"name": "Tea", **fields}),
        user.post(user.tasks_url, {"name": "Tea", **form}),
        user.post_json(f"{user.tasks_url}?dry_run=true", {"name": "Tea", **fields}),
        change(user, task_id, **fields),
        user.put(url, form),
        user.send_json("PATCH", user.all_tasks_url, fields),
        user.send_json("PATCH", f"{user.all_tasks_url}&dry_run=true", fields),
    ]


@pytest.mark.parametrize("kinds", TOO_LATE)
def test_start_after_due_date_is_refused(zoned: tuple[User, dict[str, Any]], kinds: str) -> None:
    user, fields = zoned
    start, due = TOO_LATE[kinds]
    task_id = add(user, **fields)
    before = show(user, task_id)
    for answer in all_answers(user, {**fields, "start_date": start, "due_date": due}, task_id):
        assert faults(answer) == LATE
        assert answer.json["errors"][0]["pointer"] == "/start_date"
    assert tasks(user) == [before], "nothing is stored"
    # One of the dates is there already.
    for one, other in (("start_date", "due_date"), ("due_date", "start_date")):
        both = {"start_date": start, "due_date": due}
        task_id = add(user, **fields, **{one: both[one]})
        assert faults(change(user, task_id, **{other: both[other]})) == LATE
        assert show(user, task_id)[other] is None


@pytest.mark.parametrize("kinds", IN_TIME)
def test_start_up_to_due_date_is_stored(zoned: tuple[User, dict[str, Any]], kinds: str) -> None:
    user, fields = zoned
    start, due = IN_TIME[kinds]
    task_id = add(user, **fields)
    for answer in all_answers(user, {**fields, "start_date": start, "due_date": due}, task_id):
        assert answer.status_int in (200, 201), answer
    assert len({dates(task) for task in tasks(user)}) == 1
    task = show(user, task_id)
    assert (task["start_date"] is None, task["due_date"] is None) == (start is None, due is None)


def test_late_task_of_several_names_its_position(alice: User) -> None:
    late = {"name": "Tea", "start_date": "2030-02-02", "due_date": "2030-02-01"}
    good = {"name": "Milk", "start_date": "2030-02-01"}
    answer = alice.post_json(alice.tasks_url, {"tasks": [good, late, good, late]})
    assert faults(answer) == {
        "tasks.1.start_date": "late_start",
        "tasks.3.start_date": "late_start",
    }
    assert answer.json["errors"][0]["pointer"] == "/tasks/1/start_date"
    assert ids(alice) == []


def test_late_start_is_named_with_other_faults(alice: User) -> None:
    late = {"name": "Tea", "start_date": "2030-02-02", "due_date": "2030-02-01"}
    assert faults(alice.post_json(alice.tasks_url, late | {"list_id": 999_999})) == {
        "list_id": "unknown",
        **LATE,
    }


def test_bulk_change_with_one_late_start_changes_nothing(alice: User) -> None:
    for due in ("2030-02-03", "2030-02-01T10:00:00Z", None):
        add(alice, due_date=due)
    before = tasks(alice)
    for url in (alice.all_tasks_url, f"{alice.all_tasks_url}&dry_run=true"):
        assert faults(alice.send_json("PATCH", url, {"start_date": "2030-02-02"})) == LATE
    assert tasks(alice) == before
    answer = alice.send_json("PATCH", alice.all_tasks_url, {"start_date": "2030-02-01"})
    assert answer.json["updated"] == 3
    assert {task["start_date"] for task in tasks(alice)} == {"2030-02-01"}
    assert undo(alice, answer).status_int == 200
    assert {task["start_date"] for task in tasks(alice)} == {None}


def test_whole_answer_with_start_date_can_be_sent_back(alice: User) -> None:
    for start, due in (("2030-02-01", "2030-02-01T10:00:00Z"), ("2030-02-01T09:30:00Z", None)):
        url = f"{alice.tasks_url}/{add(alice, start_date=start, due_date=due)}"
        answer = alice.get(url).json
        assert alice.put_json(url, answer).json == answer
        assert alice.put_json(url, answer["task"]).json == answer


def make_late(user: User) -> int:
    """Create a task that starts after it is due since its owner has moved, and return its id."""
    user.send_json("PATCH", user.url, {"timezone": NEW_YORK})
    task_id = add(user, start_date="2030-02-02", due_date="2030-02-02T05:00:00Z")
    assert user.send_json("PATCH", user.url, {"timezone": "Pacific/Honolulu"}).status_int == 200
    return task_id


def test_task_that_became_late_by_zone_of_account_can_be_changed(alice: User) -> None:
    url = f"{alice.tasks_url}/{make_late(alice)}"
    answer = alice.get(url).json
    assert alice.put_json(url, answer).json == answer, "it changes nothing"
    assert alice.put_json(url, answer["task"] | {"name": "Tea"}).json["task"]["name"] == "Tea"
    assert faults(alice.put_json(url, {"due_date": "2030-02-02T04:00:00Z"})) == LATE
    assert alice.put_json(url, {"start_date": "2030-02-01"}).status_int == 200


def test_change_and_deletion_of_task_that_became_late_are_undone(alice: User) -> None:
    task_id = make_late(alice)
    assert undo(alice, change(alice, task_id, name="Tea")).status_int == 200
    assert undo(alice, delete(alice, task_id)).status_int == 200
    assert ids(alice) == [task_id]


def test_change_of_start_date_is_undone(alice: User) -> None:
    task_id = add(alice, start_date="2030-02-01")
    answer = change(alice, task_id, start_date="2030-02-01T09:30", due_date="2030-02-02")
    assert undo(alice, answer).status_int == 200
    assert dates(show(alice, task_id)) == ("2030-02-01", None)
    assert undo(alice, change(alice, task_id, start_date=None)).status_int == 200
    assert dates(show(alice, task_id)) == ("2030-02-01", None)


def test_undo_that_would_start_task_late_is_conflict(alice: User) -> None:
    task_id = add(alice, start_date="2030-02-05")
    earlier = change(alice, task_id, start_date="2030-02-01")
    change(alice, task_id, due_date="2030-02-04T10:00:00Z")
    answer = undo(alice, earlier)
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict")
    assert answer.json["conflicts"] == [
        {"kind": "task", "id": task_id, "fields": ["due_date", "start_date"]}
    ]
    assert dates(show(alice, task_id)) == ("2030-02-01", "2030-02-04T10:00:00Z")
    change(alice, task_id, due_date="2030-02-05")
    assert undo(alice, earlier).status_int == 200
    assert dates(show(alice, task_id)) == ("2030-02-05", "2030-02-05")


def test_history_and_feed_have_start_date(alice: User) -> None:
    task_id = add(alice, start_date="2030-02-01")
    answer = change(alice, task_id, start_date="2030-02-01T09:30")
    [only] = feed(alice, answer)
    assert only["before"] == {"start_date": "2030-02-01"}
    assert only["after"] == {"start_date": "2030-02-01T09:30:00Z"}
    history = alice.get(f"{alice.tasks_url}/{task_id}/history").json["history"]
    assert {each["action"]: each["after"].get("start_date") for each in history} == {
        "create": "2030-02-01",
        "update": "2030-02-01T09:30:00Z",
    }


def test_start_date_survives_trash(alice: User) -> None:
    for start in ("2030-02-01", "2030-02-01T09:30:00Z"):
        task_id = add(alice, start_date=start)
        answer = delete(alice, task_id)
        trashed = alice.get(alice.trash_url).json["tasks"][0]
        assert trashed["start_date"] == start
        assert undo(alice, answer).status_int == 200
        delete(alice, task_id)
        assert restore(alice, task_id)["start_date"] == start


def test_exported_task_can_be_created_again(alice: User, bob: User) -> None:
    add(alice, start_date="2030-02-01", due_date="2030-02-01T09:30", timezone=NEW_YORK)
    add(alice, start_date="2030-02-01T09:30", timezone="Asia/Tokyo")
    exported = alice.get(f"{alice.url}/export").json["tasks"]
    assert [task["timezone"] for task in exported] == [NEW_YORK, "Asia/Tokyo"]
    created = bob.post_json(bob.tasks_url, {"tasks": exported}).json["tasks"]
    names = ("start_date", "due_date", "timezone")
    for old, new in zip(exported, created, strict=True):
        assert [new[name] for name in names] == [old[name] for name in names]


def test_list_may_have_start_date_only(alice: User) -> None:
    add(alice, start_date=date(2030, 2, 1).isoformat())
    assert tasks(alice, "fields=start_date,timezone") == [
        {"start_date": "2030-02-01", "timezone": None}
    ]
