"""The priority of tasks."""

from typing import Any

import pytest

from tests.support.client import User, faults
from tests.support.outline import add, change, delete, feed, ids, show, trashed, undo


@pytest.fixture
def levels(alice: User) -> list[int]:
    """Ten tasks, with the priorities 0 to 9."""
    return [add(alice, priority=priority) for priority in range(10)]


def test_priority_is_stored_and_shown(alice: User, levels: list[int]) -> None:
    assert [show(alice, each)["priority"] for each in levels] == list(range(10))
    assert show(alice, add(alice))["priority"] == 0


def test_form_sets_priority(alice: User) -> None:
    posted = alice.post(alice.tasks_url, {"name": "Milk", "priority": "9"})
    assert posted.json["task"]["priority"] == 9
    assert alice.put(posted.location, {"priority": "0"}).json["task"]["priority"] == 0


def test_change_of_priority_is_recorded_and_undone(alice: User) -> None:
    task_id = add(alice, priority=5)
    answer = change(alice, task_id, priority=0)
    [recorded] = feed(alice, answer)
    assert (recorded["before"], recorded["after"]) == ({"priority": 5}, {"priority": 0})
    assert undo(alice, answer).status_int == 200
    assert show(alice, task_id)["priority"] == 5
    again = change(alice, task_id, priority=5)
    assert "Link" not in again.headers, "nothing has changed"


def test_bulk_change_sets_priority(alice: User, levels: list[int]) -> None:
    answer = alice.send_json("PATCH", f"{alice.tasks_url}?priority=high", {"priority": 5})
    assert answer.json["updated"] == 4
    assert ids(alice, "priority=medium&sort=id") == levels[1:6]
    assert undo(alice, answer).json["undone"] == 4
    assert ids(alice, "priority=high&sort=id") == levels[1:5]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("none", [0]),
        ("high", [1, 2, 3, 4]),
        ("medium", [5]),
        ("low", [6, 7, 8, 9]),
        ("high,low", [1, 2, 3, 4, 6, 7, 8, 9]),
        ("low,high", [1, 2, 3, 4, 6, 7, 8, 9]),
        ("none,low", [6, 7, 8, 9, 0]),
        ("none,medium", [5, 0]),
        ("medium,medium", [5]),
        ("none,high,medium,low", [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]),
    ],
)
def test_tasks_are_filtered_by_priority(
    alice: User, levels: list[int], words: str, expected: list[int]
) -> None:
    answer = alice.get(f"{alice.tasks_url}?priority={words}&count=true").json
    assert [task["priority"] for task in answer["tasks"]] == expected
    assert answer["total"] == len(expected)
    alice.delete(f"{alice.tasks_url}?priority={words}")
    assert sorted(trashed(alice)) == sorted(levels[each] for each in expected)
    trash = alice.get(f"{alice.trash_url}?priority={words}").json["tasks"]
    assert len(trash) == len(expected)


@pytest.mark.parametrize("query", ["due=none", "completed=false", "search=milk", "list=inbox"])
def test_priority_combines_with_other_filters(alice: User, levels: list[int], query: str) -> None:
    change(alice, levels[1], completed=True, due_date="2030-02-01", name="Tea")
    add(alice, priority=9)
    expected = levels[2:5] if query != "list=inbox" else levels[1:5]
    assert ids(alice, f"priority=high&sort=id&{query}") == expected


@pytest.mark.parametrize(
    "words", ["", ",", "high,", "High", "1", "high;low", "high low", "urgent", "none,urgent"]
)
def test_wrong_priority_filter_is_refused(alice: User, words: str) -> None:
    for url in (alice.tasks_url, alice.trash_url):
        assert faults(alice.get(url, {"priority": words})) == {"priority": "choice"}
    url = f"{alice.tasks_url}?priority={words}"
    assert faults(alice.send_json("PATCH", url, {"priority": 1})) == {"priority": "choice"}


@pytest.mark.parametrize("value", [10, -1, "high", "1", 1.5, None, True, [1], 2**70])
def test_wrong_priority_is_refused(alice: User, value: Any) -> None:
    task_id = add(alice, priority=3)
    body = {"name": "Tea", "priority": value}
    assert faults(alice.post_json(alice.tasks_url, body)).keys() == {"priority"}
    assert faults(change(alice, task_id, priority=value)).keys() == {"priority"}
    assert (ids(alice), show(alice, task_id)["priority"]) == ([task_id], 3)


def test_deleted_task_keeps_priority(alice: User) -> None:
    task_id = add(alice, priority=7)
    delete(alice, task_id)
    [task] = alice.get(alice.trash_url).json["tasks"]
    assert task["priority"] == 7
