"""Migrations forwards and back, and the check of the database's migration at the start."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, inspect, select, text, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from alembic import command

from tests.support import journal
from tests.support.client import Client
from tests.support.databases import ROOT, database, database_url_set_to, migrate, session_on
from tests.support.factories import (
    make_account,
    make_filter,
    make_key,
    make_list,
    make_reminder,
    make_task,
    make_tasks,
    make_trashed,
)
from tests.support.pserve import pserve_refuses
from tests.support.running import dispose
from todo import clock, main
from todo.journal import writes
from todo.models import Account, Base, Task, Token, TrashedTask
from todo.models.account import ACCOUNTS
from todo.models.engine import LOCK_TIMEOUT, create_engine
from todo.models.filter import FILTERS
from todo.models.journalled import RECORDED
from todo.models.list import LISTS
from todo.models.migration import MIGRATION, check_migrated
from todo.models.reminder import REMINDERS
from todo.models.trash import TRASH
from todo.models.webhook import WEBHOOKS

INI = "development.ini"


@pytest.fixture
def empty_url(database_server: str | Path) -> Iterator[str]:
    with database(database_server) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def own_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """A database for one test that changes more than rows."""
    with database(database_server, template=migrated_url) as url:
        yield url


def down_and_up(url: str, revision: str) -> None:
    """Downgrade the database to a migration and upgrade it to the newest again."""
    migrate(url, revision)
    migrate(url)


def test_migration_constant_is_newest_migration() -> None:
    script = ScriptDirectory.from_config(Config(ROOT / INI))
    assert script.get_current_head() == MIGRATION


def test_migrated_schema_matches_models(migrated_url: str) -> None:
    with database_url_set_to(migrated_url):
        command.check(Config(ROOT / INI))


def test_migrations_run_forwards_and_back(empty_url: str) -> None:
    engine = create_engine(empty_url)
    migrate(empty_url)
    assert set(inspect(engine).get_table_names()) >= {"accounts", "tokens", "tasks"}
    migrate(empty_url, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    migrate(empty_url)
    engine.dispose()


def test_concurrent_migrations_wait_and_succeed(empty_url: str) -> None:
    alembic = [str(Path(sys.executable).with_name("alembic")), "-c", INI, "upgrade", "head"]
    first = create_engine(empty_url).connect()
    transaction = first.begin()  # on SQLite, this takes the lock for writes
    if first.dialect.name == "postgresql":
        first.execute(select(func.pg_advisory_xact_lock(0x746F646F)))
    with ExitStack() as stack:
        stack.callback(first.engine.dispose)
        stack.callback(first.close)
        environ = os.environ | {"DATABASE_URL": empty_url}
        running = [
            stack.enter_context(
                subprocess.Popen(alembic, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)
            )
            for _ in range(3)
        ]
        time.sleep(LOCK_TIMEOUT + 2)
        assert [each.poll() for each in running] == [None] * 3
        transaction.rollback()
        logs = [each.communicate(timeout=20)[1] for each in running]
    assert [each.returncode for each in running] == [0] * 3, logs
    assert sorted(log.count("Running upgrade") for log in logs) == [0, 0, int(MIGRATION)]
    check_migrated(first.engine, INI)


def test_migration_sets_existing_accounts_to_utc(own_url: str) -> None:
    with session_on(own_url) as session:
        make_task(session, make_account(session, timezone="Europe/Berlin"))
    down_and_up(own_url, "0002")
    with session_on(own_url) as session:
        assert session.scalars(select(Account.timezone)).one() == "UTC"
        assert len(session.scalars(select(Task)).all()) == 1


def test_migration_makes_existing_tasks_searchable(own_url: str) -> None:
    more_than_one_batch = 1001
    with session_on(own_url) as session:
        login = make_account(session, "alice")
        values = [{"name": f"Crème {n}", "note": "Zoë"} for n in range(more_than_one_batch)]
        make_tasks(session, login, values)
    down_and_up(own_url, "0003")

    app = main({}, **{"sqlalchemy.url": own_url})
    client = Client(app, login.token)
    tasks = f"{login.tasks_url}?count=true"
    assert client.get(f"{tasks}&search=creme+zoe").json["total"] == more_than_one_batch
    assert client.get(f"{tasks}&search=creme+1000").json["total"] == 1
    assert client.get(f"{tasks}&sort=name").json["tasks"][1]["name"] == "Crème 1"
    client.send_json("PATCH", f"{login.tasks_url}?search=1000", {"name": "Tea"})
    assert client.get(f"{tasks}&search=1000").json["total"] == 0
    dispose(app)


FOLDED_BY_0006 = ("łodz すいか🍎", " łodz す い か", " ๑")
FOLDED_BY_0007 = ("lodz すいか🍎", " lodz すいか いか か 🍎", " 1")


def test_migration_folds_tasks_and_trash_again(own_url: str) -> None:
    more_than_one_batch = 201
    kept = "id, account_id, revision, name, note, creation_date, modification_date"
    with session_on(own_url) as session:
        login = make_account(session, "alice")
        values = {"name": "Łódź すいか🍎", "note": "๑"}
        make_tasks(session, login, [{"name": "Milk"}, *[values] * more_than_one_batch])
        make_trashed(session, login, **values)

    def read(columns: str, table: str) -> list[tuple[Any, ...]]:
        query = text(f"SELECT {columns} FROM {table} WHERE name <> 'Milk' ORDER BY id")
        with session_on(own_url) as session:
            return [tuple(row) for row in session.execute(query)]

    before = {table: read(kept, table) for table in ("tasks", "trash")}
    for migration, expected in (("0006", FOLDED_BY_0006), ("head", FOLDED_BY_0007)):
        migrate(own_url, migration)
        for table, rows in before.items():
            assert read("name_folded, name_words, note_words", table) == [expected] * len(rows)
            assert read(kept, table) == rows
    app = main({}, **{"sqlalchemy.url": own_url})
    found = Client(app, login.token).get(f"{login.tasks_url}?count=true&search=いか+lodz+1")
    assert found.json["total"] == more_than_one_batch
    dispose(app)


def test_migration_makes_existing_trash_searchable(own_url: str) -> None:
    with session_on(own_url) as session:
        login = make_account(session, "alice")
        ids = [make_trashed(session, login, name=name) for name in ("Crème", "Tea", "Crème")]
    down_and_up(own_url, "0007")

    app = main({}, **{"sqlalchemy.url": own_url})
    client = Client(app, login.token)
    found = client.get(f"{login.trash_url}?search=creme").json["tasks"]
    assert [task["id"] for task in found] == [ids[2], ids[0]]
    assert client.delete(f"{login.trash_url}?search=creme").json["deleted"] == 2
    assert client.get(f"{login.trash_url}?search=creme").json["tasks"] == []
    dispose(app)


def test_downgrade_restores_indexes_by_due_date(own_url: str) -> None:
    for migration, kind in (("0009", []), ("head", ["due_all_day"])):
        migrate(own_url, migration)
        engine = create_engine(own_url)
        indexes = {each["name"]: each for each in inspect(engine).get_indexes("tasks")}
        for name, is_partial in (("ix_tasks_due", False), ("ix_tasks_open_due", True)):
            assert indexes[name]["column_names"] == ["account_id", *kind, "due_at", "id"]
            options = indexes[name]["dialect_options"]
            assert (f"{engine.dialect.name}_where" in options) == is_partial, options
        engine.dispose()


def test_downgrade_below_trash_rewrites_journal(own_url: str) -> None:
    with session_on(own_url) as session:
        login = make_account(session)
        kept, restored, purged = (make_trashed(session, login) for _ in range(3))
        row = session.execute(select(*TRASH.c).where(TRASH.c.id == restored)).one()
        writes.restore(session, Task, login.id, [row._asdict()])
        writes.purge(session, TrashedTask, login.id, [purged])
        session.commit()
        journal.check(session)
    migrate(own_url, "0005")
    with session_on(own_url) as connection:
        query = text("SELECT action FROM changes WHERE object_id = :id ORDER BY revision")
        actions = {
            each: list(connection.scalars(query, {"id": each}))[-1]
            for each in (kept, restored, purged)
        }
        assert actions == {kept: "delete", restored: "create", purged: "delete"}
        assert list(connection.scalars(text("SELECT id FROM tasks"))) == [restored]
    migrate(own_url)
    with session_on(own_url) as session:
        assert session.scalars(select(TrashedTask)).all() == []
        assert make_task(session, login) > purged


def test_downgrade_subtracts_filters_from_stored_bytes(own_url: str) -> None:
    used = select(ACCOUNTS.c.task_bytes)
    with session_on(own_url) as session:
        login = make_account(session)
        make_task(session, login)
        before = session.scalar(used)
        for _ in range(2):
            make_filter(session, login)
        make_task(session, make_account(session))
        session.commit()
    down_and_up(own_url, "0014")
    with session_on(own_url) as session:
        assert set(session.scalars(used)) == {before}


def test_downgrade_below_recurrence_keeps_tasks_with_their_sizes(own_url: str) -> None:
    dated: dict[str, Any] = {"due_date": date(2030, 2, 1)}
    rule = dated | {"recurrence": "FREQ=WEEKLY;BYDAY=TU", "recurrence_from": "completion"}
    with session_on(own_url) as session:
        login = make_account(session)
        series = make_task(session, login, **rule)
        occurrence = make_task(session, login, occurrence_of=series, completed=True, **dated)
        make_task(session, login, **dated)
        for fields in (rule, dated, dated | {"occurrence_of": series}):
            make_trashed(session, login, **fields)
        session.commit()
        journal.check_sizes(session)
    used: list[tuple[int, int]] = []
    for revision in ("0017", "0018") * 2:
        with database_url_set_to(own_url):
            step = command.downgrade if revision == "0017" else command.upgrade
            step(Config(ROOT / INI), revision)
        with session_on(own_url) as connection:
            sizes = [
                *connection.scalars(text("SELECT size FROM tasks")),
                *connection.scalars(text("SELECT size FROM trash")),
            ]
            assert len(sizes) == 6
            assert len(set(sizes)) == 1  # they differ only in what the older tables do not have
            assert connection.scalar(text("SELECT task_bytes FROM accounts")) == sum(sizes)
            used.append((int(revision), sizes[0]))
    assert used == [(17, used[0][1]), (18, used[0][1] + len('"due"'))] * 2
    migrate(own_url)
    with session_on(own_url) as session:
        journal.check_sizes(session)
        rows = {task.id: task for task in session.scalars(select(Task))}
        assert {(row.recurrence, row.occurrence_of) for row in rows.values()} == {(None, None)}
        assert rows[occurrence].completion_date is not None
        undated = text(
            "UPDATE tasks SET recurrence = 'FREQ=DAILY', due_at = NULL, due_all_day = :no"
        )
        with pytest.raises(IntegrityError):
            session.execute(undated, {"no": False})


def test_downgrade_erases_closed_accounts_with_all_rows(own_url: str) -> None:
    with session_on(own_url) as session:
        closed, kept = make_account(session), make_account(session)
        for login in (closed, kept):
            make_task(session, login)
            make_list(session, login)
            make_reminder(session, login)
            make_trashed(session, login)
            make_key(session, login, "one", clock.now())
        change = update(ACCOUNTS).where(ACCOUNTS.c.id == closed.id).values(closed_date=clock.now())
        session.execute(change, execution_options=RECORDED)
        session.commit()
    down_and_up(own_url, "0012")
    with session_on(own_url) as session:
        assert session.scalars(select(ACCOUNTS.c.id)).all() == [kept.id]
        # The downgrade drops the other tables.
        owned = [table for table in Base.metadata.sorted_tables if list(table.foreign_keys)]
        for table in set(owned) - {LISTS, FILTERS, REMINDERS, WEBHOOKS}:
            assert set(session.scalars(select(table.c.account_id))) == {kept.id}, table.name


def test_migration_does_not_reuse_ids(own_url: str) -> None:
    with session_on(own_url) as session:
        login = make_account(session)
        deleted = [make_task(session, login), make_task(session, login)]
        session.execute(text("DELETE FROM tasks"))
        session.commit()
    down_and_up(own_url, "0001")
    with session_on(own_url) as session:
        assert make_task(session, login) > max(deleted)
        assert make_account(session).id > login.id


def test_start_on_unmigrated_database_is_refused(empty_url: str) -> None:
    refusal = pserve_refuses(INI, DATABASE_URL=empty_url)
    expected = f"todo: the database is not set up; run: alembic -c {INI} upgrade head\n"
    assert refusal == expected


def test_start_on_older_migration_is_refused(own_url: str) -> None:
    message = f"at migration 0000, not {MIGRATION}; run: alembic -c x.ini upgrade head"
    with session_on(own_url) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        session.commit()
        with pytest.raises(SystemExit, match=message):
            check_migrated(session.get_bind().engine, "x.ini")


def test_start_on_unopenable_database_is_refused(tmp_path: Path) -> None:
    text_file = tmp_path / "text"
    text_file.write_text("This is text, not a database. " * 50)
    for url in (f"sqlite:///{text_file}", "postgresql+psycopg2://todo:a-secret@127.0.0.1:1/todo"):
        with pytest.raises(SystemExit) as refusal:
            check_migrated(create_engine(url), INI)
        assert str(refusal.value).startswith("todo: cannot open the database: ")
        assert "\n" not in str(refusal.value)
        assert "a-secret" not in str(refusal.value)


def test_migration_check_creates_no_sqlite_file(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/mistyped.sqlite")
    with pytest.raises(SystemExit, match="not set up"):
        check_migrated(engine, INI)
    assert list(tmp_path.iterdir()) == []


def test_start_on_sql_ascii_database_is_refused(postgresql: str) -> None:
    with database(
        postgresql, options="ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ) as url:
        migrate(url)
        engine = create_engine(url)
        with pytest.raises(SystemExit, match="the encoding of the database is SQL_ASCII"):
            check_migrated(engine, INI)
        engine.dispose()


def test_generated_migration_does_not_import_todo(empty_url: str, tmp_path: Path) -> None:
    versions = ROOT / "alembic" / "versions"
    config = Config(ROOT / INI)
    config.set_main_option("version_locations", f"{tmp_path}{os.pathsep}{versions}")
    with database_url_set_to(empty_url):
        command.stamp(config, "head")
        command.revision(config, "all tables", autogenerate=True, version_path=str(tmp_path))
    [script] = tmp_path.glob("*.py")
    assert "op.create_table" in script.read_text()
    assert "sa.DateTime(timezone=True)" in script.read_text()
    assert "todo." not in script.read_text()


def test_migration_check_accepts_migrated_database(engine: Engine) -> None:
    check_migrated(engine, INI)


def test_account_deletion_deletes_owned_rows(engine: Engine) -> None:
    with Session(engine) as session:
        login = make_account(session)
        make_task(session, login)
        make_trashed(session, login)
        session.execute(text("DELETE FROM accounts"))
        assert session.scalars(select(Token)).all() == []
        assert session.scalars(select(Task)).all() == []
        assert session.scalars(select(TrashedTask)).all() == []


CONSTRAINT_VIOLATIONS = [
    "UPDATE accounts SET username = ''",
    "UPDATE accounts SET username = '" + "u" * 65 + "', username_lower = '" + "u" * 65 + "'",
    "UPDATE accounts SET username = 'Other'",
    "UPDATE accounts SET username = 'b', username_lower = 'b'",
    "UPDATE accounts SET email = '" + "e" * 255 + "'",
    "UPDATE accounts SET timezone = NULL",
    "UPDATE tokens SET account_id = 0",
    "UPDATE tokens SET digest = (SELECT min(digest) FROM tokens)",
    "UPDATE tasks SET account_id = 0",
    "UPDATE tasks SET name = ''",
    "UPDATE tasks SET name = '" + "n" * 256 + "'",
    "UPDATE tasks SET note = '" + "n" * 10_001 + "'",
    "UPDATE tasks SET due_all_day = true",
    "UPDATE tasks SET creation_date = NULL",
    "UPDATE tasks SET recurrence = 'FREQ=DAILY', due_at = NULL, due_all_day = false",
    "UPDATE filters SET account_id = 0",
    "UPDATE filters SET name = ''",
    "UPDATE filters SET name = '" + "n" * 256 + "'",
    "UPDATE filters SET query = NULL",
    "UPDATE filters SET query = '" + "q" * 2001 + "'",
]


def test_database_constraints_refuse_invalid_rows(engine: Engine) -> None:
    with Session(engine) as session:
        for _ in range(2):
            make_task(session, make_account(session))
        make_filter(session, make_account(session))
        for statement in CONSTRAINT_VIOLATIONS:
            with pytest.raises((IntegrityError, DataError)), session.begin_nested():
                session.execute(text(statement))


def test_instants_load_in_utc_and_naive_ones_are_refused(engine: Engine) -> None:
    with Session(engine) as session:
        make_account(session)
        token = session.scalars(select(Token)).one()
        assert str(token.creation_date.tzinfo) == "UTC"
        token.creation_date = token.creation_date.replace(tzinfo=None)
        with pytest.raises(Exception, match="a naive datetime is not an instant"):
            session.flush()
