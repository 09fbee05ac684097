"""Fair shares: how much one account may use of a process, at once and in a window of time.

Each process counts in memory, for itself: in the database, a count would cost every read a write.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Condition
from time import monotonic, sleep
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

AT_ONCE = 6  # requests of an account in work
WAITING = 12  # further ones that wait for these
PATIENCE = 1  # seconds that they wait
LARGE_BODY = 64 * 1024  # bytes; one task needs less
LONGEST_REST = 1  # seconds after a heavy request
MOST_ENTRIES = 10_000  # remembered by a process

# Budgets and their windows: requests, bytes of bodies and the journal, and exports.
READS, WRITTEN, EXPORTS = "reads", "bytes to write", "exports"
WINDOWS = {READS: timedelta(minutes=1), WRITTEN: timedelta(minutes=1), EXPORTS: timedelta(hours=1)}


@dataclass
class _Running:
    """The requests of an account that the process is working on."""

    total: int = 0
    heavy: int = 0
    waiting: int = 0  # requests that would be too many


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
        self._rests: dict[int, float] = {}  # account -> when its next heavy request may begin
        self._changed = Condition()

    def begin(self, account_id: int, *, heavy: bool) -> float:
        """Begin a request of the account, and return when it began, for end().

        Too many at once wait for others to end. Raise Problem 429 if that takes longer than
        PATIENCE, or if too many wait, because each occupies a thread. A heavy request rests as long
        as the one before it took, at most LONGEST_REST, so that others get the lock in between.
        """
        with self._changed:
            running = self._running[account_id]
            until = monotonic() + PATIENCE
            while running.total >= AT_ONCE or (heavy and running.heavy):
                patience = until - monotonic()
                if patience <= 0 or running.waiting >= WAITING:
                    raise _too_many_at_once()
                running.waiting += 1
                self._changed.wait(patience)
                running.waiting -= 1
            self._running[account_id] = running
            running.total += 1
            running.heavy += heavy
            rest = self._rests.get(account_id, 0) - monotonic() if heavy else 0
        if rest > 0:
            sleep(rest)
        return monotonic()

    def end(self, account_id: int, began: float, *, heavy: bool) -> None:
        """End a request of the account."""
        with self._changed:
            running, now = self._running[account_id], monotonic()
            running.total -= 1
            running.heavy -= heavy
            if heavy:
                self._rests = {key: end for key, end in self._rests.items() if end > now}
                self._rests[account_id] = now + min(now - began, LONGEST_REST)
            if not running.total and not running.waiting:
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
                raise limit_exceeded(window.end, budget)
            window.used += amount

    def _make_room(self, now: datetime) -> None:
        if len(self._windows) >= MOST_ENTRIES:
            latest = sorted(self._windows.items(), key=lambda item: item[1].end, reverse=True)
            self._windows = {
                key: each for key, each in latest[: MOST_ENTRIES // 2] if each.end > now
            }

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

    def forget(self, digest: bytes) -> None:
        """Forget the account of a token that has ended: it must not spend its budgets."""
        self.accounts.pop(digest, None)

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
    heavy = has_large_body or bool(operation and operation.options.get("heavy"))
    if _writes(request):
        spent = (WRITTEN, request.content_length or 0, request.settings.limit_write_bytes)
    else:
        spent = (READS, 1, request.settings.limit_reads)
    budget, amount, maximum = spent
    shares.spend(budget, account_id, 0, maximum)  # refuse before waiting
    began = shares.begin(account_id, heavy=heavy)
    request.add_finished_callback(lambda _request: shares.end(account_id, began, heavy=heavy))
    shares.spend(budget, account_id, amount, maximum=0)
    if has_large_body and operation is not None:
        read_input_early(operation, request)


def _account_id(request: Request, shares: Shares, *, has_large_body: bool) -> int:
    """Return the account of the request's token, and set the request's time zone if it is read."""
    digest = presented_digest(request)
    if digest is None:
        raise HTTPForbidden(result=UNAUTHENTICATED)
    known = shares.accounts.get(digest)
    if known is not None and not has_large_body:
        return known
    # The identity of a write locks the account.
    identity = read_identity(request, digest) if _writes(request) else request.identity
    if identity is None:
        shares.forget(digest)
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
