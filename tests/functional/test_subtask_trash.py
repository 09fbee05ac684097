"""Deleted subtasks: with or before their parent, restored, and brought back by an undo."""

from typing import Any

import pytest

from tests.support import outline
from tests.support.client import User
from tests.support.outline import (
    add,
    add_chain,
    add_list,
    change,
    delete,
    feed,
    ids,
    place,
    restore,
    show,
    trashed,
    undo,
    unversioned,
)


def test_deleting_parent_takes_its_subtasks_along(alice: User) -> None:
    chain = add_chain(alice, 4)
    other = add(alice)
    answer = delete(alice, chain[1])
    assert ids(alice) == [chain[0], other]
    assert sorted(trashed(alice)) == chain[1:]
    assert [each["action"] for each in feed(alice, answer)] == ["delete"] * 3
    assert show(alice, chain[0])["subtasks"] == {"total": 0, "open": 0}


@pytest.mark.parametrize("how", ["undo", "restore", "bulk restore"])
def test_deleted_parent_comes_back_with_its_subtasks(alice: User, how: str) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 3, list_id=home)
    first = add(alice, "first", parent_id=chain[0], completed=True)
    outline.move(alice, first, before=chain[1])
    before = outline.tasks(alice, f"list={home}")
    deleted = delete(alice, chain[0])
    if how == "undo":
        answer = undo(alice, deleted)
        assert answer.json["undone"] == 4
    elif how == "restore":
        assert restore(alice, chain[0])["subtasks"] == {"total": 2, "open": 1}
    else:
        answer = alice.send_json("POST", f"{alice.trash_url}/restore?id={chain[0]}", {})
        assert answer.json["restored"] == 4
    assert unversioned(outline.tasks(alice, f"list={home}")) == unversioned(before)
    assert trashed(alice) == []


@pytest.mark.parametrize("how", ["undo", "restore"])
def test_subtask_deleted_earlier_stays_in_trash(alice: User, how: str) -> None:
    chain = add_chain(alice, 3)
    kept = add(alice, parent_id=chain[0])
    delete(alice, chain[1])
    deleted = delete(alice, chain[0])
    if how == "undo":
        undo(alice, deleted)
    else:
        assert restore(alice, chain[0])["subtasks"] == {"total": 1, "open": 1}
    assert (ids(alice), sorted(trashed(alice))) == ([chain[0], kept], chain[1:])
    assert place(restore(alice, chain[1])) == (None, chain[0])
    assert [show(alice, each)["parent_id"] for each in chain] == [None, *chain[:2]]


def test_subtask_restored_without_its_parent_has_none(alice: User) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 3, list_id=home)
    delete(alice, chain[0])
    assert place(restore(alice, chain[1])) == (home, None)
    assert place(show(alice, chain[2])) == (home, chain[1])
    assert restore(alice, chain[0])["subtasks"] == {"total": 0, "open": 0}
    assert place(show(alice, chain[1])) == (home, None)


def test_restored_subtask_follows_its_parent_to_another_list(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    chain = add_chain(alice, 3, list_id=home)
    delete(alice, chain[1])
    change(alice, chain[0], list_id=job)
    assert place(restore(alice, chain[1])) == (job, chain[0])
    assert place(show(alice, chain[2])) == (job, chain[1])


def test_restored_subtask_does_not_exceed_depth(alice: User) -> None:
    chain, deep = add_chain(alice, 3), add_chain(alice, 3)
    delete(alice, chain[1])
    change(alice, chain[0], parent_id=deep[2])
    assert place(restore(alice, chain[1])) == (None, None), "two levels below the fourth are six"
    assert place(show(alice, chain[2])) == (None, chain[1])


def test_subtasks_deleted_by_two_requests_are_restored_together(alice: User) -> None:
    chain = add_chain(alice, 4)
    delete(alice, chain[2])
    delete(alice, chain[0])
    answer = alice.send_json("POST", f"{alice.trash_url}/restore?parent=none", {})
    assert (answer.json["restored"], ids(alice)) == (2, chain[:2])
    delete(alice, chain[0])
    answer = alice.send_json("POST", f"{alice.trash_url}/restore?due=none", {})
    assert answer.json["restored"] == 4
    assert [show(alice, each)["parent_id"] for each in chain] == [None, *chain[:3]]


def test_undo_of_restore_returns_all_to_trash(alice: User) -> None:
    chain = add_chain(alice, 3)
    delete(alice, chain[0])
    answer = alice.send_json("POST", f"{alice.trash_url}/{chain[0]}/restore", {})
    assert undo(alice, answer).json["undone"] == 3
    assert (ids(alice), sorted(trashed(alice))) == ([], chain)
    restore(alice, chain[0])
    assert ids(alice) == chain


def conflicts(answer: Any) -> list[int]:
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict"), answer
    return [each["id"] for each in answer.json["conflicts"]]


def test_undo_leaves_no_task_without_its_parent(alice: User) -> None:
    posted = alice.post_json(alice.tasks_url, {"name": "Milk"})
    child = add(alice, parent_id=posted.json["task"]["id"])
    assert conflicts(undo(alice, posted)) == [child]
    deleted = delete(alice, child)
    delete(alice, posted.json["task"]["id"])
    assert conflicts(undo(alice, deleted)) == [child]
    assert (ids(alice), len(trashed(alice))) == ([], 2)


def test_undo_leaves_no_subtask_in_another_list(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    parent = add(alice, list_id=home)
    moved = change(alice, parent, list_id=job)
    child = add(alice, parent_id=parent)
    assert conflicts(undo(alice, moved)) == [child]
    alice.delete(f"{alice.url}/lists/{home}")
    delete(alice, child)
    assert conflicts(undo(alice, moved)) == [parent]
    assert place(show(alice, parent)) == (job, None)


def test_undo_makes_no_cycle(alice: User) -> None:
    top, below = add_chain(alice, 2)
    out = change(alice, below, parent_id=None)
    change(alice, top, parent_id=below)
    assert conflicts(undo(alice, out))
    assert [show(alice, each)["parent_id"] for each in (top, below)] == [below, None]


def test_undo_does_not_exceed_depth(alice: User) -> None:
    chain, other = add_chain(alice, 3), add_chain(alice, 2)
    change(alice, other[0], parent_id=chain[2])
    out = change(alice, other[0], parent_id=None)
    change(alice, add(alice), parent_id=other[1])
    assert conflicts(undo(alice, out))
    assert show(alice, other[0])["parent_id"] is None


def test_undo_of_new_place_moves_subtasks_back(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    chain = add_chain(alice, 3, list_id=home)
    before = outline.tasks(alice)
    moved = change(alice, chain[0], list_id=job)
    assert [each["id"] for each in feed(alice, moved)] == chain
    assert undo(alice, moved).status_int == 200
    assert unversioned(outline.tasks(alice)) == unversioned(before)


def test_purged_parent_leaves_subtask_that_was_deleted_earlier(alice: User) -> None:
    chain = add_chain(alice, 2)
    delete(alice, chain[1])
    delete(alice, chain[0])
    assert alice.delete(f"{alice.trash_url}/{chain[0]}").status_int == 200
    assert place(restore(alice, chain[1])) == (None, None)
