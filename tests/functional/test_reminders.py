"""Reminders of tasks in bodies, and those that have fired: list, dismiss and snooze."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import User, faults, pages
from tests.support.databases import all_rows
from tests.support.factories import make_account, make_reminder, make_task
from tests.support.fixtures import SetClock
from tests.support.outline import add, change, delete, restore, show, undo
from todo import clock
from todo.models.task import TASKS

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"
DAY = timedelta(days=1)
DUE = "2030-02-01T09:00:00Z"
AT = {"at": "2030-02-01T08:00:00Z"}


def before(*durations: str) -> list[dict[str, str]]:
    return [{"before": each} for each in durations]


def remind_at(db: Session, task_id: int) -> datetime | None:
    found: datetime | None = db.scalar(select(TASKS.c.remind_at).where(TASKS.c.id == task_id))
    db.rollback()
    return found


@pytest.fixture
def fired(alice: User, db: Session) -> int:
    """A reminder of an open task that has fired."""
    return make_reminder(db, alice, task_id=make_task(db, alice, name="Milk"))


@pytest.fixture
def url(alice: User, fired: int) -> str:
    return f"{alice.url}/reminders/{fired}"


def due_now(user: User) -> list[int]:
    answer = user.get(f"{user.url}/reminders?due=now")
    assert answer.status_int == 200, answer
    return [each["id"] for each in answer.json["reminders"]]


def later(by: timedelta = DAY) -> str:
    return f"{(clock.now() + by).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_reminders_are_shown_as_they_are_given(alice: User) -> None:
    given = [*before("PT15M", "P1DT2H"), AT]
    task = show(alice, add(alice, due_date=DUE, reminders=given))
    assert task["reminders"] == given
    listed = alice.get(f"{alice.tasks_url}?fields=id,reminders").json["tasks"]
    assert listed == [{"id": task["id"], "reminders": given}]
    assert change(alice, task["id"], name="Tea").json["task"]["reminders"] == given
    assert alice.put_json(f"{alice.tasks_url}/{task['id']}", {"task": task}).status_int == 200
    assert change(alice, task["id"], reminders=[]).json["task"]["reminders"] == []
    assert show(alice, add(alice))["reminders"] == []


def test_form_has_commas_between_reminders(alice: User) -> None:
    form = {"name": "Tea", "due_date": DUE, "reminders": "PT15M, 2030-02-01T09:00:00+01:00"}
    task = alice.post(alice.tasks_url, form).json["task"]
    assert task["reminders"] == [*before("PT15M"), AT]
    cleared = alice.put(f"{alice.tasks_url}/{task['id']}", {"reminders": ""})
    assert cleared.json["task"]["reminders"] == []


@pytest.mark.parametrize(
    "given", ["2030-02-01T09:00", "2030-02-01 09:00:00.5", "01/02/2030 09:00:00"]
)
def test_local_time_is_in_zone_of_task_or_account(app: Any, db: Session, given: str) -> None:
    zoe = User(app, make_account(db, "zoe", timezone=TOKYO))
    reminders = [{"at": given}]
    task = show(zoe, add(zoe, timezone=BERLIN, reminders=reminders))
    assert task["reminders"] == [AT]
    moved = change(zoe, task["id"], timezone=TOKYO).json["task"]
    assert moved["reminders"] == [{"at": "2030-02-01T00:00:00Z"}], "09:00 stays 09:00"
    assert show(zoe, add(zoe, reminders=reminders))["reminders"] == moved["reminders"]
    both = change(zoe, task["id"], timezone=BERLIN, reminders=moved["reminders"]).json["task"]
    assert both["reminders"] == [AT], "as it was shown"
    other = change(zoe, task["id"], timezone=TOKYO, reminders=[{"at": DUE}]).json["task"]
    assert other["reminders"] == [{"at": DUE}]
    cleared = change(zoe, task["id"], timezone=None).json["task"]
    assert cleared["reminders"] == [{"at": DUE}], "the instant stays"


def test_times_that_a_new_zone_makes_equal_are_one(alice: User) -> None:
    twice = [{"at": f"2030-10-27T0{hour}:30:00Z"} for hour in (0, 1)]  # 02:30 in Berlin
    task_id = add(alice, timezone=BERLIN, reminders=twice)
    assert change(alice, task_id, timezone="UTC").json["task"]["reminders"] == [
        {"at": "2030-10-27T02:30:00Z"}
    ]


@pytest.mark.parametrize(
    ("reminders", "field", "code"),
    [
        (None, "reminders", "null"),
        ("PT15M", "reminders", "type"),
        ({}, "reminders", "type"),
        (before(*(f"PT{n}M" for n in range(11))), "reminders", "too_long"),
        (["PT15M"], "reminders.0", "type"),
        ([None], "reminders.0", "null"),
        ([[]], "reminders.0", "type"),
        ([{}], "reminders.0", "reminder"),
        ([AT | {"before": "P1D"}], "reminders.0", "reminder"),
        ([AT, {"after": "P1D"}], "reminders.1.after", "unknown_field"),
        ([{"at": DUE, "x": 1}], "reminders.0.x", "unknown_field"),
        (before("P1Y"), "reminders.0.before", "duration"),
        (before("P1M"), "reminders.0.before", "duration"),
        (before("-PT15M"), "reminders.0.before", "duration"),
        (before("PT15M\0"), "reminders.0.before", "duration"),
        (before("\ud800"), "reminders.0.before", "duration"),
        (before(""), "reminders.0.before", "duration"),
        (before("P367D"), "reminders.0.before", "range"),
        ([{"before": None}], "reminders.0.before", "type"),
        ([{"before": 15}], "reminders.0.before", "type"),
        ([{"before": ["P1D"]}], "reminders.0.before", "type"),
        ([{"at": None}], "reminders.0.at", "date"),
        ([{"at": ""}], "reminders.0.at", "date"),
        ([{"at": "2030-02-01"}], "reminders.0.at", "date"),
        ([{"at": "2030-02-30T09:00"}], "reminders.0.at", "date"),
        ([{"at": "2030-02-01T09:00\0"}], "reminders.0.at", "date"),
        ([{"at": 1700000000}], "reminders.0.at", "type"),
        ([{"at": True}], "reminders.0.at", "type"),
        ([{"at": "0001-01-01T00:00"}], "reminders.0.at", "date"),
        (before("P1D", "P1D"), "reminders", "duplicate"),
        (before("PT60M", "PT1H"), "reminders", "duplicate"),
        ([AT, {"at": "2030-02-01T09:00:00+01:00"}], "reminders", "duplicate"),
    ],
)
def test_bad_reminders_are_refused(
    alice: User, db: Session, reminders: Any, field: str, code: str
) -> None:
    task_id = add(alice, due_date=DUE)
    before_all = all_rows(db)
    changed = {"timezone": TOKYO, "reminders": reminders}
    fields = {"name": "Tea", "due_date": DUE, **changed}
    for method, path, body, prefix in (
        ("POST", alice.tasks_url, fields, ""),
        ("POST", alice.tasks_url, {"tasks": [{"name": "Rice"}, fields]}, "tasks.1."),
        ("PATCH", f"{alice.tasks_url}/{task_id}", changed, ""),
        ("PATCH", alice.all_tasks_url, changed, ""),
    ):
        answer = alice.send_json(method, path, body)
        assert answer.status_int == 400, answer
        assert (f"{prefix}{field}", code) in {
            (each["field"], each["code"]) for each in answer.json["errors"]
        }
    assert all_rows(db) == before_all


def test_form_with_bad_reminders_is_refused(alice: User) -> None:
    for text, found in (
        ("P1Y", {"reminders.0.before": "duration"}),
        ("PT15M,tomorrow", {"reminders.1.at": "date"}),
        ("PT15M,,", {"reminders.1.at": "date", "reminders.2.at": "date"}),
        (",".join(f"PT{n}M" for n in range(11)), {"reminders": "too_long"}),
    ):
        answer = alice.post(alice.tasks_url, {"name": "Tea", "due_date": DUE, "reminders": text})
        assert answer.status_int == 400
        assert {each["field"]: each["code"] for each in answer.json["errors"]} == found


def test_reminder_before_missing_due_date_is_refused(alice: User, db: Session) -> None:
    undated = add(alice, reminders=[AT])
    dated = add(alice, due_date=DUE, reminders=[*before("P1D"), AT])
    before_all = all_rows(db)
    for method, path, body, field in (
        ("POST", alice.tasks_url, {"name": "Tea", "reminders": before("P1D")}, "reminders"),
        (
            "POST",
            alice.tasks_url,
            {"tasks": [{"name": "Tea", "reminders": before("P1D")}]},
            "tasks.0.reminders",
        ),
        ("PATCH", f"{alice.tasks_url}/{undated}", {"reminders": before("P1D")}, "reminders"),
        ("PATCH", f"{alice.tasks_url}/{dated}", {"due_date": None}, "reminders"),
        ("PATCH", alice.all_tasks_url, {"due_date": ""}, "reminders"),
        ("PATCH", alice.all_tasks_url, {"reminders": before("P1D")}, "reminders"),
    ):
        answer = alice.send_json(method, path, body)
        assert answer.status_int == 400, answer
        assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [
            (field, "no_due_date")
        ]
    assert all_rows(db) == before_all
    assert change(alice, dated, due_date=None, reminders=[AT]).status_int == 200
    assert change(alice, undated, due_date=DUE, reminders=before("P1D")).status_int == 200


def test_undo_that_would_leave_a_reminder_without_due_date_is_refused(alice: User) -> None:
    task_id = add(alice)
    dated = change(alice, task_id, due_date=DUE)
    change(alice, task_id, reminders=before("P1D"))
    refused = undo(alice, dated)
    assert (refused.status_int, refused.json["code"]) == (409, "undo_conflict")
    assert refused.json["conflicts"] == [
        {"kind": "task", "id": task_id, "fields": ["due_date", "reminders"]}
    ]
    assert show(alice, task_id)["due_date"] == DUE
    change(alice, task_id, reminders=[AT])
    assert undo(alice, dated).status_int == 200


def test_bulk_change_trash_and_undo_keep_reminders(alice: User, db: Session) -> None:
    ids = [add(alice, due_date=DUE) for _ in range(3)]
    changed = alice.send_json("PATCH", alice.all_tasks_url, {"reminders": before("PT1H")})
    assert changed.json["updated"] == 3
    eight = datetime(2030, 2, 1, 8, tzinfo=UTC)
    assert [remind_at(db, each) for each in ids] == [eight] * 3
    delete(alice, ids[0])
    [trashed] = alice.get(alice.trash_url).json["tasks"]
    assert trashed["reminders"] == before("PT1H")
    assert restore(alice, ids[0])["reminders"] == before("PT1H")
    assert remind_at(db, ids[0]) == eight
    change(alice, ids[1], completed=True)
    assert remind_at(db, ids[1]) is None
    reopened = change(alice, ids[1], completed=False)
    assert remind_at(db, ids[1]) == eight
    undo(alice, reopened)
    assert remind_at(db, ids[1]) is None
    moved = change(alice, ids[2], due_date="2030-02-01T19:00:00Z")
    assert remind_at(db, ids[2]) == eight.replace(hour=18)
    undo(alice, moved)
    assert remind_at(db, ids[2]) == eight
    history = alice.get(f"{alice.tasks_url}/{ids[2]}/history").json["history"]
    assert history[2]["after"] == {"reminders": before("PT1H")}


@pytest.mark.parametrize(
    ("hours", "is_kept"), [(-30, False), (-25, False), (-23, True), (-1, True), (1, True)]
)
def test_time_more_than_a_day_ago_is_not_waited_for(
    alice: User, db: Session, hours: int, is_kept: bool
) -> None:
    at = (clock.now() + timedelta(hours=hours)).replace(microsecond=0)
    task_id = add(alice, reminders=[{"at": at.isoformat()}])
    assert remind_at(db, task_id) == (at if is_kept else None)
    change(alice, task_id, name="Tea")
    assert remind_at(db, task_id) == (at if is_kept else None)


def test_change_of_another_field_leaves_the_time_alone(
    alice: User, db: Session, set_clock: SetClock
) -> None:
    """The service was stopped for days: a new name does not lose what is still to fire."""
    at = (clock.now() + timedelta(hours=1)).replace(microsecond=0)
    task_id = add(alice, reminders=[{"at": at.isoformat()}])
    set_clock(3 * DAY)
    change(alice, task_id, name="Tea", priority=1)
    assert remind_at(db, task_id) == at
    change(alice, task_id, due_date=DUE)
    assert remind_at(db, task_id) is None


def test_fired_reminders_come_newest_first_in_pages(alice: User, bob: User, db: Session) -> None:
    task_id = make_task(db, alice, name="Milk")
    at = datetime(2026, 2, 1, 9, tzinfo=UTC)
    ids = [make_reminder(db, alice, task_id=task_id, at=at + n * DAY) for n in range(5)]
    make_reminder(db, bob, task_id=make_task(db, bob))
    gone = make_reminder(db, alice, task_id=2**40, late=True)
    found = pages(alice, f"{alice.url}/reminders?limit=2", "reminders")
    assert [[each["id"] for each in page] for page in found] == [
        [gone, ids[4]],
        [ids[3], ids[2]],
        [ids[1], ids[0]],
    ]
    assert found[0][0]["name"] is None
    assert found[0][0]["late"] is True
    oldest = found[2][1]
    assert oldest == {
        "id": ids[0],
        "task_id": task_id,
        "at": "2026-02-01T09:00:00Z",
        "fired_date": oldest["fired_date"],
        "late": False,
        "snoozed_until": None,
        "dismissed_date": None,
        "name": "Milk",
    }
    answer = alice.get(f"{alice.url}/reminders")
    assert "ETag" not in answer.headers, "what is due depends on the time"
    assert answer.json["revision"] == alice.get(alice.tasks_url).json["revision"]
    assert due_now(alice) == ids[::-1]


@pytest.mark.parametrize("query", ["due=never", "due=", "limit=0", "limit=201", "after=x", "x=1"])
def test_bad_page_parameters_are_refused(alice: User, query: str) -> None:
    answer = alice.get(f"{alice.url}/reminders?{query}")
    assert answer.status_int == 400
    assert faults(answer).keys() == {query.partition("=")[0]}


def test_reminder_of_changed_task_is_not_due(alice: User, db: Session) -> None:
    def reminded(due: date | datetime | None) -> int:
        task_id = make_task(db, alice, due_date=due)
        row = db.execute(select(TASKS.c.due_at, TASKS.c.due_all_day).where(TASKS.c.id == task_id))
        make_reminder(db, alice, task_id=task_id, **row.one()._mapping)
        return task_id

    day, instant = date(2030, 2, 1), datetime(2030, 2, 1, tzinfo=UTC)
    for due in (None, day, instant):
        for fields in (
            {"completed": True},
            {"due_date": "2030-02-01T00:00:00Z" if due == day else "2030-02-01"},
            {"due_date": "2031-02-01"},
            {"due_date": None},
        ):
            if fields.get("due_date", 0) == due:
                continue
            task_id = reminded(due)
            [shown] = due_now(alice)
            changed = change(alice, task_id, **fields)
            assert due_now(alice) == []
            undo(alice, changed)
            assert due_now(alice) == [shown]
            delete(alice, task_id)
            assert due_now(alice) == []
            restore(alice, task_id)
            assert due_now(alice) == [shown]
            delete(alice, task_id)


def test_dismissed_reminder_is_not_due(alice: User, url: str, fired: int) -> None:
    assert due_now(alice) == [fired]
    first = alice.post(f"{url}/dismiss").json
    assert first["username"] == "alice"
    assert first["reminder"]["dismissed_date"] is not None
    assert due_now(alice) == []
    revision = alice.get(alice.tasks_url).json["revision"]
    assert alice.post(f"{url}/dismiss").json == first
    assert alice.get(alice.tasks_url).json["revision"] == revision, "no further change"
    [kept] = alice.get(f"{alice.url}/reminders").json["reminders"]
    assert kept == first["reminder"]


def test_snoozed_reminder_is_due_later(alice: User, url: str, fired: int, db: Session) -> None:
    until = later()
    snoozed = alice.post_json(f"{url}/snooze", {"until": until}).json["reminder"]
    assert snoozed["snoozed_until"] == until
    assert due_now(alice) == []
    revision = alice.get(alice.tasks_url).json["revision"]
    assert alice.post_json(f"{url}/snooze", {"until": until}).json["reminder"] == snoozed
    assert alice.get(alice.tasks_url).json["revision"] == revision
    dismissed = alice.post(f"{url}/dismiss").json["reminder"]
    assert (dismissed["snoozed_until"], due_now(alice)) == (None, [])
    again = alice.post(f"{url}/snooze", {"until": later(2 * DAY)}).json["reminder"]
    assert again["dismissed_date"] is None
    assert again["snoozed_until"] is not None


def test_snooze_ends_at_its_time(alice: User, url: str, fired: int, set_clock: SetClock) -> None:
    alice.post_json(f"{url}/snooze", {"until": later()})
    set_clock(DAY - timedelta(seconds=60))
    assert due_now(alice) == []
    set_clock(DAY + timedelta(seconds=1))
    assert due_now(alice) == [fired]


def test_local_time_of_snooze_is_in_zone_of_account(app: Any, db: Session) -> None:
    zoe = User(app, make_account(db, "zoe", timezone=TOKYO))
    path = f"{zoe.url}/reminders/{make_reminder(db, zoe)}/snooze"
    tomorrow = (clock.now() + 2 * DAY).date()
    answer = zoe.post_json(path, {"until": f"{tomorrow}T09:00"}).json["reminder"]
    assert answer["snoozed_until"] == f"{tomorrow}T00:00:00Z"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing"),
        ({"until": None}, "expires"),
        ({"until": ""}, "expires"),
        ({"until": "2020-01-01T09:00:00Z"}, "expires"),
        ({"until": "9999-01-01"}, "expires"),
        ({"until": "tomorrow"}, "date"),
        ({"until": "\0"}, "date"),
        ({"until": 5}, "type"),
        ({"until": ["2030-01-01"]}, "type"),
    ],
)
def test_bad_snooze_is_refused(
    alice: User, db: Session, url: str, body: dict[str, Any], code: str
) -> None:
    before_all = all_rows(db)
    answer = alice.post_json(f"{url}/snooze", body)
    assert answer.status_int == 400
    assert faults(answer) == {"until": code}
    assert alice.post_json(f"{url}/snooze", {"until": later(), "x": 1}).status_int == 400
    assert alice.post_json(f"{url}/snooze", {"until": later(367 * DAY)}).status_int == 400
    assert all_rows(db) == before_all


def test_reminder_of_another_account_is_not_found(alice: User, bob: User, fired: int) -> None:
    for reminder in (fired, 2**62, "01", "x"):
        for action, body in (("dismiss", {}), ("snooze", {"until": later()})):
            path = f"{bob.url}/reminders/{reminder}/{action}"
            assert bob.send_json("POST", path, body).status_int == 404
    assert alice.get(f"{alice.url}/reminders/{fired}").status_int == 404


def test_feed_has_reminders_and_no_undo(alice: User, url: str, fired: int) -> None:
    since = alice.get(alice.tasks_url).json["revision"]
    answer = alice.post(f"{url}/dismiss")
    assert "Link" not in answer.headers
    feed = alice.get(f"{alice.url}/changes?since={since - 1}").json["changes"]
    assert [(each["kind"], each["action"], each["id"]) for each in feed] == [
        ("reminder", "create", fired),
        ("reminder", "update", fired),
    ]
    assert feed[0]["after"].keys() == {
        *("task_id", "at", "due_date", "fired_date", "late", "snoozed_until", "dismissed_date"),
        "creation_date",
    }
    assert feed[1]["after"] == {"dismissed_date": answer.json["reminder"]["dismissed_date"]}
    for revision in (since, since + 1):
        refused = alice.post(f"{alice.url}/changes/{revision}/undo")
        assert (refused.status_int, refused.json["code"]) == (409, "not_undoable")
        assert "reminders that have fired" in refused.json["detail"]
