"""SQLite connections: open them, begin transactions, and return them to the pool."""

import os
import sqlite3
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from todo.metrics import LOCK_WAIT_TIMEOUTS
from todo.models.faults import READ_ONLY, SHORT_TIMEOUT, storage_fault

# Earlier versions could reset a WAL file in use and corrupt the database.
WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)

ROLLBACK_JOURNAL_LIMIT = 1024 * 1024  # bytes; truncate the file after a larger transaction

SHORT_TIMEOUT_SECONDS = 0.1
WRITE_LOCK = "write_lock"  # the lock that a connection holds during a transaction


def check_folder(engine: Engine) -> None:
    """Raise SystemExit if SQLite cannot create files next to the engine's database.

    SQLite itself does not tell the reasons apart.
    """
    if engine.dialect.name != "sqlite":
        return
    folder = Path(str(engine.url.database)).resolve().parent
    if not folder.is_dir():
        raise SystemExit(
            f"todo: the database cannot be created: there is no folder {str(folder)!r}; create it, "
            "or correct the database URL"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SystemExit(
            f"todo: SQLite cannot create files in the folder {str(folder)!r}; let this user write "
            "to it, or correct the database URL"
        )


def begin_with_short_timeout(session: Session) -> None:
    """Begin the session's transaction, but wait only briefly for the write lock.

    Raise OperationalError if the lock is not free in time. PostgreSQL begins a transaction without
    waiting, so the option has no effect there.
    """
    session.connection(execution_options={SHORT_TIMEOUT: True})


def listen(engine: Engine, *, reads_only: bool, timeout: float) -> None:
    """Register the listeners for the engine's connections.

    `timeout` is the maximum wait for another writer, in seconds.
    """
    event.listen(engine, "do_connect", _connect)
    if reads_only:
        event.listen(engine, "connect", _refuse_writes)
    else:
        event.listen(engine, "begin", partial(_begin, Lock(), timeout))
    event.listen(engine, "checkin", partial(_reset, timeout))
    event.listen(engine, "invalidate", _roll_back)


def _connect(
    _dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]
) -> sqlite3.Connection:
    path = str(arguments[0])
    _create_private(path)
    connection = sqlite3.connect(path, **options)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = Path(f"{path}-wal")
        if storage_fault(error) != READ_ONLY or (log.exists() and log.stat().st_size):
            raise
        # Reading needs the WAL file, which is missing and cannot be created. So nothing is writing,
        # and the database file alone is complete.
        connection = sqlite3.connect(f"file:{quote(path)}?immutable=1", **options, uri=True)
    except sqlite3.Error:
        connection.close()
        raise
    try:
        _configure(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _create_private(path: str) -> None:
    """Create the file with mode 0600 if it is missing; SQLite gives its other files the same mode.

    Never open an existing file here: closing it would release the locks that this process holds.
    """
    with suppress(OSError):  # it exists, or SQLite reports why it cannot be created
        Path(os.path.realpath(path)).touch(mode=0o600, exist_ok=False)


def _configure(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # the driver must not begin transactions
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")  # overwrite deleted values with zeros
    try:
        # A deleted rollback journal could reappear after a power failure and undo the write.
        # Recreating it also costs time.
        connection.execute(f"PRAGMA journal_mode = {'WAL' if WAL_IS_SAFE else 'PERSIST'}")
        connection.execute(f"PRAGMA journal_size_limit = {ROLLBACK_JOURNAL_LIMIT}")
    except sqlite3.OperationalError as error:
        if storage_fault(error) != READ_ONLY:
            raise


def _refuse_writes(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON")


def _begin(write_lock: Lock, timeout: float, connection: Connection) -> None:
    is_short = connection.get_execution_options().get(SHORT_TIMEOUT)
    _acquire_write_lock(write_lock, SHORT_TIMEOUT_SECONDS if is_short else timeout, connection.info)
    if is_short:
        connection.info[SHORT_TIMEOUT] = True
        connection.exec_driver_sql(_busy_timeout(SHORT_TIMEOUT_SECONDS))
    # A transaction that reads before its first write fails immediately if another transaction has
    # written in between. BEGIN IMMEDIATE waits for the write lock instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _acquire_write_lock(write_lock: Lock, timeout: float, held: dict[str, Any]) -> None:
    """Serialise the writing threads of this process, so that only one waits for other processes.

    SQLite waits for other processes by polling the file at increasing intervals.
    """
    if WRITE_LOCK in held:
        return  # kept from the previous transaction on this connection
    acquired = write_lock.acquire(timeout=timeout)
    if not acquired:
        if timeout != SHORT_TIMEOUT_SECONDS:
            LOCK_WAIT_TIMEOUTS.inc()
        locked = sqlite3.OperationalError("database is locked by another thread")
        raise OperationalError("BEGIN IMMEDIATE", None, locked)
    held[WRITE_LOCK] = write_lock


def _busy_timeout(seconds: float) -> str:
    """Return the statement that sets the maximum wait for other processes."""
    return f"PRAGMA busy_timeout = {seconds * 1000:.0f}"


def _reset(timeout: float, connection: sqlite3.Connection | None, record: Any) -> None:
    try:
        if connection is None:
            return
        # A COMMIT that waited too long for readers fails and leaves its transaction open. Its locks
        # would block all other connections.
        if connection.in_transaction:
            connection.rollback()
        if record.info.pop(SHORT_TIMEOUT, False):
            connection.execute(_busy_timeout(timeout))
    finally:
        if WRITE_LOCK in record.info:
            record.info.pop(WRITE_LOCK).release()


def _roll_back(connection: sqlite3.Connection, _record: object, _error: object) -> None:
    # Closing the connection does not end its transaction while a cursor is still open.
    if connection.in_transaction:
        connection.rollback()
