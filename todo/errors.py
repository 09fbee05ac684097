"""The one error shape (RFC 9457), and the exception views that write it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch, URLDecodeError
from pyramid.httpexceptions import HTTPException
from sqlalchemy import exc
from sqlalchemy.orm.exc import StaleDataError

from todo.operations import operations
from todo.renderers import Response, to_json
from todo.request import Request
from todo.security import presented_token
from todo.transactions import mark_if_retryable

logger = logging.getLogger(__name__)

# code -> status. The codes are stable: programs decide by them.
CODES = {
    "bad_form": 400,
    "bad_json": 400,
    "bad_path": 400,
    "bad_request": 400,
    "duplicate_key": 400,
    "not_object": 400,
    "validation": 400,
    "bad_credentials": 401,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "username_taken": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "internal_error": 500,
    "unavailable": 503,
}

RETRY_AFTER = 1  # seconds


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field of the input. `message` never holds what was submitted."""

    field: str
    code: str
    message: str


class Problem(Exception):
    """An error that the client can understand; raise it anywhere in a request.

    `code` is one of CODES and gives the status; `detail` says what was wrong and what would be
    right, in one sentence; `errors` are the faults of the input's fields.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = HTTPStatus(CODES[code])
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def problem_response(problem: Problem, request: Request) -> Response:
    """Write a problem as application/problem+json."""
    body: dict[str, Any] = {
        # The status says it all; `code` tells more (RFC 9457, section 4.2.1).
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "error": problem.detail,  # where earlier clients of this API look
    }
    if problem.errors:
        body["errors"] = problem.errors
    response = Response(
        to_json(body), status=problem.status.value, content_type="application/problem+json"
    )
    response.headers.update(problem.headers)
    return response


def _not_found(error: HTTPException, request: Request) -> Response:
    # Pyramid calls a method that no view of the route takes "not found", too.
    if request.matched_route is not None and isinstance(error, PredicateMismatch):
        allow = ", ".join(sorted(_allowed_methods(request)))
        problem = Problem(
            "method_not_allowed",
            f"{request.path} does not take {request.method}; it takes {allow}.",
            headers={"Allow": allow},
        )
    else:
        problem = Problem("not_found", "There is nothing at this URL; GET /api/v1 lists what is.")
    return problem_response(problem, request)


def _allowed_methods(request: Request) -> set[str]:
    return {
        method
        for operation in operations(request.registry)
        if operation.route == request.matched_route.name
        for method in operation.methods
    }


def _forbidden(error: HTTPException, request: Request) -> Response:
    if request.identity is not None:
        return problem_response(
            Problem("forbidden", "This belongs to somebody else, or to nobody."), request
        )
    challenge = 'Bearer realm="todo"'
    detail = (
        "Log in first: POST username and password to /api/v1/accounts/login, "
        "then send the token as Authorization: Bearer <token>, or the cookie."
    )
    if presented_token(request) is not None:
        challenge += ', error="invalid_token"'  # RFC 6750, section 3.1
        detail = "The token is unknown, expired or ended. " + detail
    return problem_response(
        Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge}), request
    )


def _bad_path(error: URLDecodeError, request: Request) -> Response:
    return problem_response(
        Problem("bad_path", "The path is not percent-encoded UTF-8 (RFC 3986, section 2.5)."),
        request,
    )


def _database_error(error: Exception, request: Request) -> Response:
    retryable = mark_if_retryable(error)
    if isinstance(error, exc.IntegrityError | StaleDataError):
        logger.warning("conflict in the database: %s", _first_line(error))
        return problem_response(
            Problem("conflict", "Another request changed this at the same time; read it again."),
            request,
        )
    if retryable or isinstance(error, exc.OperationalError | exc.TimeoutError):
        logger.error("the database is not available: %s", _first_line(error))
        return problem_response(
            Problem(
                "unavailable",
                "The database cannot answer now; nothing was changed. Try again.",
                headers={"Retry-After": str(RETRY_AFTER)},
            ),
            request,
        )
    return _internal_error(error, request)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _internal_error(error: Exception, request: Request) -> Response:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem_response(
        Problem("internal_error", "The fault is ours; nothing was changed."), request
    )


def includeme(config: Configurator) -> None:
    config.add_notfound_view(_not_found)
    config.add_forbidden_view(_forbidden)
    for context, view in (
        (Problem, problem_response),
        (URLDecodeError, _bad_path),
        (exc.DBAPIError, _database_error),
        (StaleDataError, _database_error),
        (exc.TimeoutError, _database_error),
        (Exception, _internal_error),
    ):
        config.add_exception_view(view, context=context)
