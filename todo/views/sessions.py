"""Sessions: log in, log out."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED, forget
from pyramid.view import view_config
from sqlalchemy import delete

from todo.csrf import refuse_unasked_get
from todo.errors import Problem
from todo.models import Token
from todo.models.token import token_digest
from todo.request import Request
from todo.schemas.session import Credentials, LoggedIn, LoggedOut
from todo.security import bearer_token, cookie_tokens
from todo.services.sessions import authenticate, start_session


@view_config(
    route_name="login",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    operation="login",
    body=Credentials,
    returns=LoggedIn,
    errors=("bad_credentials",),
)
def login(request: Request) -> dict[str, Any]:
    """Log in by username and password."""
    account = authenticate(request, request.validated_body)
    if account is None:
        raise Problem(
            "bad_credentials",
            "The username or the password is wrong.",
            headers={"WWW-Authenticate": 'Bearer realm="todo"'},
        )
    return {
        "msg": "Authenticated",
        "username": account.username,
        **start_session(request, account.id),
    }


@view_config(
    route_name="logout",
    request_method=("GET", "POST"),
    permission=NO_PERMISSION_REQUIRED,
    operation="logout",
    returns=LoggedOut,
    errors=("cross_site",),
)
def logout(request: Request) -> dict[str, Any]:
    """End the session whose token the request carries, and clear the cookie that carried it."""
    if request.method == "HEAD":
        return {"msg": "Logged out."}
    refuse_unasked_get(request)
    bearer = bearer_token(request)
    for secret in cookie_tokens(request) if bearer is None else [bearer]:
        request.dbsession.execute(delete(Token).where(Token.digest == token_digest(secret)))
    if bearer is None:
        request.response.headers.extend(forget(request))
    return {"msg": "Logged out."}
