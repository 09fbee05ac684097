"""Concurrent changes of labels: no request fails, and no task keeps half of a change."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.models.test_place_races import Request, send_all
from tests.support import journal
from tests.support.client import User
from tests.support.factories import make_task
from tests.support.labels import check_labels

ROUNDS = 5


def check(session: Session) -> dict[int, list[str]]:
    """Check labels and journal, and return the labels by task."""
    found = check_labels(session)
    journal.check(session)
    session.rollback()
    return found


def add_home(task_id: int) -> list[Request]:
    """Return requests that add the label: to this task, to it and others, and to a new one."""
    return [
        ("PATCH", f"/tasks/{task_id}", {"labels": ["x", "Home"]}),
        ("PATCH", "/tasks?label=y", {"add_labels": ["HOME"]}),
        ("POST", "/tasks", {"name": "Tea", "labels": ["home"]}),
    ]


@pytest.mark.parametrize("new", ["job", "house", "HOME"])
def test_rename_and_adding_the_label(
    real_app: Any, real_alice: User, committed: Session, new: str
) -> None:
    """A label that is added before the rename gets the new name; one added later stays."""
    for _ in range(ROUNDS):
        first = make_task(committed, real_alice, labels=["home", "a"])
        second = make_task(committed, real_alice, labels=["job"])
        third = make_task(committed, real_alice, labels=["y"])
        rename: Request = ("PATCH", "/labels/home", {"name": new})
        renamed, *added = send_all(real_app, real_alice, [rename, *add_home(second)])
        assert renamed[0] == 200, renamed
        assert [status for status, _ in added] == [200, 200, 201]
        labels = check(committed)
        fourth = added[2][1]["task"]["id"]
        assert labels[first] == [new, "a"]
        assert {each.casefold() for each in labels[second]} in (
            {"x", new.casefold()},
            {"x", "home"},
        )
        assert labels[third][1].casefold() in (new.casefold(), "home")
        assert labels[fourth][0].casefold() in (new.casefold(), "home")
        for row in (first, second, third, fourth):
            assert real_alice.delete(f"{real_alice.tasks_url}/{row}").status_int == 200
        assert all(each == [] for each in check(committed).values())


def test_deletion_and_adding_the_label(real_app: Any, real_alice: User, committed: Session) -> None:
    for _ in range(ROUNDS):
        first, second = (make_task(committed, real_alice, labels=["home"]) for _ in range(2))
        deletion: Request = ("DELETE", "/labels/home", {})
        deleted, *added = send_all(real_app, real_alice, [deletion, *add_home(second)])
        assert deleted[0] == 200, deleted
        assert [status for status, _ in added] == [200, 200, 201]
        labels = check(committed)
        assert labels[first] == []
        assert [each.casefold() for each in labels[second]] in (["x"], ["x", "home"])
        # Labels added after the deletion have one spelling.
        assert len({name for names in labels.values() for name in names} - {"x"}) <= 1
        real_alice.delete(f"{real_alice.url}/labels/home")


def test_first_spelling_of_concurrent_requests_stays(
    real_app: Any, real_alice: User, committed: Session
) -> None:
    spellings = ("home", "HOME", "Home", "hOME", "homE")
    requests: list[Request] = [
        ("POST", "/tasks", {"name": "Tea", "labels": [each]}) for each in spellings
    ]
    answers = send_all(real_app, real_alice, requests)
    assert [status for status, _ in answers] == [201] * len(spellings)
    assert len({tuple(names) for names in check(committed).values()}) == 1


def test_opposite_renames_merge(real_app: Any, real_alice: User, committed: Session) -> None:
    """The first one merges the labels, and the other one renames the result."""
    for _ in range(ROUNDS):
        tasks = [
            make_task(committed, real_alice, labels=given)
            for given in (["home"], ["job"], ["job", "home"])
        ]
        requests: list[Request] = [
            ("PATCH", "/labels/home", {"name": "job"}),
            ("PATCH", "/labels/job", {"name": "home"}),
        ]
        answers = send_all(real_app, real_alice, requests)
        assert [status for status, _ in answers] == [200, 200]
        labels = check(committed)
        assert [labels[each] for each in tasks] in ([["job"]] * 3, [["home"]] * 3)
        assert real_alice.delete(real_alice.all_tasks_url).status_int == 200


def test_rename_and_its_undo(real_app: Any, real_alice: User, committed: Session) -> None:
    task_id = make_task(committed, real_alice, labels=["home"])
    for _ in range(ROUNDS):
        url = f"{real_alice.url}/labels/home"
        revision = real_alice.send_json("PATCH", url, {"name": "job"}).json["revision"]
        requests: list[Request] = [
            ("POST", f"/changes/{revision}/undo", {}),
            ("PATCH", "/labels/job", {"name": "house"}),
            ("DELETE", f"/tasks/{task_id}", {}),
        ]
        undone, renamed, deleted = send_all(real_app, real_alice, requests)
        assert undone[0] in (200, 409), undone
        assert renamed[0] in (200, 404), renamed
        assert deleted[0] == 200
        assert check(committed) == {}
        real_alice.post_json(f"{real_alice.trash_url}/{task_id}/restore", {})
        changed = real_alice.put_json(f"{real_alice.tasks_url}/{task_id}", {"labels": ["home"]})
        assert check(committed) == {task_id: changed.json["task"]["labels"]} == {task_id: ["home"]}
