"""Accounts: register, show, change, delete."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED, forget
from pyramid.view import view_config, view_defaults

from todo.permissions import Permission
from todo.request import Request
from todo.resources import AccountContext
from todo.schemas import account as schemas
from todo.services.accounts import change_account, register
from todo.services.sessions import start_session


@view_config(
    route_name="accounts",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    operation="register",
    body=schemas.Registration,
    returns={201: schemas.Registered},
    errors=("username_taken",),
)
def post(request: Request) -> dict[str, Any]:
    """Register an account, and log it in."""
    account = register(request, request.validated_body.values())
    session = start_session(request, account.id)
    request.response.location = request.route_path("account", username=account.username)
    return {
        "msg": "Profile created",
        "username": account.username,
        "profile": schemas.Account.of(account),
        **session,
    }


@view_defaults(route_name="account")
class AccountViews:
    """One account; its owner asks."""

    def __init__(self, context: AccountContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="single profile detail",
        returns=schemas.Account,
    )
    def get(self) -> dict[str, Any]:
        """Show the profile."""
        return schemas.Account.of(self.account)

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.MANAGE,
        operation="edit profile",
        body=schemas.AccountChange,
        returns=schemas.AccountChanged,
        errors=("username_taken",),
    )
    def put(self) -> dict[str, Any]:
        """Change the username, e-mail or password; what is not mentioned stays."""
        account = change_account(self.request, self.request.validated_body.values())
        return {
            "msg": "Profile updated.",
            "username": account.username,
            "profile": schemas.Account.of(account),
        }

    @view_config(
        request_method="DELETE",
        permission=Permission.MANAGE,
        operation="delete profile",
        returns={204: None},
    )
    def delete(self) -> None:
        """Delete the account and everything it owns."""
        self.request.dbsession.delete(self.account)
        self.request.response.headers.extend(forget(self.request))
