"""The connections to SQLite: how one is opened, begins a transaction, and is given back."""

import sqlite3
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from todo.models.faults import READ_ONLY, storage_fault

# Before this version a WAL file could be reset while in use, and the database corrupted.
WAL_IS_SAFE = sqlite3.sqlite_version_info >= (3, 51, 3)

ROLLBACK_JOURNAL_LIMIT = 1024 * 1024  # bytes; truncate the file after a larger transaction

SHORT_TIMEOUT = "short_timeout"  # the execution option of a transaction that does not wait long
SHORT_TIMEOUT_SECONDS = 0.1
WRITE_LOCK = "write_lock"  # the lock that a connection holds while it writes


def begin_with_short_timeout(session: Session) -> None:
    """Begin the session's transaction as one that fails rather than wait long for its turn.

    On PostgreSQL, where nobody has to wait to begin, it begins like any other.
    """
    session.connection(execution_options={SHORT_TIMEOUT: True})


def listen(engine: Engine, *, reads_only: bool, timeout: float) -> None:
    """Let the engine's connections be opened, begin and end as this says.

    `timeout` is how many seconds one waits for another thread that writes.
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
    connection = sqlite3.connect(path, **options)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = Path(f"{path}-wal")
        if storage_fault(error) != READ_ONLY or (log.exists() and log.stat().st_size):
            raise
        # Reading needs the log of writes, which is missing and cannot be made. Nobody writes, so
        # the file can be read without it.
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


def _configure(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # the driver shall not begin transactions by itself
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    try:
        # A deleted journal could reappear after a power failure and undo the write; recreating it
        # also costs time.
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
    # A transaction that reads first and writes later fails at once if another has written in
    # between. One that begins as a writer waits for its turn instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _acquire_write_lock(write_lock: Lock, timeout: float, held: dict[str, Any]) -> None:
    """Let the threads of this process wait for each other, and but one for other processes.

    A connection that waits for the file polls it, in ever longer pauses.
    """
    if WRITE_LOCK in held:
        return  # of the transaction before, on the same connection
    acquired = write_lock.acquire(timeout=timeout)
    if not acquired:
        locked = sqlite3.OperationalError("database is locked, by another thread")
        raise OperationalError("BEGIN IMMEDIATE", None, locked)
    held[WRITE_LOCK] = write_lock


def _busy_timeout(seconds: float) -> str:
    """Return the statement that lets a connection wait so long for another process."""
    return f"PRAGMA busy_timeout = {seconds * 1000:.0f}"


def _reset(timeout: float, connection: sqlite3.Connection | None, record: Any) -> None:
    try:
        if connection is None:
            return
        # A COMMIT that has waited too long for readers fails, and leaves its transaction open, with
        # its locks: nobody else could read or write any more.
        if connection.in_transaction:
            connection.rollback()
        if record.info.pop(SHORT_TIMEOUT, False):
            connection.execute(_busy_timeout(timeout))
    finally:
        if WRITE_LOCK in record.info:
            record.info.pop(WRITE_LOCK).release()


def _roll_back(connection: sqlite3.Connection, _record: object, _error: object) -> None:
    # As long as a cursor is left somewhere, to close the connection would not end its transaction.
    if connection.in_transaction:
        connection.rollback()
