"""The identity of a request: its account and its token, by one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth.permissions import Permission
from todo.days import find_zone
from todo.http.request import SAFE_METHODS, Request
from todo.models.account import ACCOUNTS
from todo.models.meta import UTCDateTime
from todo.models.prepared import PREPARED
from todo.models.token import TOKENS, Scope, TokenKind
from todo.settings import Settings

FRESH_LOGIN = timedelta(minutes=10)  # a login this young needs no password again

_ACCOUNTS, _TOKENS = ACCOUNTS.c, TOKENS.c

_ALL = frozenset(Permission)
_SCOPE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.READ}),
    Scope.WRITE: frozenset({Permission.READ, Permission.WRITE}),
}


class AccountRow(NamedTuple):
    """Of an account what a request needs to know: a row, of which each attribute is Account's."""

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
        """Return the account that has these columns."""
        return cls(*(columns[name] for name in cls._fields))

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the account names days, and times without an offset."""
        return find_zone(self.timezone)


class TokenRow(NamedTuple):
    """Of a token what a request needs to know: a row, of which each attribute is Token's."""

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
    """The account that a request acts for, and the token that it came with."""

    account: AccountRow
    token: TokenRow

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the token may do with what its account owns."""
        return (
            _ALL if self.token.kind == TokenKind.SESSION else _SCOPE_PERMISSIONS[self.token.scope]
        )

    def may(self, permission: Permission) -> bool:
        """Tell whether the token has the permission."""
        return permission in self.permissions

    @property
    def is_fresh(self) -> bool:
        """Tell whether this is a login of the last ten minutes."""
        return (
            self.token.kind == TokenKind.SESSION
            and self.token.creation_date > clock.now() - FRESH_LOGIN
        )


_ACCOUNT = [_ACCOUNTS[name] for name in AccountRow._fields]
_TOKEN = [_TOKENS[name] for name in TokenRow._fields]


def is_active(settings: Settings) -> ColumnElement[bool]:
    """Return the condition that a token has not ended; an unused session ends, too."""
    return _is_active(**_age_limits(settings))


def _is_active(now: Any, unused_since: Any) -> ColumnElement[bool]:
    used = or_(_TOKENS.kind == TokenKind.API, _TOKENS.last_used_date > unused_since)
    return and_(_TOKENS.expiration_date > now, used)


def _age_limits(settings: Settings) -> dict[str, datetime]:
    now = clock.now()
    return {"now": now, "unused_since": now - settings.session_idle}


# Built once: building a query costs more than running it.
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
# A write holds the account's row from here to the end of its transaction: the writes of an account
# wait for each other, as all do on SQLite. (A new token need not wait.) It holds the token's row,
# too: a write that has waited sees whether the token was ended meanwhile.
_LOCK_IDENTITY = _READ_IDENTITY.with_for_update(of=(ACCOUNTS, TOKENS), key_share=True)


def load_identity(request: Request, digest: bytes) -> Identity | None:
    """Return the identity of the token with this digest; for a write, with its rows locked."""
    query = _READ_IDENTITY if request.method in SAFE_METHODS else _LOCK_IDENTITY
    parameters = {"digest": digest, **_age_limits(request.settings)}
    row = request.db.execute(query, parameters).first()
    if row is None:
        return None
    split = len(_ACCOUNT)
    return Identity(AccountRow(*row[:split]), TokenRow(*row[split:]))


def lock_account(session: Session, identity: Identity) -> Row[Any]:
    """Return the account's row, read again and locked with the row of the token.

    Raises StaleDataError where the token was ended or the account disabled meanwhile: the request
    runs again, and is refused.
    """
    query = (
        select(*_ACCOUNTS)
        .join_from(ACCOUNTS, TOKENS, _TOKENS.account_id == _ACCOUNTS.id)
        .where(_TOKENS.id == identity.token.id, _ACCOUNTS.disabled_date.is_(None))
        .with_for_update()
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise StaleDataError("the session was ended meanwhile")
    return row
