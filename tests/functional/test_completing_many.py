"""Completing many tasks at once, of which some recur."""

from typing import Any

from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import User
from tests.support.outline import add, add_list, ids, show, tasks, undo, unversioned
from tests.support.recurring import TUESDAYS


def test_completing_many_goes_on_with_each(carol: User) -> None:
    plain = add(carol, due_date="2030-03-05")
    first = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    second = add(carol, due_date="2030-03-06", recurrence="FREQ=DAILY;COUNT=1")
    third = add(carol, due_date="2030-03-06", recurrence="FREQ=DAILY")
    below = add(carol, parent_id=first)
    url = f"{carol.tasks_url}?completed=false"
    before = tasks(carol)
    rehearsed = carol.send_json("PATCH", f"{url}&dry_run=true", {"completed": True})
    assert rehearsed.json == {"username": "carol", "updated": 5, "dry_run": True}
    assert tasks(carol) == before
    answer = carol.send_json("PATCH", url, {"completed": True})
    assert answer.json["updated"] == 5
    shown = {task["id"]: task for task in tasks(carol)}
    assert [shown[each]["completed"] for each in (plain, first, second, third, below)] == [
        *(True, False, True, False),
        False,
    ]
    copies = [task for task in shown.values() if task["occurrence_of"]]
    assert [(each["occurrence_of"], each["due_date"]) for each in copies] == [
        (first, "2030-03-05"),
        (third, "2030-03-06"),
    ]
    assert len(shown) == 8
    undo(carol, answer)
    assert unversioned(tasks(carol)) == unversioned(before)


def test_bulk_completes_the_named_occurrence_of_each(carol: User) -> None:
    first = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    second = add(carol, due_date="2030-03-06", recurrence="FREQ=DAILY")
    fields = {"completed": True, "occurrence": "2030-03-05"}
    for _ in range(2):
        carol.send_json("PATCH", f"{carol.tasks_url}?id={first},{second}", fields)
        assert [show(carol, each)["due_date"] for each in (first, second)] == [
            "2030-03-12",
            "2030-03-06",
        ]
    assert len(ids(carol)) == 3


def bulk(user: User, task_ids: list[int], **fields: Any) -> Any:
    url = f"{user.tasks_url}?id={','.join(map(str, task_ids))}"
    answer = user.send_json("PATCH", url, {"completed": True, **fields})
    assert (answer.status_int, answer.json["updated"]) == (200, len(task_ids))
    return answer


def test_other_changes_are_those_of_the_subtasks_of_an_occurrence_too(carol: User) -> None:
    series = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    below = add(carol, parent_id=series, due_date="2030-03-04")
    bulk(carol, [series, below], priority=3, add_labels=["home"], due_date="2030-03-06")
    names = ("priority", "labels", "due_date", "completed")
    done, copied = [task for task in tasks(carol) if task["id"] not in {series, below}]
    assert copied["parent_id"] == done["id"]
    for task in (done, copied):
        assert [task[name] for name in names] == [3, ["home"], "2030-03-06", True]
    for task in (show(carol, series), show(carol, below)):
        assert [task[name] for name in names] == [3, ["home"], "2030-03-12", False]


def test_subtask_that_leaves_its_series_is_completed_itself(carol: User) -> None:
    elsewhere = add(carol)
    series = add(carol, due_date="2030-03-05", recurrence=TUESDAYS)
    below = add(carol, parent_id=series, due_date="2030-03-04")
    bulk(carol, [series, below], parent_id=elsewhere)
    shown = show(carol, below)
    assert (shown["parent_id"], shown["completed"], shown["due_date"]) == (
        elsewhere,
        True,
        "2030-03-04",
    )
    [done] = tasks(carol, f"occurrence_of={series}")
    assert done["subtasks"] == {"total": 0, "open": 0}


def test_nested_series_go_on_each_with_its_own_subtasks(carol: User, db: Session) -> None:
    home = add_list(carol)
    outer = add(carol, "outer", due_date="2030-03-05", recurrence=TUESDAYS)
    inner = add(carol, "inner", parent_id=outer, due_date="2030-03-02", recurrence="FREQ=DAILY")
    of_inner = add(carol, "of inner", parent_id=inner, due_date="2030-03-02")
    of_outer = add(carol, "of outer", parent_id=outer)
    last = add(
        carol,
        "last",
        parent_id=of_outer,
        due_date="2030-03-02",
        recurrence="FREQ=DAILY;COUNT=1",
    )
    before = unversioned(tasks(carol))
    answer = bulk(carol, [outer, inner, of_inner, of_outer, last], list_id=home)
    after = unversioned(tasks(carol))
    assert [show(carol, each)["due_date"] for each in (outer, inner, of_inner, last)] == [
        "2030-03-12",
        "2030-03-03",
        "2030-03-03",
        "2030-03-02",
    ]
    assert [
        show(carol, each)["completed"] for each in (outer, inner, of_inner, of_outer, last)
    ] == [
        *(False, False, False, False),
        True,
    ]
    copies = {task["name"]: task for task in tasks(carol) if task["id"] > last}
    assert sorted(copies) == ["inner", "of inner", "of outer", "outer"]
    assert {name: copies[name]["parent_id"] for name in copies} == {
        "outer": None,
        "inner": outer,
        "of inner": copies["inner"]["id"],
        "of outer": copies["outer"]["id"],
    }
    assert {task["list_id"] for task in tasks(carol)} == {home}
    journal.check(db)
    undone = undo(carol, answer)
    assert unversioned(tasks(carol)) == before
    redone = undo(carol, undone)
    assert unversioned(tasks(carol)) == after
    undo(carol, redone)
    assert unversioned(tasks(carol)) == before
    db.expire_all()
    journal.check(db)
