"""Back up all rows to one file while the service runs, and restore them.

The file is always a SQLite database. It contains the tables of the models, the last ids and the
migration, but no list or search indexes: the target database builds them from the rows.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    NullPool,
    String,
    Table,
    column,
    delete,
    event,
    func,
    insert,
    literal,
    select,
    table,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from todo.models import Base
from todo.models.journalled import RECORDED
from todo.models.migration import BACKUP_ID, MIGRATION, stored_migration
from todo.services.sqlite_copy import copy_database

BATCH_SIZE = 1000  # rows in memory
BATCH_PAUSE = 0.02  # seconds; the requests of the process use the processor meanwhile

Pause = Callable[[float], object]

# The table of Alembic.
VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))

# The last ids in SQLite and PostgreSQL.
SQLITE_SEQUENCE = table("sqlite_sequence", column("name"), column("seq"))
PG_SEQUENCES = table(
    "pg_sequences", column("schemaname"), column("sequencename"), column("last_value")
)

FAILURES = (OSError, ValueError, sqlite3.Error, DBAPIError)


def write_backup(
    session: Session, path: Path, *, overwrite: bool, pause: Pause | None = None
) -> dict[str, int]:
    """Write all rows as of a single moment to the file; return the number of rows per table.

    The file is written in a hidden folder next to its path, and moved there when it is complete.
    `pause` waits for seconds between batches, so that requests are not delayed, or raises to stop.
    Without it, the backup is faster, and blocks commits to SQLite for a few seconds per gigabyte.
    Raise SystemExit with a one-line message on failure, and leave nothing behind.
    """
    try:
        _refuse_database(session, path)
        _refuse_existing(path, overwrite=overwrite)
        # Keep the folder and the file private to their owner: they contain password hashes.
        with TemporaryDirectory(prefix=".todo-backup-", dir=path.parent) as hidden:
            written = Path(hidden, "backup")
            written.touch(mode=0o600)
            with _snapshot(session, Path(hidden), pause) as source, _open(written, "rw") as target:
                _refuse_newer(source)
                target.exec_driver_sql(f"PRAGMA application_id = {BACKUP_ID}")
                for each in (VERSION, *Base.metadata.sorted_tables):
                    target.execute(CreateTable(each))
                target.execute(insert(VERSION), {"version_num": MIGRATION})
                rows = _copy(source, target, pause)
            _refuse_existing(path, overwrite=overwrite)
            written.replace(path)
            _keep_name(path)
            return rows
    except FAILURES as error:
        raise SystemExit(
            f"todo: cannot back up to {str(path)!r}: {_reason(error)}; nothing was written"
        ) from None


def restore_backup(session: Session, path: Path, name: str = "") -> dict[str, int]:
    """Restore all rows of the file into an empty database; return the number of rows per table.

    `name` is shown in place of the path. The caller commits the session. Raise SystemExit with a
    one-line message if the file is not a backup of this migration, or the database is not empty.
    """
    name = name or repr(str(path))
    try:
        if path.is_fifo():
            raise ValueError("it is a pipe")
        path.open("rb").close()  # its error is clearer than SQLite's
        with _open(path, "ro") as source:
            _refuse_other_files(source, name)
            target = session.connection()
            if target.dialect.name == "postgresql":
                _take_time(target)
                # Block other writers, as SQLite does.
                names = ", ".join(each.name for each in Base.metadata.sorted_tables)
                target.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
            _refuse_rows(target)
            rows = _copy(source, target)
            if target.dialect.name == "postgresql":
                # Without statistics, the planner misjudges searches until autovacuum runs.
                target.exec_driver_sql("ANALYZE")
            return rows
    except FAILURES as error:
        raise SystemExit(
            f"todo: cannot restore {name}: {_reason(error)}; the database was not changed"
        ) from None


def _refuse_database(session: Session, path: Path) -> None:
    database = session.get_bind().engine.url.database or ""
    if session.get_bind().dialect.name == "sqlite" and path.exists() and path.samefile(database):
        raise SystemExit(f"todo: {str(path)!r} is the database itself; choose another name")


def _refuse_newer(source: Connection) -> None:
    """Raise ValueError if the database was migrated: new columns would be missing in the backup."""
    if (found := stored_migration(source)) != MIGRATION:
        raise ValueError(
            f"the database is at migration {found}, not {MIGRATION}: run the newer todo"
        )


def _refuse_existing(path: Path, *, overwrite: bool) -> None:
    if os.path.lexists(path) and not overwrite:
        raise SystemExit(
            f"todo: {str(path)!r} already exists; choose another name or add --overwrite"
        )


def _refuse_other_files(source: Connection, name: str) -> None:
    if source.exec_driver_sql("PRAGMA application_id").scalar() != BACKUP_ID:
        raise SystemExit(
            f"todo: {name} is not a backup; choose a file that todo-admin backup has written"
        )
    version = source.scalar(select(VERSION.c.version_num))
    if version != MIGRATION:
        raise SystemExit(
            f"todo: {name} is a backup of migration {version}, but this todo needs "
            f"{MIGRATION}; restore it with the version of todo that wrote it, then update"
        )
    fault = source.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if fault != "ok":
        raise SystemExit(f"todo: {name} is damaged; choose another backup")


def _refuse_rows(target: Connection) -> None:
    for each in Base.metadata.sorted_tables:
        if target.scalar(select(literal(1)).select_from(each).limit(1)):
            raise SystemExit(
                f"todo: the database is not empty: it has {_words(each)}; create a new one, run "
                "alembic upgrade head, and restore into it"
            )


@contextmanager
def _snapshot(session: Session, folder: Path, pause: Pause | None) -> Iterator[Connection]:
    """Yield a connection that reads the database as of a single moment."""
    engine = session.get_bind().engine
    if engine.dialect.name == "postgresql":
        connection = session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        _take_time(connection)
        yield connection
        return
    # Reading from SQLite blocks commits. Copying its pages is much faster than reading its rows, so
    # read the rows from a copy.
    pages = folder / "pages"
    pages.touch(mode=0o600)
    with closing(sqlite3.connect(pages)) as copy, closing(engine.raw_connection()) as original:
        copy.execute("PRAGMA synchronous = OFF")  # the copy is temporary
        source: sqlite3.Connection = original.driver_connection  # type: ignore[assignment]
        if pause is None:
            source.backup(copy)
        else:
            copy_database(source, copy, pause)
    with _open(pages, "rw") as connection:
        yield connection


@contextmanager
def _open(path: Path, mode: str) -> Iterator[Connection]:
    """Open the file for one transaction. Modes: https://www.sqlite.org/uri.html."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    engine = sqlalchemy.create_engine(
        "sqlite://",
        creator=partial(sqlite3.connect, uri, uri=True, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.begin() as connection:
        yield connection


def _take_time(connection: Connection) -> None:
    """Disable PostgreSQL's timeouts, which are meant for requests, in this transaction."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _copy(source: Connection, target: Connection, pause: Pause | None = None) -> dict[str, int]:
    """Copy all rows and the last ids. Return the number of rows per table."""
    rows = {}
    for each in Base.metadata.sorted_tables:
        rows[_words(each)] = 0
        query = select(each).order_by(*each.primary_key)
        found = source.execute(query, execution_options={"yield_per": BATCH_SIZE})
        for batch in found.mappings().partitions():
            target.execute(insert(each), [dict(row) for row in batch], execution_options=RECORDED)
            rows[_words(each)] += len(batch)
            if pause is not None:
                pause(BATCH_PAUSE)
    # PostgreSQL's last ids are current, not of the snapshot, so no id in the rows exceeds them.
    for each in Base.metadata.sorted_tables:
        if each.autoincrement_column is not None:
            last = max(_last_id(source, each), _last_id(target, each))
            _set_last_id(target, each, last)
    return rows


def _last_id(connection: Connection, numbered: Table) -> int:
    """Return the last id assigned in the table, even if its row was deleted; 0 if none was."""
    if connection.dialect.name == "sqlite":
        query = select(SQLITE_SEQUENCE.c.seq).where(SQLITE_SEQUENCE.c.name == numbered.name)
    else:
        names = (PG_SEQUENCES.c.schemaname, PG_SEQUENCES.c.sequencename)
        query = select(PG_SEQUENCES.c.last_value).where(
            func.format("%I.%I", *names) == _sequence(numbered)
        )
    return connection.scalar(query) or 0


def _set_last_id(connection: Connection, numbered: Table, last: int) -> None:
    if connection.dialect.name == "sqlite":
        name = SQLITE_SEQUENCE.c.name
        connection.execute(delete(SQLITE_SEQUENCE).where(name == numbered.name))
        connection.execute(insert(SQLITE_SEQUENCE), {"name": numbered.name, "seq": last})
    elif last > 0:
        connection.execute(select(func.setval(_sequence(numbered), last)))


def _sequence(numbered: Table) -> sqlalchemy.Function[str]:
    key: Column[int] = numbered.autoincrement_column  # type: ignore[assignment]
    return func.pg_get_serial_sequence(numbered.name, key.name)


def _words(each: Table) -> str:
    return each.name.replace("_", " ")


def _keep_name(path: Path) -> None:
    """Sync the folder, so that the file's name is on disk. SQLite has synced its content."""
    with suppress(OSError):  # some folders are unreadable, and some file systems cannot sync one
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    cause = error.orig if isinstance(error, DBAPIError) else error
    # SQLite's message is unhelpful, or quotes the content of a row.
    if any(words in str(cause) for words in ("malformed", "decode to UTF-8")):
        return "it is damaged"
    return str(cause).strip().partition("\n")[0]
