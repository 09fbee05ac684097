"""What there is: the index of the API, and its description."""

from typing import Any

from pydantic import ConfigDict, RootModel
from pyramid.registry import Registry
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from todo import openapi
from todo.http.operations import operations
from todo.http.request import Request

TITLE = "todo"

DESCRIPTION = """\
To-do lists for people and programs.

* **Log in** by `POST /api/v1/accounts/login`, then send the token as
  `Authorization: Bearer <token>`. Browsers get it as a cookie, too. Where both come, the header
  counts.
* **Send** JSON or a form; the fields are the same. In a form an empty value means null, and
  `yes`, `on`, `1` and `no`, `off`, `0` are read as truth values, too.
* **Several** tasks are created by one request, in JSON: all of them or none. A fault of one is
  named with its index, which counts from 0: `tasks.3.name`.
* **Lists** of tasks come in pages: follow `next`, or the header field `Link`, until it is null. In
  a query an empty value is a fault, not "all", and truth values are `true` and `false` alone.
* **PUT and PATCH** change what they mention and keep the rest. An unknown field is refused by name;
  a read-only one is ignored, so that what was read can be sent back.
* **Versions.** Each request that changes tasks or the profile raises the account's `revision` by
  one, and what it has changed has that `revision`: in quotes, its `ETag`. `If-None-Match` gets 304
  while nothing is new; `If-Match` changes that version alone, or gets 412 with what is there now.
* **Exactly once.** A write with an `Idempotency-Key` may be sent again: within 24 hours the same
  request gets the same answer and is not done twice. Of two at the same time the second waits for
  the first. The key is ignored where the answer holds a secret or there is no account: registering,
  logging in and out, tokens, a new password, deleting the account.
* **Errors** are `application/problem+json` (RFC 9457) with a stable `code`; for input, `errors`
  names every fault at once.
* **HEAD** answers like GET without the body, **OPTIONS** with the methods of the path in `Allow`;
  any other method gets 405 and the same `Allow`.
"""


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
        request.registry["openapi"] = described(request.registry)
    document: dict[str, Any] = request.registry["openapi"]
    return document


def described(registry: Registry) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    return openapi.document(registry, TITLE, DESCRIPTION)
