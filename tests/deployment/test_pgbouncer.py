"""The service behind the shipped pgbouncer.ini: two pools, each in transaction mode."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.support.databases import (
    PostgreSQL,
    database,
    execute,
    migrate,
    temporary_postgresql_server,
)
from tests.support.pgbouncer import pgbouncer as run_pgbouncer
from tests.support.pgbouncer import wait_until_ready
from tests.support.proxies import DEPLOY
from tests.support.pserve import pserve, pserve_refuses
from tests.support.running import run_concurrently
from todo.auth.passwords import MAX_PENDING_OF_ADDRESS
from todo.models.engine import POSTGRESQL_SETTINGS, create_engine
from todo.models.faults import READ_ONLY, storage_fault

ACCOUNTS = "/api/v1/accounts"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CONNECTIONS = 2  # per pool: fewer than the clients, so that they share connections
TASKS_PER_CLIENT = 5


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with temporary_postgresql_server() as server:
        yield server


@pytest.fixture
def url(server: PostgreSQL) -> Iterator[str]:
    """A migrated database with the settings that pooled connections require."""
    with database(server.url) as url:
        migrate(url)
        for name, value in POSTGRESQL_SETTINGS.items():
            execute(server.url, f"ALTER DATABASE {make_url(url).database} SET {name} = '{value}'")
        yield url


@contextmanager
def pgbouncer(server: PostgreSQL, url: str, options: str = "") -> Iterator[dict[str, str]]:
    """Run pgbouncer in front of the database; yield the service's environment variables."""
    shipped = (DEPLOY / "pgbouncer.ini").read_text()
    databases = shipped[shipped.index("[databases]") : shipped.index("[pgbouncer]")]
    databases = databases.removeprefix("[databases]").replace(
        "host=/run/postgresql dbname=todo",
        f"host={make_url(url).query['host']} dbname={make_url(url).database} "
        f"user={make_url(url).username}",
    )
    with run_pgbouncer(server, databases, CONNECTIONS, options) as address:
        pools = {
            variable: f"postgresql+psycopg2://todo:x@{address}/{pool}"
            for variable, pool in (
                ("DATABASE_URL", "todo"),
                ("READING_DATABASE_URL", "todo_reading"),
            )
        }
        wait_until_ready(pools["DATABASE_URL"])
        yield pools


def show(engine: Engine, name: str) -> str:
    with engine.connect() as connection:
        shown: str = connection.scalar(text(f"SHOW {name}"))
    return shown


def test_requests_behind_pgbouncer_share_connections_and_settings(
    server: PostgreSQL, url: str
) -> None:
    with pgbouncer(server, url) as pools:
        with pserve("development.ini", **pools) as service:

            def use_account(number: int) -> None:
                form = f"username=u{number}&email=u{number}%40example.com&password=correct+horse"
                status, _, registered = service.request("POST", ACCOUNTS, form, FORM)
                assert status == 201, registered
                own = {"Authorization": f"Bearer {registered['token']}"}
                tasks = f"{ACCOUNTS}/u{number}/tasks"
                for _ in range(TASKS_PER_CLIENT):
                    status, headers, _ = service.request("POST", tasks, "name=Milk", own | FORM)
                    assert status == 201
                    changed = service.request(
                        "PATCH", headers["Location"], "completed=true", own | FORM
                    )
                    assert changed[2]["task"]["completed"]
                    assert service.request("DELETE", headers["Location"], "", own)[0] == 200
                    assert service.request("POST", tasks, "name=Tea", own | FORM)[0] == 201
                listed = service.request("GET", tasks, "", own)[2]["tasks"]
                assert [task["name"] for task in listed] == ["Tea"] * TASKS_PER_CLIENT
                exported = service.request("GET", f"{ACCOUNTS}/u{number}/export", "", own)[2]
                assert len(exported["tasks"]) == len(exported["trash"]) == TASKS_PER_CLIENT

            run_concurrently(use_account, MAX_PENDING_OF_ADDRESS)
        writing = create_engine(pools["DATABASE_URL"], pooled=True)
        reading = create_engine(pools["READING_DATABASE_URL"], reads_only=True, pooled=True)
        for engine, read_only in ((writing, "off"), (reading, "on")):
            for _ in range(2 * CONNECTIONS):
                assert show(engine, "default_transaction_read_only") == read_only
                assert show(engine, "timezone") == "UTC"
                assert show(engine, "lock_timeout") == "5s"
            with engine.connect() as connection:
                kept = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
            assert kept == 0
        with reading.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.execute(text("DELETE FROM tokens"))
        assert storage_fault(refused.value.orig) == READ_ONLY
        writing.dispose()
        reading.dispose()


def test_start_with_missing_database_setting_is_refused(server: PostgreSQL, url: str) -> None:
    name = make_url(url).database
    execute(server.url, f"ALTER DATABASE {name} RESET lock_timeout")
    with pgbouncer(server, url) as pools:
        refusal = pserve_refuses("development.ini", **pools)
    assert f"ALTER DATABASE {name} SET lock_timeout = '5s'" in refusal
    assert refusal.count("\n") == 1


def test_start_with_writable_reading_pool_is_refused(server: PostgreSQL, url: str) -> None:
    with pgbouncer(server, url) as pools:
        refusal = pserve_refuses(
            "development.ini", **pools | {"READING_DATABASE_URL": pools["DATABASE_URL"]}
        )
    assert refusal.startswith("todo: todo.reading_url must lead to a pool")


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize(
    ("lacks", "reason"),
    [("statement_timeout", "lack the setting statement_timeout"), (None, "todo.reading_url must")],
)
def test_start_behind_pgbouncer_that_drops_settings_is_refused(
    server: PostgreSQL, url: str, mode: str, lacks: str | None, reason: str
) -> None:
    if lacks:
        execute(server.url, f"ALTER DATABASE {make_url(url).database} RESET {lacks}")
    options = f"pool_mode = {mode}\nignore_startup_parameters = options"
    with pgbouncer(server, url, options) as pools:
        refusal = pserve_refuses("development.ini", DATABASE_URL=pools["DATABASE_URL"])
    assert reason in refusal


def test_concurrent_migrations_behind_pgbouncer_succeed(server: PostgreSQL, url: str) -> None:
    migrate(url, "base")
    alembic = [
        str(Path(sys.executable).with_name("alembic")),
        "-c",
        "production.ini",
        "upgrade",
        "head",
    ]
    with pgbouncer(server, url) as pools:
        running = [subprocess.Popen(alembic, env=os.environ | pools) for _ in range(3)]
        assert [each.wait(timeout=60) for each in running] == [0] * 3


def test_migrations_and_commands_run_behind_pgbouncer(
    server: PostgreSQL, url: str, tmp_path: Path
) -> None:
    with pgbouncer(server, url) as pools:
        environ = os.environ | pools
        for command in (
            ("alembic", "-c", "production.ini", "upgrade", "head"),
            ("todo-admin", "backup", str(tmp_path / "a.backup")),
            ("todo-admin", "purge"),
        ):
            program = str(Path(sys.executable).with_name(command[0]))
            done = subprocess.run(
                [program, *command[1:]],
                env=environ,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        engine = create_engine(pools["DATABASE_URL"], pooled=True)
        for _ in range(2 * CONNECTIONS):
            assert show(engine, "statement_timeout") == "30s", "a command leaked its setting"
        engine.dispose()
