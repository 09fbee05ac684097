"""The identity of a request: its account and its token, loaded by one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth.permissions import Permission
from todo.days import find_zone
from todo.http.request import SAFE_METHODS, Request
from todo.metrics import LOCK_WAIT_SECONDS
from todo.models.account import ACCOUNTS
from todo.models.engine import Database
from todo.models.meta import UTCDateTime
from todo.models.prepared import PREPARED
from todo.models.token import TOKENS, Scope, TokenKind
from todo.settings import Settings

FRESH_LOGIN = timedelta(minutes=10)  # a login younger than this needs no password again

_ACCOUNTS, _TOKENS = ACCOUNTS.c, TOKENS.c

_ALL = frozenset(Permission)
_SCOPE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.READ}),
    Scope.WRITE: frozenset({Permission.READ, Permission.WRITE}),
}


class AccountRow(NamedTuple):
    """The columns of an account that every request needs."""

    id: int
    revision: int
    profile_revision: int
    username: str
    username_lower: str
    email: str
    date_joined: datetime
    timezone: str

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Self:
        """Return the account with these columns."""
        return cls(*(columns[name] for name in cls._fields))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the account's days, and of its times without an offset."""
        return find_zone(self.timezone)


class TokenRow(NamedTuple):
    """The columns of a token that every request needs."""

    id: int
    account_id: int
    kind: str
    scope: str
    name: str | None
    creation_date: datetime
    last_used_date: datetime
    expiration_date: datetime


@dataclass(frozen=True)
class Identity:
    """The account of a request, and the token that authenticated it."""

    account: AccountRow
    token: TokenRow

    @property
    def permissions(self) -> frozenset[Permission]:
        """The permissions of the token on its account and everything that the account owns."""
        return (
            _ALL if self.token.kind == TokenKind.SESSION else _SCOPE_PERMISSIONS[self.token.scope]
        )

    def may(self, permission: Permission) -> bool:
        """Return whether the token has the permission."""
        return permission in self.permissions

    @property
    def is_fresh(self) -> bool:
        """Whether this is a login session younger than FRESH_LOGIN."""
        return (
            self.token.kind == TokenKind.SESSION
            and self.token.creation_date > clock.now() - FRESH_LOGIN
        )


_ACCOUNT = [_ACCOUNTS[name] for name in AccountRow._fields]
_TOKEN = [_TOKENS[name] for name in TokenRow._fields]


def is_active(settings: Settings) -> ColumnElement[bool]:
    """Return the SQL condition of a valid token: not expired and, for a session, not idle."""
    return _is_active(**_age_limits(settings))


def _is_active(now: Any, unused_since: Any) -> ColumnElement[bool]:
    used = or_(_TOKENS.kind == TokenKind.API, _TOKENS.last_used_date > unused_since)
    return and_(_TOKENS.expiration_date > now, used)


def _age_limits(settings: Settings) -> dict[str, datetime]:
    now = clock.now()
    return {"now": now, "unused_since": now - settings.session_idle}


# Built once: building the query costs more than running it.
_READ_IDENTITY = (
    select(*_ACCOUNT, *_TOKEN)
    .join_from(ACCOUNTS, TOKENS, _TOKENS.account_id == _ACCOUNTS.id)
    .where(
        _TOKENS.digest == bindparam("digest"),
        _is_active(
            bindparam("now", type_=UTCDateTime), bindparam("unused_since", type_=UTCDateTime)
        ),
        _ACCOUNTS.disabled_date.is_(None),
    )
    .execution_options(**PREPARED)
)
# A write locks the account's row until its transaction ends, which serializes the writes of an
# account (SQLite serializes all writes; key_share lets new tokens be inserted). It also locks the
# token's row, so a write that has waited sees whether the token was revoked.
_LOCK_IDENTITY = _READ_IDENTITY.with_for_update(of=(ACCOUNTS, TOKENS), key_share=True)


def load_identity(request: Request, digest: bytes) -> Identity | None:
    """Return the identity of the token with this digest, or None; a write locks both rows."""
    if request.method in SAFE_METHODS:
        return _find_identity(request, request.db, _READ_IDENTITY, digest)
    with LOCK_WAIT_SECONDS.time():  # this is the first statement, so SQLite waits here as well
        return _find_identity(request, request.db, _LOCK_IDENTITY, digest)


def read_identity(request: Request, digest: bytes) -> Identity | None:
    """Return the identity of the token with this digest, or None, and lock nothing."""
    with request.registry["reading_engine"].connect() as connection:
        return _find_identity(request, connection, _READ_IDENTITY, digest)


def _find_identity(
    request: Request, db: Database, query: Select[Any], digest: bytes
) -> Identity | None:
    parameters = {"digest": digest, **_age_limits(request.settings)}
    row = db.execute(query, parameters).first()
    if row is None:
        return None
    split = len(_ACCOUNT)
    return Identity(AccountRow(*row[:split]), TokenRow(*row[split:]))


def lock_account(session: Session, identity: Identity) -> Row[Any]:
    """Read the account's row again, lock it and the token's row, and return it.

    Raise StaleDataError if the token was revoked or the account disabled in the meantime: the
    request is then retried, and refused.
    """
    query = (
        select(*_ACCOUNTS)
        .join_from(ACCOUNTS, TOKENS, _TOKENS.account_id == _ACCOUNTS.id)
        .where(_TOKENS.id == identity.token.id, _ACCOUNTS.disabled_date.is_(None))
        .with_for_update()
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise StaleDataError("the token was revoked or the account disabled")
    return row
