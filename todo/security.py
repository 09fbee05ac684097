"""The security policy: from a cookie or a bearer token to an identity, once a request."""

from dataclasses import dataclass
from typing import Any

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import RequestLocalCache
from sqlalchemy import select

from todo import clock
from todo.models import Account, Token
from todo.models.token import LIFETIME, token_digest
from todo.permissions import Permission
from todo.request import Request

COOKIE = "todo_session"


@dataclass(frozen=True)
class Identity:
    """Who asks, and by which token."""

    account: Account
    token: Token


def presented_token(request: Request) -> str | None:
    """Return the token that the request carries, unchecked; where both come, the header counts.

    A header of another scheme than Bearer (RFC 6750, section 2.1) is not meant for us: a proxy
    may ask for Basic in front of the service. Two cookies of our name are none, because
    nobody can tell which of them was planted.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    cookies = [
        value.strip().strip('"')
        for name, _, value in (
            pair.partition("=") for pair in request.headers.get("Cookie", "").split(";")
        )
        if name.strip() == COOKIE
    ]
    return cookies[0] if len(cookies) == 1 else None


class TokenSecurityPolicy:
    """Pyramid's security policy (ISecurityPolicy) over the tokens of the database."""

    def __init__(self, *, secure_cookies: bool) -> None:
        self._secure_cookies = secure_cookies
        self._identities = RequestLocalCache(self._load_identity)
        self._acl = ACLHelper()

    @staticmethod
    def _load_identity(request: Request) -> Identity | None:
        secret = presented_token(request)
        if not secret:
            return None
        row = request.dbsession.execute(
            select(Account, Token)
            .join(Token, Token.account_id == Account.id)
            .where(Token.digest == token_digest(secret), Token.expiration_date > clock.now())
        ).one_or_none()
        return None if row is None else Identity(*row)

    def identity(self, request: Request) -> Identity | None:
        return self._identities.get_or_create(request)

    def authenticated_userid(self, request: Request) -> str | None:
        identity = self.identity(request)
        return None if identity is None else str(identity.account.id)

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        principals = [Everyone]
        if (userid := self.authenticated_userid(request)) is not None:
            principals += [Authenticated, f"account:{userid}"]
        return self._acl.permits(context, principals, permission)

    def remember(self, request: Request, userid: str, **_kw: Any) -> list[tuple[str, str]]:
        """Return the header that sets the session cookie; here `userid` is the token's secret."""
        return self._cookie(request, userid, max_age=int(LIFETIME.total_seconds()))

    def forget(self, request: Request, **_kw: Any) -> list[tuple[str, str]]:
        """Return the header that clears the session cookie."""
        return self._cookie(request, "", max_age=0)

    def _cookie(self, request: Request, value: str, max_age: int) -> list[tuple[str, str]]:
        response = request.response.__class__()
        response.set_cookie(
            COOKIE,
            value,
            max_age=max_age,
            path="/",
            secure=self._secure_cookies,
            httponly=True,
            samesite="Lax",
        )
        return [("Set-Cookie", response.headers["Set-Cookie"])]


def includeme(config: Configurator) -> None:
    secure_cookies = config.get_settings()["todo.secure_cookies"]
    config.set_security_policy(TokenSecurityPolicy(secure_cookies=secure_cookies))
    # A view that names no permission is for the owner alone; where there is no owner, for nobody.
    config.set_default_permission(Permission.MANAGE)
