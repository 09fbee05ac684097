"""The API: its index and its OpenAPI document."""

from typing import Any

from pydantic import ConfigDict, RootModel
from pyramid.registry import Registry
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from todo import openapi
from todo.http.bodies import JSON
from todo.http.files import File
from todo.http.operations import operations
from todo.http.renderers import Response
from todo.http.request import Request
from todo.models.json import to_json

TITLE = "todo"

DESCRIPTION = """\
To-do lists for people and programs. Start here:

1. **Register** with `POST /api/v1/accounts`, or log in with `POST /api/v1/accounts/login`. The
   answer has a `token`.
2. **Authorize** each request with the header field `Authorization: Bearer <token>`.
3. **Create a task** with `POST /api/v1/accounts/<username>/tasks`.

The page `/docs` authorizes its requests as soon as you have registered or logged in there; for
another token, such as an API token, use its *Authorize* button.

### Conventions

* **Bodies** are JSON. Each operation also accepts a form, `application/x-www-form-urlencoded`, with
  the same fields, and `PATCH` also `application/merge-patch+json`. In a form, an empty value means
  null, and `yes`, `on`, `1` and `no`, `off`, `0` also mean true and false.
* **PUT and PATCH** change the fields they mention and keep the rest. Unknown fields are refused by
  name. Read-only fields are ignored, so a client can send back an object that it has read.
* **Paths**: `me` stands for the username of the token, and a former username works for 90 days.
* **Lists** come in pages: follow `next`, or the header field `Link`, until it is null. In a query,
  an empty value is an error.
* **Bulk creation**: a JSON body creates up to 100 tasks, all or none. An error in one of them names
  its index, counted from 0: `tasks.3.name`.
* **Versions**: each request that changes tasks or the profile raises the account's `revision` by
  one and gives this revision to the objects it changes; their `ETag` is the revision in quotes.
  `If-None-Match` gets 304 while nothing has changed. `If-Match` changes only that version; if
  another one is stored, the answer is 412 and shows it.
* **Safe retries**: a write with an `Idempotency-Key` can be repeated. Within 24 hours the same
  request gets the same answer and is executed once; a concurrent duplicate waits for the first. The
  key is ignored if the answer holds a secret or there is no account: registration, login, logout,
  tokens, webhooks, password changes and account deletion.
* **Errors** are `application/problem+json` (RFC 9457) with a stable `code`. For invalid input,
  `errors` lists every fault at once. The HTTP server itself refuses a body of more
  than 2 MiB (413), large header fields (431) and malformed requests (400) with a short text, and
  without CORS fields.
* **HEAD** answers like GET without the body. **OPTIONS** lists the methods of a path in `Allow`.
  Other methods get 405 with the same `Allow`.
* **Browsers** also get the token as a cookie when they log in. If a request has both, the
  `Authorization` header field wins. With `session: cookie`, the answers to registration, login and
  password change leave out the `token`, so that scripts never have it.
"""

# The order in which a newcomer needs the groups of operations; other modules follow by name.
TAGS = ("Accounts", "Sessions", "Tasks", "Trash", "Undo", "Changes", "Tokens", "Health", "Api")


class Index(RootModel[dict[str, str]]):
    """Operations by name, each as "METHOD path"."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"create task": "POST /api/v1/accounts/<username>/tasks"}]}
    )


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI document."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"openapi": "3.1.0"}]})


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
    """List the operations by name.

    `GET /` and `GET /api/v1/` do the same, but `/` shows browsers the page for people.
    """
    return {
        operation.name: f"{operation.methods[0]} {request.script_name}{operation.path}"
        for operation in operations(request.registry)
        if operation.name
    }


@view_config(
    route_name="openapi",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="description",
    returns=Document,
    headers=("ETag",),
    redirects={304: "The client already has this version."},
)
def describe(request: Request) -> Response:
    """Return this description of the API (OpenAPI 3.1).

    Generate a client from it. It lists JSON bodies only, because generators cannot handle a second
    media type well; each operation also accepts a form.
    """
    # By SCRIPT_NAME, which is not the client's choice.
    files: dict[str, File] = request.registry.setdefault("openapi", {})
    server = request.script_name or "/"
    if server not in files:
        files[server] = File.of(to_json(described(request.registry, server)), JSON)
    return files[server].response(request)


def described(registry: Registry, server: str = "/") -> dict[str, Any]:
    """Return the OpenAPI document of the application below the URL of the server."""
    return openapi.document(registry, TITLE, DESCRIPTION, TAGS, server=server)
