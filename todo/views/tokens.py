"""List, show and revoke sessions and API tokens; create API tokens."""

from typing import Any

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.auth.sessions import reauthenticate
from todo.days import in_whole_seconds
from todo.http.audit import audit
from todo.http.request import Request
from todo.resources import AccountContext, LoginContext, TokenContext
from todo.schemas import token as schemas
from todo.services.tokens import active_tokens, create_token, end_other_tokens, end_token


@view_config(
    route_name="whoami",
    request_method="GET",
    permission=Permission.READ,
    operation="whoami",
    returns=schemas.WhoAmI,
)
def whoami(context: LoginContext, request: Request) -> dict[str, Any]:
    """Show the account and the permissions of the token.

    A client can check with it whether its token is still valid, and what it allows.
    """
    token = context.identity.token
    return {
        "username": context.account.username,
        "kind": token.kind,
        "name": token.name,
        "scope": token.scope,
        "permissions": sorted(context.identity.permissions),
        "token_expires": in_whole_seconds(token.expiration_date),
    }


@view_defaults(route_name="tokens", permission=Permission.MANAGE)
class TokensViews:
    """All sessions and API tokens of an account."""

    def __init__(self, context: AccountContext, request: Request) -> None:
        self.account = context.account
        self.current = context.identity.token
        self.request = request

    @view_config(request_method="GET", operation="user's tokens", returns=schemas.TokenList)
    def get(self) -> dict[str, Any]:
        """List the sessions and API tokens, oldest first.

        Secrets are not shown. `current` marks the token of the request.
        """
        tokens = active_tokens(self.request.db, self.account, self.request.settings)
        return {
            "username": self.account.username,
            "tokens": [
                schemas.Token.of(token) | {"current": token.id == self.current.id}
                for token in tokens
            ],
        }

    @view_config(
        request_method="POST",
        operation="create token",
        body=schemas.NewToken,
        returns={201: schemas.TokenCreated},
        errors=("reauthentication_required", "too_many_tokens", "busy"),
    )
    def post(self) -> dict[str, Any]:
        """Create an API token.

        Its secret is shown in this answer only. Requires `current_password`, unless the login is
        less than ten minutes old. An account has at most 100 API tokens.
        """
        values = self.request.validated_body.values()
        reauthenticate(self.request, values.pop("current_password", None))
        token, secret = create_token(
            self.request.db, self.request.identity, self.request.settings, values
        )
        audit(self.request, "token.created", target=token.id, scope=token.scope)
        self.request.response.location = self.request.route_path(
            "token", username=self.account.username, id=token.id
        )
        return {
            "msg": "Token created",
            "username": self.account.username,
            "token": secret,
            "token_expires": in_whole_seconds(token.expiration_date),
            "api_token": schemas.Token.of(token),
        }

    @view_config(request_method="DELETE", operation="revoke tokens", returns=schemas.TokensRevoked)
    def delete(self) -> dict[str, Any]:
        """Revoke all other sessions and API tokens.

        The token of the request remains valid.
        """
        for token_id in end_other_tokens(self.request.db, self.request.identity):
            audit(self.request, "token.revoked", target=token_id)
        return {"username": self.account.username, "msg": "Revoked."}


@view_defaults(route_name="token", permission=Permission.MANAGE)
class TokenViews:
    """One session or API token."""

    def __init__(self, context: TokenContext, request: Request) -> None:
        self.username = context.account.username
        self.token = context.token
        self.request = request

    @view_config(request_method="GET", operation="token detail", returns=schemas.TokenAnswer)
    def get(self) -> dict[str, Any]:
        """Show a session or API token.

        Its secret is not shown.
        """
        return {"username": self.username, "token": schemas.Token.of(self.token)}

    @view_config(request_method="DELETE", operation="revoke token", returns=schemas.TokensRevoked)
    def delete(self) -> dict[str, Any]:
        """Revoke a session or API token.

        The next request with it gets 401.
        """
        end_token(self.request.db, self.token.id)
        audit(self.request, "token.revoked", target=self.token.id)
        return {"username": self.username, "msg": "Revoked."}
