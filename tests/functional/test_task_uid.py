"""The uid of tasks: theirs for ever, and unique in the account."""

from typing import Any
from uuid import UUID

import pytest
from webtest import TestResponse

from tests.support.client import User, faults
from tests.support.outline import add, change, delete, ids, restore, show, trashed, undo

LONG = "x" * 255


def post(user: User, *uids: Any) -> TestResponse:
    tasks = [{"name": "Tea", "uid": uid} for uid in uids]
    return user.post_json(user.tasks_url, tasks[0] if len(tasks) == 1 else {"tasks": tasks})


def test_uid_is_a_uuid_by_default(alice: User) -> None:
    uids = {show(alice, add(alice))["uid"] for _ in range(3)}
    assert {str(UUID(uid)) for uid in uids} == uids
    assert len(uids) == 3
    assert UUID(post(alice, None).json["task"]["uid"])
    form = alice.post(alice.tasks_url, {"name": "Tea", "uid": ""})
    assert UUID(form.json["task"]["uid"])
    assert all(UUID(task["uid"]) for task in post(alice, None, None).json["tasks"])


@pytest.mark.parametrize("uid", ["a", "20300201T093000Z-7@example.com", "!~", '"<&%', LONG])
def test_given_uid_is_stored(alice: User, uid: str) -> None:
    posted = post(alice, uid)
    assert posted.json["task"]["uid"] == uid
    assert alice.get(posted.location).json["task"]["uid"] == uid
    assert alice.get(f"{alice.tasks_url}?fields=uid").json["tasks"] == [{"uid": uid}]


def test_uid_never_changes(alice: User) -> None:
    posted = post(alice, "one")
    task_id = posted.json["task"]["id"]
    sent = posted.json["task"] | {"uid": "two", "name": "Milk"}
    assert alice.put_json(posted.location, sent).json["task"]["uid"] == "one"
    assert change(alice, task_id, uid="two").json["task"]["uid"] == "one"
    alice.send_json("PATCH", alice.all_tasks_url, {"uid": "two", "name": "x"})
    undo(alice, delete(alice, task_id))
    delete(alice, task_id)
    assert restore(alice, task_id)["uid"] == "one"
    history = alice.get(f"{posted.location}/history").json["history"]
    updates = [each for each in history if each["action"] == "update"]
    assert updates
    assert not any("uid" in each["after"] for each in updates)


def test_uid_is_unique_in_the_account_only(alice: User, bob: User) -> None:
    assert post(bob, "one").status_int == 201
    assert post(alice, "one").status_int == 201
    assert post(alice, "ONE").status_int == 201


@pytest.mark.parametrize("in_trash", [False, True])
def test_taken_uid_names_the_task(alice: User, in_trash: bool) -> None:
    task_id = post(alice, "one").json["task"]["id"]
    if in_trash:
        delete(alice, task_id)
    before = ids(alice), trashed(alice)
    for uids in (("one",), ("two", "one")):
        answer = post(alice, *uids)
        assert (answer.status_int, answer.json["code"]) == (409, "uid_taken")
        assert f"Task {task_id} " in answer.json["detail"]
        [fault] = answer.json["errors"]
        assert (fault["field"].rpartition(".")[2], fault["code"]) == ("uid", "taken")
    assert post(alice, "one").json["errors"][0]["pointer"] == "/uid"
    assert (ids(alice), trashed(alice)) == before


def test_uid_of_purged_task_is_free(alice: User) -> None:
    task_id = post(alice, "one").json["task"]["id"]
    delete(alice, task_id)
    alice.delete(f"{alice.trash_url}/{task_id}")
    assert post(alice, "one").status_int == 201


def test_undone_creation_keeps_uid_in_trash(alice: User) -> None:
    posted = post(alice, "one")
    undo(alice, posted)
    assert post(alice, "one").status_int == 409
    assert restore(alice, posted.json["task"]["id"])["uid"] == "one"


def test_uid_twice_in_one_request_is_refused(alice: User) -> None:
    answer = post(alice, "one", "two", "one")
    [fault] = answer.json["errors"]
    assert (answer.status_int, fault["code"]) == (400, "duplicate")
    assert ids(alice) == []


def test_dry_run_refuses_taken_uid(alice: User) -> None:
    url = f"{alice.tasks_url}?dry_run=true"
    assert alice.post_json(url, {"name": "Tea", "uid": "one"}).json["task"]["uid"] == "one"
    post(alice, "one")
    assert alice.post_json(url, {"name": "Tea", "uid": "one"}).status_int == 409


@pytest.mark.parametrize(
    ("uid", "code"),
    [
        ("", "uid"),
        (" ", "uid"),
        ("a b", "uid"),
        ("a\n", "uid"),
        ("a\0", "uid"),
        ("a\x7f", "uid"),
        ("é", "uid"),
        ("\ud800", None),
        ("x" * 256, "uid"),
        (7, "type"),
        (True, "type"),
        ([], "type"),
        ({}, "type"),
    ],
)
def test_wrong_uid_is_refused(alice: User, uid: Any, code: str | None) -> None:
    answer = post(alice, uid)
    assert answer.status_int == 400
    if code is not None:
        assert faults(answer) == {"uid": code}
    assert ids(alice) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"list_id": 999_999}, "list_id"),
        ({"parent_id": 999_999}, "parent_id"),
        ({"uid": "one"}, "uid"),
        ({"uid": "two"}, "uid"),
    ],
)
def test_fault_of_one_of_several_tasks_points_to_it(
    alice: User, fields: dict[str, Any], field: str
) -> None:
    post(alice, "one")
    body = {"tasks": [{"name": "Milk", "uid": "two"}, {"name": "Tea", **fields}]}
    answer = alice.post_json(alice.tasks_url, body)
    [fault] = answer.json["errors"]
    assert (fault["field"], fault["pointer"]) == (f"tasks.1.{field}", f"/tasks/1/{field}")
