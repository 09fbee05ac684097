"""The requests that a process works on, by account: none may occupy all threads.

Each process counts in memory, for itself: in the database, a count would cost every read a write.
"""

from collections import defaultdict
from dataclasses import dataclass
from threading import Condition
from time import monotonic, sleep

from todo.auth.limits import too_many_requests
from todo.http.errors import Problem

AT_ONCE = 6  # requests of an account in work
WAITING = 12  # further ones that wait for these
PATIENCE = 1  # seconds that they wait
LONGEST_REST = 1  # seconds after a heavy request


@dataclass
class _OfAccount:
    """The requests of one account."""

    total: int = 0
    heavy: int = 0
    waiting: int = 0  # not yet among the total


class Running:
    """The requests of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[int, _OfAccount] = defaultdict(_OfAccount)
        self._rests: dict[int, float] = {}  # account -> when its next heavy request may begin
        self._changed = Condition()

    def begin(self, account_id: int, *, heavy: bool) -> float:
        """Begin a request of the account, and return when it began, for end().

        Too many at once wait for others to end. Raise Problem 429 if that takes longer than
        PATIENCE, or if too many wait, because each occupies a thread. A heavy request rests as long
        as the one before it took, at most LONGEST_REST, so that others get the lock in between.
        """
        with self._changed:
            account, until = self._accounts[account_id], monotonic() + PATIENCE
            while account.total >= AT_ONCE or (heavy and account.heavy):
                patience = until - monotonic()
                if patience <= 0 or account.waiting >= WAITING:
                    raise _too_many_at_once()
                account.waiting += 1
                self._changed.wait(patience)
                account.waiting -= 1
            account.total += 1
            account.heavy += heavy
            rest = self._rests.get(account_id, 0) - monotonic() if heavy else 0
        if rest > 0:
            sleep(rest)
        return monotonic()

    def end(self, account_id: int, began: float, *, heavy: bool) -> None:
        """End a request of the account."""
        with self._changed:
            account, now = self._accounts[account_id], monotonic()
            account.total -= 1
            account.heavy -= heavy
            if heavy:
                self._rests = {key: end for key, end in self._rests.items() if end > now}
                self._rests[account_id] = now + min(now - began, LONGEST_REST)
            if not account.total and not account.waiting:
                del self._accounts[account_id]
            self._changed.notify_all()


def _too_many_at_once() -> Problem:
    return too_many_requests(
        "requests-at-once",
        f"The service is working on other requests of this account. Send at most {AT_ONCE} at a "
        "time, and one after the other those that change many tasks or have a large body.",
        seconds=1,
    )
