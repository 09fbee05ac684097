"""Backups: every row in one file, taken while the service runs, and put back into a database.

The file is a SQLite database, whatever the service itself runs on: the tables of the models, the
last ids that were given, and the migration. It has no indexes and no words to search for: the
database into which it is restored makes them of the rows.
"""

import os
import sqlite3
from collections.abc import Iterator
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
from todo.models.migration import BACKUP_ID, MIGRATION

BATCH_SIZE = 1000  # rows in memory

# As alembic has it.
VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))

# The last ids, as SQLite and PostgreSQL have them.
SQLITE_SEQUENCE = table("sqlite_sequence", column("name"), column("seq"))
PG_SEQUENCES = table(
    "pg_sequences", column("schemaname"), column("sequencename"), column("last_value")
)

FAILURES = (OSError, ValueError, sqlite3.Error, DBAPIError)


def write_backup(session: Session, path: Path, *, overwrite: bool) -> dict[str, int]:
    """Write the file, and return how many rows of each table are in it.

    Its rows are those of one moment. Until it is whole it stands, hidden, in a folder beside its
    place. Raises SystemExit with one line where it cannot be written; then nothing is left.
    """
    try:
        _refuse_database(session, path)
        _refuse_existing(path, overwrite=overwrite)
        # Nobody else may look into the folder, or read the file: it holds hashes.
        with TemporaryDirectory(prefix=".todo-backup-", dir=path.parent) as hidden:
            written = Path(hidden, "backup")
            written.touch(mode=0o600)
            with _snapshot(session, Path(hidden)) as source, _open(written, "rw") as target:
                target.exec_driver_sql(f"PRAGMA application_id = {BACKUP_ID}")
                for each in (VERSION, *Base.metadata.sorted_tables):
                    target.execute(CreateTable(each))
                target.execute(insert(VERSION), {"version_num": MIGRATION})
                rows = _copy(source, target)
            _refuse_existing(path, overwrite=overwrite)
            written.replace(path)
            _keep_name(path)
            return rows
    except FAILURES as error:
        raise SystemExit(
            f"todo: cannot back up to {str(path)!r}: {_reason(error)}; nothing was written"
        ) from None


def restore_backup(session: Session, path: Path) -> dict[str, int]:
    """Put all rows of the file into the empty database, and return how many of each table.

    They are there for others when the session commits. Raises SystemExit with one line where the
    file is no backup, or one of another migration, or where the database is not empty.
    """
    try:
        if path.is_fifo():
            raise ValueError("it is a pipe")
        path.open("rb").close()  # says better than SQLite what is wrong with the path
        with _open(path, "ro") as source:
            _refuse_other_files(source, path)
            target = session.connection()
            if target.dialect.name == "postgresql":
                _take_time(target)
                # As on SQLite, nobody writes meanwhile.
                names = ", ".join(each.name for each in Base.metadata.sorted_tables)
                target.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
            _refuse_rows(target)
            rows = _copy(source, target)
            if target.dialect.name == "postgresql":
                # Without statistics of the words it would misjudge every search for a while.
                target.exec_driver_sql("ANALYZE")
            return rows
    except FAILURES as error:
        raise SystemExit(
            f"todo: cannot restore {str(path)!r}: {_reason(error)}; the database is as it was"
        ) from None


def _refuse_database(session: Session, path: Path) -> None:
    database = session.get_bind().engine.url.database or ""
    if session.get_bind().dialect.name == "sqlite" and path.exists() and path.samefile(database):
        raise SystemExit(f"todo: {str(path)!r} is the database itself; choose another name")


def _refuse_existing(path: Path, *, overwrite: bool) -> None:
    if os.path.lexists(path) and not overwrite:
        raise SystemExit(
            f"todo: {str(path)!r} is there already; choose another name, or add --overwrite"
        )


def _refuse_other_files(source: Connection, path: Path) -> None:
    if source.exec_driver_sql("PRAGMA application_id").scalar() != BACKUP_ID:
        raise SystemExit(
            f"todo: {str(path)!r} is no backup; take a file that todo-admin backup has written"
        )
    version = source.scalar(select(VERSION.c.version_num))
    if version != MIGRATION:
        raise SystemExit(
            f"todo: {str(path)!r} is a backup of migration {version}, and this todo is at "
            f"{MIGRATION}; restore it with the version of todo that wrote it, and update then"
        )
    fault = source.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if fault != "ok":
        raise SystemExit(f"todo: {str(path)!r} is damaged; take another backup")


def _refuse_rows(target: Connection) -> None:
    for each in Base.metadata.sorted_tables:
        if target.scalar(select(literal(1)).select_from(each).limit(1)):
            raise SystemExit(
                f"todo: the database is not empty, there are {_words(each)}; make a new one, run "
                "alembic upgrade head on it, and restore into that"
            )


@contextmanager
def _snapshot(session: Session, folder: Path) -> Iterator[Connection]:
    """Yield what reads the database as it is at one moment."""
    engine = session.get_bind().engine
    if engine.dialect.name == "postgresql":
        connection = session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        _take_time(connection)
        yield connection
        return
    # While one reads from SQLite, nobody else can commit. So its pages are copied at once, which
    # is far quicker than to read its rows (some seconds a gigabyte); these come from the copy.
    pages = folder / "pages"
    pages.touch(mode=0o600)
    with closing(sqlite3.connect(pages)) as copy, closing(engine.raw_connection()) as original:
        copy.execute("PRAGMA synchronous = OFF")  # it will not be kept
        original.driver_connection.backup(copy)  # type: ignore[union-attr]
    with _open(pages, "rw") as connection:
        yield connection


@contextmanager
def _open(path: Path, mode: str) -> Iterator[Connection]:
    """Open the file for one transaction; the mode is one of https://www.sqlite.org/uri.html."""
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
    """Lift PostgreSQL's limits of time, which are for requests, until the transaction ends."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _copy(source: Connection, target: Connection) -> dict[str, int]:
    """Copy all rows and the last ids; return how many rows of each table."""
    rows = {}
    for each in Base.metadata.sorted_tables:
        rows[_words(each)] = 0
        query = select(each).order_by(*each.primary_key)
        found = source.execute(query, execution_options={"yield_per": BATCH_SIZE})
        for batch in found.mappings().partitions():
            target.execute(insert(each), [dict(row) for row in batch], execution_options=RECORDED)
            rows[_words(each)] += len(batch)
    # PostgreSQL's are as of now, not of the snapshot, and so not less than what is in the rows.
    for each in Base.metadata.sorted_tables:
        if each.autoincrement_column is not None:
            last = max(_last_id(source, each), _last_id(target, each))
            _set_last_id(target, each, last)
    return rows


def _last_id(connection: Connection, numbered: Table) -> int:
    """Return the last id that the table has given to a row, which may be gone; 0 before any."""
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
    """Have the file's name on the disk, too; SQLite has seen to what is in the file."""
    with suppress(OSError):  # some folders cannot be read, some file systems not be synchronised
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    cause = error.orig if isinstance(error, DBAPIError) else error
    # SQLite's own words are no help, or are what is in the row.
    if any(words in str(cause) for words in ("malformed", "decode to UTF-8")):
        return "it is damaged"
    return str(cause).strip().partition("\n")[0]
