"""The security policy: the identity of a request, from a cookie or a bearer token."""

from datetime import timedelta
from typing import Any

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.request import RequestLocalCache
from pyramid.security import Denied

from todo.auth.identity import Identity, load_identity
from todo.auth.permissions import Permission
from todo.http.errors import CHALLENGE, Problem, problem_response
from todo.http.renderers import Response
from todo.http.request import Request
from todo.models.token import is_well_formed, token_digest
from todo.settings import Settings


def cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie.

    With the prefix __Host- (RFC 6265bis, section 4.1.3.2), browsers accept it only from this host
    over https, so other hosts of the domain cannot plant one. Its path must be "/", so a service
    below a path uses __Secure- (section 4.1.3.1).
    """
    if not (settings.production and settings.is_cookie_secure):
        return settings.cookie_name
    return ("__Secure-" if settings.prefix else "__Host-") + settings.cookie_name


class InsufficientScope(Denied):
    """A refusal because of the token's scope: the account itself has the permission."""


def bearer_token(request: Request) -> str | None:
    """Return the unchecked token of the Authorization header (RFC 6750, section 2.1), or None.

    Ignore other schemes: a proxy in front may use Basic.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def cookie_tokens(request: Request) -> list[str]:
    """Return the unchecked tokens of all session cookies."""
    cookie = cookie_name(request.settings)
    pairs = (pair.partition("=") for pair in request.headers.get("Cookie", "").split(";"))
    return [value.strip().strip('"') for name, _, value in pairs if name.strip() == cookie]


def presented_token(request: Request) -> str | None:
    """Return the unchecked token that authenticates the request, or None.

    The header wins over a cookie. Two session cookies count as none: one of them may be planted.
    """
    if (bearer := bearer_token(request)) is not None:
        return bearer
    cookies = cookie_tokens(request)
    return cookies[0] if len(cookies) == 1 else None


UNAUTHENTICATED = Denied("the request has no valid token")


def presented_digest(request: Request) -> bytes | None:
    """Return the digest of the token that authenticates the request, or None."""
    secret = presented_token(request)
    return token_digest(secret) if secret and is_well_formed(secret) else None


class TokenSecurityPolicy:
    """Pyramid's security policy (ISecurityPolicy), based on the tokens in the database."""

    def __init__(self, settings: Settings) -> None:
        self._cookie_name = cookie_name(settings)
        self._secure = "; Secure" if settings.is_cookie_secure else ""
        self._identities = RequestLocalCache(self._load_identity)
        self._acl = ACLHelper()

    @staticmethod
    def _load_identity(request: Request) -> Identity | None:
        digest = presented_digest(request)
        return None if digest is None else load_identity(request, digest)

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
        """Return the header that sets the session cookie; `userid` is the token's secret."""
        return self._cookie(request, userid, request.settings.session_lifetime)

    def forget(self, request: Request, **_kw: Any) -> list[tuple[str, str]]:
        """Return the header that clears the session cookie."""
        return self._cookie(request, "", timedelta(0))

    def _cookie(self, request: Request, value: str, age: timedelta) -> list[tuple[str, str]]:
        # RFC 6265, section 4.1. WebOb's set_cookie() calls a function deprecated in Python 3.12.
        path = "/" if self._cookie_name.startswith("__Host-") else request.script_name or "/"
        seconds = int(age.total_seconds())
        attributes = f"Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{self._secure}"
        return [("Set-Cookie", f"{self._cookie_name}={value}; {attributes}")]


def _forbidden(error: HTTPForbidden, request: Request) -> Response:
    if isinstance(error.result, InsufficientScope):
        # RFC 6750, section 3.1
        challenge = f'{CHALLENGE}, error="insufficient_scope"'
        return problem_response(
            Problem(
                "insufficient_scope",
                "The scope of this token does not allow this; GET /api/v1/whoami shows the scope.",
                headers={"WWW-Authenticate": challenge},
            ),
            request,
        )
    if error.result is not UNAUTHENTICATED and request.identity is not None:
        return problem_response(
            Problem(
                "forbidden",
                "The path names another account, or none. Use your own username; "
                "GET /api/v1/whoami shows it.",
            ),
            request,
        )
    challenge = CHALLENGE
    reason = "no_token"
    detail = (
        "Log in first: POST username and password to /api/v1/accounts/login, "
        "then send the token as Authorization: Bearer <token>, or the cookie."
    )
    if presented_token(request) is not None:
        challenge += ', error="invalid_token"'  # RFC 6750, section 3.1
        reason = "invalid_token"
        detail = "The token is unknown, expired or revoked. " + detail
    return problem_response(
        Problem(
            "unauthenticated",
            detail,
            headers={"WWW-Authenticate": challenge},
            audited={"reason": reason},
        ),
        request,
    )


def includeme(config: Configurator) -> None:
    config.set_security_policy(TokenSecurityPolicy(config.registry["settings"]))
    # By default, only the owner may use a view; without an owner, every request is refused.
    config.set_default_permission(Permission.MANAGE)
    config.add_forbidden_view(_forbidden)
