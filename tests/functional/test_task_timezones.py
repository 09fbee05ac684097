"""Time zones of tasks: the local time is kept, and the instant derives from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.fixtures import Patch
from tests.support.outline import add, change, delete, feed, ids, restore, show, tasks, undo
from todo import clock
from todo.models.task import TASKS

BERLIN, NEW_YORK, TOKYO, UTC_ZONE = "Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"
NINE, SIX = "2030-02-01T09:00", "2030-02-01T18:00"
NINE_IN = {
    BERLIN: "2030-02-01T08:00:00Z",
    NEW_YORK: "2030-02-01T14:00:00Z",
    TOKYO: "2030-02-01T00:00:00Z",
    UTC_ZONE: "2030-02-01T09:00:00Z",
}
LATE_EVENING = "2030-02-02T04:59:59Z"  # in New York
FIELDS = ("start_date", "due_date")
# Local times in Berlin when the clocks change.
SKIPPED, REPEATED = "2030-03-31T02:30", "2030-10-27T02:30"
FIRST, SECOND = "2030-10-27T00:30:00Z", "2030-10-27T01:30:00Z"


@pytest.fixture
def zoe(app: Any, db: Session) -> User:
    return User(app, make_account(db, "zoe", timezone=TOKYO))


def local_times(db: Session, task_id: int) -> list[str | None]:
    query = select(TASKS.c.start_local, TASKS.c.due_local).where(TASKS.c.id == task_id)
    stored = db.execute(query).one()
    db.rollback()
    return [local and local.isoformat(timespec="minutes") for local in stored]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("as_form", [False, True])
def test_local_time_is_in_zone_of_body_or_task_or_account(
    zoe: User, field: str, as_form: bool
) -> None:
    post, put = (zoe.post, zoe.put) if as_form else (zoe.post_json, zoe.put_json)
    empty = "" if as_form else None
    for given in (NINE, "01/02/2030 09:00:00", "2030-02-01 09:00:00.5"):
        posted = post(zoe.tasks_url, {"name": "Tea", field: given, "timezone": BERLIN})
        assert posted.json["task"][field] == NINE_IN[BERLIN]
        assert posted.json["task"]["timezone"] == BERLIN
        url = posted.location
        assert put(url, {field: given}).json["task"][field] == NINE_IN[BERLIN]
        both = {field: given, "timezone": NEW_YORK}
        assert put(url, both).json["task"][field] == NINE_IN[NEW_YORK]
        task = put(url, {field: given, "timezone": empty}).json["task"]
        assert (task[field], task["timezone"]) == (NINE_IN[TOKYO], None)
        assert put(url, {field: given}).json["task"][field] == NINE_IN[TOKYO]
        for offset in ("Z", "+01:00"):
            instant = put(url, {field: f"2030-02-01T09:00:00{offset}", "timezone": NEW_YORK})
            assert instant.json["task"][field] == NINE_IN[UTC_ZONE if offset == "Z" else BERLIN]


def test_new_zone_alone_keeps_local_times(zoe: User) -> None:
    task_id = add(zoe, start_date=NINE, due_date=NINE)
    for zone in (BERLIN, NEW_YORK, UTC_ZONE, TOKYO):
        task = change(zoe, task_id, timezone=zone).json["task"]
        assert [task[field] for field in FIELDS] == [NINE_IN[zone]] * 2
    task = change(zoe, task_id, timezone=NEW_YORK, name="Tea").json["task"]
    assert task["due_date"] == NINE_IN[NEW_YORK]
    task = change(zoe, task_id, timezone=None).json["task"]
    assert [task[field] for field in FIELDS] == [NINE_IN[NEW_YORK]] * 2, "the instant stays"
    task = change(zoe, task_id, timezone=TOKYO).json["task"]
    assert task["due_date"] == NINE_IN[NEW_YORK], "the local time in the account's zone"


def test_new_zone_keeps_local_time_of_date_that_is_not_mentioned(zoe: User) -> None:
    task_id = add(zoe, start_date=NINE, due_date="2030-02-02T09:00", timezone=BERLIN)
    task = change(zoe, task_id, timezone=NEW_YORK, due_date="2030-02-03").json["task"]
    assert [task[field] for field in FIELDS] == [NINE_IN[NEW_YORK], "2030-02-03"]
    task = change(zoe, task_id, timezone=BERLIN, due_date=None).json["task"]
    assert [task[field] for field in FIELDS] == [NINE_IN[BERLIN], None]


def test_zone_of_account_does_not_change_times_of_tasks(zoe: User) -> None:
    task_ids = [add(zoe, due_date=NINE, timezone=zone) for zone in (BERLIN, None)]
    zoe.send_json("PATCH", zoe.url, {"timezone": NEW_YORK})
    expected = [NINE_IN[BERLIN], NINE_IN[TOKYO]]
    assert [show(zoe, task_id)["due_date"] for task_id in task_ids] == expected


def test_day_has_no_zone(zoe: User, db: Session) -> None:
    task_id = add(zoe, start_date="2030-02-01", due_date="2030-02-01", timezone=BERLIN)
    for zone in (NEW_YORK, None, "Pacific/Kiritimati"):
        task = change(zoe, task_id, timezone=zone).json["task"]
        assert [task[field] for field in FIELDS] == ["2030-02-01"] * 2
        assert local_times(db, task_id) == [None, None]


def test_local_times_are_stored(zoe: User, db: Session) -> None:
    task_id = add(zoe, start_date=NINE, due_date=NINE)
    assert local_times(db, task_id) == [None, None]
    for zone in (BERLIN, NEW_YORK, TOKYO):
        change(zoe, task_id, timezone=zone)
        assert local_times(db, task_id) == [NINE, NINE]
    change(zoe, task_id, due_date=NINE_IN[UTC_ZONE])
    assert local_times(db, task_id) == [NINE, SIX]
    change(zoe, task_id, start_date="2030-02-01")
    assert local_times(db, task_id) == [None, SIX]
    answer = change(zoe, task_id, timezone=None)
    assert local_times(db, task_id) == [None, None]
    undo(zoe, answer)
    assert local_times(db, task_id) == [None, SIX]
    delete(zoe, task_id)
    restore(zoe, task_id)
    assert local_times(db, task_id) == [None, SIX]


@pytest.mark.unjournalled
def test_other_changes_keep_local_time_when_rules_have_changed(zoe: User, db: Session) -> None:
    """The hourly job corrects the instant; until then, the local time is all that is right."""
    task_id = add(zoe, due_date=NINE, timezone=BERLIN)
    behind = update(TASKS).where(TASKS.c.id == task_id)
    db.execute(
        behind.values(due_at=datetime(2030, 2, 1, 7, tzinfo=UTC)).execution_options(recorded=True)
    )
    db.commit()
    change(zoe, task_id, name="Tea", completed=True)
    zoe.send_json("PATCH", zoe.all_tasks_url, {"name": "Milk", "start_date": "2030-02-01"})
    assert local_times(db, task_id) == [None, NINE]


def test_skipped_time_is_later_and_repeated_time_is_first(zoe: User, db: Session) -> None:
    task_id = add(zoe, start_date=SKIPPED, due_date=REPEATED, timezone=BERLIN)
    task = show(zoe, task_id)
    assert [task[field] for field in FIELDS] == ["2030-03-31T01:30:00Z", FIRST]
    assert local_times(db, task_id) == ["2030-03-31T03:30", REPEATED]
    task = change(zoe, task_id, timezone=NEW_YORK).json["task"]
    assert [task[field] for field in FIELDS] == ["2030-03-31T07:30:00Z", "2030-10-27T06:30:00Z"]
    change(zoe, task_id, start_date=SKIPPED)
    task = change(zoe, task_id, timezone=BERLIN).json["task"]
    assert [task[field] for field in FIELDS] == ["2030-03-31T01:30:00Z", FIRST]


def test_second_occurrence_of_repeated_time_is_kept(zoe: User) -> None:
    task_id = add(zoe, start_date=FIRST, due_date=SECOND, timezone=BERLIN)
    url = f"{zoe.tasks_url}/{task_id}"
    answer = zoe.get(url).json
    assert answer["task"]["due_date"] == SECOND
    assert zoe.put_json(url, answer).json == answer
    for fields in ({"name": "Tea"}, {"timezone": BERLIN}, {"timezone": "Europe/Paris"}):
        task = change(zoe, task_id, **fields).json["task"]
        assert [task[field] for field in FIELDS] == [FIRST, SECOND], fields
    zoe.send_json("PATCH", zoe.url, {"timezone": BERLIN})
    for zone in (None, BERLIN):
        task = change(zoe, task_id, timezone=zone).json["task"]
        assert [task[field] for field in FIELDS] == [FIRST, SECOND], "it is the account's zone"
    assert change(zoe, task_id, due_date=REPEATED).json["task"]["due_date"] == FIRST


def test_nine_stays_nine_when_clocks_change(zoe: User) -> None:
    dues = {"2030-03-30T09:00": "08", "2030-03-31T09:00": "07", "2030-10-27T09:00": "08"}
    for due, hour in dues.items():
        task = show(zoe, add(zoe, due_date=due, timezone=BERLIN))
        assert task["due_date"] == f"{due[:10]}T{hour}:00:00Z"


@pytest.mark.parametrize("zone", [BERLIN, None])
def test_whole_answer_with_zone_can_be_sent_back(zoe: User, zone: str | None) -> None:
    for start, due in ((NINE, "2030-02-02"), ("2030-02-01", NINE), (SKIPPED, REPEATED)):
        url = f"{zoe.tasks_url}/{add(zoe, start_date=start, due_date=due, timezone=zone)}"
        answer = zoe.get(url).json
        assert zoe.put_json(url, answer).json == answer
        assert zoe.put_json(url, answer["task"]).json == answer


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "Berlin", "europe/berlin", "localtime", "Factory", "../UTC", "CEST", "+01:00"),
        *("Europe/Berlin ", "x" * 10_000, 1, True, [], {}, ["UTC"]),
    ],
)
def test_wrong_zone_is_refused(zoe: User, value: Any) -> None:
    task_id = add(zoe, due_date=NINE)
    before = show(zoe, task_id)
    for answer in (
        zoe.post_json(zoe.tasks_url, {"name": "Tea", "timezone": value, "due_date": NINE}),
        change(zoe, task_id, timezone=value),
        zoe.send_json("PATCH", zoe.all_tasks_url, {"timezone": value}),
    ):
        assert faults(answer) == {"timezone": "timezone" if isinstance(value, str) else "type"}
    bulk = zoe.post_json(zoe.tasks_url, {"tasks": [{"name": "Tea", "timezone": value}]})
    assert faults(bulk).keys() == {"tasks.0.timezone"}
    assert tasks(zoe) == [before]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("local", "zone"), [("0001-01-01T08:59", TOKYO), ("9999-12-31T19:00", NEW_YORK)]
)
def test_local_time_outside_years_1_to_9999_is_refused(
    alice: User, field: str, local: str, zone: str
) -> None:
    task_id = add(alice, timezone=zone)
    fields = {field: local, "timezone": zone}
    for answer in (
        alice.post_json(alice.tasks_url, {"name": "Tea", **fields}),
        alice.post(alice.tasks_url, {"name": "Tea", **fields}),
        change(alice, task_id, **{field: local}),
        change(alice, task_id, **fields),
        alice.send_json("PATCH", alice.all_tasks_url, fields),
    ):
        assert faults(answer) == {field: "date"}
    several = [{"name": "Tea", field: local}, {"name": "Tea", **fields}]
    answer = alice.post_json(alice.tasks_url, {"tasks": several})
    assert faults(answer) == {f"tasks.1.{field}": "date"}
    assert answer.json["errors"][0]["pointer"] == f"/tasks/1/{field}"
    assert ids(alice) == [task_id]


@pytest.mark.parametrize("as_form", [False, True])
def test_local_time_needs_to_fit_zone_of_task_only(zoe: User, as_form: bool) -> None:
    fields = {"name": "Tea", "due_date": "0001-01-01T00:00", "timezone": NEW_YORK}
    answer = (zoe.post if as_form else zoe.post_json)(zoe.tasks_url, fields)
    assert answer.status_int == 201, answer
    assert answer.json["task"]["due_date"] == "0001-01-01T04:56:02Z", "local mean time"


@pytest.mark.parametrize(
    ("instant", "old", "new"),
    [
        ("0001-01-01T00:00:00Z", UTC_ZONE, TOKYO),
        ("9999-12-31T23:59:59Z", UTC_ZONE, NEW_YORK),
        # The local time in the old zone is not in these years.
        ("0001-01-01T00:00:00Z", NEW_YORK, TOKYO),
        ("9999-12-31T23:59:59Z", TOKYO, BERLIN),
    ],
)
@pytest.mark.parametrize("of_account", [False, True])
def test_new_zone_that_moves_time_out_of_years_1_to_9999_is_refused(
    zoe: User, instant: str, old: str, new: str, of_account: bool
) -> None:
    if of_account:
        zoe.send_json("PATCH", zoe.url, {"timezone": old})
    task_id = add(zoe, due_date=instant, timezone=None if of_account else old)
    before = show(zoe, task_id)
    assert before["due_date"] == instant
    assert faults(change(zoe, task_id, timezone=new)) == {"due_date": "date"}
    bulk = zoe.send_json("PATCH", zoe.all_tasks_url, {"timezone": new})
    assert faults(bulk) == {"due_date": "date"}
    assert show(zoe, task_id) == before
    assert change(zoe, task_id, timezone=new, due_date=None).status_int == 200


def test_zone_edited_in_a_whole_answer_keeps_local_times(zoe: User) -> None:
    task_id = add(zoe, start_date="2030-02-01T08:00", due_date="2030-02-01T09:00", timezone=BERLIN)
    sent = show(zoe, task_id) | {"timezone": TOKYO}
    assert zoe.put_json(f"{zoe.tasks_url}/{task_id}", sent).status_int == 200
    task = show(zoe, task_id)
    dates = (task["start_date"], task["due_date"])
    assert dates == ("2030-01-31T23:00:00Z", "2030-02-01T00:00:00Z")


def test_zone_that_makes_task_start_late_is_refused(zoe: User) -> None:
    """The day begins five hours later in the account's zone, and the instant stays."""
    zoe.send_json("PATCH", zoe.url, {"timezone": "Pacific/Honolulu"})
    start, due, fields = "2030-02-02", "2030-02-02T05:00:00Z", {"timezone": None}
    task_id = add(zoe, start_date=start, due_date=due, timezone=NEW_YORK)
    before = show(zoe, task_id)
    assert faults(change(zoe, task_id, **fields)) == {"start_date": "late_start"}
    bulk = zoe.send_json("PATCH", zoe.all_tasks_url, fields)
    assert faults(bulk) == {"start_date": "late_start"}
    assert show(zoe, task_id) == before


def test_bulk_change_applies_to_each_task_in_its_zone(zoe: User) -> None:
    zones = (BERLIN, NEW_YORK, None)
    task_ids = [add(zoe, timezone=zone) for zone in zones]

    def dues() -> list[str]:
        return [show(zoe, task_id)["due_date"] for task_id in task_ids]

    first = zoe.send_json("PATCH", zoe.all_tasks_url, {"due_date": NINE})
    assert first.json["updated"] == 3
    assert dues() == [NINE_IN[zone or TOKYO] for zone in zones]
    second = zoe.send_json("PATCH", zoe.all_tasks_url, {"timezone": UTC_ZONE})
    assert dues() == [NINE_IN[UTC_ZONE]] * 3
    assert undo(zoe, second).status_int == 200
    assert dues() == [NINE_IN[zone or TOKYO] for zone in zones]
    assert [show(zoe, task_id)["timezone"] for task_id in task_ids] == list(zones)
    third = zoe.send_json("PATCH", zoe.all_tasks_url, {"timezone": None})
    assert dues() == [NINE_IN[zone or TOKYO] for zone in zones]
    assert [change["id"] for change in feed(zoe, third)] == task_ids[:2]
    fields = {"due_date": NINE, "timezone": BERLIN}
    assert zoe.send_json("PATCH", zoe.all_tasks_url, fields).json["updated"] == 3
    assert dues() == [NINE_IN[BERLIN]] * 3
    again = zoe.send_json("PATCH", zoe.all_tasks_url, fields)
    assert "Link" not in again.headers, "nothing has changed"


def test_change_of_zone_is_recorded_and_undone(zoe: User) -> None:
    task_id = add(zoe, start_date="2030-02-01", due_date=NINE, timezone=BERLIN)
    answer = change(zoe, task_id, timezone=NEW_YORK)
    [only] = feed(zoe, answer)
    assert only["before"] == {"timezone": BERLIN, "due_date": NINE_IN[BERLIN]}
    assert only["after"] == {"timezone": NEW_YORK, "due_date": NINE_IN[NEW_YORK]}
    history = zoe.get(f"{zoe.tasks_url}/{task_id}/history").json["history"]
    assert sorted(each["after"]["timezone"] for each in history) == [NEW_YORK, BERLIN]
    assert undo(zoe, answer).status_int == 200
    task = show(zoe, task_id)
    assert (task["timezone"], task["due_date"]) == (BERLIN, NINE_IN[BERLIN])


def test_zone_survives_trash(zoe: User) -> None:
    task_id = add(zoe, due_date=NINE, timezone=BERLIN)
    delete(zoe, task_id)
    for task in (
        zoe.get(zoe.trash_url).json["tasks"][0],
        restore(zoe, task_id),
        change(zoe, task_id, due_date=NINE).json["task"],
    ):
        assert (task["timezone"], task["due_date"]) == (BERLIN, NINE_IN[BERLIN])


def test_task_with_zone_is_overdue_from_its_instant(
    app: Any, db: Session, monkeypatch: Patch
) -> None:
    """The instant is 23:00 of the same day in the account's zone, and 9:00 in the task's."""
    at = datetime(2030, 2, 1, 14, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    zoe = User(app, make_account(db, timezone=TOKYO))
    task_id = add(zoe, due_date=NINE, timezone=NEW_YORK)
    day_id = add(zoe, due_date="2030-02-01", timezone=NEW_YORK)
    for now, overdue, today in (
        (at - timedelta(seconds=1), [], [day_id, task_id]),
        (at + timedelta(seconds=1), [task_id], [day_id, task_id]),
        # Midnight in the account's zone: the day has ended, whatever the zone of its task.
        (at + timedelta(hours=1), [day_id, task_id], []),
    ):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        assert ids(zoe, "due=overdue") == overdue
        assert ids(zoe, "due=today") == today
        counts = zoe.get(f"{zoe.url}/counts").json
        assert (counts["overdue"], counts["due_today"]) == (len(overdue), len(today))
