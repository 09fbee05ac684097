"""Log in and log out."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED, forget
from pyramid.view import view_config

from todo.auth.csrf import refuse_unasked_get
from todo.auth.policy import bearer_token
from todo.auth.sessions import authenticate, counted_login, end_session, start_session
from todo.http.audit import audit
from todo.http.errors import Problem
from todo.http.request import Request
from todo.models.engine import separate_transaction
from todo.schemas.session import Credentials, LoggedIn, LoggedOut

_METHOD = {"method": "password"}  # of a refused login, for the audit log


@view_config(
    route_name="login",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    operation="login",
    session=True,
    body=Credentials,
    returns=LoggedIn,
    errors=("account_disabled", "bad_credentials", "too_many_requests", "busy"),
)
def login(request: Request) -> dict[str, Any]:
    """Log in with username and password.

    The session of the request, if any, ends. An account has at most 20 sessions: another login ends
    the oldest one. With `session: cookie`, only the cookie carries the token.
    """
    credentials = request.validated_body
    with counted_login(request):
        account = authenticate(request, credentials.username, credentials.password)
        if account is None:
            raise Problem(
                "bad_credentials", "The username or the password is wrong.", audited=_METHOD
            )
        if account.disabled_date is not None:
            raise Problem(
                "account_disabled",
                "This account is disabled. Contact the administrator.",
                audited=_METHOD,
            )
    request.account_id = account.id
    end_session(request, request.db)
    session = start_session(request, account.id, credentials.session)
    audit(request, "login.succeeded", method="password")
    return {"msg": "Authenticated", "username": account.username, **session}


@view_config(
    route_name="logout",
    request_method=("POST", "GET"),
    deprecated=("GET",),
    permission=NO_PERMISSION_REQUIRED,
    operation="logout",
    session=True,
    returns=LoggedOut,
    errors=("cross_site", "storage_read_only"),
)
def logout(request: Request) -> dict[str, Any]:
    """End the session of the request.

    Its cookie, if it came as one, is cleared. An API token remains valid.
    """
    if request.method == "HEAD":
        return {"msg": "Logged out."}
    refuse_unasked_get(request)
    with separate_transaction(request.registry["engine"]) as session:  # a GET has no transaction
        ended = end_session(request, session)
    for token in ended:
        audit(request, "logout.succeeded", account=token.account_id, token=token.id)
    if bearer_token(request) is None:
        request.response.headers.extend(forget(request))
    return {"msg": "Logged out."}
