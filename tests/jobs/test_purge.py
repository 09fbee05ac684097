"""`todo-admin purge`: what has expired goes, and nobody waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin, add_token, read
from tests.support import journal
from tests.support.databases import listening
from tests.support.factories import Login, make_key, make_task, make_trashed
from tests.support.fixtures import Patch
from todo import clock, settings
from todo.jobs import purge
from todo.models import (
    Account,
    Change,
    IdempotencyKey,
    LimitCount,
    ReleasedUsername,
    Token,
    TrashedTask,
)
from todo.models.token import TokenKind


@contextmanager
def a_month_ago(monkeypatch: Patch) -> Iterator[None]:
    """Do something before the time that the trash is kept."""
    now = clock.now()
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: now - 31 * DAY)
        yield


def test_purge_deletes_what_expired_and_nothing_else(
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
        make_key(committed, alice, name, ends)
    monkeypatch.setattr(purge, "BATCH_SIZE", 2)
    commits = []

    def note(session: Session) -> None:
        commits.append(session)

    with listening(Session, "after_commit", note):
        said = todo_admin("purge")
    assert said.splitlines() == [
        "expired sessions and tokens: 5 deleted",
        "idle sessions: 1 deleted",
        "limit counts: 2 deleted",
        "idempotency keys: 1 deleted",
        "released usernames: 1 deleted",
        "trashed tasks: 0 deleted",
        "changes: 0 deleted",
    ]
    assert len(commits) == 3 + 1 + 1 + 1 + 1 + 1, "one a batch, and the last one"
    assert read(committed, Token.id) == [kept]
    assert set(read(committed, LimitCount.name)) == {"new"}
    assert read(committed, ReleasedUsername.username_lower) == ["new"]
    assert read(committed, IdempotencyKey.key) == ["new"]


def test_purge_erases_what_was_long_in_the_trash(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(purge, "BATCH_SIZE", 2)
    with a_month_ago(monkeypatch):
        for login in (alice, bob):
            for number in range(5):
                make_trashed(committed, login, name=f"Old {number}")
    kept = make_trashed(committed, alice, name="New")
    revision = max(read(committed, Account.revision))  # alice's, who has one more
    monkeypatch.setenv("TODO_TRASH_DAYS", "32")
    assert "trashed tasks: 0 deleted" in todo_admin("purge")
    monkeypatch.delenv("TODO_TRASH_DAYS")
    assert "trashed tasks: 10 deleted" in todo_admin("purge")
    assert read(committed, TrashedTask.id) == [kept]
    assert "Old" not in str(read(committed, Change.before))
    purged = select(Change).where(Change.account_id == alice.id, Change.action == "purge")
    changes = committed.scalars(purged.order_by(Change.revision)).all()
    assert [each.revision - revision for each in changes] == [1, 1, 2, 2, 3], "one a batch"
    assert {(each.token_id, each.before, each.after) for each in changes} == {(None, None, None)}
    journal.check(committed)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # SQLite locks no rows
def test_an_account_that_is_written_to_is_left_for_later(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login, monkeypatch: Patch
) -> None:
    with a_month_ago(monkeypatch):
        for login in (alice, bob):
            make_trashed(committed, login)
    writer = select(Account).where(Account.id == alice.id).with_for_update(key_share=True)
    committed.execute(writer)
    assert "trashed tasks: 1 deleted" in todo_admin("purge")
    assert read(committed, TrashedTask.account_id) == [alice.id]
    assert "trashed tasks: 1 deleted" in todo_admin("purge")


def test_purge_knows_the_setting_of_idle_sessions(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    committed.execute(update(Token).values(last_used_date=clock.now() - 8 * DAY))
    committed.commit()
    monkeypatch.setenv("TODO_SESSION_IDLE_DAYS", "9")
    assert "idle sessions: 0 deleted" in todo_admin("purge")
    assert len(read(committed, Token.id)) == 1


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # SQLite locks no rows
def test_purge_waits_for_nobody(todo_admin: TodoAdmin, committed: Session, alice: Login) -> None:
    for _ in range(3):
        add_token(committed, alice, ends=-DAY)
    expired = select(Token).where(Token.expiration_date < clock.now()).limit(1).with_for_update()
    committed.execute(expired)
    assert "tokens: 2 deleted" in todo_admin("purge")
    assert len(read(committed, Token.id)) == 2
    assert "tokens: 1 deleted" in todo_admin("purge")


@pytest.fixture
def old_changes(committed: Session, alice: Login, bob: Login) -> None:
    """Of each account revisions 1 to 4, of which the last is young."""
    for login in (alice, bob):
        for _ in range(3):
            make_task(committed, login)
    old = update(Change).where(Change.revision < 4).values(date=clock.now() - 91 * DAY)
    committed.execute(old)
    committed.commit()


def test_purge_deletes_old_changes_of_everybody(
    todo_admin: TodoAdmin, committed: Session, old_changes: None, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(purge, "BATCH_SIZE", 2)
    monkeypatch.setenv("TODO_JOURNAL_DAYS", "92")
    assert "changes: 0 deleted" in todo_admin("purge")
    monkeypatch.delenv("TODO_JOURNAL_DAYS")
    assert "changes: 6 deleted" in todo_admin("purge")
    assert read(committed, Change.revision) == [4, 4]
    journal.check(committed, purged=True)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # SQLite locks no rows
def test_purge_waits_for_no_writer(
    todo_admin: TodoAdmin, committed: Session, old_changes: None, alice: Login
) -> None:
    account = select(Account).where(Account.id == alice.id)
    committed.execute(account.with_for_update(key_share=True))
    assert "changes: 3 deleted" in todo_admin("purge")
    committed.rollback()
    assert "changes: 3 deleted" in todo_admin("purge")


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_of_two_that_purge_at_once_one_finds_nothing(
    committed: Session, old_changes: None, alice: Login
) -> None:
    engine = committed.get_bind()
    deleted: list[int] = []

    def purge_before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "SKIP LOCKED" in statement and not deleted:  # it has seen old changes, and no more
            deleted.append(0)
            with Session(engine) as first:
                deleted[0] = purge.purge_changes(first, alice.id, clock.now() - 90 * DAY)
                first.commit()

    with listening(engine, "before_cursor_execute", purge_before):
        until = clock.now() - 90 * DAY
        assert purge.purge_changes(committed, alice.id, until) == 0
    assert deleted == [3]


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_purge_lets_an_account_go_before_it_looks_at_others(
    committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    with a_month_ago(monkeypatch):
        make_trashed(committed, alice)
    engine = committed.get_bind()
    seen = []

    def write_to_alice(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "SELECT changes.date" in statement and "UPDATE" not in statement:
            with Session(engine) as writer:
                held = select(Account.id).with_for_update(key_share=True, skip_locked=True)
                seen.append(writer.scalars(held).all())

    with listening(engine, "before_cursor_execute", write_to_alice):
        purge.purge_expired(committed, settings.read({"sqlalchemy.url": "sqlite:////x"}, {}))
    assert seen == [[alice.id]]
