"""Rate limits, counted in the database so that all processes share them.

Each count runs in a separate transaction, so the rollback of a refused request does not undo it.
That transaction runs before or after the request's: during it, SQLite would wait for itself. Only
a successful write is counted in its own transaction, which is cheapest.
"""

import ipaddress
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Engine, bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.identity import TokenRow
from todo.http.errors import Problem, first_line
from todo.http.request import SAFE_METHODS, Request
from todo.metrics import LIMITS
from todo.models.engine import separate_transaction
from todo.models.limit import LIMIT_COUNTS, SUBJECT_MAX, WRITES
from todo.models.meta import UTCDateTime
from todo.models.prepared import PREPARED
from todo.models.sqlite import begin_with_short_timeout
from todo.models.token import TOKENS
from todo.settings import Settings

logger = logging.getLogger(__name__)

CLOCK_TOLERANCE = timedelta(minutes=1)  # by which the clocks of two processes may differ
LAST_USE_PRECISION = timedelta(minutes=1)  # a token's last use is updated at most this often


@dataclass(frozen=True)
class Limit:
    """A maximum per window of time, which begins with the first attempt."""

    name: str
    setting: str  # attribute of Settings with the maximum; 0 means no limit
    window: timedelta

    def maximum(self, settings: Settings) -> int:
        """Return the maximum in the settings."""
        maximum: int = getattr(settings, self.setting)
        return maximum


REGISTRATIONS = Limit("registrations", "limit_registrations", timedelta(hours=1))
WRITES_OF_ACCOUNT = Limit(WRITES, "limit_writes", timedelta(minutes=1))

Attempt = Iterable[tuple[Limit, str]]


def _count_statement(insert: Any) -> Any:
    """Return the statement that increments a count, or starts a new window if the old one ended."""
    new = insert(LIMIT_COUNTS).values(count=1)
    end = LIMIT_COUNTS.c.expiration_date
    # A window that ends later than a new one would was begun while the clock was wrong.
    is_over = or_(
        end <= bindparam("now", type_=UTCDateTime), end > bindparam("latest", type_=UTCDateTime)
    )
    return (
        new.on_conflict_do_update(
            index_elements=[LIMIT_COUNTS.c.name, LIMIT_COUNTS.c.subject],
            set_={
                "count": case((is_over, 1), else_=LIMIT_COUNTS.c.count + 1),
                "expiration_date": case(
                    (is_over, new.excluded.expiration_date), else_=LIMIT_COUNTS.c.expiration_date
                ),
            },
        )
        .returning(LIMIT_COUNTS.c.count, LIMIT_COUNTS.c.expiration_date)
        .execution_options(**PREPARED)
    )


_COUNT = {
    "postgresql": _count_statement(postgresql.insert),
    "sqlite": _count_statement(sqlite.insert),
}

# Skip a locked row: the write that has locked it records the use itself, or revokes the token.
_UNLOCKED_TOKEN = select(TOKENS.c.id).where(TOKENS.c.id == bindparam("token_id")).correlate(None)
_SET_LAST_USE = (
    update(TOKENS)
    .where(
        TOKENS.c.id
        == _UNLOCKED_TOKEN.with_for_update(key_share=True, skip_locked=True).scalar_subquery()
    )
    .values(last_used_date=bindparam("used"))
)


def address(request: Request) -> str:
    """Return the client's IPv4 address, or its IPv6 /64 network, which one customer controls."""
    given = request.remote_addr or ""
    try:
        parsed = ipaddress.ip_address(given)
    except ValueError:
        return given
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def count_attempt(engine: Engine, settings: Settings, attempt: Attempt) -> None:
    """Count the attempt against each limit. If one is exceeded, raise Problem 429 and count none.

    Refused attempts are not counted: otherwise one address could use up an account's daily logins.
    Call this only before or after the request's own transaction.
    """
    refused = []
    with separate_transaction(engine) as session:
        for limit, subject in attempt:
            if maximum := limit.maximum(settings):
                number, expires = count(session, limit, subject)
                if number > maximum:
                    refused.append((expires, limit.name))
        if refused:
            raise limit_exceeded(*max(refused))


def refund(engine: Engine, attempt: Attempt) -> None:
    """Refund the attempt: only failures count."""
    with separate_transaction(engine) as session:
        for limit, subject in attempt:
            session.execute(
                update(LIMIT_COUNTS)
                .where(
                    LIMIT_COUNTS.c.name == limit.name,
                    LIMIT_COUNTS.c.subject == storable(subject),
                    LIMIT_COUNTS.c.count > 0,
                )
                .values(count=LIMIT_COUNTS.c.count - 1)
            )


def count_write(request: Request) -> None:
    """Count the write and record the use of its token, in the request's transaction.

    If that is rolled back, record_use() does both. Raise Problem 429 if the account has exceeded
    its writes per minute; the refused write is not counted.
    """
    token: TokenRow = request.identity.token
    if maximum := request.settings.limit_writes:
        number, expires = count(request.db, WRITES_OF_ACCOUNT, str(token.account_id))
        if number > maximum:
            request.write_is_counted = True
            raise limit_exceeded(expires, WRITES_OF_ACCOUNT.name)
    if _use_is_due(token):
        _set_last_use(request.db, token)

    def committed(success: bool) -> None:
        request.write_is_counted = success

    request.tm.get().addAfterCommitHook(committed)


def record_use(token: TokenRow, request: Request) -> None:
    """Record the use of the token after the request's transaction, and count a failed write.

    An error is only logged: the response is already made.
    """
    is_refused = request.method not in SAFE_METHODS and not request.write_is_counted
    counts = is_refused and request.settings.limit_writes > 0
    sets_last_use = _use_is_due(token) and not request.write_is_counted
    if not (sets_last_use or counts):
        return
    try:
        with separate_transaction(request.registry["engine"]) as session:
            if counts:  # first: it may wait for a lock, and must not hold another one then
                count(session, WRITES_OF_ACCOUNT, str(token.account_id))
            else:
                begin_with_short_timeout(session)  # the finished response waits for this
            if sets_last_use:
                _set_last_use(session, token)
    except SQLAlchemyError as error:
        logger.warning(
            "%s: cannot record the use of a token: %s", request.request_id, first_line(error)
        )


def limit_exceeded(expires: datetime, limit: str, what: str = "attempts") -> Problem:
    """Return Problem 429 with the seconds until the limit's window ends; `what` is too much."""
    seconds = max(1, ceil((expires - clock.now()).total_seconds()))
    return too_many_requests(limit, f"Too many {what}; try again in {seconds} seconds.", seconds)


def too_many_requests(limit: str, detail: str, seconds: int) -> Problem:
    """Count the refusal, and return Problem 429 to be repeated after so many seconds.

    Metrics and the audit log have `limit`, a name of docs/limits.md.
    """
    LIMITS.labels(limit).inc()
    return Problem(
        "too_many_requests",
        detail,
        headers={"Retry-After": str(seconds)},
        audited={"limit": limit},
    )


def _use_is_due(token: TokenRow) -> bool:
    """Return whether the recorded last use of the token is too old."""
    return clock.now() - token.last_used_date >= LAST_USE_PRECISION


def is_first_in_window(session: Session, limit: Limit) -> bool:
    """Count one in the session's transaction; return whether it is the first of its window."""
    number, _ = count(session, limit, "")
    return number == 1


def window_end(session: Session, limit: Limit) -> datetime | None:
    """Return the end of the last window of a limit without subjects, or None if there was none."""
    row = (LIMIT_COUNTS.c.name == limit.name, LIMIT_COUNTS.c.subject == "")
    end: datetime | None = session.scalar(select(LIMIT_COUNTS.c.expiration_date).where(*row))
    return end


def _set_last_use(session: Session, token: TokenRow) -> None:
    session.execute(_SET_LAST_USE, {"token_id": token.id, "used": clock.now()})


def count(session: Session, limit: Limit, subject: str) -> tuple[int, datetime]:
    """Count one in the session's transaction; return the count and the end of its window."""
    now = clock.now()
    values = {
        "name": limit.name,
        "subject": storable(subject),
        "now": now,
        "expiration_date": now + limit.window,
        "latest": now + limit.window + CLOCK_TOLERANCE,
    }
    statement = _COUNT[session.get_bind().dialect.name]
    number, expires = session.execute(statement, values).one()
    return number, expires


def storable(subject: str) -> str:
    """Return the subject in a form that fits the column; PostgreSQL rejects NUL."""
    return subject.replace("\0", " ")[:SUBJECT_MAX]
