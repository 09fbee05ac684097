"""What may happen only so often, counted in the database so that it holds across processes.

A count is a transaction of its own, before the request's begins or after it has ended, so that the
rollback of a refused request cannot undo it. (Beside it, SQLite would wait for itself.) Only a
write that succeeds is counted within its own, which costs the least.
"""

import ipaddress
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, Integer, bindparam, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.policy import Identity, KnownToken
from todo.http.errors import Problem, first_line
from todo.http.request import SAFE_METHODS, Request
from todo.jobs.purge import JOURNAL_DAYS, purge_along, purge_some
from todo.models import LimitCount, Token, sqlite
from todo.models.limit import SUBJECT_MAX, WRITES, WRITES_SETTING
from todo.models.meta import UTCDateTime
from todo.models.statements import run
from todo.models.trash import TRASH_DAYS

logger = logging.getLogger(__name__)

TOUCH_AFTER = timedelta(minutes=1)  # the precision of a token's last use


@dataclass(frozen=True)
class Limit:
    """At most so many in a window of time, which begins with the first of them."""

    name: str
    setting: str  # how many; 0 is no limit
    window: timedelta


LOGINS_OF_ACCOUNT_FROM_ADDRESS = Limit(
    "login-account-address", "todo.limit_login_account_address", timedelta(minutes=5)
)
LOGINS_FROM_ADDRESS = Limit("login-address", "todo.limit_login_address", timedelta(minutes=5))
LOGINS_OF_ACCOUNT = Limit("login-account", "todo.limit_login_account", timedelta(days=1))
REAUTHENTICATIONS = Limit(
    "reauthentication", "todo.limit_login_account_address", timedelta(minutes=5)
)
REGISTRATIONS = Limit("registrations", "todo.limit_registrations", timedelta(hours=1))
WRITES_OF_ACCOUNT = Limit(WRITES, WRITES_SETTING, timedelta(minutes=1))

Counted = Iterable[tuple[Limit, str]]

_COUNT = (
    text(
        """
        INSERT INTO limit_counts (name, subject, count, expiration_date)
        VALUES (:name, :subject, 1, :expires)
        ON CONFLICT (name, subject) DO UPDATE SET
            count = CASE WHEN limit_counts.expiration_date <= :now THEN 1
                    ELSE limit_counts.count + 1 END,
            expiration_date = CASE WHEN limit_counts.expiration_date <= :now
                    THEN excluded.expiration_date ELSE limit_counts.expiration_date END
        RETURNING count, expiration_date
        """
    )
    .bindparams(bindparam("now", type_=UTCDateTime), bindparam("expires", type_=UTCDateTime))
    .columns(count=Integer, expiration_date=UTCDateTime)
)

# A row that is locked is skipped: whoever has locked it is a write by the same token, which notes
# the use itself, or ends the token.
_TOUCHED = select(Token.id).where(Token.id == bindparam("token_id")).correlate(None)
_TOUCH = (
    update(Token)
    .where(Token.id == _TOUCHED.with_for_update(key_share=True, skip_locked=True).scalar_subquery())
    .values(last_used_date=bindparam("used"))
)


def address(request: Request) -> str:
    """Return the network that the request comes from: of IPv6 the /64, which one person has."""
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


def take(request: Request, counted: Counted) -> None:
    """Count one of each. Raises Problem with 429 where that is one too many, and counts none.

    What is refused is not counted: else one address could use up an account's logins of a day.
    The request's own transaction must not have begun, or must have ended.
    """
    refused = []
    with Session(request.registry["engine"]) as session:
        for limit, subject in counted:
            most = request.registry.settings[limit.setting]
            if most:
                count, expires = _count(session.connection(), limit, subject)
                if count > most:
                    refused.append((expires, limit, most))
        if refused:
            expires, limit, most = max(refused, key=lambda row: row[0])
            raise exceeded(limit, most, expires)
        purge_some(session, LimitCount)
        session.commit()


def give_back(request: Request, counted: Counted) -> None:
    """Take one of each back: it was not what the limit is about."""
    with Session(request.registry["engine"]) as session:
        for limit, subject in counted:
            session.execute(
                update(LimitCount)
                .where(
                    LimitCount.name == limit.name,
                    LimitCount.subject == _stored(subject),
                    LimitCount.count > 0,
                )
                .values(count=LimitCount.count - 1)
            )
        session.commit()


def check_writes(request: Request, identity: Identity) -> None:
    """Raise Problem with 429 where the account has written too often in this minute.

    What runs at the same moment is not counted yet, so a few more than the limit can pass.
    """
    most = request.registry.settings[WRITES_SETTING]
    if most and identity.writes_expire and (identity.writes or 0) >= most:
        raise exceeded(WRITES_OF_ACCOUNT, most, identity.writes_expire)


def note_write(request: Request, token: KnownToken) -> None:
    """Count the write, and note that its token was used, in its own transaction.

    Where this is rolled back, record_use() does it.
    """
    if request.registry.settings[WRITES_SETTING]:
        _count(request.connection, WRITES_OF_ACCOUNT, str(token.account_id))
    if _is_due(token):
        _touch(request.connection, token)

    def committed(success: bool) -> None:
        request.write_is_noted = success

    request.tm.get().addAfterCommitHook(committed)


def record_use(token: KnownToken, request: Request) -> None:
    """Note, after the request's transaction, that its token was used; and count a refused write.

    Once a minute for each token, a batch of what has expired is deleted, too.
    A failure is logged and no more: the request itself has been answered.
    """
    due = _is_due(token)
    settings = request.registry.settings
    limited = settings[WRITES_SETTING] and request.method not in SAFE_METHODS
    refused = limited and not request.write_is_noted
    if not (due or refused):
        return
    try:
        with Session(request.registry["engine"]) as session:
            if refused:  # first: it may wait, and must not hold what others wait for
                _count(session.connection(), WRITES_OF_ACCOUNT, str(token.account_id))
            else:
                sqlite.wait_briefly(session)  # the answer, which is made already, waits for this
            if due:
                if not request.write_is_noted:
                    _touch(session.connection(), token)
                days = settings[TRASH_DAYS], settings[JOURNAL_DAYS]
                purge_along(session, token.account_id, *days)
            session.commit()
    except SQLAlchemyError as error:
        logger.warning(
            "%s: the use of a token is not noted: %s", request.request_id, first_line(error)
        )


def exceeded(limit: Limit, most: int, expires: datetime) -> Problem:
    """Return the refusal, with the headers of draft-ietf-httpapi-ratelimit-headers-10."""
    seconds = max(1, ceil((expires - clock.now()).total_seconds()))
    window = int(limit.window.total_seconds())
    return Problem(
        "too_many_requests",
        f"This was tried too often; try again in {seconds} seconds.",
        headers={
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{limit.name}";q={most};w={window}',
            "RateLimit": f'"{limit.name}";r=0;t={seconds}',
        },
    )


def _is_due(token: KnownToken) -> bool:
    """Tell whether the use of the token is to be noted."""
    return clock.now() - token.last_used_date >= TOUCH_AFTER


def _touch(connection: Connection, token: KnownToken) -> None:
    run(connection, _TOUCH, {"token_id": token.id, "used": clock.now()}, one_plan=True)


def _count(connection: Connection, limit: Limit, subject: str) -> tuple[int, datetime]:
    now = clock.now()
    values = {
        "name": limit.name,
        "subject": _stored(subject),
        "now": now,
        "expires": now + limit.window,
    }
    [(count, expires)] = run(connection, _COUNT, values, one_plan=True)
    return count, expires


def _stored(subject: str) -> str:
    """Return the subject as the column can hold it: PostgreSQL takes no NUL."""
    return subject.replace("\0", " ")[:SUBJECT_MAX]
