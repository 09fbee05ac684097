"""Database errors that mean that the storage is full or read-only."""

import sqlite3
from collections.abc import Mapping

from sqlalchemy.engine import ExceptionContext

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


def storage_fault(error: BaseException | None) -> str | None:
    """Return FULL or READ_ONLY if that caused the driver's error, otherwise None."""
    code = getattr(error, "pgcode", None) or getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _STORAGE_FAULTS.get(code)


def renew_read_only(context: ExceptionContext) -> None:
    """Invalidate the pool if a write fails because its connection is read-only.

    An open connection stays read-only even after the disk becomes writable again, or after a
    primary replaces a standby.
    """
    if storage_fault(context.original_exception) == READ_ONLY:
        context.is_disconnect = True
