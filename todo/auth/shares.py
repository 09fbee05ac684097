"""Fair shares: how much one account may use of a process, at once and in a window of time.

Each process counts in memory, for itself: in the database, a count would cost every read a write.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Condition
from time import monotonic
from typing import IO

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden

from todo import clock
from todo.auth.identity import read_identity
from todo.auth.limits import limit_exceeded
from todo.auth.policy import UNAUTHENTICATED, presented_digest
from todo.http.errors import Problem
from todo.http.operations import requested_operation
from todo.http.request import SAFE_METHODS, Request
from todo.http.typed_views import read_input_early

AT_ONCE = 6  # requests of an account; fewer than the process has threads
PATIENCE = 0.1  # seconds that a request waits for another one of its account to end
LARGE_BODY = 64 * 1024  # bytes; one task needs less
MOST_ENTRIES = 10_000  # remembered by a process

# Budgets and their windows: requests, bytes of bodies and the journal, and exports.
READS, WRITTEN, EXPORTS = "reads", "written", "exports"
WINDOWS = {READS: timedelta(minutes=1), WRITTEN: timedelta(minutes=1), EXPORTS: timedelta(hours=1)}


@dataclass
class _Running:
    """The requests of an account that the process is working on."""

    total: int = 0
    heavy: int = 0
    changed: float = field(default_factory=monotonic)  # when one of them began or ended


@dataclass
class _Window:
    """What an account has used of a budget in a window of time."""

    used: int
    end: datetime


class Shares:
    """What each account uses of this process."""

    def __init__(self) -> None:
        self.accounts: dict[bytes, int] = {}  # digest of a token -> its account, for ever the same
        self._running: dict[int, _Running] = defaultdict(_Running)
        self._windows: dict[tuple[str, int], _Window] = {}
        self._exports: dict[int, IO[bytes]] = {}
        self._changed = Condition()

    def begin(self, account_id: int, *, heavy: bool) -> None:
        """Begin a request of the account. Raise Problem 429 if too many others do not end.

        Wait as long as they do end: a page may send many short requests at once.
        """
        with self._changed:
            while True:
                running = self._running[account_id]
                if running.total < AT_ONCE and not (heavy and running.heavy):
                    break
                patience = running.changed + PATIENCE - monotonic()
                if patience <= 0:
                    raise _too_many_at_once()
                self._changed.wait(patience)
            running.total += 1
            running.heavy += heavy
            running.changed = monotonic()

    def end(self, account_id: int, *, heavy: bool) -> None:
        """End a request of the account."""
        with self._changed:
            running = self._running[account_id]
            running.total -= 1
            running.heavy -= heavy
            running.changed = monotonic()
            if not running.total:
                del self._running[account_id]
            self._changed.notify_all()

    def spend(self, budget: str, account_id: int, amount: int, maximum: int) -> None:
        """Add to what the account has used of the budget in its current window.

        Raise Problem 429 if it had already used the maximum; 0 means no maximum.
        """
        with self._changed:
            now, key = clock.now(), (budget, account_id)
            window = self._windows.get(key)
            end = now + WINDOWS[budget]
            if window is None or not now < window.end <= end:  # it is over, or the clock was wrong
                self._make_room(now)
                window = self._windows[key] = _Window(0, end)
            if maximum and window.used >= maximum:
                raise limit_exceeded(window.end)
            window.used += amount

    def _make_room(self, now: datetime) -> None:
        if len(self._windows) >= MOST_ENTRIES:
            current = {key: each for key, each in self._windows.items() if each.end > now}
            self._windows = current if len(current) < MOST_ENTRIES else {}

    def refuse_second_export(self, account_id: int) -> None:
        """Raise Problem 429 while an export of the account is still sent: it occupies a disk."""
        with self._changed:
            file = self._exports.get(account_id)
            if file is not None and not file.closed:
                raise Problem(
                    "too_many_requests",
                    "An export of this account is still being sent. Read it, or close its "
                    "connection, and try again.",
                    headers={"Retry-After": "10"},
                )

    def keep_export(self, account_id: int, file: IO[bytes]) -> None:
        """Remember the file until the server closes it."""
        with self._changed:
            open_files = {key: each for key, each in self._exports.items() if not each.closed}
            self._exports = open_files | {account_id: file}

    def remember(self, digest: bytes, account_id: int) -> None:
        """Remember the account of a token, so that a write is refused before it takes a lock."""
        if len(self.accounts) >= MOST_ENTRIES:
            self.accounts.clear()
        self.accounts[digest] = account_id


def take_share(request: Request) -> None:
    """Count the request as one of its account, and spend the budget of this minute.

    Raise HTTPForbidden without a valid token, and Problem 429 if the account does too much. This
    comes before the account is locked: on SQLite, one account could otherwise let all others wait
    for the lock.
    """
    shares: Shares = request.registry["shares"]
    operation = requested_operation(request)
    has_large_body = (request.content_length or 0) > LARGE_BODY
    account_id = _account_id(request, shares, has_large_body=has_large_body)
    if _writes(request):
        size, maximum = request.content_length or 0, request.settings.limit_write_bytes
        shares.spend(WRITTEN, account_id, size, maximum)
    else:
        shares.spend(READS, account_id, 1, request.settings.limit_reads)
    heavy = has_large_body or bool(operation and operation.options.get("heavy"))
    shares.begin(account_id, heavy=heavy)
    request.add_finished_callback(lambda _request: shares.end(account_id, heavy=heavy))
    if has_large_body and operation is not None:
        read_input_early(operation, request)


def _account_id(request: Request, shares: Shares, *, has_large_body: bool) -> int:
    """Return the account of the request's token, and set the request's time zone if it is read."""
    digest = presented_digest(request)
    if digest is None:
        raise HTTPForbidden(result=UNAUTHENTICATED)
    if digest in shares.accounts and not has_large_body:
        return shares.accounts[digest]
    # The identity of a write locks the account.
    identity = read_identity(request, digest) if _writes(request) else request.identity
    if identity is None:
        raise HTTPForbidden(result=UNAUTHENTICATED)
    shares.remember(digest, identity.account.id)
    request.timezone = identity.account.zone
    return identity.account.id


def _writes(request: Request) -> bool:
    return request.method not in SAFE_METHODS


def _too_many_at_once() -> Problem:
    return Problem(
        "too_many_requests",
        f"The service is working on other requests of this account. Send at most {AT_ONCE} at a "
        "time, and one after the other those that change many tasks or have a large body.",
        headers={"Retry-After": "1"},
    )


def includeme(config: Configurator) -> None:
    config.registry["shares"] = Shares()
