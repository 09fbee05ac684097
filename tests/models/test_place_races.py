"""Concurrent changes of the places of tasks: no request fails, and no task loses its place."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import Client, User
from tests.support.factories import make_list, make_task
from tests.support.running import run_concurrently
from todo.models import List, Task

ROUNDS = 5

Request = tuple[str, str, dict[str, Any]]


def send_all(app: Any, user: User, requests: list[Request]) -> list[tuple[int, Any]]:
    """Send the requests at once, each in its own thread, and return their statuses and answers."""
    clients = [Client(app, user.token) for _ in requests]

    def send(number: int) -> tuple[int, Any]:
        method, path, body = requests[number]
        answer = clients[number].send_json(method, user.url + path, body)
        return answer.status_int, answer.json

    return run_concurrently(send, len(requests))


def check_places(session: Session, account_id: int) -> dict[int, Task]:
    """Check that the list and the parent of every task exist, and return the tasks by id."""
    session.rollback()
    session.expire_all()
    tasks = {task.id: task for task in session.scalars(select(Task))}
    lists = {*session.scalars(select(List.id)), None}
    for task in tasks.values():
        assert task.account_id == account_id
        assert task.list_id in lists
        assert task.parent_id is None or tasks[task.parent_id].list_id == task.list_id
    journal.check(session)
    session.rollback()
    return tasks


def in_order(tasks: Iterable[Task]) -> list[int]:
    return [task.id for task in sorted(tasks, key=lambda task: (task.position, task.id))]


@pytest.mark.parametrize("where", ["first", "before"])
def test_moves_of_different_tasks_all_have_their_way(
    real_app: Any, real_alice: User, committed: Session, where: str
) -> None:
    a, *others = (make_task(committed, real_alice) for _ in range(7))
    place = {"before": a} if where == "before" else {"first": True}
    requests: list[Request] = [("POST", f"/tasks/{each}/move", place) for each in others]
    answers = send_all(real_app, real_alice, requests)
    assert [status for status, _ in answers] == [200] * len(others)
    tasks = check_places(committed, real_alice.id)
    # The last one to move is the nearest to its target.
    moved = sorted(others, key=lambda each: tasks[each].revision)
    expected = [*moved, a] if where == "before" else [*moved[::-1], a]
    assert in_order(tasks.values()) == expected
    assert len({task.position for task in tasks.values()}) == len(tasks)


def test_moves_into_full_place_all_have_their_way(
    real_app: Any, real_alice: User, committed: Session
) -> None:
    long = "1" + "0" * 253
    a, b = (make_task(committed, real_alice, position=f"{long}{digit}") for digit in "12")
    others = [make_task(committed, real_alice) for _ in range(4)]
    requests: list[Request] = [("POST", f"/tasks/{each}/move", {"before": b}) for each in others]
    answers = send_all(real_app, real_alice, requests)
    assert [status for status, _ in answers] == [200] * len(others)
    tasks = check_places(committed, real_alice.id)
    order = in_order(tasks.values())
    assert (order[0], order[-1], sorted(order[1:-1])) == (a, b, others)
    assert len({task.position for task in tasks.values()}) == len(tasks)


def test_move_to_list_and_its_deletion(real_app: Any, real_alice: User, committed: Session) -> None:
    """The task moves first and goes to the trash with the list, or the list is unknown."""
    outcomes = Counter[int]()
    for _ in range(ROUNDS):
        list_id = make_list(committed, real_alice)
        inside = make_task(committed, real_alice, list_id=list_id)
        outside = make_task(committed, real_alice)
        below = make_task(committed, real_alice, parent_id=outside)
        requests: list[Request] = [
            ("DELETE", f"/lists/{list_id}", {}),
            ("POST", f"/tasks/{outside}/move", {"list_id": list_id, "first": True}),
            ("PATCH", f"/tasks/{outside}", {"list_id": list_id}),
            ("POST", "/tasks", {"name": "Tea", "list_id": list_id}),
            ("POST", f"/tasks/{inside}/move", {"list_id": None}),
        ]
        deleted, *others = send_all(real_app, real_alice, requests)
        assert deleted[0] == 200
        for status, answer in others:
            outcomes[status] += 1
            assert status in (200, 201, 400, 404), answer
            if status == 400:
                assert answer["errors"][0] | {"message": ""} == {
                    "field": "list_id",
                    "code": "unknown",
                    "message": "",
                    "pointer": "/list_id",
                }
        tasks = check_places(committed, real_alice.id)
        assert all(task.list_id is None for task in tasks.values())
        assert (outside in tasks) == (below in tasks)
    assert outcomes.total() == 4 * ROUNDS


def test_deletion_of_parent_and_new_subtask(
    real_app: Any, real_alice: User, committed: Session
) -> None:
    """The subtask comes first and goes to the trash with its parent, or the parent is unknown."""
    for _ in range(ROUNDS):
        parent, other = (make_task(committed, real_alice) for _ in range(2))
        requests: list[Request] = [
            ("DELETE", f"/tasks/{parent}", {}),
            ("POST", "/tasks", {"name": "Tea", "parent_id": parent}),
            ("PATCH", f"/tasks/{other}", {"parent_id": parent}),
            ("POST", "/tasks", {"name": "Tea", "parent_id": parent}),
        ]
        deleted, *others = send_all(real_app, real_alice, requests)
        assert deleted[0] == 200
        for status, answer in others:
            assert status in (200, 201, 400), answer
            assert status != 400 or answer["errors"][0]["field"] == "parent_id"
        tasks = check_places(committed, real_alice.id)
        assert all(task.parent_id is None for task in tasks.values())
        created = {answer["task"]["id"] for status, answer in others if status == 201}
        assert tasks.keys().isdisjoint({parent, *created})


def test_undo_of_deleted_list_and_moves(
    real_app: Any, real_alice: User, committed: Session
) -> None:
    for _ in range(ROUNDS):
        list_id = make_list(committed, real_alice)
        make_task(committed, real_alice, list_id=list_id)
        other = make_task(committed, real_alice)
        deleted = real_alice.delete(f"{real_alice.url}/lists/{list_id}").json["revision"]
        requests: list[Request] = [
            ("POST", f"/changes/{deleted}/undo", {}),
            ("POST", f"/changes/{deleted}/undo", {}),
            ("POST", f"/tasks/{other}/move", {"list_id": list_id}),
        ]
        *undone, moved = send_all(real_app, real_alice, requests)
        assert sorted(status for status, _ in undone) == [200, 409]
        assert moved[0] in (200, 400), moved[1]
        check_places(committed, real_alice.id)


def test_opposite_moves_make_no_cycle(real_app: Any, real_alice: User, committed: Session) -> None:
    for _ in range(ROUNDS):
        a, b, c = (make_task(committed, real_alice) for _ in range(3))
        requests: list[Request] = [
            ("POST", f"/tasks/{task_id}/move", {"parent_id": parent})
            for task_id, parent in ((a, b), (b, c), (c, a))
        ]
        answers = send_all(real_app, real_alice, requests)
        assert sorted(status for status, _ in answers) == [200, 200, 400]
        tasks = check_places(committed, real_alice.id)
        assert [tasks[each].parent_id for each in (a, b, c)].count(None) == 1
