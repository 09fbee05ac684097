"""Moves of tasks and lists among their siblings, to another list, and below a parent."""

import random
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support import outline
from tests.support.client import User, faults
from tests.support.factories import make_list, make_task
from tests.support.outline import (
    add,
    add_chain,
    add_list,
    delete,
    feed,
    ids,
    list_ids,
    move,
    move_list,
    place,
    show,
    undo,
    unversioned,
)

UNKNOWN = 999_999


@pytest.fixture
def abc(alice: User) -> list[int]:
    return [add(alice, name) for name in "abc"]


@pytest.mark.parametrize(
    ("moved", "where", "other", "expected"),
    [
        (2, "first", None, [2, 0, 1]),
        (0, "last", None, [1, 2, 0]),
        (0, "after", 1, [1, 0, 2]),
        (0, "after", 2, [1, 2, 0]),
        (2, "before", 1, [0, 2, 1]),
        (2, "before", 0, [2, 0, 1]),
        (0, "first", None, [0, 1, 2]),
        (2, "last", None, [0, 1, 2]),
        (1, "after", 0, [0, 1, 2]),
        (1, "before", 2, [0, 1, 2]),
    ],
)
def test_task_and_list_move_among_their_siblings(
    alice: User, abc: list[int], moved: int, where: str, other: int | None, expected: list[int]
) -> None:
    lists = [add_list(alice) for _ in range(3)]
    for objects, send, order in ((abc, move, inbox), (lists, move_list, list_ids)):
        answer = send(alice, objects[moved], **{where: other is None or objects[other]})
        assert answer.status_int == 200, answer
        assert order(alice) == [objects[each] for each in expected]
        kind = "task" if objects is abc else "list"
        assert answer.headers["ETag"] == f'"{answer.json[kind]["revision"]}"'
        [change] = feed(alice, answer)
        assert (change["kind"], change["id"]) == (kind, objects[moved])
        assert (change["before"].keys(), change["after"].keys()) == ({"position"}, {"position"})
        assert undo(alice, answer).status_int == 200
        assert order(alice) == objects


def inbox(user: User) -> list[int]:
    return ids(user, "list=inbox&parent=none")


def test_random_moves_lead_to_the_order_of_a_model(alice: User) -> None:
    chance = random.Random(20)
    model = [add(alice, str(number)) for number in range(5)]
    for _ in range(30):
        task_id, other = chance.sample(model, 2)
        where = chance.choice(["before", "after", "first", "last"])
        model.remove(task_id)
        index = model.index(other)
        index = {"before": index, "after": index + 1, "first": 0, "last": len(model)}[where]
        model.insert(index, task_id)
        neighbour = other if where in ("before", "after") else True
        assert move(alice, task_id, **{where: neighbour}).status_int == 200
        assert inbox(alice) == model


def test_form_moves_task(alice: User, abc: list[int]) -> None:
    url = f"{alice.tasks_url}/{abc[2]}/move"
    assert alice.send_form("POST", url, f"before={abc[1]}").status_int == 200
    assert (
        alice.send_form("POST", f"{alice.tasks_url}/{abc[1]}/move", "first=yes").status_int == 200
    )
    assert inbox(alice) == [abc[1], abc[0], abc[2]]


def test_only_siblings_are_neighbours(alice: User) -> None:
    top, below = add_chain(alice, 2)
    other, third = add(alice), add(alice)
    move(alice, third, after=top)
    assert inbox(alice) == [top, third, other]
    assert place(move(alice, other, parent_id=top, before=below).json["task"]) == (None, top)
    assert ids(alice, f"parent={top}") == [other, below]


def test_task_moves_into_another_list_at_a_place(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    a, b = (add(alice, list_id=job) for _ in range(2))
    chain = add_chain(alice, 3, list_id=home)
    answer = move(alice, chain[0], list_id=job, before=b)
    assert place(answer.json["task"]) == (job, None)
    assert ids(alice, f"list={job}&parent=none") == [a, chain[0], b]
    changes = feed(alice, answer)
    assert [each["id"] for each in changes] == chain
    assert changes[0]["after"].keys() == {"list_id", "position"}
    for each in changes[1:]:
        assert (each["before"], each["after"]) == ({"list_id": home}, {"list_id": job})
    assert [place(show(alice, each)) for each in chain[1:]] == [(job, chain[0]), (job, chain[1])]
    assert undo(alice, answer).json["undone"] == 3
    assert ids(alice, f"list={home}") == chain
    assert place(move(alice, chain[0], list_id=job).json["task"]) == (job, None)
    assert ids(alice, f"list={job}&parent=none") == [a, b, chain[0]], "without a place, it is last"
    assert move(alice, chain[0], list_id=None, first=True).json["task"]["list_id"] is None


def test_task_moves_below_a_parent_at_a_place(alice: User) -> None:
    home = add_list(alice)
    parent = add(alice, list_id=home)
    a, b = (add(alice, parent_id=parent) for _ in range(2))
    c = add(alice)
    assert place(move(alice, c, parent_id=parent, after=a).json["task"]) == (home, parent)
    assert ids(alice, f"parent={parent}") == [a, c, b]
    assert place(move(alice, a, parent_id=None, after=parent).json["task"]) == (home, None)
    assert ids(alice, f"list={home}&parent=none") == [parent, a]
    assert place(move(alice, b, parent_id=None, list_id=None).json["task"]) == (None, None)


def test_subtask_moves_to_top_of_its_list(alice: User) -> None:
    home = add_list(alice)
    top, below = add_chain(alice, 2, list_id=home)
    assert place(move(alice, below, list_id=home, first=True).json["task"]) == (home, None)
    assert ids(alice, f"list={home}&parent=none") == [below, top]


def test_move_refuses_neighbour_elsewhere(alice: User, bob: User) -> None:
    home = add_list(alice)
    task_id, top = add(alice), add(alice)
    listed, below, trashed = add(alice, list_id=home), add(alice, parent_id=top), add(alice)
    delete(alice, trashed)
    before = outline.tasks(alice)
    for where in ("before", "after"):
        for other in (listed, below, trashed, task_id, add(bob), UNKNOWN):
            assert faults(move(alice, task_id, **{where: other})) == {where: "place"}
        assert faults(move(alice, task_id, list_id=home, **{where: top})) == {where: "place"}
        assert faults(move(alice, task_id, parent_id=top, **{where: listed})) == {where: "place"}
        for list_id in (home, add_list(bob), UNKNOWN):
            assert faults(move_list(alice, home, **{where: list_id})) == {where: "place"}
    assert outline.tasks(alice) == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "place"),
        ({"first": True, "last": True}, "place"),
        ({"before": 1, "after": 1}, "place"),
        ({"before": 1, "first": True}, "place"),
    ],
)
def test_move_needs_one_place(alice: User, body: dict[str, Any], expected: str) -> None:
    for answer in (move(alice, add(alice), **body), move_list(alice, add_list(alice), **body)):
        assert [*faults(answer).values()] == [expected]


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_move_refuses_end_that_is_not_true(alice: User, name: str, value: Any) -> None:
    for answer in (
        move(alice, add(alice), **{name: value}),
        move_list(alice, add_list(alice), **{name: value}),
    ):
        assert faults(answer).keys() == {name}


@pytest.mark.parametrize("name", ["before", "after"])
@pytest.mark.parametrize("value", [None, 0, -1, "x", 2**63, True, []])
def test_move_refuses_wrong_neighbour(alice: User, name: str, value: Any) -> None:
    for answer in (
        move(alice, add(alice), **{name: value}),
        move_list(alice, add_list(alice), **{name: value}),
    ):
        assert faults(answer).keys() == {name}


def test_list_does_not_move_into_a_list(alice: User) -> None:
    url = f"{alice.url}/lists/{add_list(alice)}/move"
    answer = alice.send_json("POST", url, {"list_id": 1, "first": True})
    assert faults(answer) == {"list_id": "unknown_field"}


def test_move_to_refused_place_changes_nothing(alice: User) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 5)
    one = add(alice, list_id=home)
    before = outline.tasks(alice)
    assert faults(move(alice, one, parent_id=chain[4], first=True)) == {"parent_id": "depth"}
    assert faults(move(alice, chain[1], parent_id=chain[3])) == {"parent_id": "parent"}
    assert faults(move(alice, chain[1], parent_id=one, list_id=UNKNOWN)) == {"list_id": "parent"}
    assert outline.tasks(alice) == before


def test_stale_and_repeated_moves(alice: User, abc: list[int]) -> None:
    url = f"{alice.tasks_url}/{abc[2]}"
    stale = alice.get(url).headers["ETag"]
    key = {"Idempotency-Key": "one", "If-Match": stale}
    moved = alice.send_json("POST", f"{url}/move", {"first": True}, key)
    again = alice.send_json("POST", f"{url}/move", {"first": True}, key)
    assert (again.json, again.headers["Idempotency-Replayed"]) == (moved.json, "true")
    refused = alice.send_json("POST", f"{url}/move", {"last": True}, {"If-Match": stale})
    assert (refused.status_int, refused.json["changed"]) == (412, ["position"])
    assert refused.json["task"] == show(alice, abc[2])
    assert inbox(alice) == [abc[2], *abc[:2]]


LONG = "1" + "0" * 253


@pytest.mark.parametrize("kind", ["task", "list"])
def test_full_place_is_respread(alice: User, db: Session, kind: str) -> None:
    functions: dict[str, tuple[Any, Any, Any]] = {
        "task": (make_task, inbox, move),
        "list": (make_list, list_ids, move_list),
    }
    make, order, send = functions[kind]
    a, b = (make(db, alice, position=f"{LONG}{digit}") for digit in "12")
    c, d = make(db, alice), make(db, alice)
    assert order(alice) == [a, b, c, d]
    answer = send(alice, d, before=b)
    assert order(alice) == [a, d, b, c]
    assert {each["id"] for each in feed(alice, answer)} >= {a, b, d}
    assert {each["kind"] for each in feed(alice, answer)} == {kind}
    assert send(alice, c, after=a).status_int == 200
    assert order(alice) == [a, c, d, b]
    assert len(feed(alice, send(alice, b, first=True))) == 1, "there is room again"
    last = make(db, alice)
    assert order(alice) == [b, a, c, d, last]


def test_undo_of_respread_brings_old_order_back(alice: User, db: Session) -> None:
    a, b = (make_task(db, alice, position=f"{LONG}{digit}") for digit in "12")
    c = make_task(db, alice)
    before = outline.tasks(alice)
    answer = move(alice, c, before=b)
    assert undo(alice, answer).json["undone"] == 3
    assert unversioned(outline.tasks(alice)) == unversioned(before)
    assert inbox(alice) == [a, b, c]


def test_first_place_is_respread_when_full(alice: User, db: Session) -> None:
    a = make_task(db, alice, position="0" * 254 + "1")
    b, c = make_task(db, alice), make_task(db, alice)
    assert move(alice, c, first=True).status_int == 200
    assert move(alice, b, before=c).status_int == 200
    assert inbox(alice) == [b, c, a]


@pytest.mark.parametrize("where", ["before", "after"])
def test_task_moves_between_equal_positions(alice: User, db: Session, where: str) -> None:
    """An undo may restore a position that another task has got since."""
    a = make_task(db, alice, position="101")
    b, c, d = (make_task(db, alice, position="102") for _ in range(3))
    e = make_task(db, alice)
    assert inbox(alice) == [a, b, c, d, e]
    neighbour = {"before": c, "after": b}[where]
    assert move(alice, e, **{where: neighbour}).status_int == 200
    assert inbox(alice) == [a, b, e, c, d]
    positions = [task["position"] for task in outline.tasks(alice, "list=inbox")]
    assert positions == sorted(set(positions))


def test_undo_restores_position_that_another_task_has_got(alice: User, db: Session) -> None:
    a, c = make_task(db, alice, position="1a"), make_task(db, alice, position="1z")
    b, d = make_task(db, alice), make_task(db, alice)
    assert move(alice, b, after=a).status_int == 200
    moved = move(alice, b, last=True)
    assert move(alice, d, after=a).status_int == 200
    assert undo(alice, moved).status_int == 200
    assert show(alice, b)["position"] == show(alice, d)["position"]
    assert inbox(alice) == [a, b, d, c]
    assert move(alice, c, after=b).status_int == 200
    assert inbox(alice) == [a, b, c, d]


def test_move_to_another_list_with_old_parent_is_refused(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    top, below = add_chain(alice, 2, list_id=home)
    answer = move(alice, below, list_id=job, parent_id=top)
    assert faults(answer) == {"list_id": "parent"}
    assert place(show(alice, below)) == (home, top)
