"""The changes that each write records.

The `app` fixture checks after each test that none is missing.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.authorization import ACCOUNT, CASES
from tests.support.client import Client, User, log_in
from tests.support.factories import (
    PASSWORD,
    Login,
    make_filter,
    make_list,
    make_reminder,
    make_task,
    make_token,
    make_trashed,
    make_webhook,
)
from tests.support.fixtures import ApiToken
from todo.models import Account, Base, Change, Task, Token
from todo.models.journalled import Journalled

FIELDS = (
    *("uid", "name", "note", "list_id", "parent_id", "position", "priority", "labels"),
    *("recurrence", "recurrence_from", "occurrence_of"),
    *("start_date", "timezone", "reminders"),
    *("creation_date", "due_date", "completed", "completion_date"),
)
EXEMPT_TABLES = {
    *("changes", "idempotency_keys", "invitations", "limit_counts", "released_usernames"),
    *("tokens", "webhooks"),
}

STAMPS = {"id", "revision", "modification_date"}

WRITES = sorted(
    (method, pattern)
    for method, pattern in CASES
    if pattern.startswith(ACCOUNT) and method not in ("GET", "HEAD")
)


def last_changes(session: Session, login: Login) -> list[Change]:
    """Return the changes of the last revision."""
    session.commit()
    session.expire_all()
    account = session.get_one(Account, login.id)
    query = select(Change).where(Change.account_id == login.id, Change.revision == account.revision)
    return list(session.scalars(query.order_by(Change.kind, Change.object_id)))


@pytest.fixture
def milk(db: Session, alice: Login) -> int:
    return make_task(db, alice, name="Milk", due_date=date(2030, 2, 1), labels=["home"])


def test_every_table_is_journalled_or_exempt() -> None:
    mappers = Base.registry.mappers
    journalled = {each.local_table for each in mappers if issubclass(each.class_, Journalled)}
    assert {table.name for table in Base.metadata.sorted_tables if table not in journalled} == (
        EXEMPT_TABLES
    )


@pytest.mark.parametrize(("method", "pattern"), WRITES)
def test_write_request_is_one_revision(
    alice: User, milk: int, db: Session, method: str, pattern: str
) -> None:
    if pattern.endswith("/skip"):
        alice.send_json("PATCH", f"{alice.tasks_url}/{milk}", {"recurrence": "FREQ=DAILY"})
    make_task(db, alice)
    trashed = make_trashed(db, alice)
    token_id, _ = make_token(db, alice.id)
    list_id, filter_id = make_list(db, alice), make_filter(db, alice)
    reminder_id = make_reminder(db, alice, task_id=milk)
    before = db.get_one(Account, alice.id).revision
    case = CASES[method, pattern]
    ids = {
        "tokens": token_id,
        "tasks": milk,
        "trash": trashed,
        "lists": list_id,
        "filters": filter_id,
        "reminders": reminder_id,
        "webhooks": make_webhook(db, alice, url="http://127.0.0.1:1/"),
    }
    object_id = next((ids[part] for part in pattern.split("/") if part in ids), None)
    revision = db.get_one(Task, milk).revision
    url = pattern.format(username="alice", id=object_id, revision=revision, name="home")
    assert alice.send_json(method, url + case.query, case.fields).status_int < 300
    if (method, pattern) == ("DELETE", ACCOUNT):
        db.expire_all()
        assert db.get_one(Account, alice.id).closed_date is not None
        return
    db.commit()
    db.expire_all()
    added = 0 if {"tokens", "preview", "webhooks"} & {*pattern.split("/")} else 1
    assert db.get_one(Account, alice.id).revision == before + added


def test_request_without_effect_adds_no_revision(alice: User, milk: int, db: Session) -> None:
    before = alice.get(alice.tasks_url).json
    for method, url, fields in (
        ("PATCH", f"{alice.tasks_url}/{milk}", {"name": "Milk", "due_date": "2030-02-01"}),
        ("PUT", f"{alice.tasks_url}/{milk}", {}),
        (
            "PATCH",
            alice.all_tasks_url,
            {"completed": False, "name": "Milk", "due_date": "2030-02-01"},
        ),
        ("PATCH", f"{alice.tasks_url}?completed=true", {"name": "Tea"}),
        ("DELETE", f"{alice.tasks_url}?completed=true", {}),
        ("DELETE", alice.trash_url, {}),
        ("PATCH", alice.url, {"username": "alice", "timezone": "UTC"}),
        ("POST", f"{alice.tasks_url}?dry_run=true", {"name": "Tea"}),
        ("DELETE", f"{alice.tasks_url}?due=any&dry_run=true", {}),
    ):
        answer = alice.send_json(method, url, fields)
        assert answer.status_int < 300
        assert "Link" not in answer.headers, "no change, no undo link"
    assert alice.get(alice.tasks_url).json == before


def test_change_records_token_date_and_values(
    alice: User, milk: int, db: Session, api_token: ApiToken
) -> None:
    url = f"{alice.tasks_url}/{milk}"
    task = alice.send_json("PATCH", url, {"name": "Tea", "completed": True}).json["task"]
    [change] = last_changes(db, alice)
    assert (change.kind, change.object_id, change.action) == ("task", milk, "update")
    assert change.revision == task["revision"]
    shown = f"{change.date:%Y-%m-%dT%H:%M:%SZ}"
    assert shown == task["modification_date"] == task["completion_date"]
    assert change.before == {"name": "Milk", "completed": False, "completion_date": None}
    assert journal.shown(change.after) == {
        "name": "Tea",
        "completed": True,
        "completion_date": shown,
    }
    login_session = db.scalars(select(Token)).one()
    assert (change.token_id, change.token_kind, change.token_name) == (
        login_session.id,
        "session",
        None,
    )

    token_id, script = api_token()
    script.delete(url)
    [change] = last_changes(db, alice)
    assert (change.token_id, change.token_kind, change.token_name) == (token_id, "api", "script")
    assert (change.action, change.after) == ("delete", None)
    assert journal.shown(change.before) == {name: task[name] for name in FIELDS}


def test_registration_is_recorded_without_token(app: Any, alice: Login, db: Session) -> None:
    [change] = last_changes(db, alice)
    assert (change.kind, change.action, change.token_id) == ("profile", "create", None)


def test_password_change_is_recorded_without_value(alice: User, db: Session) -> None:
    before = db.scalars(select(Account.password_hash)).one()
    fields = {"password": f"{PASSWORD} 2", "email": "other@example.com"}
    assert alice.put_json(alice.url, fields).status_int == 200
    [change] = last_changes(db, alice)
    assert change.before == {"email": "alice@example.com", "password": None}
    assert change.after == {"email": "other@example.com", "password": None}
    after = db.scalars(select(Account.password_hash)).one()
    recorded = str([vars(each) for each in db.scalars(select(Change))])
    assert before != after
    assert before not in recorded
    assert after not in recorded


def test_login_adds_no_revision(client: Client, alice: Login, db: Session) -> None:
    before = last_changes(db, alice)
    assert log_in(client).status_int == 200
    assert [each.revision for each in last_changes(db, alice)] == [before[0].revision]


AWKWARD = [
    {"name": 'Crème "brûlée" \\ \t', "note": "'; -- 日本 😀\n\x7f\x01"},
    {"name": "x", "note": "", "due_date": "0001-01-01"},
    {"name": "y", "due_date": "2030-02-01T09:30:00.120000Z", "completed": True},
    {"name": "z", "due_date": "9999-12-31T23:59:59Z"},
]


def test_bulk_write_records_each_task(alice: User, bob: Login, db: Session) -> None:
    """Bulk statements write the records; `app` also checks that these lead to the stored rows."""
    made = alice.post_json(alice.tasks_url, {"tasks": AWKWARD}).json["tasks"]
    bobs_task = make_task(db, bob)
    change = {"note": "'\"\\ é", "completed": True}
    alice.send_json("PATCH", f"{alice.tasks_url}?due=any", change)
    found = last_changes(db, alice)
    assert [each.object_id for each in found] == [task["id"] for task in made[1:]]
    assert {each.token_kind for each in found} == {"session"}
    for each, task in zip(found, made[1:], strict=True):
        completed = {} if task["completed"] else {"completed": False, "completion_date": None}
        assert each.before == {"note": task["note"], **completed}
        assert each.after["note"] == "'\"\\ é"  # type: ignore[index]

    alice.send_json("PATCH", alice.all_tasks_url, {"due_date": "2030-02-01T10:00:00Z"})
    assert {each.after["due_date"] for each in last_changes(db, alice)} == {  # type: ignore[index]
        "2030-02-01T10:00:00Z"
    }
    shown = alice.get(alice.tasks_url).json["tasks"]
    alice.send_json("DELETE", f"{alice.tasks_url}?due=any", {})
    found = last_changes(db, alice)
    assert [each.object_id for each in found] == [task["id"] for task in shown]
    for each, task in zip(found, shown, strict=True):
        assert each.before is not None
        assert journal.shown(each.before) == {name: task[name] for name in each.before}
        assert each.before.keys() >= {"name", "note", "due_date", "completion_date"}
        assert (each.action, each.after) == ("delete", None)
    assert db.get_one(Task, bobs_task).revision == 2


STATEMENTS: list[Callable[[], Any]] = [
    lambda: update(Task).values(name="Tea"),
    lambda: delete(Task),
    lambda: update(Account).values(email="x@example.com"),
    lambda: insert(Task).values(name="Tea"),
    lambda: update(Base.metadata.tables["tasks"]).values(name="Tea"),
]


def rename(session: Session) -> None:
    session.scalars(select(Task)).one().name = "Tea"


def remove(session: Session) -> None:
    session.delete(session.scalars(select(Task)).one())


@pytest.mark.parametrize("write", [rename, remove])
def test_orm_flush_that_bypasses_journal_is_refused(
    db: Session, milk: int, write: Callable[[Session], None]
) -> None:
    write(db)
    with pytest.raises(RuntimeError, match="unrecorded"):
        db.flush()
    db.rollback()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statement_that_bypasses_journal_is_refused(
    db: Session, milk: int, statement: Callable[[], Any]
) -> None:
    with pytest.raises(RuntimeError, match="unrecorded"):
        db.execute(statement())


@pytest.mark.unjournalled
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET name = 'Tea'",
        "UPDATE accounts SET timezone = 'Europe/Berlin'",
        "DELETE FROM tasks",
        "DELETE FROM trash",
        "UPDATE trash SET note = 'now'",
        "UPDATE changes SET before = NULL WHERE action = 'delete'",
        "UPDATE accounts SET revision = revision + 1",
    ],
)
def test_journal_check_finds_unrecorded_write(
    db: Session, alice: Login, milk: int, statement: str
) -> None:
    make_trashed(db, alice)
    journal.check(db)
    db.execute(text(statement))
    with pytest.raises(AssertionError):
        journal.check(db)


def test_write_in_savepoint_is_refused(db: Session, alice: Login) -> None:
    with db.begin_nested(), pytest.raises(RuntimeError, match="savepoint"):
        make_task(db, alice)


def test_creation_records_every_field_of_api(alice: User, db: Session) -> None:
    task = alice.post_json(alice.tasks_url, {"name": "Milk"}).json["task"]
    [change] = last_changes(db, alice)
    not_recorded = STAMPS | {"subtasks"}
    recorded = {name: task[name] for name in task if name not in not_recorded}
    assert journal.shown(change.after) == recorded
    change = journal.changes_of(db, alice.id)[0]
    profile = alice.get(alice.url).json
    assert journal.shown(change.after) == {
        name: profile[name] for name in profile if name != "id"
    } | {"password": None}
