"""Tasks that recur around changes of the clocks, in far zones and at the ends of the calendar."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.outline import add, change, delete, restore, show, tasks, undo
from tests.support.recurring import TUESDAYS, At, complete, due_dates, skip
from todo.models import Task

EARLY, LATE = "Etc/GMT+12", "Pacific/Kiritimati"  # 12 hours behind UTC, and 14 ahead


def test_skipped_time_is_that_of_its_day_only(carol: User, at: At) -> None:
    """The clocks skip 02:30 on 31 March: the task is due at 03:30 that day, and then as before."""
    task_id = add(carol, due_date="2030-03-29T02:30", recurrence="FREQ=DAILY")
    found = [complete(carol, task_id).json["task"]["due_date"] for _ in range(4)]
    assert found == [
        "2030-03-30T01:30:00Z",
        "2030-03-31T01:30:00Z",
        "2030-04-01T00:30:00Z",
        "2030-04-02T00:30:00Z",
    ]


def test_new_time_on_a_day_with_a_skipped_one_counts(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-30T02:30", recurrence="FREQ=DAILY")
    complete(carol, task_id)
    change(carol, task_id, due_date="2030-03-31T04:00")
    assert complete(carol, task_id).json["task"]["due_date"] == "2030-04-01T02:00:00Z"


@pytest.mark.parametrize("is_deleted", [True, False])
def test_undo_on_a_day_with_a_skipped_time_keeps_the_time(carol: User, is_deleted: bool) -> None:
    task_id = add(carol, due_date="2030-03-30T02:30", recurrence="FREQ=DAILY")
    complete(carol, task_id)
    undo(carol, complete(carol, task_id))
    if is_deleted:
        delete(carol, task_id)
        restore(carol, task_id)
    assert show(carol, task_id)["due_date"] == "2030-03-31T01:30:00Z"
    assert complete(carol, task_id).json["task"]["due_date"] == "2030-04-01T00:30:00Z"


def test_new_time_that_a_skipped_one_would_be_counts(carol: User) -> None:
    task_id = add(carol, due_date="2030-03-28T02:30", recurrence="FREQ=DAILY")
    complete(carol, task_id)
    change(carol, task_id, due_date="2030-03-31T03:30")
    assert complete(carol, task_id).json["task"]["due_date"] == "2030-04-01T01:30:00Z"


@pytest.mark.parametrize(("start", "due"), [("02:15", "02:30"), ("02:50", "03:10")])
@pytest.mark.parametrize("is_subtask", [True, False])
def test_skipped_time_does_not_start_after_the_due_date(
    carol: User, start: str, due: str, is_subtask: bool
) -> None:
    day = "2030-03-30"
    dated = {"start_date": f"{day}T{start}", "due_date": f"{day}T{due}"}
    if is_subtask:
        task_id = add(carol, due_date=day, recurrence="FREQ=DAILY")
        shown = add(carol, parent_id=task_id, **dated)
    else:
        shown = task_id = add(carol, recurrence="FREQ=DAILY", **dated)
    for _ in range(3):
        complete(carol, task_id)
        task = show(carol, shown)
        assert task["start_date"] <= task["due_date"]


@pytest.mark.parametrize("zone", [EARLY, LATE])
def test_occurrence_is_read_in_the_zone_that_the_task_had(app: Any, db: Session, zone: str) -> None:
    user = User(app, make_account(db))
    task_id = add(user, due_date="2130-03-05T09:00", timezone=zone, recurrence="FREQ=DAILY")
    answer = complete(user, task_id, occurrence="2130-03-05T09:00", timezone="Europe/Berlin")
    assert due_dates(answer) == ("2130-03-05T08:00:00Z", "2130-03-06T08:00:00Z")


@pytest.mark.parametrize(
    ("zone", "occurrence"),
    [
        (EARLY, "9999-12-31T23:59:59"),
        ("Asia/Tokyo", "0001-01-01T00:00"),
        ("Asia/Tokyo", "01/01/0001 00:00:00"),
    ],
)
def test_occurrence_that_is_in_no_year_is_refused(
    app: Any, db: Session, zone: str, occurrence: str
) -> None:
    user = User(app, make_account(db, timezone=zone))
    several = [
        add(user),
        add(user, due_date="2030-03-05", recurrence=TUESDAYS),
        add(user, due_date="2030-03-05T09:00", recurrence=TUESDAYS),
    ]
    before = tasks(user)
    for task_id in several:
        assert faults(complete(user, task_id, occurrence=occurrence)) == {"occurrence": "date"}
        assert faults(skip(user, task_id, occurrence=occurrence)) == {"occurrence": "date"}
        body = {"completed": True, "occurrence": occurrence}
        bulk = user.send_json("PATCH", f"{user.tasks_url}?id={task_id}", body)
        assert faults(bulk) == {"occurrence": "date"}
    assert tasks(user) == before


@pytest.mark.parametrize(
    ("zone", "due"), [(EARLY, "0001-01-01T00:00:00Z"), (LATE, "9999-12-29T12:00:00Z")]
)
@pytest.mark.parametrize("recurrence_from", ["due", "completion"])
def test_dates_at_the_ends_of_the_calendar_recur(
    app: Any, db: Session, zone: str, due: str, recurrence_from: str
) -> None:
    user = User(app, make_account(db, timezone=zone))
    for rule in ("FREQ=DAILY", "FREQ=DAILY;UNTIL=99991231T235959Z"):
        fields = {"due_date": due, "recurrence": rule, "recurrence_from": recurrence_from}
        task_id = add(user, **fields)
        for catch_up in (True, False, True):
            assert complete(user, task_id, catch_up=catch_up).status_int == 200


@pytest.mark.parametrize(
    ("zone", "due", "until", "count"),
    [
        (LATE, "9999-12-30", "99991231T235959Z", 2),
        (EARLY, "0001-01-01", "00010101T000000Z", 1),
        (LATE, "9998-12-31T23:00:00Z", "99991231T235959Z", 100),
    ],
)
def test_instant_that_is_in_no_local_year_ends_a_rule(
    app: Any, db: Session, zone: str, due: str, until: str, count: int
) -> None:
    user = User(app, make_account(db, timezone=zone))
    body = {"recurrence": f"FREQ=DAILY;UNTIL={until}", "due_date": due, "count": 100}
    previewed = user.send_json("POST", f"{user.url}/recurrence/preview", body)
    assert len(previewed.json["dates"]) == count


def test_due_date_in_no_local_year_does_not_recur(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone=LATE))
    new = {"name": "Tea", "due_date": "9999-12-31T23:00:00Z", "recurrence": "FREQ=DAILY"}
    assert faults(user.send_json("POST", user.tasks_url, new)) == {"recurrence": "recurrence"}
    preview = {"recurrence": new["recurrence"], "due_date": new["due_date"]}
    answer = user.send_json("POST", f"{user.url}/recurrence/preview", preview)
    assert faults(answer) == {"recurrence": "recurrence"}
    task_id = add(user, due_date="9999-12-30T23:00:00Z", timezone="UTC", recurrence="FREQ=DAILY")
    assert faults(change(user, task_id, timezone=LATE, due_date=new["due_date"])) == {
        "recurrence": "recurrence"
    }


def test_due_date_that_was_stored_with_a_fraction_is_named_without(
    carol: User, db: Session
) -> None:
    task_id = add(carol, due_date="2030-03-05T09:00", recurrence=TUESDAYS)
    fraction = update(Task).where(Task.id == task_id).values(due_at=Task.due_at)
    stored = db.get_one(Task, task_id).due_at
    assert stored is not None
    db.execute(
        fraction.values(due_at=stored.replace(microsecond=5)),
        execution_options={"recorded": True},
    )
    for _ in range(2):
        answer = complete(carol, task_id, occurrence=show(carol, task_id)["due_date"])
    for _ in range(2):
        answer = complete(carol, task_id, occurrence="2030-03-05T08:00:00Z")
        assert answer.json["occurrence"]["due_date"] == "2030-03-05T08:00:00Z"


def test_rule_that_yields_nothing_from_the_day_of_completing_goes_on(carol: User, at: At) -> None:
    rule = "FREQ=DAILY;INTERVAL=7;COUNT=9;BYDAY=TU"
    task_id = add(carol, due_date="2030-02-19", recurrence=rule, recurrence_from="completion")
    at("2030-03-06T12:00:00Z")  # a Wednesday
    task = complete(carol, task_id).json["task"]
    assert (task["due_date"], task["completed"]) == ("2030-03-12", False)
    assert task["recurrence"] == rule.replace("9", "6")
