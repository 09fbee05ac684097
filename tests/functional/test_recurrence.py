"""Recurrence rules of tasks, the preview of their dates, and their bad input."""

from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import User, faults
from tests.support.factories import make_account
from tests.support.outline import add, change, delete, feed, restore, show, tasks, undo

WEEKLY = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
DUE = "2030-02-05"  # a Tuesday


def preview(user: User, **fields: Any) -> TestResponse:
    return user.send_json("POST", f"{user.url}/recurrence/preview", fields)


def dates(user: User, **fields: Any) -> list[str]:
    answer = preview(user, **fields)
    assert answer.status_int == 200, answer
    found: list[str] = answer.json["dates"]
    return found


def test_new_task_does_not_recur(alice: User) -> None:
    task = show(alice, add(alice))
    assert (task["recurrence"], task["recurrence_from"], task["occurrence_of"]) == (
        None,
        "due",
        None,
    )


@pytest.mark.parametrize("as_form", [True, False])
def test_recurrence_is_set_kept_and_cleared(alice: User, as_form: bool) -> None:
    send = alice.put if as_form else alice.put_json
    url = f"{alice.tasks_url}/{add(alice, due_date=DUE)}"
    rule = {"recurrence": "byday=tu;interval=2;freq=weekly", "recurrence_from": "completion"}
    shown = send(url, rule).json["task"]
    assert (shown["recurrence"], shown["recurrence_from"]) == (WEEKLY, "completion")
    shown = send(url, {"name": "Tea"}).json["task"]
    assert (shown["recurrence"], shown["recurrence_from"]) == (WEEKLY, "completion")
    shown = send(url, {"recurrence": "" if as_form else None}).json["task"]
    assert (shown["recurrence"], shown["recurrence_from"]) == (None, "completion")


def test_recurring_task_is_sent_back_as_it_was_shown(alice: User) -> None:
    task_id = add(alice, due_date=DUE, recurrence=WEEKLY)
    answer = alice.get(f"{alice.tasks_url}/{task_id}")
    again = alice.send_json("PUT", f"{alice.tasks_url}/{task_id}", answer.json)
    assert again.json["task"] == answer.json["task"]
    assert "Link" not in again.headers


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"recurrence": "FREQ=SECONDLY"}, {"recurrence": "recurrence"}),
        ({"recurrence": "FREQ=HOURLY"}, {"recurrence": "recurrence"}),
        ({"recurrence": "FREQ=DAILY;INTERVAL=0"}, {"recurrence": "recurrence"}),
        (
            {"recurrence": "FREQ=DAILY;COUNT=2;UNTIL=20300101"},
            {"recurrence": "recurrence"},
        ),
        ({"recurrence": "BYMONTHDAY=31;BYMONTH=2"}, {"recurrence": "recurrence"}),
        (
            {"recurrence": "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2"},
            {"recurrence": "recurrence"},
        ),
        ({"recurrence": "DTSTART:20300101\nRRULE:FREQ=DAILY"}, {"recurrence": "recurrence"}),
        ({"recurrence": "FREQ=DAILY\0"}, {"recurrence": "nul"}),
        ({"recurrence": "\ud800"}, {"recurrence": "bad_unicode"}),
        ({"recurrence": "FREQ=DAILY;" * 50}, {"recurrence": "recurrence"}),
        ({"recurrence": 7}, {"recurrence": "type"}),
        ({"recurrence": ["FREQ=DAILY"]}, {"recurrence": "type"}),
        ({"recurrence_from": "today"}, {"recurrence_from": "choice"}),
        ({"recurrence_from": None}, {"recurrence_from": "choice"}),
    ],
)
def test_bad_recurrence_is_refused(
    alice: User, fields: dict[str, Any], code: dict[str, str]
) -> None:
    task_id = add(alice, due_date=DUE)
    url = f"{alice.tasks_url}/{task_id}"
    before = show(alice, task_id)
    new = {"name": "Tea", "due_date": DUE, **fields}
    assert faults(alice.send_json("POST", alice.tasks_url, new)) == code
    assert faults(alice.send_json("PATCH", url, fields)) == code
    assert faults(alice.send_json("PUT", f"{url}", fields)) == code
    assert faults(alice.send_json("PATCH", f"{alice.tasks_url}?id={task_id}", fields)) == code
    if all(isinstance(value, str) for value in fields.values()) and "\ud800" not in fields.values():
        assert faults(alice.post(alice.tasks_url, new)) == code
        assert faults(alice.put(url, fields)) == code
    assert tasks(alice) == [before]


def test_unknown_number_of_several_new_tasks_is_named(alice: User) -> None:
    several = [{"name": "Tea"}, {"name": "Milk", "recurrence": "FREQ=DAILY"}]
    answer = alice.send_json("POST", alice.tasks_url, {"tasks": several})
    [fault] = answer.json["errors"]
    assert (fault["field"], fault["pointer"]) == ("tasks.1.due_date", "/tasks/1/due_date")


def test_rule_needs_a_due_date(alice: User) -> None:
    undated = {"due_date": "missing"}
    new = {"name": "Tea", "recurrence": WEEKLY}
    assert faults(alice.send_json("POST", alice.tasks_url, new)) == undated
    task_id = add(alice)
    assert faults(change(alice, task_id, recurrence=WEEKLY)) == undated
    change(alice, task_id, recurrence=WEEKLY, due_date=DUE)
    assert faults(change(alice, task_id, due_date=None)) == undated
    bulk = alice.send_json("PATCH", f"{alice.tasks_url}?id={task_id}", {"due_date": None})
    assert faults(bulk) == undated
    assert show(alice, task_id)["due_date"] == DUE
    assert change(alice, task_id, due_date=None, recurrence=None).status_int == 200


def test_undo_that_would_leave_a_rule_without_due_date_is_refused(alice: User) -> None:
    task_id = add(alice)
    dated = change(alice, task_id, due_date=DUE)
    change(alice, task_id, recurrence=WEEKLY)
    refused = undo(alice, dated)
    assert (refused.status_int, refused.json["code"]) == (409, "undo_conflict")
    assert refused.json["conflicts"] == [
        {"kind": "task", "id": task_id, "fields": ["due_date", "recurrence"]}
    ]
    assert show(alice, task_id)["recurrence"] == WEEKLY


def test_undo_and_restore_bring_a_rule_back(alice: User) -> None:
    task_id = add(alice, due_date=DUE, recurrence=WEEKLY, recurrence_from="completion")
    cleared = change(alice, task_id, due_date=None, recurrence=None, recurrence_from="due")
    assert [each["before"] for each in feed(alice, cleared)] == [
        {"due_date": DUE, "recurrence": WEEKLY, "recurrence_from": "completion"}
    ]
    undo(alice, cleared)
    delete(alice, task_id)
    shown = restore(alice, task_id)
    assert (shown["recurrence"], shown["recurrence_from"]) == (WEEKLY, "completion")


def test_preview_lists_the_due_date_and_those_that_follow(alice: User) -> None:
    answer = preview(alice, recurrence="freq=weekly;byday=tu;interval=2", due_date=DUE, count=3)
    assert answer.json == {
        "username": "alice",
        "recurrence": WEEKLY,
        "text": "every second Tuesday",
        "dates": ["2030-02-05", "2030-02-19", "2030-03-05"],
    }


@pytest.mark.parametrize(
    ("rule", "due", "zone", "expected"),
    [
        # 09:00 stays 09:00 when the clocks change.
        (
            "FREQ=WEEKLY",
            "2030-03-24T09:00",
            "Europe/Berlin",
            ["2030-03-24T08:00:00Z", "2030-03-31T07:00:00Z", "2030-04-07T07:00:00Z"],
        ),
        # The clocks skip 02:30 on 31 March: it is 03:30 that day only.
        (
            "FREQ=DAILY",
            "2030-03-30T02:30",
            "Europe/Berlin",
            ["2030-03-30T01:30:00Z", "2030-03-31T01:30:00Z", "2030-04-01T00:30:00Z"],
        ),
        # The clocks repeat 02:30 on 27 October: the earlier one counts.
        (
            "FREQ=DAILY",
            "2030-10-26T02:30",
            "Europe/Berlin",
            ["2030-10-26T00:30:00Z", "2030-10-27T00:30:00Z", "2030-10-28T01:30:00Z"],
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "2030-09-30T23:30",
            "Pacific/Auckland",
            ["2030-09-30T10:30:00Z", "2030-10-31T10:30:00Z", "2030-11-30T10:30:00Z"],
        ),
        (
            "FREQ=DAILY;UNTIL=20300206T090000Z",
            "2030-02-05T09:00:00Z",
            None,
            ["2030-02-05T09:00:00Z", "2030-02-06T09:00:00Z"],
        ),
        (
            "FREQ=DAILY;UNTIL=20300206T085959Z",
            "2030-02-05T09:00:00Z",
            None,
            ["2030-02-05T09:00:00Z"],
        ),
        ("FREQ=DAILY;UNTIL=20300206", "2030-02-05T23:00", "Pacific/Kiritimati", 2),
        # 11:00 UTC is 01:00 on the 7th there.
        ("FREQ=DAILY;UNTIL=20300206T110000Z", "2030-02-05", "Pacific/Kiritimati", 3),
        ("FREQ=DAILY;COUNT=2", "2030-02-05", None, ["2030-02-05", "2030-02-06"]),
        ("FREQ=YEARLY", "2028-02-29", None, ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("FREQ=DAILY", "9999-12-30", None, ["9999-12-30", "9999-12-31"]),
    ],
)
def test_preview_of_dates(
    alice: User, rule: str, due: str, zone: str | None, expected: list[str] | int
) -> None:
    found = dates(alice, recurrence=rule, due_date=due, timezone=zone, count=3)
    assert (len(found) if isinstance(expected, int) else found) == expected


def test_preview_is_in_the_zone_of_the_account(app: Any, db: Session) -> None:
    user = User(app, make_account(db, timezone="America/New_York"))
    found = dates(user, recurrence="FREQ=WEEKLY", due_date="2030-03-05T09:00", count=2)
    assert found == ["2030-03-05T14:00:00Z", "2030-03-12T13:00:00Z"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"recurrence": None}, {"recurrence": "null"}),
        ({"recurrence": "FREQ=SECONDLY"}, {"recurrence": "recurrence"}),
        ({"recurrence": "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2"}, {"recurrence": "recurrence"}),
        ({"due_date": None}, {"due_date": "null"}),
        ({"due_date": ""}, {"due_date": "null"}),
        ({"due_date": "2030-02-30"}, {"due_date": "date"}),
        ({"due_date": "9999-12-31T23:00", "timezone": "Etc/GMT+12"}, {"due_date": "date"}),
        ({"timezone": "Nowhere"}, {"timezone": "timezone"}),
        ({"count": 0}, {"count": "range"}),
        ({"count": 101}, {"count": "range"}),
        ({"count": "3"}, {"count": "type"}),
        ({"text": "daily"}, {"text": "unknown_field"}),
    ],
)
def test_bad_preview_is_refused(alice: User, fields: dict[str, Any], code: dict[str, str]) -> None:
    fields = {"recurrence": WEEKLY, "due_date": DUE} | fields
    assert faults(preview(alice, **fields)) == code


def test_preview_needs_rule_and_date(alice: User) -> None:
    assert faults(preview(alice)) == {"recurrence": "missing", "due_date": "missing"}
