"""The security policy: from a cookie or a bearer token to an identity, once a request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import RequestLocalCache
from pyramid.security import Denied
from sqlalchemy import ColumnElement, Select, String, and_, bindparam, cast, or_, select
from sqlalchemy.orm import aliased

from todo import clock
from todo.auth.permissions import Permission
from todo.http.request import SAFE_METHODS, Request
from todo.models import Account, IdempotencyKey, LimitCount, Token
from todo.models.limit import WRITES, WRITES_SETTING
from todo.models.meta import UTCDateTime
from todo.models.statements import run
from todo.models.token import Kind, Scope, is_well_formed, token_digest

COOKIE = "todo_session"

# A session's token ends as unused after the one, and in any case after the other.
SESSION_IDLE = "todo.session_idle_days"
SESSION_LIFETIME = "todo.session_lifetime_days"

FRESH_LOGIN = timedelta(minutes=10)  # a login this young needs no password again


def is_cookie_secure(settings: Mapping[str, Any]) -> bool:
    """Tell whether browsers shall send the session cookie over https alone."""
    plain = settings["todo.allow_http"] and not settings["todo.public_url"].startswith("https:")
    return settings["todo.secure_cookies"] and not plain


def cookie_name(settings: Mapping[str, Any]) -> str:
    """Return the name of the session cookie.

    With the prefix (RFC 6265bis, section 4.1.3.2) a browser takes it from this very host over
    https alone, so that no other host of the domain can plant one.
    """
    prefixed = settings["todo.production"] and is_cookie_secure(settings)
    return f"__Host-{COOKIE}" if prefixed else COOKIE


_ALL = frozenset(Permission)
_OF_SCOPE: Mapping[str, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.READ}),
    Scope.WRITE: frozenset({Permission.READ, Permission.WRITE}),
}


class KnownAccount(NamedTuple):
    """Of an account what a request needs to know: a row, of which each attribute is Account's."""

    id: int
    revision: int
    profile_revision: int
    username: str
    username_lower: str
    email: str
    date_joined: datetime
    timezone: str


class KnownToken(NamedTuple):
    """Of a token what a request needs to know: a row, of which each attribute is Token's."""

    id: int
    account_id: int
    kind: str
    scope: str
    name: str | None
    creation_date: datetime
    last_used_date: datetime
    expiration_date: datetime


class KnownKey(NamedTuple):
    """Of an IdempotencyKey the answer, and what it was an answer to."""

    request_digest: bytes
    status: int
    headers: dict[str, str]
    body: bytes
    expiration_date: datetime


@dataclass(frozen=True)
class Identity:
    """Who asks, and by which token; and what is known of the account by the same query.

    `writes` are those of its minute, where they are limited; `key` is the row of the
    Idempotency-Key that was sent, where it was sent before.
    """

    account: KnownAccount
    token: KnownToken
    writes: int | None = None
    writes_expire: datetime | None = None
    key: KnownKey | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the token may do with what its account owns."""
        return _ALL if self.token.kind == Kind.SESSION else _OF_SCOPE[self.token.scope]

    def may(self, permission: Permission) -> bool:
        """Tell whether the token has the permission."""
        return permission in self.permissions

    @property
    def is_fresh(self) -> bool:
        """Tell whether this is a login of the last ten minutes."""
        return (
            self.token.kind == Kind.SESSION and self.token.creation_date > clock.now() - FRESH_LOGIN
        )


class InsufficientScope(Denied):
    """The account is the right one, but its token may not do this."""


def bearer_token(request: Request) -> str | None:
    """Return the token of the header (RFC 6750, section 2.1), unchecked; None where there is none.

    A header of another scheme is not meant for us: a proxy may ask for Basic in front.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def cookie_tokens(request: Request) -> list[str]:
    """Return the tokens of the session cookies, unchecked."""
    cookie = cookie_name(request.registry.settings)
    pairs = (pair.partition("=") for pair in request.headers.get("Cookie", "").split(";"))
    return [value.strip().strip('"') for name, _, value in pairs if name.strip() == cookie]


def presented_token(request: Request) -> str | None:
    """Return the token that the request is judged by, unchecked.

    Where both come, the header counts. Two cookies of our name are none: nobody can tell which
    of them was planted.
    """
    if (bearer := bearer_token(request)) is not None:
        return bearer
    cookies = cookie_tokens(request)
    return cookies[0] if len(cookies) == 1 else None


def is_alive(request: Request) -> ColumnElement[bool]:
    """Return the condition that a token has not ended; a session ends by not being used, too."""
    return _is_alive(**_ages(request))


def _is_alive(now: Any, unused_since: Any) -> ColumnElement[bool]:
    used = or_(Token.kind == Kind.API, Token.last_used_date > unused_since)
    return and_(Token.expiration_date > now, used)


def _ages(request: Request) -> dict[str, datetime]:
    now = clock.now()
    idle = timedelta(days=request.registry.settings[SESSION_IDLE])
    return {"now": now, "unused_since": now - idle}


def _asker(*columns: Any) -> Select[Any]:
    """Return the query of an account and the token with a digest, if it may be used."""
    return (
        select(*columns)
        .join_from(Account, Token, Token.account_id == Account.id)
        .where(
            Token.digest == bindparam("digest"),
            _is_alive(
                bindparam("now", type_=UTCDateTime), bindparam("unused_since", type_=UTCDateTime)
            ),
            Account.disabled_date.is_(None),
        )
    )


# What the query selects of each.
_ACCOUNT = [getattr(Account, name) for name in KnownAccount._fields]
_TOKEN = [getattr(Token, name) for name in KnownToken._fields]
_KEY = [getattr(IdempotencyKey, name) for name in KnownKey._fields]

# Made once: to build a query costs more than to run it.
_READER = _asker(*_ACCOUNT, *_TOKEN)


@cache
def _writer(*, limited: bool, keyed: bool) -> Select[Any]:
    """Return the query of who asks for a write: with the writes of the minute, and with a key.

    Who writes holds the account's row from here to the end of the transaction: the writes of an
    account wait for each other, as all do on SQLite. (A new token need not wait.) So does the
    token's row: who has waited sees whether it was ended meanwhile.
    """
    query = _READER.with_for_update(of=(Account, Token), key_share=True)
    if limited:
        query = query.add_columns(LimitCount.count, LimitCount.expiration_date).outerjoin(
            LimitCount,
            and_(
                LimitCount.name == WRITES,
                LimitCount.subject == cast(Account.id, String),
                LimitCount.expiration_date > bindparam("now", type_=UTCDateTime),
            ),
        )
    if keyed:
        query = query.add_columns(_revision_of_snapshot(), *_KEY).outerjoin(
            IdempotencyKey,
            and_(IdempotencyKey.account_id == Account.id, IdempotencyKey.key == bindparam("key")),
        )
    return query


def _known(values: Iterator[Any]) -> tuple[KnownAccount, KnownToken]:
    account = KnownAccount(*islice(values, len(_ACCOUNT)))
    return account, KnownToken(*islice(values, len(_TOKEN)))


def _load(request: Request, digest: bytes) -> Identity | None:
    """Return who asks, with all that one query can tell; for a write, with the rows locked."""
    parameters = {"digest": digest, **_ages(request)}
    if request.method in SAFE_METHODS:
        rows = run(request.connection, _READER, parameters, one_plan=True)
        return Identity(*_known(iter(rows[0]))) if rows else None
    limited = request.registry.settings[WRITES_SETTING] > 0
    key = parameters["key"] = request.idempotency_key
    query = _writer(limited=limited, keyed=key is not None)
    rows = run(request.connection, query, parameters, one_plan=True)
    if not rows:
        return None
    values = iter(rows[0])
    account, token = _known(values)
    writes, expire = islice(values, 2) if limited else (None, None)
    if key is None:
        return Identity(account, token, writes, expire)
    snapshot, *columns = values
    stored = KnownKey(*columns)
    if snapshot != account.revision:
        again = select(*_KEY).where(
            IdempotencyKey.account_id == account.id, IdempotencyKey.key == key
        )
        found = request.connection.execute(again).one_or_none()
        return Identity(account, token, writes, expire, KnownKey(*found) if found else None)
    known = None if stored.status is None else stored  # an outer join has no row without NULLs
    return Identity(account, token, writes, expire, known)


def _revision_of_snapshot() -> Any:
    """Return the column that has another revision than the account's row if the query has waited.

    PostgreSQL shows such a query the row for which it waited as it is now, and all else, the key
    as well, as it was before.
    """
    snapshot = aliased(Account)
    revision = select(snapshot.revision).where(snapshot.id == Account.id)
    return revision.scalar_subquery().label("revision")


class TokenSecurityPolicy:
    """Pyramid's security policy (ISecurityPolicy) over the tokens of the database."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._cookie_name = cookie_name(settings)
        self._secure = "; Secure" if is_cookie_secure(settings) else ""
        self._identities = RequestLocalCache(self._load_identity)
        self._acl = ACLHelper()

    @staticmethod
    def _load_identity(request: Request) -> Identity | None:
        secret = presented_token(request)
        if not secret or not is_well_formed(secret):
            return None
        return _load(request, token_digest(secret))

    def identity(self, request: Request) -> Identity | None:
        return self._identities.get_or_create(request)

    def authenticated_userid(self, request: Request) -> str | None:
        identity = self.identity(request)
        return None if identity is None else str(identity.account.id)

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        identity = self.identity(request)
        if identity is None:
            return self._acl.permits(context, [Everyone], permission)
        principals = [Everyone, Authenticated, f"account:{identity.account.id}"]
        permitted = self._acl.permits(context, principals, permission)
        if permitted and permission not in identity.permissions:
            return InsufficientScope(f"the scope of the token does not include {permission}")
        return permitted

    def remember(self, request: Request, userid: str, **_kw: Any) -> list[tuple[str, str]]:
        """Return the header that sets the session cookie; here `userid` is the token's secret."""
        days = request.registry.settings[SESSION_LIFETIME]
        return self._cookie(userid, max_age=days * 24 * 60 * 60)

    def forget(self, request: Request, **_kw: Any) -> list[tuple[str, str]]:
        """Return the header that clears the session cookie."""
        return self._cookie("", max_age=0)

    def _cookie(self, value: str, max_age: int) -> list[tuple[str, str]]:
        # RFC 6265, section 4.1. WebOb's own writer calls what Python 3.12 deprecates.
        attributes = f"Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{self._secure}"
        return [("Set-Cookie", f"{self._cookie_name}={value}; {attributes}")]


def includeme(config: Configurator) -> None:
    config.set_security_policy(TokenSecurityPolicy(config.get_settings()))
    # A view that names no permission is for the owner alone; where there is no owner, for nobody.
    config.set_default_permission(Permission.MANAGE)
