"""Copy a SQLite database in use, so that its clients do not notice.

A reader blocks commits, except with a WAL. So copy for a moment at a time. SQLite restarts the copy
after a write in between; then copy more pages at a time, up to what a commit may well wait for.
"""

import math
import sqlite3
import time
from collections.abc import Callable

FIRST_STEP = 4096  # pages: 16 MB
STEP_SECONDS = 0.5  # for which a commit may wait
STEP_PAUSE = 0.1  # seconds between two steps: writers poll at least this often
ATTEMPTS = 50


class _WrittenError(Exception):
    """The database was written to between two steps."""


class _Attempt:
    """One copy from the first page to the last."""

    def __init__(self, pause: Callable[[float], object]) -> None:
        self.pause = pause
        self.remaining: float = math.inf
        self.longest = 0.0  # seconds of a step
        self.began = time.monotonic()

    def end_step(self, status: int, remaining: int, _total: int) -> None:
        """Pause after a step, or after waiting for a lock in vain.

        Raise _WrittenError if SQLite has restarted the copy.
        """
        self.longest = max(self.longest, time.monotonic() - self.began)
        if status == sqlite3.SQLITE_OK:
            if remaining >= self.remaining:
                raise _WrittenError
            self.remaining = remaining
        if status != sqlite3.SQLITE_DONE:
            self.pause(STEP_PAUSE)
        self.began = time.monotonic()


def copy_database(
    source: sqlite3.Connection, target: sqlite3.Connection, pause: Callable[[float], object]
) -> None:
    """Copy all pages as of a single moment. `pause` waits between two steps, or raises to stop.

    Raise ValueError if the database is too large to be copied between two writes.
    """
    if source.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        source.backup(target)
        return
    pages = FIRST_STEP
    for _ in range(ATTEMPTS):
        attempt = _Attempt(pause)
        try:
            source.backup(target, pages=pages, progress=attempt.end_step)
        except _WrittenError:
            if attempt.longest < STEP_SECONDS / 2:
                pages *= 2
        else:
            return
    raise ValueError(
        "the database is too large to be copied between two writes; update to SQLite 3.51.3 or to "
        "PostgreSQL, or use todo-admin backup"
    )
