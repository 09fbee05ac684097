"""Bulk changes of tasks with subtasks, and the limits of changes of subtrees."""

from typing import Any

import pytest

from tests.support import outline
from tests.support.client import User, faults
from tests.support.fixtures import Patch
from tests.support.outline import add, add_chain, add_list, change, ids, place, show, undo
from todo.journal import writes
from todo.services import placement
from todo.services import task_changes as service


def change_all(user: User, query: str, **fields: Any) -> int:
    answer = user.send_json("PATCH", f"{user.tasks_url}?{query}", fields)
    assert answer.status_int == 200, answer
    updated: int = answer.json["updated"]
    return updated


def test_bulk_change_of_list_keeps_order_and_subtasks(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    there = add(alice, list_id=job)
    a, b = add_chain(alice, 2, list_id=home)
    c = add(alice, list_id=home)
    outline.move(alice, c, first=True)
    assert ids(alice, f"list={home}") == [c, a, b]
    assert change_all(alice, f"list={home}", list_id=job) == 3
    assert ids(alice, f"list={job}&parent=none") == [there, c, a]
    assert place(show(alice, b)) == (job, a)


def test_bulk_change_of_list_takes_subtasks_along(alice: User) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 4)
    answer = alice.send_json("PATCH", f"{alice.tasks_url}?id={chain[0]}", {"list_id": home})
    assert answer.json["updated"] == 1
    assert [place(show(alice, each)) for each in chain] == [
        (home, None),
        *((home, each) for each in chain[:3]),
    ]
    assert undo(alice, answer).json["undone"] == 4
    assert ids(alice, "list=inbox") == chain


def test_bulk_change_of_list_keeps_deeper_matches_below_their_parent(alice: User) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 3)
    assert change_all(alice, f"id={chain[0]},{chain[2]}", list_id=home) == 2
    assert [show(alice, each)["parent_id"] for each in chain] == [None, *chain[:2]]


def test_bulk_change_of_parent_moves_matching_tasks_below_it(alice: User) -> None:
    home = add_list(alice)
    parent = add(alice, list_id=home)
    a, b, c = add_chain(alice, 3)
    assert change_all(alice, f"id={a},{b}", parent_id=parent) == 2
    assert [place(show(alice, each)) for each in (a, b, c)] == [
        (home, parent),
        (home, parent),
        (home, b),
    ]
    assert change_all(alice, f"parent={parent}", parent_id=None) == 2
    assert ids(alice, f"list={home}&parent=none") == [parent, a, b]


def test_bulk_change_refuses_parent_among_its_matches(alice: User) -> None:
    chain = add_chain(alice, 2)
    answer = alice.send_json("PATCH", alice.all_tasks_url, {"parent_id": chain[0]})
    assert faults(answer) == {"parent_id": "parent"}
    assert [show(alice, each)["parent_id"] for each in chain] == [None, chain[0]]


def test_bulk_change_is_all_or_nothing_at_depth(alice: User) -> None:
    chain, two = add_chain(alice, 4), add_chain(alice, 2)
    one = add(alice)
    url = f"{alice.tasks_url}?id={one},{two[0]}"
    assert faults(alice.send_json("PATCH", url, {"parent_id": chain[3]})) == {"parent_id": "depth"}
    assert show(alice, one)["parent_id"] is None
    assert change_all(alice, f"id={one},{two[1]}", parent_id=chain[3]) == 2


def test_bulk_change_completes_subtasks_along(alice: User) -> None:
    chain = add_chain(alice, 3)
    other = add(alice)
    assert change_all(alice, f"id={chain[0]}", completed=True) == 1
    assert show(alice, chain[1])["completed"] is False
    assert change_all(alice, f"id={chain[0]}", completed=True, subtasks=True) == 1
    assert all(show(alice, each)["completed"] for each in chain)
    assert show(alice, other)["completed"] is False


def test_bulk_deletion_takes_subtasks_along(alice: User) -> None:
    chain = add_chain(alice, 3)
    other = add(alice)
    url = f"{alice.tasks_url}?id={chain[0]},{chain[1]}"
    dry = alice.delete(f"{url}&dry_run=true").json
    answer = alice.delete(url)
    assert answer.json["deleted"] == dry["deleted"] == 3
    assert ids(alice) == [other]
    assert undo(alice, answer).json["undone"] == 3
    assert sorted(ids(alice)) == [*chain, other]


def test_dry_run_of_bulk_move_refuses_and_counts_alike(alice: User) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 2)
    url = f"{alice.tasks_url}?id={chain[0]}&dry_run=true"
    answer = alice.send_json("PATCH", url, {"list_id": home})
    assert answer.json == {"username": "alice", "updated": 1, "dry_run": True}
    assert ids(alice, f"list={home}") == []
    assert faults(alice.send_json("PATCH", url, {"list_id": 99999})) == {"list_id": "unknown"}


def lower_limit(patch: Patch, limit: int) -> None:
    for module in (writes, placement, service):
        patch.setattr(module, "MAX_TASKS", limit)


OPERATIONS = [
    ("PATCH", "/tasks/{id}", {"list_id": 0}),
    ("PATCH", "/tasks/{id}", {"completed": True, "subtasks": True}),
    ("POST", "/tasks/{id}/move", {"list_id": 0}),
    ("DELETE", "/tasks/{id}", {}),
    ("PATCH", "/tasks?id={id}", {"list_id": 0}),
    ("PATCH", "/tasks?id={id}", {"completed": True, "subtasks": True}),
    ("DELETE", "/tasks?id={id}", {}),
    ("DELETE", "/tasks?id={id}&dry_run=true", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_change_of_too_large_subtree_is_refused_with_count(
    alice: User, monkeypatch: Patch, method: str, path: str, body: dict[str, Any]
) -> None:
    home = add_list(alice)
    top = add(alice)
    for _ in range(5):
        add(alice, parent_id=top)
    before = outline.tasks(alice)
    body = {name: value or home for name, value in body.items()}
    url = alice.url + path.format(id=top)
    for limit in (2, 5):
        lower_limit(monkeypatch, limit)
        answer = alice.send_json(method, url, body)
        assert (answer.status_int, answer.json["code"]) == (409, "too_many")
        assert answer.json["count"] == 6
        assert outline.tasks(alice) == before
    lower_limit(monkeypatch, 6)
    assert alice.send_json(method, url, body).status_int == 200


@pytest.mark.parametrize("path", ["/trash/{id}/restore", "/trash/restore?id={id}"])
def test_restoring_too_large_subtree_is_refused_with_count(
    alice: User, monkeypatch: Patch, path: str
) -> None:
    chain = add_chain(alice, 4)
    outline.delete(alice, chain[0])
    url = alice.url + path.format(id=chain[0])
    for limit in (1, 3):
        lower_limit(monkeypatch, limit)
        answer = alice.send_json("POST", url, {})
        assert (answer.status_int, answer.json["code"]) == (409, "too_many")
        assert answer.json["count"] == 4
    lower_limit(monkeypatch, 4)
    assert alice.send_json("POST", url, {}).status_int == 200
    assert ids(alice) == chain


def test_texts_of_subtasks_count_towards_limit(alice: User, monkeypatch: Patch) -> None:
    """Deleting a parent takes the words of its subtasks out of the index, too."""
    top, below = add_chain(alice, 2)
    change(alice, below, note="two bottles of milk")
    monkeypatch.setattr(placement, "MAX_INDEXED_CHARACTERS", 30)
    answers = [
        alice.delete(f"{alice.tasks_url}/{top}"),
        alice.delete(f"{alice.tasks_url}?id={top}"),
    ]
    for answer in answers:
        assert (answer.status_int, answer.json["code"]) == (409, "too_many")
        assert answer.json["count"] == 2
    assert ids(alice) == [top, below]
