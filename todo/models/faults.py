"""What an error of the database says about where it stores: that it is full, or read-only."""

import sqlite3
from collections.abc import Mapping

from sqlalchemy.engine import ExceptionContext

FULL = "storage_full"
READ_ONLY = "storage_read_only"

# By SQLSTATE (PostgreSQL's documentation, appendix A), and by SQLite's primary result code
# (https://www.sqlite.org/rescode.html).
_STORAGE_FAULTS: Mapping[str | int, str] = {
    "53100": FULL,
    "25006": READ_ONLY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    # The journal cannot be made: the folder is read-only, the file alone is not.
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
}


def storage_fault(error: BaseException | None) -> str | None:
    """Return FULL or READ_ONLY where the driver's error says so."""
    code = getattr(error, "pgcode", None) or getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _STORAGE_FAULTS.get(code)


def renew_read_only(context: ExceptionContext) -> None:
    """Drop the connections that can only read, once one of them should write.

    Each would stay as it was opened when the disk, or another server in the place of a standby,
    can be written to.
    """
    if storage_fault(context.original_exception) == READ_ONLY:
        context.is_disconnect = True
