"""The one error shape (RFC 9457), and the exception views."""

import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch, URLDecodeError
from pyramid.httpexceptions import HTTPException
from pyramid_retry import is_error_retryable
from sqlalchemy import exc
from sqlalchemy.orm.exc import StaleDataError

from todo.http.audit import audit_refusal
from todo.http.codes import CODES, FAULTS
from todo.http.operations import allowed_methods
from todo.http.renderers import Response
from todo.http.request import SAFE_METHODS, Request, known_method, route_name
from todo.http.transactions import mark_if_retryable
from todo.models.faults import storage_fault
from todo.models.json import to_json

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

CHALLENGE = 'Bearer realm="todo"'  # RFC 6750, section 3
RETRY_AFTER = 1  # seconds
STORAGE_RETRY_AFTER = 30  # seconds; an administrator must make room first

INTERNAL_ERROR = "An unexpected error in the service; nothing was changed."

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def phrase(status: int) -> str:
    """Return the reason phrase of RFC 9110; Python before 3.13 has older ones for 413 and 422."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(
        status
    ).phrase


@dataclass(frozen=True)
class Fault:
    """One wrong field or parameter. Never contains the submitted value."""

    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)

    field: Annotated[str, Field(description="Name of the field, parameter or header field.")]
    code: Annotated[
        str,
        Field(
            description=f"Stable code: {', '.join(f'`{code}`' for code in FAULTS)}. New ones may "
            "be added."
        ),
    ]
    message: Annotated[str, Field(description="Explanation for people, and how to fix it.")]
    pointer: Annotated[
        str | None,
        Field(
            description="JSON Pointer (RFC 6901) to the field in the body; null for a parameter or "
            "header field."
        ),
    ] = None


def json_pointer(*path: str) -> str:
    """Return the JSON Pointer of a path in the body; names need no escaping after safe_name()."""
    return "".join(f"/{name}" for name in path)


@dataclass(frozen=True)
class Conflict:
    """An object that an undo cannot restore, and its fields with later changes."""

    kind: Annotated[str, Field(description="Kind of object, such as `task`.")]
    id: Annotated[int, Field(description="Its id.")]
    fields: Annotated[list[str], Field(description="Names of the fields.")]


class Problem(Exception):
    """An error for the client; raise it anywhere in a request.

    `code` is one of CODES and determines the status. `detail` says what was wrong and what would
    be right. `errors` are the faults of the input. `extensions` are additional members of the
    response (RFC 9457, section 3.2); the schema ProblemDetails must declare them. `audited` are
    fields for the audit log only.
    """

    def __init__(  # noqa: PLR0913
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        audited: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status, _ = CODES[code]
        self.detail = detail
        self.errors = errors
        self.extensions = dict(extensions or {})
        self.audited = dict(audited or {})
        self.headers = dict(headers or {})
        if self.status == HTTPStatus.UNAUTHORIZED:
            self.headers.setdefault("WWW-Authenticate", CHALLENGE)  # RFC 9110, section 15.5.2


MAX_REPORTED_FAULTS = 100  # a body of a megabyte could have many more


def validation_problem(faults: list[Fault]) -> Problem:
    """Return the problem that lists the faults."""
    faults = faults[:MAX_REPORTED_FAULTS]
    detail = " ".join(f"{fault.field}: {fault.message}" for fault in faults)
    return Problem("validation", detail, errors=faults)


def safe_name(name: str, fallback: str) -> str:
    """Return a submitted name if it looks like one, otherwise the fallback.

    Other text is never echoed: it may be a whole body in the wrong format, with a password.
    """
    return name if _NAME.fullmatch(name) else fallback


def problem_body(problem: Problem, request_id: str) -> dict[str, Any]:
    """Return the members of ProblemDetails."""
    body: dict[str, Any] = {
        # No meaning beyond the status (RFC 9457, section 4.2.1); `code` is more specific.
        "type": "about:blank",
        "title": phrase(problem.status),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "error": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        body["request_id"] = request_id
    # An extension never replaces a standard member, and comes after them.
    return body | {**problem.extensions, **body}


def problem_response(problem: Problem, request: Request) -> Response:
    """Write a problem as application/problem+json, and in the audit log if it is an event."""
    audit_refusal(request, problem.code, problem.audited)
    body = problem_body(problem, request.request_id)
    response = Response(to_json(body), status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def _not_found(error: HTTPException, request: Request) -> Response:
    # Pyramid also raises "not found" for a method that no view of the route supports.
    if request.matched_route is not None and isinstance(error, PredicateMismatch):
        allow = ", ".join(allowed_methods(request.registry, request.matched_route.name))
        problem = Problem(
            "method_not_allowed",
            f"This URL does not support {safe_name(request.method, 'this method')}. "
            f"Use one of: {allow}.",
            headers={"Allow": allow},
        )
    else:
        problem = Problem(
            "not_found",
            f"Nothing exists at this URL. GET {request.script_name}/api/v1 lists the operations.",
        )
    return problem_response(problem, request)


def _bad_path(error: URLDecodeError, request: Request) -> Response:
    return problem_response(
        Problem("bad_path", "The path is not percent-encoded UTF-8 (RFC 3986, section 2.5)."),
        request,
    )


def _database_error(error: Exception, request: Request) -> Response:
    retryable = mark_if_retryable(error, request)
    if isinstance(error, exc.IntegrityError | StaleDataError):
        logger.warning("%s: conflict in the database: %s", request.log_prefix, first_line(error))
        return problem_response(
            Problem(
                "conflict", "Another request changed the same data; read it again, then retry."
            ),
            request,
        )
    fault = storage_fault(getattr(error, "orig", None))
    if fault is not None:
        logger.error("%s: %s: %s", request.log_prefix, fault, first_line(error))
        _, meaning = CODES[fault]
        return _failure(request, fault, meaning, STORAGE_RETRY_AFTER)
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if retryable or lost or isinstance(error, exc.OperationalError | exc.TimeoutError):
        level = logging.WARNING if is_error_retryable(request, error) else logging.ERROR
        line = "%s: no answer from the database: %s"
        logger.log(level, line, request.log_prefix, first_line(error))
        detail = "The database is unavailable; this request changed nothing. Try again."
        if lost and request.method not in SAFE_METHODS:
            # The database may have committed before the connection was lost.
            detail = (
                "The connection to the database was lost, so the change may or may not be saved. "
                "Read the current state before you try again, or repeat the request with the same "
                "Idempotency-Key."
            )
        return _failure(request, "unavailable", detail, RETRY_AFTER)
    logger.error(
        "%s: %s of the route %s failed: %s\n%s",
        request.log_prefix,
        known_method(request),
        route_name(request),
        first_line(error),
        "".join(traceback.format_tb(error.__traceback__)),
    )
    return _failure(request, "internal_error", INTERNAL_ERROR)


def first_line(error: Exception) -> str:
    """Return the first line of the message; PostgreSQL quotes rows and statements below it."""
    return str(error).partition("\n")[0]


def _internal_error(error: Exception, request: Request) -> Response:
    logger.error(
        "%s: %s of the route %s failed",
        request.log_prefix,
        known_method(request),
        route_name(request),
        exc_info=error,
    )
    return _failure(request, "internal_error", INTERNAL_ERROR)


def _failure(request: Request, code: str, detail: str, seconds: int | None = None) -> Response:
    """Return the response to an error of the service; `seconds` is its Retry-After."""
    if request.partly_committed:
        detail = "Part of this was done before an error; repeat the request to do the rest."
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return problem_response(Problem(code, detail, headers=headers), request)


def includeme(config: Configurator) -> None:
    config.add_notfound_view(_not_found)
    for context, view in (
        (Problem, problem_response),
        (URLDecodeError, _bad_path),
        (exc.DBAPIError, _database_error),
        (StaleDataError, _database_error),
        (exc.TimeoutError, _database_error),
        (Exception, _internal_error),
    ):
        config.add_exception_view(view, context=context)
