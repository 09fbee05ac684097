"""The hourly job corrects tasks after a change of the rules of their time zones."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import User
from tests.support.factories import make_account
from tests.support.fixtures import Logs, Patch
from tests.support.outline import add, change, delete, ids, restore, show
from todo import clock
from todo.jobs.hourly import purge_hourly
from todo.jobs.zones import correct_instants
from todo.models import Account, Change, batches
from todo.models.task import TASKS

HOUR = timedelta(hours=1)
BERLIN = "Europe/Berlin"
NINE, NINE_IN_BERLIN = "2050-02-01T09:00", "2050-02-01T08:00:00Z"
OLD_NINE = "2050-02-01T07:00:00Z"  # by the rules of before
FIRST, SECOND = "2050-10-30T00:30:00Z", "2050-10-30T01:30:00Z"  # 02:30 in Berlin


@pytest.fixture
def alice(real_app: Any, committed: Session) -> User:
    return User(real_app, make_account(committed, timezone="Asia/Tokyo"))


@pytest.fixture
def bob(real_app: Any, committed: Session) -> User:
    return User(real_app, make_account(committed))


def set_behind_journal(session: Session, **values: Any) -> None:
    """Change all tasks as if the rules of their zones had changed since."""
    session.execute(update(TASKS).values(**values).execution_options(recorded=True))
    session.commit()


def set_hour_back(session: Session) -> None:
    """Set the due dates to the instants by the rules of before."""
    tasks = session.execute(select(TASKS.c.id, TASKS.c.due_at)).all()
    for task in tasks:
        if task.due_at is not None:
            earlier = update(TASKS).where(TASKS.c.id == task.id).values(due_at=task.due_at - HOUR)
            session.execute(earlier.execution_options(recorded=True))
    session.commit()


def correct(session: Session) -> int:
    return correct_instants(session, lambda _: None)


def test_outdated_instants_are_corrected_in_one_change(alice: User, committed: Session) -> None:
    task_id = add(alice, start_date=NINE, due_date="2050-02-01T10:00", timezone=BERLIN)
    revision = show(alice, task_id)["revision"]
    for name in ("start", "due"):
        at = datetime(2050, 2, 1, 7 if name == "start" else 8, tzinfo=UTC)
        set_behind_journal(committed, **{f"{name}_at": at})
    assert show(alice, task_id)["start_date"] == OLD_NINE
    assert correct(committed) == 1
    task = show(alice, task_id)
    assert (task["start_date"], task["due_date"]) == (NINE_IN_BERLIN, "2050-02-01T09:00:00Z")
    [only] = alice.get(f"{alice.url}/changes?since={revision}").json["changes"]
    assert (only["revision"], only["action"], only["token"]) == (revision + 1, "update", None)
    assert only["before"] == {"start_date": OLD_NINE, "due_date": "2050-02-01T08:00:00Z"}
    assert only["after"] == {"start_date": NINE_IN_BERLIN, "due_date": "2050-02-01T09:00:00Z"}
    journal.check_sizes(committed)
    committed.rollback()
    assert correct(committed) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"due_date": NINE},
        {"due_date": "2050-02-01", "timezone": BERLIN},
        {"due_date": SECOND, "start_date": FIRST, "timezone": BERLIN},
        {"due_date": "2050-03-27T02:30", "timezone": BERLIN},  # skipped
        {"due_date": "9999-12-31T23:59:59Z", "timezone": BERLIN},
        {"due_date": "2050-02-01T09:00:00.5", "timezone": "Asia/Kathmandu"},
    ],
)
def test_right_dates_are_not_touched(
    alice: User, committed: Session, fields: dict[str, Any]
) -> None:
    task = show(alice, add(alice, **fields))
    assert correct(committed) == 0
    assert show(alice, task["id"]) == task


def test_past_start_of_task_due_later_is_not_touched(alice: User, committed: Session) -> None:
    task_id = add(alice, start_date="2020-02-01T09:00", due_date=NINE, timezone=BERLIN)
    set_behind_journal(committed, start_at=datetime(2020, 2, 1, 7, tzinfo=UTC))
    set_hour_back(committed)
    assert correct(committed) == 1
    task = show(alice, task_id)
    assert (task["start_date"], task["due_date"]) == ("2020-02-01T07:00:00Z", NINE_IN_BERLIN)


def test_past_dates_and_tasks_that_are_not_open_are_not_touched(
    alice: User, committed: Session
) -> None:
    done = add(alice, due_date=NINE, timezone=BERLIN, completed=True)
    past = add(alice, due_date="2020-02-01T09:00", timezone=BERLIN)
    deleted = add(alice, due_date=NINE, timezone=BERLIN)
    set_hour_back(committed)
    delete(alice, deleted)
    assert correct(committed) == 0
    assert show(alice, done)["due_date"] == OLD_NINE
    assert show(alice, past)["due_date"] == "2020-02-01T07:00:00Z"
    # When they are open again, they are corrected.
    assert restore(alice, deleted)["due_date"] == OLD_NINE
    change(alice, done, completed=False)
    assert correct(committed) == 2
    assert {show(alice, each)["due_date"] for each in (done, deleted)} == {NINE_IN_BERLIN}


def test_local_time_that_new_rules_skip_is_corrected_once(alice: User, committed: Session) -> None:
    task_id = add(alice, due_date="2050-03-27T01:30", timezone=BERLIN)
    skipped = datetime.fromisoformat("2050-03-27T02:30")
    set_behind_journal(committed, due_local=skipped)
    assert correct(committed) == 1
    assert show(alice, task_id)["due_date"] == "2050-03-27T01:30:00Z", "03:30"
    assert correct(committed) == 0
    set_behind_journal(committed, due_local=skipped)
    assert correct(committed) == 0, "it has this instant"


def test_zone_that_machine_does_not_have_is_left_alone(alice: User, committed: Session) -> None:
    task_id = add(alice, due_date=NINE, timezone=BERLIN)
    set_behind_journal(committed, timezone="Europe/Atlantis")
    assert correct(committed) == 0
    assert show(alice, task_id)["due_date"] == NINE_IN_BERLIN


def test_tasks_are_corrected_in_batches(
    alice: User, bob: User, committed: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    for person in (alice, bob):
        for number in range(5):
            # The corrected time of one is the old time of the next.
            add(person, due_date=f"2050-02-01T{number + 10}:00", timezone=BERLIN)
            add(person, due_date=NINE)
    set_hour_back(committed)
    pauses: list[float] = []
    assert correct_instants(committed, pauses.append) == 10
    assert len(pauses) >= 10, "two accounts with ten tasks each"
    for person in (alice, bob):
        revisions = select(func.count(Change.revision.distinct())).where(
            Change.account_id == person.id, Change.token_id.is_(None), Change.action == "update"
        )
        assert committed.scalar(revisions) in range(3, 6), "several transactions"
        dues = [show(person, each)["due_date"] for each in ids(person)][::2]
        assert dues == [f"2050-02-01T{number + 9:02}:00:00Z" for number in range(5)]
    committed.rollback()
    assert correct(committed) == 0


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # no row locks in SQLite
def test_locked_account_is_skipped(
    real_app: Any, alice: User, bob: User, committed: Session
) -> None:
    for person in (alice, bob):
        add(person, due_date=NINE, timezone=BERLIN)
    set_hour_back(committed)
    writer = select(Account).where(Account.id == alice.id).with_for_update(key_share=True)
    committed.execute(writer)
    with Session(real_app.registry["engine"]) as other:
        assert correct(other) == 1
        committed.rollback()
        assert correct(other) == 1


def test_hourly_purge_corrects_tasks(
    real_app: Any,
    alice: User,
    committed: Session,
    caplog: Logs,
    set_clock: Callable[[timedelta], datetime],
) -> None:
    task_id = add(alice, due_date=NINE, timezone=BERLIN)
    set_hour_back(committed)
    registry = real_app.registry
    with caplog.at_level(logging.INFO, "todo.jobs"):
        purge_hourly(registry["engine"], registry["settings"], lambda _: None)
    assert "corrected 1 tasks: the rules of their time zones have changed" in caplog.text
    assert show(alice, task_id)["due_date"] == NINE_IN_BERLIN
    caplog.clear()
    set_clock(HOUR + timedelta(seconds=1))
    with caplog.at_level(logging.INFO, "todo.jobs"):
        assert purge_hourly(registry["engine"], registry["settings"], lambda _: None)
    assert "corrected" not in caplog.text
    assert clock.now() < datetime(2050, 1, 1, tzinfo=UTC)
