"""`todo-admin purge` deletes expired rows and skips locked ones."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin, add_token, read_column
from tests.support import journal
from tests.support.databases import event_listener
from tests.support.factories import Login, make_key, make_list, make_task, make_trashed
from tests.support.fixtures import Patch
from todo import clock, settings
from todo.jobs import purge
from todo.journal import retention
from todo.models import (
    Account,
    Change,
    IdempotencyKey,
    Invitation,
    LimitCount,
    List,
    ReleasedUsername,
    Task,
    Token,
    TrashedTask,
    batches,
)
from todo.models.token import TokenKind


@contextmanager
def a_month_ago(monkeypatch: Patch) -> Iterator[None]:
    """Set the clock back by 31 days, one more than the retention of the trash."""
    now = clock.now()
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: now - 31 * DAY)
        yield


def test_purge_deletes_only_expired_rows(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    now = clock.now()
    kept = add_token(committed, alice, kind=TokenKind.API, name="kept")
    committed.execute(update(Token).values(last_used_date=now - 8 * DAY))
    for _ in range(5):
        add_token(committed, alice, ends=-DAY)
    for name, ends in (("old", now - DAY), ("new", now + DAY)):
        committed.add(ReleasedUsername(account_id=0, username_lower=name, expiration_date=ends))
        for subject in ("a", "b"):
            committed.add(LimitCount(name=name, subject=subject, count=1, expiration_date=ends))
        committed.add(Invitation(digest=name.encode(), expiration_date=ends))
        make_key(committed, alice, name, ends)
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    commits = []

    def record(session: Session) -> None:
        commits.append(session)

    with event_listener(Session, "after_commit", record):
        output = todo_admin("purge")
    assert output.splitlines() == [
        "closed accounts: 0 deleted",
        "expired sessions and tokens: 5 deleted",
        "idle sessions: 1 deleted",
        "limit counts: 2 deleted",
        "idempotency keys: 1 deleted",
        "released usernames: 1 deleted",
        "invitations: 1 deleted",
        "trashed tasks: 0 deleted",
        "reminders: 0 deleted",
        "changes: 0 deleted",
    ]
    assert len(commits) == 1 + 3 + 1 + 1 + 1 + 1 + 1 + 1, (
        "a first one, one per batch, and a last one"
    )
    assert read_column(committed, Token.id) == [kept]
    assert set(read_column(committed, LimitCount.name)) == {"new", "purge"}
    assert read_column(committed, ReleasedUsername.username_lower) == ["new"]
    assert read_column(committed, IdempotencyKey.key) == ["new"]
    assert read_column(committed, Invitation.digest) == [b"new"]


def test_purge_erases_trashed_tasks_after_retention(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    with a_month_ago(monkeypatch):
        for login in (alice, bob):
            for number in range(5):
                make_trashed(committed, login, name=f"Old {number}")
    kept = make_trashed(committed, alice, name="New")
    # Alice has the higher revision: her account has one task more.
    revision = max(read_column(committed, Account.revision))
    monkeypatch.setenv("TODO_TRASH_DAYS", "32")
    assert "trashed tasks: 0 deleted" in todo_admin("purge")
    monkeypatch.delenv("TODO_TRASH_DAYS")
    assert "trashed tasks: 10 deleted" in todo_admin("purge")
    assert read_column(committed, TrashedTask.id) == [kept]
    assert "Old" not in str(read_column(committed, Change.before))
    purged = select(Change).where(Change.account_id == alice.id, Change.action == "purge")
    changes = committed.scalars(purged.order_by(Change.revision)).all()
    assert [each.revision - revision for each in changes] == [1, 1, 2, 2, 3], "one per batch"
    assert {(each.token_id, each.before, each.after) for each in changes} == {(None, None, None)}
    journal.check(committed)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # no row locks in SQLite
def test_purge_of_trash_skips_locked_account(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login, monkeypatch: Patch
) -> None:
    with a_month_ago(monkeypatch):
        for login in (alice, bob):
            make_trashed(committed, login)
    writer = select(Account).where(Account.id == alice.id).with_for_update(key_share=True)
    committed.execute(writer)
    assert "trashed tasks: 1 deleted" in todo_admin("purge")
    assert read_column(committed, TrashedTask.account_id) == [alice.id]
    assert "trashed tasks: 1 deleted" in todo_admin("purge")


def test_purge_uses_idle_session_setting(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    committed.execute(update(Token).values(last_used_date=clock.now() - 8 * DAY))
    committed.commit()
    monkeypatch.setenv("TODO_SESSION_IDLE_DAYS", "9")
    assert "idle sessions: 0 deleted" in todo_admin("purge")
    assert len(read_column(committed, Token.id)) == 1


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # no row locks in SQLite
def test_purge_skips_locked_rows(todo_admin: TodoAdmin, committed: Session, alice: Login) -> None:
    for _ in range(3):
        add_token(committed, alice, ends=-DAY)
    expired = select(Token).where(Token.expiration_date < clock.now()).limit(1).with_for_update()
    committed.execute(expired)
    assert "tokens: 2 deleted" in todo_admin("purge")
    assert len(read_column(committed, Token.id)) == 2
    assert "tokens: 1 deleted" in todo_admin("purge")


@pytest.fixture
def old_changes(committed: Session, alice: Login, bob: Login) -> None:
    """Revisions 1 to 4 of each account; all except the last are older than the retention."""
    for login in (alice, bob):
        for _ in range(3):
            make_task(committed, login)
    old = update(Change).where(Change.revision < 4).values(date=clock.now() - 91 * DAY)
    committed.execute(old)
    committed.commit()


def test_purge_deletes_old_changes_of_all_accounts(
    todo_admin: TodoAdmin, committed: Session, old_changes: None, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    monkeypatch.setenv("TODO_JOURNAL_DAYS", "92")
    assert "changes: 0 deleted" in todo_admin("purge")
    monkeypatch.delenv("TODO_JOURNAL_DAYS")
    assert "changes: 6 deleted" in todo_admin("purge")
    assert read_column(committed, Change.revision) == [4, 4]
    journal.check(committed, purged=True)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # no row locks in SQLite
def test_purge_of_changes_skips_locked_account(
    todo_admin: TodoAdmin, committed: Session, old_changes: None, alice: Login
) -> None:
    account = select(Account).where(Account.id == alice.id)
    committed.execute(account.with_for_update(key_share=True))
    assert "changes: 3 deleted" in todo_admin("purge")
    committed.rollback()
    assert "changes: 3 deleted" in todo_admin("purge")


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_purge_of_changes_after_concurrent_purge_deletes_nothing(
    committed: Session, old_changes: None, alice: Login
) -> None:
    engine = committed.get_bind()
    deleted: list[int] = []

    def purge_first(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # The outer purge has found old changes and is about to lock the account.
        if "SKIP LOCKED" in statement and not deleted:
            deleted.append(0)
            with Session(engine) as first:
                deleted[0] = purge.purge_changes(first, alice.id, clock.now() - 90 * DAY)
                first.commit()

    with event_listener(engine, "before_cursor_execute", purge_first):
        until = clock.now() - 90 * DAY
        assert purge.purge_changes(committed, alice.id, until) == 0
    assert deleted == [3]


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_purge_unlocks_account_before_next_query(
    committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    with a_month_ago(monkeypatch):
        make_trashed(committed, alice)
    engine = committed.get_bind()
    lockable = []

    def find_unlocked(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "SELECT changes.date" in statement and "UPDATE" not in statement:
            with Session(engine) as writer:
                unlocked = select(Account.id).with_for_update(key_share=True, skip_locked=True)
                lockable.append(writer.scalars(unlocked).all())

    with event_listener(engine, "before_cursor_execute", find_unlocked):
        purge.purge_expired(committed, settings.read({"sqlalchemy.url": "sqlite:////x"}, {}))
    assert lockable == [[alice.id]]


def test_closed_account_with_subtasks_is_erased(
    committed: Session, alice: Login, bob: Login, monkeypatch: Patch
) -> None:
    """A batch may have a parent, and the next one its subtasks, or the other way round."""
    monkeypatch.setattr(batches, "BATCH_SIZE", 1)
    list_id = make_list(committed, alice)
    ids = [make_task(committed, alice, list_id=list_id) for _ in range(3)]
    for child, parent in ((ids[0], ids[1]), (ids[2], ids[1])):
        parent_of = update(Task).where(Task.id == child).values(parent_id=parent)
        committed.execute(parent_of.execution_options(recorded=True))
    closed = update(Account).where(Account.id == alice.id).values(closed_date=clock.now())
    committed.execute(closed.execution_options(recorded=True))
    committed.commit()
    make_task(committed, bob)
    ini = settings.read({"sqlalchemy.url": "sqlite:////x"}, {})
    assert purge.purge_expired(committed, ini, lambda _: None)["closed accounts"] == 1
    for owner in (Account.id, Task.account_id, List.account_id):
        assert set(committed.scalars(select(owner))) <= {bob.id}


def test_closed_account_is_erased_in_bounded_batches(
    committed: Session, alice: Login, bob: Login, monkeypatch: Patch
) -> None:
    for _ in range(4):
        make_task(committed, alice, note="long words " * 100)
        make_trashed(committed, alice, note="long words " * 100)
    committed.execute(
        update(Account)
        .where(Account.id == alice.id)
        .values(closed_date=clock.now())
        .execution_options(recorded=True)
    )
    committed.commit()
    heaviest = len(" water the plants long words")
    monkeypatch.setattr(batches, "BATCH_WEIGHT", 2 * heaviest)
    statements: list[Any] = []

    def record(_connection: object, statement: Any, *_: object) -> None:
        if getattr(statement, "is_delete", False):
            statements.append(statement.table.name)

    commits: list[int] = []
    engine = committed.get_bind()
    with (
        event_listener(engine, "before_execute", record),
        event_listener(engine, "commit", lambda _: commits.append(len(statements))),
    ):
        purge.purge_expired(
            committed, settings.read({"sqlalchemy.url": "sqlite:////x"}, {}), lambda _: None
        )
    assert Counter(statements)["tasks"] == Counter(statements)["trash"] == 2
    assert len(commits) >= len(statements), "one deletion per transaction"
    assert read_column(committed, Account.id) == [bob.id]


def test_batch_has_at_least_one_row_and_no_more_than_its_weight() -> None:
    rows = [("a", 5), ("b", 5), ("c", 1)]
    for weight, expected in ((0, 1), (5, 1), (9, 1), (10, 2), (11, 3)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "BATCH_WEIGHT", weight)
            assert len(batches.first_batch(rows)) == expected
    assert batches.first_batch([]) == []
