"""What there is: the index of the API."""

from pydantic import RootModel
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from todo.operations import operations
from todo.request import Request


class Index(RootModel[dict[str, str]]):
    """Each operation by its name, as "METHOD path"."""


@view_config(
    route_name="root", request_method="GET", permission=NO_PERMISSION_REQUIRED, returns=Index
)
@view_config(
    route_name="info_slash", request_method="GET", permission=NO_PERMISSION_REQUIRED, returns=Index
)
@view_config(
    route_name="info",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="info",
    returns=Index,
)
def info(request: Request) -> dict[str, str]:
    """List what there is, by name."""
    return {
        operation.name: f"{operation.methods[0]} {operation.path}"
        for operation in operations(request.registry)
        if operation.name
    }
