"""Show how much an account stores."""

from typing import Any

from pyramid.view import view_config

from todo.auth.permissions import Permission
from todo.http.request import Request
from todo.resources import AccountContext
from todo.schemas.usage import Usage
from todo.services.usage import read_usage


@view_config(
    route_name="usage",
    request_method="GET",
    permission=Permission.READ,
    operation="usage",
    returns=Usage,
)
def get(context: AccountContext, request: Request) -> dict[str, Any]:
    """Show how many bytes the account uses, and its quotas.

    Bytes are those of texts, as JSON in UTF-8, and 200 more for each row.
    """
    used = read_usage(request.db, context.account, request.settings)
    return {"username": context.account.username, **used}
