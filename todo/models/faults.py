"""Database errors of storage that is full or read-only, and of locks."""

import sqlite3
from collections.abc import Mapping

from sqlalchemy.engine import ExceptionContext

from todo.metrics import LOCK_WAIT_TIMEOUTS

FULL = "storage_full"
READ_ONLY = "storage_read_only"

# Keys are SQLSTATEs (PostgreSQL documentation, appendix A) and SQLite's primary result codes
# (https://www.sqlite.org/rescode.html).
_STORAGE_FAULTS: Mapping[str | int, str] = {
    "53100": FULL,
    "25006": READ_ONLY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    # The file is writable, but its folder is not, so SQLite cannot create the rollback journal.
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
}

LOCK_NOT_AVAILABLE = "55P03"

SHORT_TIMEOUT = "short_timeout"  # execution option: wait only briefly for the write lock


def storage_fault(error: BaseException | None) -> str | None:
    """Return FULL or READ_ONLY if that caused the driver's error, otherwise None."""
    return _STORAGE_FAULTS.get(_code(error))


def _code(error: BaseException | None) -> str | int:
    """Return the SQLSTATE of PostgreSQL, or the primary result code of SQLite."""
    return getattr(error, "pgcode", None) or getattr(error, "sqlite_errorcode", 0) & 0xFF


def renew_read_only(context: ExceptionContext) -> None:
    """Invalidate the pool if a write fails because its connection is read-only.

    An open connection stays read-only even after the disk becomes writable again, or after a
    primary replaces a standby.
    """
    if storage_fault(context.original_exception) == READ_ONLY:
        context.is_disconnect = True


def count_lock_timeout(context: ExceptionContext) -> None:
    """Count a statement that has waited too long for a lock, unless it was to wait only briefly."""
    code = _code(context.original_exception)
    is_short = context.connection is not None and SHORT_TIMEOUT in context.connection.info
    if code in (LOCK_NOT_AVAILABLE, sqlite3.SQLITE_BUSY) and not is_short:
        LOCK_WAIT_TIMEOUTS.inc()
