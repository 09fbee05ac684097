"""Budgets: how much an account may use of a process in a window of time.

Each process counts in memory, for itself: in the database, a count would cost every read a write.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from todo import clock
from todo.auth.limits import limit_exceeded

# The budgets and their windows: requests, bytes of bodies and the journal, and exports.
READS, WRITTEN, EXPORTS = "reads", "bytes to write", "exports"
WINDOWS = {READS: timedelta(minutes=1), WRITTEN: timedelta(minutes=1), EXPORTS: timedelta(hours=1)}

MOST_WINDOWS = 10_000  # remembered by a process


@dataclass
class _Window:
    """A window of time, and the amount used in it."""

    used: int
    end: datetime


class Budgets:
    """The amounts that accounts have used."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], _Window] = {}
        self._lock = Lock()

    def refuse_exceeded(self, budget: str, account_id: int, maximum: int) -> None:
        """Raise Problem 429 if the account has used the maximum; 0 means no maximum."""
        with self._lock:
            window = self._windows.get((budget, account_id))
            if window is not None and maximum and window.used >= maximum:
                now = clock.now()
                if _is_current(window, budget, now):
                    raise limit_exceeded(window.end, budget.replace(" ", "-"), budget)

    def spend(self, budget: str, account_id: int, amount: int) -> None:
        """Add the amount to what the account has used in the current window."""
        with self._lock:
            now, key = clock.now(), (budget, account_id)
            window = self._windows.get(key)
            if window is None or not _is_current(window, budget, now):
                self._make_room(now)
                window = self._windows[key] = _Window(0, now + WINDOWS[budget])
            window.used += amount

    def _make_room(self, now: datetime) -> None:
        """Forget the windows that end first, if there are too many."""
        if len(self._windows) >= MOST_WINDOWS:
            latest = sorted(self._windows.items(), key=lambda item: item[1].end, reverse=True)
            kept = latest[: MOST_WINDOWS // 2]
            self._windows = {key: window for key, window in kept if window.end > now}


def _is_current(window: _Window, budget: str, now: datetime) -> bool:
    """Return whether the window is not over, and was not begun while the clock was ahead."""
    return now < window.end <= now + WINDOWS[budget]
