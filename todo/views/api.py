"""What there is: the index of the API, and its description."""

from typing import Any

from pydantic import ConfigDict, RootModel
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from todo.openapi import document
from todo.operations import operations
from todo.request import Request


class Index(RootModel[dict[str, str]]):
    """Each operation by its name, as "METHOD path"."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"create task": "POST /api/v1/accounts/<username>/tasks"}]}
    )


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI document."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"openapi": "3.1.0"}]})


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


@view_config(
    route_name="openapi",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="description",
    returns=Document,
)
def describe(request: Request) -> dict[str, Any]:
    """Describe the API in OpenAPI 3.1, which this is."""
    if "openapi" not in request.registry:
        request.registry["openapi"] = document(request.registry)
    described: dict[str, Any] = request.registry["openapi"]
    return described
