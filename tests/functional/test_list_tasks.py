"""Lists and their tasks: deletion, restoration, archived lists."""

from typing import Any

import pytest

from tests.support import outline
from tests.support.client import User, faults
from tests.support.fixtures import Patch
from tests.support.outline import add, add_list, ids, list_ids, place, show, undo, unversioned
from todo.services import matching as service

Household = tuple[int, list[int]]


@pytest.fixture
def home(alice: User) -> Household:
    """A list, and its tasks in their order: `a`, its subtask `b`, and before both, `c`."""
    list_id = add_list(alice)
    a = add(alice, "a", list_id=list_id)
    b = add(alice, "b", parent_id=a)
    c = add(alice, "c", list_id=list_id, completed=True)
    assert outline.move(alice, c, before=a).status_int == 200
    return list_id, [c, a, b]


def test_deleting_list_moves_its_tasks_to_trash(alice: User, home: Household) -> None:
    list_id, tasks = home
    inbox = add(alice)
    answer = alice.delete(f"{alice.url}/lists/{list_id}")
    assert answer.status_int == 200
    assert answer.json.items() >= {"username": "alice", "msg": "Deleted.", "tasks": 3}.items()
    assert (list_ids(alice), ids(alice)) == ([], [inbox])
    assert sorted(outline.trashed(alice)) == sorted(tasks)
    found = outline.feed(alice, answer)
    assert {(each["kind"], each["id"]) for each in found} == {
        ("list", list_id),
        *(("task", each) for each in tasks),
    }
    assert {each["action"] for each in found} == {"delete"}


def test_undo_of_deleted_list_brings_all_back_in_order(alice: User, home: Household) -> None:
    list_id, _ = home
    add_list(alice, "Job")
    before = outline.tasks(alice, f"list={list_id}"), outline.lists(alice)
    deleted = alice.delete(f"{alice.url}/lists/{list_id}")
    undone = undo(alice, deleted)
    assert (undone.status_int, undone.json["undone"]) == (200, 4)
    after = outline.tasks(alice, f"list={list_id}"), outline.lists(alice)
    assert [*map(unversioned, after)] == [*map(unversioned, before)]
    assert undo(alice, undone).status_int == 200
    assert (ids(alice), len(outline.trashed(alice))) == ([], 3)


def test_undo_of_deleted_list_leaves_earlier_trash_alone(alice: User, home: Household) -> None:
    list_id, [c, a, b] = home
    outline.delete(alice, c)
    deleted = alice.delete(f"{alice.url}/lists/{list_id}")
    assert deleted.json["tasks"] == 2
    assert undo(alice, deleted).json["undone"] == 3
    assert (ids(alice, f"list={list_id}"), outline.trashed(alice)) == ([a, b], [c])
    assert place(outline.restore(alice, c)) == (list_id, None)
    assert ids(alice, f"list={list_id}") == [c, a, b]


def test_undo_of_deleted_list_conflicts_with_restored_task(alice: User, home: Household) -> None:
    list_id, [c, _, _] = home
    deleted = alice.delete(f"{alice.url}/lists/{list_id}")
    outline.restore(alice, c)
    answer = undo(alice, deleted)
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict")
    assert (list_ids(alice), len(outline.trashed(alice))) == ([], 2)


def test_task_restored_without_its_list_goes_to_inbox(alice: User, home: Household) -> None:
    list_id, [_, a, b] = home
    alice.delete(f"{alice.url}/lists/{list_id}")
    task = outline.restore(alice, a)
    assert place(task) == (None, None)
    assert task["subtasks"] == {"total": 1, "open": 1}
    assert place(show(alice, b)) == (None, a)
    assert ids(alice, "list=inbox") == [a, b]


def test_all_tasks_restored_without_their_list_keep_order(alice: User, home: Household) -> None:
    list_id, tasks = home
    alice.delete(f"{alice.url}/lists/{list_id}")
    alice.send_json("POST", f"{alice.trash_url}/restore?list={list_id}", {})
    assert ids(alice, "list=inbox") == tasks


def test_trash_is_filtered_by_list_and_parent(alice: User, home: Household) -> None:
    list_id, tasks = home
    alice.delete(f"{alice.url}/lists/{list_id}")
    other = add(alice, priority=1)
    outline.delete(alice, other)

    def found(query: str) -> list[int]:
        answer = alice.get(f"{alice.trash_url}?{query}").json["tasks"]
        return sorted(task["id"] for task in answer)

    assert found(f"list={list_id}") == sorted(tasks)
    assert found("list=inbox") == found("priority=high") == [other]
    assert found(f"parent={tasks[1]}") == [tasks[2]]
    assert found("archived=true") == []


def test_deleting_list_with_too_many_tasks_is_refused(
    alice: User, home: Household, monkeypatch: Patch
) -> None:
    list_id, _ = home
    monkeypatch.setattr(service, "MAX_TASKS", 2)
    answer = alice.delete(f"{alice.url}/lists/{list_id}")
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 3)
    assert (len(ids(alice)), list_ids(alice)) == (3, [list_id])
    monkeypatch.setattr(service, "MAX_TASKS", 3)
    assert alice.delete(f"{alice.url}/lists/{list_id}").json["tasks"] == 3


@pytest.fixture
def old(alice: User) -> tuple[int, int, int]:
    """An archived list, an open task in it, and one in the inbox."""
    list_id = add_list(alice, archived=True)
    return list_id, add(alice, list_id=list_id), add(alice)


@pytest.mark.parametrize(
    ("query", "archived", "inbox"),
    [
        ("", False, True),
        ("completed=false", False, True),
        ("search=milk", False, True),
        ("sort=position", False, True),
        ("list={list}", True, False),
        ("list=inbox", False, True),
        ("archived=true", True, False),
        ("archived=any", True, True),
        ("archived=false", False, True),
        ("archived=any&search=milk&sort=-id", True, True),
        ("archived=true&due=none&sort=due_date", True, False),
        ("archived=false&list={list}", False, False),
    ],
)
def test_tasks_of_archived_list_are_left_out(
    alice: User, old: tuple[int, int, int], query: str, archived: bool, inbox: bool
) -> None:
    list_id, hidden, shown = old

    expected = {hidden} if archived else set()
    expected |= {shown} if inbox else set()
    url = f"{alice.tasks_url}?count=true&{query.format(list=list_id)}"
    answer = alice.get(url).json
    assert {task["id"] for task in answer["tasks"]} == expected
    assert answer["total"] == len(expected)


def test_tasks_of_archived_list_are_not_counted(alice: User, old: tuple[int, int, int]) -> None:
    list_id, *_ = old

    def count(query: str) -> int:
        found: int = alice.get(f"{alice.url}/counts?{query}").json["open"]
        return found

    assert (count(""), count("list=inbox"), count(f"list={list_id}")) == (1, 1, 1)
    alice.send_json("PATCH", f"{alice.url}/lists/{list_id}", {"archived": False})
    assert count("") == 2


def test_bulk_changes_leave_archived_lists_alone(alice: User, old: tuple[int, int, int]) -> None:
    list_id, hidden, shown = old
    url = f"{alice.tasks_url}?completed=false"
    assert alice.send_json("PATCH", url, {"name": "Tea"}).json["updated"] == 1
    assert show(alice, hidden)["name"] == "Milk"
    assert alice.send_json("PATCH", f"{url}&archived=any", {"name": "Tea"}).json["updated"] == 2
    assert alice.delete(f"{url}").json["deleted"] == 1
    assert outline.trashed(alice) == [shown]
    assert alice.delete(f"{url}&list={list_id}").json["deleted"] == 1


def test_task_of_archived_list_is_shown_by_itself(alice: User, old: tuple[int, int, int]) -> None:
    _, hidden, _ = old
    assert alice.get(f"{alice.tasks_url}/{hidden}").status_int == 200
    assert outline.change(alice, hidden, name="Tea").status_int == 200


def test_location_of_new_tasks_shows_those_of_archived_list(
    alice: User, old: tuple[int, int, int]
) -> None:
    list_id, *_ = old
    body = {"tasks": [{"name": "a", "list_id": list_id}, {"name": "b"}]}
    answer = alice.post_json(alice.tasks_url, body)
    assert alice.get(answer.location).json["tasks"] == answer.json["tasks"]


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1,2", "1.0", str(2**63), "none", "١"])
def test_wrong_list_filter_is_refused(alice: User, value: str) -> None:
    for path in (alice.tasks_url, f"{alice.url}/counts", alice.trash_url):
        assert faults(alice.get(path, {"list": value})).keys() == {"list"}


def test_unknown_list_filter_matches_no_task(alice: User, bob: User) -> None:
    bobs = add_list(bob)
    add(bob, list_id=bobs)
    add(alice)
    assert ids(alice, f"list={bobs}") == ids(alice, "list=999999") == []


@pytest.mark.parametrize("archived", ["yes", "", "1"])
def test_wrong_archived_filter_is_refused(alice: User, archived: str) -> None:
    answer: Any = alice.get(alice.tasks_url, {"archived": archived})
    assert faults(answer).keys() == {"archived"}
