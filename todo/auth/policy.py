"""The security policy: from a cookie or a bearer token to an identity, once a request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import RequestLocalCache
from pyramid.security import Denied
from sqlalchemy import ColumnElement, Row, Select, String, and_, bindparam, cast, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth.permissions import Permission
from todo.days import find_zone
from todo.http.errors import CHALLENGE, Problem, problem_response
from todo.http.idempotency import idempotency_key
from todo.http.renderers import Response
from todo.http.request import SAFE_METHODS, Request
from todo.models.account import ACCOUNTS
from todo.models.idempotency_key import IDEMPOTENCY_KEYS
from todo.models.limit import LIMIT_COUNTS, WRITES
from todo.models.meta import UTCDateTime
from todo.models.prepared import PREPARED
from todo.models.token import TOKENS, Kind, Scope, is_well_formed, token_digest
from todo.settings import Settings

_ACCOUNTS, _TOKENS, _COUNTS, _KEYS = ACCOUNTS.c, TOKENS.c, LIMIT_COUNTS.c, IDEMPOTENCY_KEYS.c

COOKIE = "todo_session"

FRESH_LOGIN = timedelta(minutes=10)  # a login this young needs no password again


def cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie.

    With the prefix (RFC 6265bis, section 4.1.3.2) a browser takes it from this very host over
    https alone, so that no other host of the domain can plant one.
    """
    return f"__Host-{COOKIE}" if settings.production and settings.is_cookie_secure else COOKIE


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

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Self:
        """Return the account that has these columns."""
        return cls(*(columns[name] for name in cls._fields))

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the account names days, and times without an offset."""
        return find_zone(self.timezone)


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
    cookie = cookie_name(request.settings)
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


def is_alive(settings: Settings) -> ColumnElement[bool]:
    """Return the condition that a token has not ended; an unused session ends, too."""
    return _is_alive(**_ages(settings))


def _is_alive(now: Any, unused_since: Any) -> ColumnElement[bool]:
    used = or_(_TOKENS.kind == Kind.API, _TOKENS.last_used_date > unused_since)
    return and_(_TOKENS.expiration_date > now, used)


def _ages(settings: Settings) -> dict[str, datetime]:
    now = clock.now()
    return {"now": now, "unused_since": now - settings.session_idle}


def _asker(*columns: Any) -> Select[Any]:
    """Return the query of an account and the token with a digest, if it may be used."""
    return (
        select(*columns)
        .join_from(ACCOUNTS, TOKENS, _TOKENS.account_id == _ACCOUNTS.id)
        .where(
            _TOKENS.digest == bindparam("digest"),
            _is_alive(
                bindparam("now", type_=UTCDateTime), bindparam("unused_since", type_=UTCDateTime)
            ),
            _ACCOUNTS.disabled_date.is_(None),
        )
        .execution_options(**PREPARED)
    )


# What the query selects of each.
_ACCOUNT = [_ACCOUNTS[name] for name in KnownAccount._fields]
_TOKEN = [_TOKENS[name] for name in KnownToken._fields]
_KEY = [_KEYS[name] for name in KnownKey._fields]

# Made once: to build a query costs more than to run it.
_READER = _asker(*_ACCOUNT, *_TOKEN)


@cache
def _writer(*, limited: bool, keyed: bool) -> Select[Any]:
    """Return the query of who asks for a write: with the writes of the minute, and with a key.

    Who writes holds the account's row from here to the end of the transaction: the writes of an
    account wait for each other, as all do on SQLite. (A new token need not wait.) So does the
    token's row: who has waited sees whether it was ended meanwhile.
    """
    query = _READER.with_for_update(of=(ACCOUNTS, TOKENS), key_share=True)
    if limited:
        query = query.add_columns(_COUNTS.count, _COUNTS.expiration_date).outerjoin(
            LIMIT_COUNTS,
            and_(
                _COUNTS.name == WRITES,
                _COUNTS.subject == cast(_ACCOUNTS.id, String),
                _COUNTS.expiration_date > bindparam("now", type_=UTCDateTime),
            ),
        )
    if keyed:
        query = query.add_columns(_revision_of_snapshot(), *_KEY).outerjoin(
            IDEMPOTENCY_KEYS,
            and_(_KEYS.account_id == _ACCOUNTS.id, _KEYS.key == bindparam("key")),
        )
    return query


def _known(values: Iterator[Any]) -> tuple[KnownAccount, KnownToken]:
    account = KnownAccount(*islice(values, len(_ACCOUNT)))
    return account, KnownToken(*islice(values, len(_TOKEN)))


def _load(request: Request, digest: bytes) -> Identity | None:
    """Return the identity, by one query; for a write, with the rows locked."""
    parameters = {"digest": digest, **_ages(request.settings)}
    if request.method in SAFE_METHODS:
        row = request.db.execute(_READER, parameters).one_or_none()
        return None if row is None else Identity(*_known(iter(row)))
    limited = request.settings.limit_writes > 0
    key = parameters["key"] = idempotency_key(request)
    query = _writer(limited=limited, keyed=key is not None)
    row = request.db.execute(query, parameters).one_or_none()
    if row is None:
        return None
    values = iter(row)
    account, token = _known(values)
    writes, expire = islice(values, 2) if limited else (None, None)
    if key is None:
        return Identity(account, token, writes, expire)
    snapshot, *columns = values
    stored = KnownKey(*columns)
    if snapshot != account.revision:
        again = select(*_KEY).where(_KEYS.account_id == account.id, _KEYS.key == key)
        found = request.db.execute(again).one_or_none()
        return Identity(account, token, writes, expire, KnownKey(*found) if found else None)
    known = None if stored.status is None else stored  # an outer join has no row without NULLs
    return Identity(account, token, writes, expire, known)


def _revision_of_snapshot() -> Any:
    """Return the column that has another revision than the account's row if the query has waited.

    PostgreSQL shows such a query the row for which it waited as it is now, and all else, the key
    as well, as it was before.
    """
    snapshot = ACCOUNTS.alias()
    revision = select(snapshot.c.revision).where(snapshot.c.id == _ACCOUNTS.id)
    return revision.scalar_subquery().label("revision")


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


class TokenSecurityPolicy:
    """Pyramid's security policy (ISecurityPolicy) over the tokens of the database."""

    def __init__(self, settings: Settings) -> None:
        self._cookie_name = cookie_name(settings)
        self._secure = "; Secure" if settings.is_cookie_secure else ""
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
        return self._cookie(userid, int(request.settings.session_lifetime.total_seconds()))

    def forget(self, request: Request, **_kw: Any) -> list[tuple[str, str]]:
        """Return the header that clears the session cookie."""
        return self._cookie("", max_age=0)

    def _cookie(self, value: str, max_age: int) -> list[tuple[str, str]]:
        # RFC 6265, section 4.1. WebOb's own writer calls what Python 3.12 deprecates.
        attributes = f"Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{self._secure}"
        return [("Set-Cookie", f"{self._cookie_name}={value}; {attributes}")]


def _forbidden(error: HTTPForbidden, request: Request) -> Response:
    if isinstance(error.result, InsufficientScope):
        # RFC 6750, section 3.1
        challenge = f'{CHALLENGE}, error="insufficient_scope"'
        return problem_response(
            Problem(
                "insufficient_scope",
                "This token may not do this; GET /api/v1/whoami tells what it may.",
                headers={"WWW-Authenticate": challenge},
            ),
            request,
        )
    if request.identity is not None:
        return problem_response(
            Problem("forbidden", "This belongs to somebody else, or to nobody."), request
        )
    challenge = CHALLENGE
    detail = (
        "Log in first: POST username and password to /api/v1/accounts/login, "
        "then send the token as Authorization: Bearer <token>, or the cookie."
    )
    if presented_token(request) is not None:
        challenge += ', error="invalid_token"'  # RFC 6750, section 3.1
        detail = "The token is unknown, expired or ended. " + detail
    return problem_response(
        Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge}), request
    )


def includeme(config: Configurator) -> None:
    config.set_security_policy(TokenSecurityPolicy(config.registry["settings"]))
    # A view that names no permission is for the owner alone; where there is no owner, for nobody.
    config.set_default_permission(Permission.MANAGE)
    config.add_forbidden_view(_forbidden)
