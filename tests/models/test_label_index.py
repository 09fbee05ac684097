"""The table of labels: triggers keep it equal to the labels of the tasks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY
from tests.support import journal, outline
from tests.support.client import User
from tests.support.databases import database, migrate, session_on
from tests.support.factories import PASSWORD, make_account, make_task, make_trashed
from tests.support.fixtures import Patch
from tests.support.labels import check_labels, count_labels
from tests.support.outline import add, change, undo
from todo import clock, settings
from todo.jobs import purge
from todo.models import Account, Task, TrashedTask, batches
from todo.models.account import ACCOUNTS
from todo.services.backup import restore_backup, write_backup

ODD = ["Über", "日本", "😀 x", '"q" \\', "a/b", "100%_'", "a\u001f|", "e\u0301", "x" * 64]


@pytest.fixture
def own_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """A database for one test that changes more than rows."""
    with database(database_server, template=migrated_url) as url:
        yield url


def test_table_follows_every_write(alice: User, bob: User, db: Session) -> None:
    bobs = add(bob, labels=["home"])

    def check(*expected: list[str]) -> None:
        found = check_labels(db)
        assert found.pop(bobs) == ["home"]
        assert list(found.values()) == list(expected)

    odd = add(alice, labels=ODD)
    plain = add(alice)
    check(ODD, [])
    answers = [change(alice, odd, labels=ODD[::-1])]
    check(ODD[::-1], [])
    answers.append(change(alice, odd, labels=["HOME", "a"]))
    answers.append(change(alice, plain, labels=["home"]))
    check(["HOME", "a"], ["HOME"])
    answers.append(alice.send_json("PATCH", f"{alice.url}/labels/home", {"name": "Home"}))
    check(["Home", "a"], ["Home"])
    answers.append(alice.send_json("PATCH", f"{alice.url}/labels/a", {"name": "home"}))
    check(["Home"], ["Home"])
    answers.append(alice.delete(f"{alice.url}/labels/home"))
    check([], [])
    for answer in reversed(answers):
        assert undo(alice, answer).status_int == 200
        check_labels(db)
    check(ODD, [])
    change(alice, odd, name="Tea", completed=True)
    check(ODD, [])
    outline.delete(bob, bobs)
    assert check_labels(db) == {odd: ODD, plain: []}


def test_table_has_no_deleted_tasks(alice: User, db: Session) -> None:
    parent = add(alice, labels=["a", "b"])
    child = add(alice, labels=["b"], parent_id=parent)
    deleted = outline.delete(alice, parent)
    assert check_labels(db) == {}
    undo(alice, deleted)
    assert check_labels(db) == {parent: ["a", "b"], child: ["b"]}
    alice.delete(f"{alice.tasks_url}?label=b")
    assert count_labels(db) == 0
    answer = alice.send_json("POST", f"{alice.trash_url}/restore?label=a", {})
    assert answer.json["restored"] == 2, answer
    assert check_labels(db) == {parent: ["a", "b"], child: ["b"]}
    outline.delete(alice, parent)
    alice.delete(f"{alice.trash_url}/{child}")
    outline.restore(alice, parent)
    assert check_labels(db) == {parent: ["a", "b"]}
    home = outline.add_list(alice)
    assert change(alice, parent, list_id=home).status_int == 200
    alice.delete(f"{alice.url}/lists/{home}")
    assert check_labels(db) == {}
    assert alice.delete(alice.trash_url).json["deleted"] == 1
    assert count_labels(db) == 0


def test_refused_and_dry_requests_leave_table(alice: User, db: Session) -> None:
    task_id = add(alice, labels=["home"])
    alice.send_json("PATCH", f"{alice.url}/labels/home?dry_run=true", {"name": "x"})
    alice.delete(f"{alice.url}/labels/home?dry_run=true")
    alice.send_json("POST", f"{alice.tasks_url}?dry_run=true", {"name": "x", "labels": ["y"]})
    body = {"tasks": [{"name": "x", "labels": ["y"]}, {"name": "z", "list_id": 999_999}]}
    assert alice.send_json("POST", alice.tasks_url, body).status_int == 400
    assert check_labels(db) == {task_id: ["home"]}


def test_purge_and_erased_accounts_leave_no_labels(
    real_alice: User, committed: Session, monkeypatch: Patch
) -> None:
    bob = make_account(committed, "bob")
    kept = make_task(committed, bob, labels=["home", "x"])
    for _ in range(3):
        make_task(committed, real_alice, labels=["home", "job"])
        make_trashed(committed, real_alice, labels=["home"])
        make_trashed(committed, bob, labels=["home"])
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    closed = real_alice.send_json("DELETE", real_alice.url, {"current_password": PASSWORD})
    assert closed.status_int == 204
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 31 * DAY)
    configured = settings.read({"sqlalchemy.url": "sqlite:////x"}, {})
    purge.purge_expired(committed, configured, lambda _: None)
    assert check_labels(committed) == {kept: ["home", "x"]}
    assert committed.scalars(select(Account.id)).all() == [bob.id]
    assert committed.scalars(select(TrashedTask.id)).all() == []


def test_cascade_from_account_deletes_labels(committed: Session) -> None:
    alice, bob = (make_account(committed, name) for name in ("alice", "bob"))
    kept = make_task(committed, bob, labels=["home"])
    make_task(committed, alice, labels=["home", "job"])
    deletion = delete(ACCOUNTS).where(ACCOUNTS.c.id == alice.id)
    committed.execute(deletion, execution_options={"recorded": True})
    committed.commit()
    assert check_labels(committed) == {kept: ["home"]}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_restored_backup_has_labels(
    request: pytest.FixtureRequest,
    database_url: str,
    committed: Session,
    tmp_path: Path,
    kind: str,
) -> None:
    alice, bob = (make_account(committed, name) for name in ("alice", "bob"))
    for labels in (ODD, ["Home"], [], ["home", "x"]):
        make_task(committed, alice, labels=labels)
        make_task(committed, bob, labels=labels)
    make_trashed(committed, alice, labels=["home"])
    labels_of = check_labels(committed)
    file = tmp_path / "backup"
    write_backup(committed, file, overwrite=False)
    committed.rollback()
    server: Any = tmp_path if kind == "sqlite" else request.getfixturevalue("postgresql")
    with database(server) as url:
        migrate(url)
        with session_on(url) as session:
            restore_backup(session, file)
            session.commit()
            assert check_labels(session) == labels_of
            journal.check(session)
            deleted = session.scalars(select(TrashedTask)).one()
            assert deleted.labels == ["home"]


def test_migration_down_drops_labels_and_up_indexes_new_ones(own_url: str) -> None:
    used = select(ACCOUNTS.c.task_bytes).order_by(ACCOUNTS.c.id)
    with session_on(own_url) as session:
        alice, bob = (make_account(session, name) for name in ("alice", "bob"))
        for login in (alice, bob):
            make_task(session, login, name="Milk", note="x")
            make_trashed(session, login, name="Milk")
        before = session.scalars(used).all()
    with session_on(own_url) as session:
        for login in (alice, bob):
            for labels in (ODD, ["home"]):
                make_task(session, login, name="Tea", labels=labels)
                make_trashed(session, login, name="Tea", labels=labels)
        sizes = session.scalar(select(func.sum(Task.size)))
        bytes_of_labels = sum(map(journal.json_length, [ODD, ["home"]]))
        bytes_of_due = journal.json_length("due")  # migration 0018 adds them to each row
        labelled = session.scalars(used).all()
    migrate(own_url, "0014")
    with session_on(own_url) as session:
        after = session.execute(text("SELECT task_bytes FROM accounts ORDER BY id")).scalars().all()
        rows = session.execute(text("SELECT sum(size), count(*) FROM tasks")).one()
        assert rows == (sizes - 2 * bytes_of_labels - 6 * bytes_of_due, 6)  # type: ignore[operator]
    # Four of the six rows of an account have labels: two of each kind, in lists and in the trash.
    assert after == [each - 2 * bytes_of_labels - 6 * bytes_of_due for each in labelled]
    assert before != labelled
    migrate(own_url)
    with session_on(own_url) as session:
        assert set(map(tuple, check_labels(session).values())) == {()}
        assert count_labels(session) == 0
        assert session.scalars(used).all() == [each + 6 * bytes_of_due for each in after]
        new = make_task(session, alice, labels=["New", "home"])
        assert check_labels(session)[new] == ["New", "home"]
        assert count_labels(session) == 2
