"""Undo, trash and permanent deletion of tasks that recur and of their completed occurrences."""

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support import journal
from tests.support.client import User
from tests.support.outline import (
    add,
    add_list,
    change,
    delete,
    ids,
    restore,
    show,
    tasks,
    trashed,
    undo,
    unversioned,
)
from tests.support.recurring import TUESDAYS, complete, skip


def conflicts(answer: TestResponse) -> list[int]:
    """Return the ids of the objects that prevent an undo."""
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict")
    return [each["id"] for each in answer.json["conflicts"]]


def check(db: Session) -> None:
    db.expire_all()
    journal.check(db)


@pytest.fixture
def series(carol: User) -> int:
    task_id = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    add(carol, "below", parent_id=task_id)
    return task_id


def test_deleted_occurrence_prevents_the_undo_until_it_is_restored(
    carol: User, series: int, db: Session
) -> None:
    answer = complete(carol, series)
    occurrence = answer.json["occurrence"]["id"]
    delete(carol, occurrence)
    assert occurrence in conflicts(undo(carol, answer))
    assert restore(carol, occurrence)["occurrence_of"] == series
    assert undo(carol, answer).status_int == 200
    assert show(carol, series)["due_date"] == "2030-03-05"
    check(db)


def test_deleted_series_prevents_the_undo_until_it_is_restored(
    carol: User, series: int, db: Session
) -> None:
    answer = complete(carol, series)
    delete(carol, series)
    assert series in conflicts(undo(carol, answer))
    assert show(carol, answer.json["occurrence"]["id"])["occurrence_of"] == series
    assert restore(carol, series)["recurrence"] == TUESDAYS
    again = complete(carol, series, occurrence="2030-03-05")
    assert again.json["occurrence"] == answer.json["occurrence"]
    assert undo(carol, answer).status_int == 200
    check(db)


@pytest.mark.parametrize("of_series", [True, False])
def test_permanent_deletion_leaves_the_other_task(
    carol: User, series: int, db: Session, of_series: bool
) -> None:
    answer = complete(carol, series)
    occurrence = answer.json["occurrence"]["id"]
    gone, kept = (series, occurrence) if of_series else (occurrence, series)
    delete(carol, gone)
    assert carol.delete(f"{carol.trash_url}/{gone}").status_int == 200
    assert gone in conflicts(undo(carol, answer))
    assert kept in ids(carol)
    if not of_series:
        refused = complete(carol, series, occurrence="2030-03-05")
        assert (refused.status_int, refused.json["code"]) == (409, "other_occurrence")
        assert complete(carol, series).json["task"]["due_date"] == "2030-03-19"
    check(db)


def test_later_changes_prevent_the_undo(carol: User, series: int, db: Session) -> None:
    first = complete(carol, series)
    second = complete(carol, series)
    assert conflicts(undo(carol, first)) == [series]
    undo(carol, second)
    occurrence = first.json["occurrence"]["id"]
    renamed = change(carol, occurrence, name="Tea")
    assert conflicts(undo(carol, first)) == [occurrence]
    undo(carol, renamed)
    change(carol, series, name="Tea")  # the completion did not change the name
    assert undo(carol, first).status_int == 200
    assert [show(carol, series)[name] for name in ("name", "due_date")] == ["Tea", "2030-03-05"]
    check(db)


@pytest.mark.parametrize("rule", [TUESDAYS, "FREQ=DAILY;COUNT=1", "FREQ=DAILY;COUNT=3"])
@pytest.mark.parametrize("skipped", [True, False])
def test_undo_of_an_undo_of_an_undo(carol: User, db: Session, rule: str, skipped: bool) -> None:
    task_id = add(carol, due_date="2030-03-05", recurrence=rule)
    add(carol, parent_id=task_id)
    states = [unversioned(tasks(carol))]
    answer = (skip if skipped else complete)(carol, task_id)
    states.append(unversioned(tasks(carol)))
    for number in range(4):
        answer = undo(carol, answer)
        assert unversioned(tasks(carol)) == states[number % 2]
    check(db)


def test_deleted_list_takes_series_and_occurrences_along(carol: User, db: Session) -> None:
    home = add_list(carol)
    series = add(carol, list_id=home, due_date="2030-03-05", recurrence=TUESDAYS)
    archived = {"archived": True}
    carol.send_json("PATCH", f"{carol.url}/lists/{home}", archived)
    completed = complete(carol, series, occurrence="2030-03-05")
    occurrence = completed.json["occurrence"]
    assert occurrence["list_id"] == home
    assert ids(carol) == []
    deleted = carol.delete(f"{carol.url}/lists/{home}")
    assert sorted(trashed(carol)) == [series, occurrence["id"]]
    assert undo(carol, deleted).status_int == 200
    shown = complete(carol, series, occurrence="2030-03-05").json["occurrence"]
    assert unversioned([shown]) == unversioned([occurrence])
    assert undo(carol, completed).status_int == 200
    assert show(carol, series)["due_date"] == "2030-03-05"
    check(db)
