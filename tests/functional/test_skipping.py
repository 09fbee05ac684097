"""Skipping occurrences of tasks that recur."""

from typing import Any

import pytest

from tests.support.client import User, faults
from tests.support.outline import add, ids, tasks
from tests.support.recurring import TUESDAYS, complete, skip


def test_named_occurrence_is_skipped_once(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    for _ in range(2):
        answer = skip(carol, task_id, occurrence="2030-03-05")
        assert answer.json["task"]["due_date"] == "2030-03-12"
    refused = skip(carol, task_id, occurrence="2030-03-19")
    assert (refused.status_int, refused.json["code"]) == (409, "other_occurrence")
    refused = complete(carol, task_id, occurrence="2030-03-05")  # skipped, not completed
    assert (refused.status_int, refused.json["code"]) == (409, "other_occurrence")
    assert ids(carol) == [task_id]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"occurrence": "soon"}, {"occurrence": "date"}),
        ({"occurrence": 7}, {"occurrence": "type"}),
        ({"catch_up": "yes"}, {"catch_up": "type"}),
        ({"completed": True}, {"completed": "unknown_field"}),
    ],
)
def test_bad_input_of_skip_is_refused(
    carol: User, fields: dict[str, Any], code: dict[str, str]
) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    before = tasks(carol)
    assert faults(skip(carol, task_id, **fields)) == code
    assert tasks(carol) == before


def test_skip_takes_a_form_and_no_body(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    url = f"{carol.tasks_url}/{task_id}/skip"
    assert carol.request(url, method="POST").json["task"]["due_date"] == "2030-03-12"
    form = carol.post(url, {"occurrence": "2030-03-12", "catch_up": "true"})
    assert form.json["task"]["due_date"] == "2030-03-19"


def test_plain_task_cannot_be_skipped(carol: User) -> None:
    for task_id in (add(carol), add(carol, due_date="2030-03-05")):
        refused = skip(carol, task_id)
        assert (refused.status_int, refused.json["code"]) == (409, "not_recurring")


def test_last_occurrence_is_skipped_once(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence="FREQ=DAILY;COUNT=1")
    first = skip(carol, task_id, occurrence="2030-03-05")
    assert first.json["task"]["completed"]
    again = skip(carol, task_id, occurrence="2030-03-05")
    assert (again.status_int, again.json["task"]) == (200, first.json["task"])
    assert "Link" not in again.headers
    assert skip(carol, task_id).json["code"] == "not_recurring"
