"""Migrations that running code survives: the mark, its readers, and what may be marked."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from tests.support.client import Client
from tests.support.databases import database, session_on
from tests.support.factories import Login, make_account
from tests.support.fixtures import Logs, Patch
from tests.support.running import running_app
from tests.support.scratch_migrations import (
    breaking_changes,
    number,
    reflect,
    run_migrations,
    scratch_config,
    write_migration,
)
from todo import main
from todo.models import engine
from todo.models.engine import create_engine
from todo.models.migration import MIGRATION, check_migrated
from todo.services.backup import write_backup

INI = "development.ini"

# Marked migrations that drop something, with the reason why the code that they name survives it.
CONTRACTIONS: dict[str, str] = {}

NEW_COLUMN = (
    'op.add_column("tasks", sa.Column("energy", sa.Integer(), server_default="1", nullable=False))',
    'op.drop_column("tasks", "energy")',
)
NEW_TABLE = (
    'op.create_table("habits", sa.Column("id", sa.Integer(), primary_key=True))',
    'op.drop_table("habits")',
)
LOST_COLUMN = (
    'op.drop_column("webhooks", "answer_milliseconds")',
    'op.add_column("webhooks", sa.Column("answer_milliseconds", sa.Integer()))',
)


@pytest.fixture
def own_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    with database(database_server, template=migrated_url) as url:
        yield url


@pytest.fixture
def alice(own_url: str) -> Login:
    with session_on(own_url) as session:
        return make_account(session, "alice")


def stored(url: str) -> tuple[str, str]:
    """Return the migration of the database, and the oldest code that works with it."""
    query = text("SELECT version_num, oldest_code FROM alembic_version, schema_compatibility")
    with session_on(url) as session:
        [row] = session.execute(query).all()
    return row.version_num, row.oldest_code


def test_running_code_serves_during_and_after_expanding_migrations(
    own_url: str, alice: Login, tmp_path: Path
) -> None:
    for steps, change in ((1, NEW_COLUMN), (2, NEW_TABLE)):
        write_migration(tmp_path, steps, MIGRATION, change)
    stopped = Event()
    with running_app(own_url) as app, ThreadPoolExecutor(1) as clients:
        client = Client(app, alice.token)

        def write() -> list[int]:
            statuses: list[int] = []
            while not stopped.is_set() or len(statuses) < 5:
                answer = client.send_json("POST", alice.tasks_url, {"name": f"{len(statuses)}"})
                statuses.append(answer.status_int)
            return statuses

        running = clients.submit(write)
        try:
            for revision in ("+1", "+1"):
                run_migrations(own_url, scratch_config(tmp_path), revision)
        finally:
            stopped.set()
        created = running.result()
        assert set(created) == {201}
        assert client.get("/readyz").status_int == 200
        listed = client.get(f"{alice.tasks_url}?count=true&limit=1").json
        assert listed["total"] == len(created)
        url = f"{alice.tasks_url}/{listed['tasks'][0]['id']}"
        assert client.send_json("PATCH", url, {"note": "new"}).status_int == 200
        assert client.delete(url).status_int == 200
        restored = client.post(f"{alice.trash_url}/{listed['tasks'][0]['id']}/restore")
        assert restored.status_int == 200
    with session_on(own_url) as session:
        energy = list(session.scalars(text("SELECT energy FROM tasks")))
    assert energy == [1] * len(created)


def test_code_starts_on_newer_schema_that_works_with_it(
    own_url: str, alice: Login, caplog: Logs
) -> None:
    assert stored(own_url) == (MIGRATION, MIGRATION)
    with session_on(own_url) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.commit()
    caplog.set_level(logging.INFO)
    with running_app(own_url) as app:
        assert [each.getMessage() for each in caplog.records if each.name == "todo"] == [
            f"the database is at migration 9999, which this code ({MIGRATION}) accepts"
        ]
        client = Client(app, alice.token)
        assert client.get("/readyz").status_int == 200
        assert client.send_json("POST", alice.tasks_url, {"name": "Milk"}).status_int == 201


def test_contracting_migration_is_refused(own_url: str, alice: Login, tmp_path: Path) -> None:
    write_migration(tmp_path, 1, "", LOST_COLUMN)
    with running_app(own_url) as app:
        run_migrations(own_url, scratch_config(tmp_path))
        unready = Client(app).get("/readyz")
    assert (unready.status_int, unready.json["code"]) == (503, "unavailable")
    with pytest.raises(SystemExit) as stop:
        main({"__file__": INI}, **{"sqlalchemy.url": own_url})
    assert str(stop.value) == (
        f"todo: the database is at migration {number(1)}, newer than this code ({MIGRATION}) and "
        f"only for code from {number(1)} on; run the newer todo, or downgrade with it: "
        f"alembic -c {INI} downgrade {MIGRATION}"
    )


def test_newer_schema_without_mark_is_refused(own_url: str) -> None:
    with session_on(own_url) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(text("DELETE FROM schema_compatibility"))
        session.commit()
        with pytest.raises(SystemExit, match=f"newer than this code .{MIGRATION}.; run the newer"):
            check_migrated(session.get_bind().engine, INI)


def test_mark_is_the_newest_of_all_migrations_and_follows_a_downgrade(
    own_url: str, tmp_path: Path
) -> None:
    for steps, oldest_code in ((1, MIGRATION), (2, ""), (3, MIGRATION), (4, number(3))):
        write_migration(tmp_path, steps, oldest_code, ("pass", "pass"))
    config = scratch_config(tmp_path)
    expected = [
        (MIGRATION, MIGRATION),
        (number(1), MIGRATION),
        (number(2), number(2)),
        (number(3), number(2)),
        (number(4), number(3)),
    ]
    for each in expected[1:]:
        run_migrations(own_url, config, "+1")
        assert stored(own_url) == each
    for each in reversed(expected[:-1]):
        run_migrations(own_url, config, each[0])
        assert stored(own_url) == each
    run_migrations(own_url, config)
    assert stored(own_url) == expected[-1]


@pytest.mark.parametrize(
    ("marks", "target", "reached"),
    [
        ([MIGRATION, MIGRATION], "head", number(2)),
        ([MIGRATION, number(1)], "head", MIGRATION),
        ([""], "head", MIGRATION),
        ([MIGRATION], "0020", MIGRATION),
    ],
)
def test_rolling_upgrade_refuses_what_running_code_does_not_survive(
    own_url: str, tmp_path: Path, marks: list[str], target: str, reached: str
) -> None:
    for steps, oldest_code in enumerate(marks, 1):
        change = NEW_TABLE if steps == 1 else NEW_COLUMN
        write_migration(tmp_path, steps, oldest_code, change)
    config = scratch_config(tmp_path, "rolling")
    if reached == MIGRATION:
        with pytest.raises(SystemExit) as stop:
            run_migrations(own_url, config, target)
        after = number(len(marks)) if target == "head" else target
        assert str(stop.value) == (
            f"todo: running code of migration {MIGRATION} does not work after {after}, so nothing "
            "was changed; stop all instances, and run alembic without -x rolling"
        )
    else:
        run_migrations(own_url, config, target)
    assert stored(own_url) == (reached, MIGRATION)
    connected = create_engine(own_url)
    assert inspect(connected).has_table("habits") == (reached != MIGRATION)
    connected.dispose()


@pytest.mark.parametrize("argument", ["roling", "rolling=false"])
def test_misspelled_rolling_upgrade_is_refused(own_url: str, tmp_path: Path, argument: str) -> None:
    write_migration(tmp_path, 1, "", NEW_TABLE)
    with pytest.raises(SystemExit) as stop:
        run_migrations(own_url, scratch_config(tmp_path, argument))
    assert str(stop.value) == (
        f"todo: alembic takes -x rolling, not -x {argument}; nothing was changed"
    )
    assert stored(own_url) == (MIGRATION, MIGRATION)


def test_rolling_upgrade_of_empty_database_is_accepted(
    database_server: str | Path, tmp_path: Path
) -> None:
    with database(database_server) as url:
        run_migrations(url, scratch_config(tmp_path, "rolling"))
        assert stored(url) == (MIGRATION, MIGRATION)


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_migration_gives_up_waiting_for_a_table_and_changes_nothing(
    own_url: str, alice: Login, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    write_migration(tmp_path, 1, MIGRATION, NEW_COLUMN)
    config = scratch_config(tmp_path, "rolling")
    with session_on(own_url) as reading:
        reading.execute(text("SELECT id FROM tasks"))  # as a backup does
        with pytest.raises(OperationalError, match="lock timeout"):
            run_migrations(own_url, config)
        assert stored(own_url) == (MIGRATION, MIGRATION)
        with running_app(own_url) as app:
            created = Client(app, alice.token).send_json("POST", alice.tasks_url, {"name": "Milk"})
        assert created.status_int == 201
    run_migrations(own_url, config)
    assert stored(own_url) == (number(1), MIGRATION)


def test_backup_by_older_code_is_refused(own_url: str, alice: Login, tmp_path: Path) -> None:
    path = tmp_path / "todo.backup"
    write_migration(tmp_path, 1, MIGRATION, NEW_COLUMN)
    with session_on(own_url) as session:
        run_migrations(own_url, scratch_config(tmp_path))
        with pytest.raises(SystemExit) as stop:
            write_backup(session, path, overwrite=False)
    assert str(stop.value) == (
        f"todo: cannot back up to '{path}': the database is at migration {number(1)}, not "
        f"{MIGRATION}: run the newer todo; nothing was written"
    )
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (NEW_COLUMN, ""),
        (NEW_TABLE, ""),
        (('op.create_index("ix_scratch", "tasks", ["priority"])', "pass"), ""),
        (('op.add_column("tasks", sa.Column("energy", sa.Integer()))', "pass"), ""),
        (LOST_COLUMN, "answer_milliseconds"),
        (('op.drop_table("invitations")', "pass"), "invitations"),
        (('op.create_index("ix_scratch", "tasks", ["name"], unique=True)', "pass"), "ix_scratch"),
        (('op.drop_index("ix_webhooks_enabled", "webhooks")', "pass"), "ix_webhooks_enabled"),
        (('op.alter_column("webhooks", "url", new_column_name="address")', "pass"), "address"),
        (
            (
                'op.create_table("habits", sa.Column("id", sa.Integer(), primary_key=True), '
                'sa.Column("name", sa.String(9), nullable=False, unique=True))',
                "pass",
            ),
            "",
        ),
    ],
)
def test_breaking_changes_are_found(
    own_url: str, tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    write_migration(tmp_path, 1, MIGRATION, change)
    connected = create_engine(own_url)
    with connected.connect() as connection:
        before = reflect(connection)
    run_migrations(own_url, scratch_config(tmp_path))
    with connected.connect() as connection:
        found = breaking_changes(before, connection)
    connected.dispose()
    assert bool(found) == bool(fault), found
    assert fault in "".join(found)


def test_marked_migrations_only_expand(database_server: str | Path, tmp_path: Path) -> None:
    config = scratch_config(tmp_path)
    scripts = reversed(list(ScriptDirectory.from_config(config).walk_revisions()))
    with database(database_server) as url:
        connected = create_engine(url)
        for script in scripts:
            oldest_code = getattr(script.module, "oldest_code", "")
            with connected.connect() as connection:
                before = reflect(connection) if oldest_code else None
            run_migrations(url, config, "+1")
            if before is None:
                continue
            assert "0021" <= oldest_code < script.revision, f"{script.path}: a wrong oldest_code"
            with connected.connect() as connection:
                found = breaking_changes(before, connection)
            assert bool(found) == (script.revision in CONTRACTIONS), (script.path, found)
        connected.dispose()
