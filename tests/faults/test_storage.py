"""Full and read-only disks: writes fail with a specific code, and reads continue."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from webtest import TestResponse

from tests.faults.disks import Disk, LimitedPostgreSQL, LimitedSQLite, small_disk
from tests.support.client import Client, log_in
from tests.support.databases import PostgreSQL, database, execute, migrate, session_on
from tests.support.factories import Login, make_account
from tests.support.fixtures import Patch, SetClock
from tests.support.running import running_app
from todo import models

NOTE = "x" * 5000  # too large for the free space in existing pages


def log_in_alice(url: str) -> Login:
    # A plain engine: the service's pragmas would create the rollback journal.
    with session_on(url, create_engine) as session:
        return make_account(session, "alice")


def post(client: Client, alice: Login) -> TestResponse:
    return client.post(alice.tasks_url, {"name": "Milk", "note": NOTE})


def assert_refused(response: TestResponse, code: str) -> None:
    assert (response.status_int, response.json["code"]) == (503, code)
    assert response.headers["Retry-After"] == "30"


def sqlite_on(stack: ExitStack, folder: Path, *, real: bool) -> tuple[str, Disk]:
    """Return a database URL and its disk, a mounted one if `real` and permitted."""
    disk = stack.enter_context(small_disk("2m")) if real else None
    return f"sqlite:///{disk.folder if disk else folder}/todo.sqlite", disk or LimitedSQLite()


def postgresql_on(stack: ExitStack, postgres: PostgreSQL) -> tuple[str, Disk]:
    disk = stack.enter_context(small_disk("24m", postgres.user))
    if disk is None:
        url = stack.enter_context(database(postgres.url))
        return url, LimitedPostgreSQL(url, postgres.url)
    execute(postgres.url, f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
    stack.callback(execute, postgres.url, "DROP TABLESPACE small")
    return stack.enter_context(database(postgres.url, options="TABLESPACE small")), disk


@pytest.fixture(params=["sqlite", "limited sqlite", "postgresql"])
def database_on_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Disk]]:
    """A migrated database on a disk that can be filled."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url, disk = postgresql_on(stack, request.getfixturevalue("postgres"))
        else:
            url, disk = sqlite_on(stack, tmp_path, real=request.param == "sqlite")
        migrate(url)
        yield url, disk


def test_full_disk_refuses_writes_and_serves_reads(database_on_disk: tuple[str, Disk]) -> None:
    url, disk = database_on_disk
    alice = log_in_alice(url)
    with running_app(url) as app:
        client = Client(app, alice.token)
        if isinstance(disk, LimitedSQLite):
            disk.limit_connections(app.registry["engine"])
        assert post(client, alice).status_int == 201
        disk.fill()
        created = 1
        while (response := post(client, alice)).status_int == 201:
            created += 1
            assert created < 500
        assert_refused(response, "storage_full")
        assert len(client.get(f"{alice.tasks_url}?limit=200").json["tasks"]) == created
        assert client.get("/readyz").status_int == 200
        disk.repair()
        assert post(client, alice).status_int == 201


@pytest.mark.parametrize("kind", ["sqlite", "limited sqlite"])
def test_start_on_read_only_file_system_serves_reads(
    kind: str, tmp_path: Path, set_clock: SetClock
) -> None:
    with ExitStack() as stack:
        url, disk = sqlite_on(stack, tmp_path, real=kind == "sqlite")
        migrate(url)
        alice = log_in_alice(url)
        disk.freeze()
        with running_app(url) as app:
            if isinstance(disk, LimitedSQLite):
                disk.limit_connections(app.registry["engine"])
            check_read_only(app, alice, set_clock)
            disk.repair()
            assert post(Client(app, alice.token), alice).status_int == 201


def test_start_on_read_only_postgresql_serves_reads(
    postgres: PostgreSQL, set_clock: SetClock
) -> None:
    with database(postgres.url) as url:
        migrate(url)
        alice = log_in_alice(url)
        disk = LimitedPostgreSQL(url, postgres.url)
        disk.freeze()
        with running_app(url) as app:
            check_read_only(app, alice, set_clock)
            disk.repair()
            assert post(Client(app, alice.token), alice).status_int == 201


def check_read_only(app: Any, alice: Login, set_clock: SetClock) -> None:
    set_clock(timedelta(minutes=2))  # the token's last use is due for an update
    client = Client(app, alice.token)
    assert client.get(alice.tasks_url).status_int == 200
    assert client.get("/readyz").status_int == 200
    assert_refused(log_in(Client(app)), "storage_read_only")
    assert_refused(client.get("/api/v1/accounts/logout"), "storage_read_only")
    assert_refused(client.delete(alice.url), "storage_read_only")
    assert client.get(alice.url).status_int == 200
    assert_refused(post(client, alice), "storage_read_only")


def test_wal_database_on_read_only_file_system_serves_reads(
    monkeypatch: Patch, tmp_path: Path
) -> None:
    monkeypatch.setattr(models.sqlite, "WAL_IS_SAFE", True)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk("2m"))
        path = (disk.folder if disk else tmp_path) / "todo.sqlite"
        url = f"sqlite:///{path}"
        migrate(url)
        alice = log_in_alice(url)
        with closing(sqlite3.connect(path)) as connection:
            [(mode,)] = connection.execute("PRAGMA journal_mode")
            assert mode == "wal"
        if disk is not None:
            disk.freeze()
        else:
            # SQLite cannot create the WAL behind a dangling link either.
            Path(f"{path}-wal").symlink_to(tmp_path / "no folder" / "log")
        with running_app(url) as app:
            client = Client(app, alice.token)
            assert client.get(alice.tasks_url).status_int == 200
            assert_refused(post(client, alice), "storage_read_only")


@pytest.fixture
def database_file(without_wal: None, tmp_path: Path) -> Path:
    """A migrated SQLite database without its rollback journal."""
    path = tmp_path / "todo.sqlite"
    migrate(f"sqlite:///{path}")
    Path(f"{path}-journal").unlink()
    return path


def test_sqlite_in_read_only_folder_serves_reads(database_file: Path, tmp_path: Path) -> None:
    """The file is writable, but SQLite writes nothing without a rollback journal."""
    url = f"sqlite:///{database_file}"
    alice = log_in_alice(url)
    journal = Path(f"{database_file}-journal")
    journal.symlink_to(tmp_path / "no folder" / "journal")  # even root cannot create it
    with running_app(url) as app:
        client = Client(app, alice.token)
        assert client.get(alice.tasks_url).status_int == 200
        assert_refused(post(client, alice), "storage_read_only")
        journal.unlink()
        assert post(client, alice).status_int == 201


def test_sqlite_rollback_journal_is_kept_and_cleared(database_file: Path) -> None:
    """A power failure could restore a deleted journal, which would undo acknowledged writes."""
    url = f"sqlite:///{database_file}"
    alice = log_in_alice(url)
    with running_app(url) as app:
        large = [{"name": "Milk", "note": "x" * 10_000}] * 100
        client = Client(app, alice.token)
        for _ in range(2):
            created = client.send_json("POST", alice.tasks_url, {"tasks": large})
            assert created.status_int == 201
        assert client.delete(f"{alice.tasks_url}?completed=false").status_int == 200
    journal = Path(f"{database_file}-journal").read_bytes()
    assert not any(journal[:28])  # the header, see https://www.sqlite.org/fileformat.html
    assert len(journal) <= models.sqlite.ROLLBACK_JOURNAL_LIMIT
