"""The job fires each reminder once, in its time, and changes no task."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.scripts.conftest import TodoAdmin
from tests.support import journal
from tests.support.client import User
from tests.support.factories import make_account, make_reminder
from tests.support.fixtures import Patch, SetClock
from tests.support.outline import add, change, delete, restore, show, undo
from tests.support.running import run_concurrently
from todo import clock
from todo.jobs import reminders as job
from todo.jobs.runner import StoppedError
from todo.models import Account
from todo.models.journalled import RECORDED
from todo.models.reminder import REMINDERS
from todo.models.task import TASKS
from todo.models.token import TOKENS

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
Fire = Callable[[], int]


@pytest.fixture
def alice(real_app: Any, committed: Session) -> User:
    return User(real_app, make_account(committed, "alice"))


@pytest.fixture
def fire(real_app: Any) -> Fire:
    """Return a function that runs the job once, and returns the number of fired reminders."""
    registry = real_app.registry

    def run() -> int:
        return job.fire_reminders(registry["engine"], registry["settings"], lambda _: None)

    return run


@pytest.fixture(autouse=True)
def _journal_is_complete(committed: Session) -> Any:
    yield
    committed.rollback()
    journal.check(committed, purged=True)


def whole(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def remind(user: User, *after: timedelta, **fields: Any) -> int:
    """Create a task with reminders after these times from now, and return its id."""
    return add(user, reminders=[{"at": whole(clock.now() + each)} for each in after], **fields)


def listed(user: User, query: str = "?due=now") -> list[dict[str, Any]]:
    answer = user.get(f"{user.url}/reminders{query}")
    assert answer.status_int == 200, answer
    found: list[dict[str, Any]] = answer.json["reminders"]
    return found


def remind_at(session: Session, task_id: int) -> datetime | None:
    session.rollback()
    found: datetime | None = session.scalar(select(TASKS.c.remind_at).where(TASKS.c.id == task_id))
    session.rollback()
    return found


def test_reminder_fires_once_in_its_time(
    alice: User, committed: Session, fire: Fire, set_clock: SetClock
) -> None:
    task_id = remind(alice, HOUR, 2 * HOUR)
    assert fire() == 0
    now = set_clock(HOUR + SECOND)
    assert [fire(), fire()] == [1, 0]
    [fired] = listed(alice)
    assert (fired["task_id"], fired["name"], fired["late"]) == (task_id, "Milk", False)
    assert fired["fired_date"] == whole(now)
    assert fired["at"] in {whole(now - SECOND), whole(now - 2 * SECOND)}
    set_clock(2 * HOUR + SECOND)
    assert [fire(), fire()] == [1, 0]
    assert [each["id"] for each in listed(alice)] == [fired["id"] + 1, fired["id"]]
    assert remind_at(committed, task_id) is None


def test_firing_changes_account_but_no_task(alice: User, fire: Fire, set_clock: SetClock) -> None:
    task_id = remind(alice, HOUR)
    url = f"{alice.tasks_url}/{task_id}"
    before, listed_before = alice.get(url), alice.get(alice.tasks_url)
    set_clock(HOUR + SECOND)
    assert fire() == 1
    assert alice.get(url).json == before.json
    unchanged = {"If-None-Match": before.headers["ETag"]}
    assert alice.get(url, headers=unchanged).status_int == 304
    matching = {"If-Match": before.headers["ETag"]}
    assert alice.send_json("PATCH", url, {"name": "Tea"}, matching).status_int == 200
    revision = listed_before.json["revision"]
    [change, _] = alice.get(f"{alice.url}/changes?since={revision}").json["changes"]
    assert (change["kind"], change["action"], change["token"]) == ("reminder", "create", None)
    assert change["after"]["task_id"] == task_id
    refused = alice.post(f"{alice.url}/changes/{revision + 1}/undo")
    assert (refused.status_int, refused.json["code"]) == (409, "not_undoable")
    assert len(listed(alice)) == 1


def test_outage_of_three_days_is_made_up_for(alice: User, fire: Fire, set_clock: SetClock) -> None:
    remind(alice, HOUR, DAY, 71 * HOUR, 4 * DAY, name="Tea")
    set_clock(3 * DAY)
    assert [fire(), fire()] == [3, 0]
    assert [each["late"] for each in listed(alice)] == [False, True, True]


def test_client_that_was_offline_is_reminded_at_once(alice: User, fire: Fire) -> None:
    remind(alice, -HOUR, -23 * HOUR, -25 * HOUR)
    assert fire() == 2
    assert [each["late"] for each in listed(alice)] == [False, False]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"due_date": "2051-03-26T09:00", "timezone": "Europe/Berlin"}, "2051-03-25T08:00:00Z"),
        ({"due_date": "2051-03-31T09:00"}, "2051-03-30T00:00:00Z"),  # in Tokyo
        ({"due_date": "2051-03-31"}, "2051-03-30T00:00:00Z"),
        ({"due_date": "2051-03-31", "timezone": "Etc/GMT+12"}, "2051-03-30T21:00:00Z"),
    ],
)
def test_time_is_exact_in_zone_of_task_or_account(
    real_app: Any,
    committed: Session,
    fire: Fire,
    monkeypatch: Patch,
    fields: dict[str, str],
    expected: str,
) -> None:
    zoe = User(real_app, make_account(committed, "zoe", timezone="Asia/Tokyo"))
    at = datetime.fromisoformat(expected)
    task_id = add(zoe, reminders=[{"before": "P1D"}], **fields)
    looked = remind_at(committed, task_id)
    assert looked is not None
    assert looked <= at
    monkeypatch.setattr(clock, "now", lambda: looked)
    assert fire() == (looked == at)
    monkeypatch.setattr(clock, "now", lambda: at - SECOND)
    assert fire() == 0
    assert remind_at(committed, task_id) in (at, None)
    monkeypatch.setattr(clock, "now", lambda: at)
    fire()
    fired = committed.scalars(select(REMINDERS.c.at)).all()
    assert fired == [at]


def test_completed_deleted_and_postponed_tasks(
    alice: User, committed: Session, fire: Fire, set_clock: SetClock
) -> None:
    due = whole(clock.now() + 2 * HOUR)
    ids = [add(alice, due_date=due, reminders=[{"before": "PT1H"}]) for _ in range(4)]
    change(alice, ids[0], completed=True)
    delete(alice, ids[1])
    change(alice, ids[2], due_date=whole(clock.now() + 3 * DAY))
    set_clock(HOUR + SECOND)
    assert fire() == 1
    assert [each["task_id"] for each in listed(alice)] == [ids[3]]
    # Less than a day later, they are back.
    change(alice, ids[0], completed=False)
    restore(alice, ids[1])
    postponed = change(alice, ids[3], due_date=whole(clock.now() + 3 * DAY))
    assert listed(alice) == []
    assert fire() == 2
    assert {each["task_id"] for each in listed(alice)} == {ids[0], ids[1]}
    undo(alice, postponed)
    assert fire() == 0, "it has fired for this due date"
    assert len(listed(alice)) == 3
    set_clock(3 * DAY)
    assert fire() == 1
    assert remind_at(committed, ids[2]) is None


def test_task_restored_after_days_does_not_fire(
    alice: User, fire: Fire, set_clock: SetClock
) -> None:
    ids = [remind(alice, HOUR, 4 * DAY) for _ in range(2)]
    delete(alice, ids[0])
    change(alice, ids[1], completed=True)
    set_clock(3 * DAY)
    restore(alice, ids[0])
    change(alice, ids[1], completed=False)
    assert fire() == 0
    set_clock(4 * DAY + SECOND)
    assert fire() == 2


def test_snoozed_reminder_fires_again(
    alice: User, fire: Fire, set_clock: SetClock, committed: Session
) -> None:
    task_id = remind(alice, -HOUR)
    done = remind(alice, -HOUR)
    assert fire() == 2
    before = {each["task_id"]: each for each in listed(alice)}
    for each in before.values():
        until = {"until": whole(clock.now() + 2 * DAY)}
        alice.post_json(f"{alice.url}/reminders/{each['id']}/snooze", until)
    change(alice, done, completed=True)
    revision = alice.get(alice.tasks_url).json["revision"]
    assert fire() == 0
    now = set_clock(2 * DAY + SECOND)
    assert [fire(), fire()] == [1, 0]
    [again] = listed(alice)
    assert again == before[task_id] | {"fired_date": whole(now)}
    changes = alice.get(f"{alice.url}/changes?since={revision}").json["changes"]
    assert [(each["kind"], each["action"]) for each in changes] == [("reminder", "update")] * 2
    by_id = {each["id"]: each for each in changes}
    assert by_id[again["id"]]["after"] == {"fired_date": whole(now), "snoozed_until": None}
    assert by_id[before[done]["id"]]["after"] == {"snoozed_until": None}
    alice.post(f"{alice.url}/reminders/{again['id']}/dismiss")
    assert listed(alice) == []


def test_dismissed_snooze_does_not_fire(alice: User, fire: Fire, set_clock: SetClock) -> None:
    remind(alice, -HOUR)
    fire()
    url = f"{alice.url}/reminders/{listed(alice)[0]['id']}"
    alice.post_json(f"{url}/snooze", {"until": whole(clock.now() + HOUR)})
    alice.post(f"{url}/dismiss")
    set_clock(HOUR + SECOND)
    assert fire() == 0


@pytest.mark.parametrize(
    ("old", "new"), [("UTC", "Asia/Tokyo"), ("Asia/Tokyo", "UTC"), ("Etc/GMT+12", "Etc/GMT-14")]
)
def test_new_zone_of_account_moves_days(
    real_app: Any, committed: Session, fire: Fire, monkeypatch: Patch, old: str, new: str
) -> None:
    zoe = User(real_app, make_account(committed, "zoe", timezone=old))
    day = (clock.now() + 3 * DAY).date()
    task_id = add(zoe, due_date=day.isoformat(), reminders=[{"before": "PT0S"}])
    kept = add(zoe, due_date=day.isoformat(), timezone=old, reminders=[{"before": "PT0S"}])
    old_at, new_at = (
        datetime(day.year, day.month, day.day, 9, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for zone in (old, new)
    )
    now = clock.now()

    def fire_at(moment: datetime) -> int:
        monkeypatch.setattr(clock, "now", lambda: moment)
        fired = fire()
        monkeypatch.setattr(clock, "now", lambda: now)
        return fired

    assert fire_at(old_at - 25 * HOUR) == 0  # computes the exact time
    assert zoe.send_json("PATCH", zoe.url, {"timezone": new}).status_int == 200
    first, second = sorted([(old_at, kept), (new_at, task_id)])
    for at, fired in (first, second):
        assert fire_at(at - SECOND) == 0
        assert fire_at(at) == 1
        newest = committed.execute(select(REMINDERS).order_by(REMINDERS.c.id.desc())).first()
        committed.rollback()
        assert newest is not None
        assert (newest.task_id, newest.at) == (fired, at)


def test_reminder_whose_time_has_passed_in_new_zone_fires_at_once(
    real_app: Any, committed: Session, fire: Fire, monkeypatch: Patch
) -> None:
    zoe = User(real_app, make_account(committed, "zoe"))
    day = (clock.now() + 3 * DAY).date()
    add(zoe, due_date=day.isoformat(), reminders=[{"before": "PT0S"}])
    seven = datetime(day.year, day.month, day.day, 7, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: seven)
    assert fire() == 0
    zoe.send_json("PATCH", zoe.url, {"timezone": "Asia/Tokyo"})
    assert [fire(), fire()] == [1, 0]
    assert listed(zoe)[0]["at"] == whole(seven.replace(hour=0))


def test_concurrent_runners_fire_each_reminder_once(
    real_app: Any, committed: Session, fire: Fire, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(job, "BATCH_SIZE", 4)
    users = [User(real_app, make_account(committed)) for _ in range(6)]
    for user in users:
        for _ in range(3):
            remind(user, -HOUR, -2 * HOUR)
    assert sum(run_concurrently(lambda _: fire(), 4)) + fire() == 36
    for user in users:
        assert len(listed(user, "?limit=200")) == 6
    assert fire() == 0


def test_database_refuses_a_second_reminder_for_the_same_time(
    alice: User, committed: Session
) -> None:
    at = clock.now()
    make_reminder(committed, alice, at=at)
    with pytest.raises(IntegrityError):
        make_reminder(committed, alice, at=at)
    committed.rollback()


def test_stopped_job_goes_on_where_it_was(
    real_app: Any, alice: User, fire: Fire, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(job, "BATCH_SIZE", 2)
    for _ in range(5):
        remind(alice, -HOUR)

    def stop(_: float) -> None:
        raise StoppedError

    registry = real_app.registry
    with pytest.raises(StoppedError):
        job.fire_reminders(registry["engine"], registry["settings"], stop)
    assert len(listed(alice)) == 2
    assert [fire(), fire()] == [3, 0]


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # no row locks in SQLite
def test_locked_account_is_left_to_the_next_run(
    real_app: Any, alice: User, committed: Session, fire: Fire
) -> None:
    bob = User(real_app, make_account(committed, "bob"))
    for user in (alice, bob):
        remind(user, -HOUR)
    writer = select(Account).where(Account.id == alice.id).with_for_update(key_share=True)
    committed.execute(writer)
    assert fire() == 1
    assert len(listed(bob)) == 1
    committed.rollback()
    assert fire() == 1


def test_closed_account_is_not_reminded(
    real_app: Any, alice: User, committed: Session, fire: Fire
) -> None:
    bob = User(real_app, make_account(committed, "bob"))
    for user in (alice, bob):
        remind(user, -HOUR)
    closed = update(Account.__table__).where(Account.id == alice.id)
    committed.execute(closed.values(closed_date=clock.now()), execution_options=RECORDED)
    committed.commit()
    assert fire() == 1


def test_purge_deletes_reminders_after_thirty_days(
    todo_admin: TodoAdmin, alice: User, committed: Session, fire: Fire, set_clock: SetClock
) -> None:
    for _ in range(3):
        remind(alice, -HOUR)
    assert fire() == 3
    snoozed, dismissed, _ = (each["id"] for each in listed(alice))
    url = f"{alice.url}/reminders"
    alice.post_json(f"{url}/{snoozed}/snooze", {"until": whole(clock.now() + 40 * DAY)})
    alice.post(f"{url}/{dismissed}/dismiss")
    later = {"expiration_date": clock.now() + 90 * DAY, "last_used_date": clock.now() + 30 * DAY}
    committed.execute(update(TOKENS).values(later))
    committed.commit()
    set_clock(29 * DAY)
    assert "reminders: 0 deleted" in todo_admin("purge", "--force")
    set_clock(30 * DAY + HOUR)
    revision = alice.get(alice.tasks_url).json["revision"]
    assert "reminders: 2 deleted" in todo_admin("purge", "--force")
    assert [each["id"] for each in listed(alice, "")] == [snoozed]
    changes = alice.get(f"{alice.url}/changes?since={revision}").json["changes"]
    assert [(each["kind"], each["action"]) for each in changes] == [("reminder", "delete")] * 2
    assert fire() == 0
    assert show(alice, 1)["reminders"], "the task keeps its field"


@pytest.mark.parametrize("skipped", [False, True])
def test_task_that_recurs_reminds_of_each_date(
    alice: User, fire: Fire, set_clock: SetClock, skipped: bool
) -> None:
    due = clock.now() + 2 * HOUR
    reminders = [{"before": "PT1H"}, {"at": whole(due - 90 * timedelta(minutes=1))}]
    task_id = add(alice, due_date=whole(due), recurrence="FREQ=DAILY", reminders=reminders)
    set_clock(HOUR + SECOND)
    assert fire() == 2
    if skipped:
        answer = alice.send_json("POST", f"{alice.tasks_url}/{task_id}/skip", {})
    else:
        answer = change(alice, task_id, completed=True)
    moved = [{"before": "PT1H"}, {"at": whole(due + DAY - 90 * timedelta(minutes=1))}]
    assert answer.json["task"]["reminders"] == moved
    assert (listed(alice), fire()) == ([], 0)
    set_clock(DAY + HOUR + SECOND)
    assert [fire(), fire()] == [2, 0]
    assert {each["task_id"] for each in listed(alice)} == {task_id}
    # The undo takes the task back to its first date, whose reminders have fired.
    undo(alice, answer)
    assert show(alice, task_id)["reminders"] == reminders
    assert fire() == 0
    assert {each["at"] for each in listed(alice)} == {
        whole(due - HOUR),
        whole(due - 90 * timedelta(minutes=1)),
    }
