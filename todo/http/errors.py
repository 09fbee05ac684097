"""The one error shape (RFC 9457), the catalogue of codes, and the exception views."""

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

from todo.http.operations import allowed_methods
from todo.http.renderers import Response
from todo.http.request import MAX_BODY, SAFE_METHODS, Request
from todo.http.transactions import mark_if_retryable
from todo.models.faults import storage_fault
from todo.models.json import to_json

logger = logging.getLogger(__name__)

USERNAME_TAKEN = "This username is taken, or was until recently. Choose another one."

MEDIA_TYPE = "application/problem+json"

# code -> status and meaning. The codes are stable: clients depend on them.
CODES: Mapping[str, tuple[int, str]] = {
    "bad_form": (400, "The body is not a form in percent-encoded UTF-8, or has too many fields."),
    "bad_host": (
        400,
        "The `Host` is missing, or not that of the service. Health checks accept every host.",
    ),
    "bad_json": (400, "The body is not JSON in UTF-8, or is nested too deeply."),
    "bad_path": (400, "The path is not percent-encoded UTF-8."),
    "bad_query": (400, "The query is not percent-encoded UTF-8, or has too many parameters."),
    "duplicate_key": (400, "A field occurs more than once in the body."),
    "not_object": (400, "The body is JSON but not an object."),
    "validation": (400, "Fields, parameters or header fields are invalid; `errors` lists them."),
    "bad_credentials": (401, "The username or the password is wrong."),
    "unauthenticated": (401, "The request has no valid token or session cookie."),
    "cross_site": (403, "A page of another site sent the request; nothing was changed."),
    "forbidden": (403, "The path names another account than the one that is logged in."),
    "account_disabled": (403, "An administrator has disabled this account."),
    "insufficient_scope": (
        403,
        "The scope of the token does not allow this; `GET /api/v1/whoami` shows the scope.",
    ),
    "invitation_required": (
        403,
        "The service accepts registrations by invitation only; the `invitation` is missing, "
        "unknown, used or older than a week.",
    ),
    "registration_closed": (403, "The service accepts no registrations; ask its administrator."),
    "reauthentication_required": (
        403,
        "`current_password` is missing or wrong; send it, or log in again.",
    ),
    "not_found": (404, "Nothing exists at this URL."),
    "method_not_allowed": (
        405,
        "The URL does not support this method; `Allow` lists those it does.",
    ),
    "conflict": (409, "Another request changed the same data at the same time; read it again."),
    "not_undoable": (
        409,
        "Changes to the profile, and to permanently deleted tasks, cannot be undone.",
    ),
    "not_recurring": (409, "The task does not recur, or its last occurrence is completed."),
    "other_occurrence": (
        409,
        "The task has another due date than the `occurrence` of the request, and no completed "
        "occurrence has it; read the task again.",
    ),
    "undo_conflict": (409, "Later changes prevent the undo; `conflicts` lists objects and fields."),
    "quota": (
        409,
        "The account has reached its quota of bytes for tasks or for `Idempotency-Key`; "
        "`GET …/usage` shows them, and `detail` says what to do.",
    ),
    "too_many": (
        409,
        "One request may not change so many tasks or so much text; `count` is the number of "
        "tasks. Split the request.",
    ),
    "filter_outdated": (
        409,
        "This version no longer accepts the query of the saved filter; `errors` names the "
        "parameters. Change the query.",
    ),
    "uid_taken": (409, "The account has a task with this `uid`, perhaps in the trash."),
    "too_many_tokens": (409, "The account has the maximum number of API tokens; revoke one."),
    "username_taken": (409, USERNAME_TAKEN),
    "cursor_expired": (
        410,
        "The changes after the revision `since` are no longer kept, or the account has no such "
        "revision; `detail` explains how to start over.",
    ),
    "precondition": (
        412,
        "The current version does not satisfy `If-Match` or `If-None-Match`; `etag` and `task`, "
        "`list` or `profile` show the current version, `changed` the fields changed since the one "
        "sent.",
    ),
    "body_too_large": (
        413,
        f"The body is larger than {MAX_BODY} bytes. The HTTP server itself refuses a body of more "
        "than twice as many with this status, but not this JSON.",
    ),
    "unsupported_media_type": (
        415,
        "The body is neither JSON nor a form, or is compressed or not in UTF-8.",
    ),
    "key_reused": (
        422,
        "The `Idempotency-Key` was used for another request; use a new key for each request.",
    ),
    "too_many_requests": (429, "Too many attempts; try again after `Retry-After` seconds."),
    "internal_error": (
        500,
        "An unexpected error in the service; `request_id` finds it in the log.",
    ),
    "busy": (
        503,
        "Too many logins or tests of webhooks at once; try again after `Retry-After` seconds.",
    ),
    "storage_full": (
        503,
        "The disk of the database is full. Nothing was changed; reading still works.",
    ),
    "storage_read_only": (
        503,
        "The database is read-only at the moment. Nothing was changed.",
    ),
    "unavailable": (503, "The database is unavailable; try again after `Retry-After` seconds."),
}

# code of a fault in `errors` -> meaning.
FAULTS: Mapping[str, str] = {
    "bad_unicode": "Contains half of a surrogate pair.",
    "blank": "Empty, or without a visible character.",
    "choice": "Not one of the allowed values.",
    "cursor": "Not a cursor of this list.",
    "date": "Not a valid date.",
    "duplicate": "The parameter, or the item of a list, occurs more than once.",
    "duration": "Not a duration, such as PT15M or P1D.",
    "email": "Not a valid e-mail address.",
    "entity_tag": 'Not a list of entity tags, such as "12".',
    "event": "Not the name of an event.",
    "expires": "In the past, or more than 366 days away.",
    "future": "In the future.",
    "idempotency_key": "Empty, too long, or not in printable ASCII.",
    "ids": "Not a comma-separated list of task ids.",
    "invalid": "Invalid for another reason; `message` explains it.",
    "label": "Contains a comma.",
    "late_start": "After the due date.",
    "lines": "More than one line.",
    "mismatch": "The two passwords differ.",
    "missing": "The field is required.",
    "not_completed": "Only for a task that is completed, or is being completed.",
    "no_due_date": "A reminder before the due date needs one.",
    "no_words": "Contains no word to search for.",
    "nul": "Contains a NUL character.",
    "null": "The field must have a value, not null (in a form, not an empty one).",
    "password_common": "A common password, which attackers try first.",
    "password_personal": "Contains the username or the e-mail address.",
    "password_too_long": "Too many bytes in UTF-8.",
    "password_too_short": "Too few characters.",
    "private_address": "Not a host on the public internet.",
    "range": "Too large or too small.",
    "recurrence": "Not a recurrence rule that the service accepts; `message` explains it.",
    "reminder": "Not one of `at` and `before`.",
    "reserved": "The API reserves this username for its own paths.",
    "taken": USERNAME_TAKEN,
    "timezone": "Not the name of a time zone, such as Europe/Berlin.",
    "too_long": "Too many characters, or too many items in a list.",
    "too_short": "Too few items in a list.",
    "type": "The wrong type of value.",
    "color": "Not a color, such as #3366ff.",
    "depth": "Subtasks would be nested too deeply.",
    "parent": "Not a task that this one can be a subtask of.",
    "place": "Not a place for the object: name one of the objects next to it, or an end.",
    "uid": "Not 1 to 255 printable ASCII characters without spaces.",
    "url": "Not an http or https URL.",
    "unknown": "Nothing with this id exists in the account.",
    "unknown_field": "Not a known field or parameter.",
    "username": "Contains a character that is not allowed in usernames.",
}

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
    response (RFC 9457, section 3.2); the schema ProblemDetails must declare them.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status, _ = CODES[code]
        self.detail = detail
        self.errors = errors
        self.extensions = dict(extensions or {})
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
    """Write a problem as application/problem+json."""
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
        logger.warning("%s: conflict in the database: %s", request.request_id, first_line(error))
        return problem_response(
            Problem(
                "conflict", "Another request changed the same data; read it again, then retry."
            ),
            request,
        )
    fault = storage_fault(getattr(error, "orig", None))
    if fault is not None:
        logger.error("%s: %s: %s", request.request_id, fault, first_line(error))
        _, meaning = CODES[fault]
        return _failure(request, fault, meaning, STORAGE_RETRY_AFTER)
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if retryable or lost or isinstance(error, exc.OperationalError | exc.TimeoutError):
        level = logging.WARNING if is_error_retryable(request, error) else logging.ERROR
        line = "%s: no answer from the database: %s"
        logger.log(level, line, request.request_id, first_line(error))
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
        "%s: %s %s failed: %s\n%s",
        request.request_id,
        request.method,
        request.path,
        first_line(error),
        "".join(traceback.format_tb(error.__traceback__)),
    )
    return _failure(request, "internal_error", INTERNAL_ERROR)


def first_line(error: Exception) -> str:
    """Return the first line of the message; PostgreSQL quotes rows and statements below it."""
    return str(error).partition("\n")[0]


def _internal_error(error: Exception, request: Request) -> Response:
    logger.error(
        "%s: %s %s failed", request.request_id, request.method, request.path, exc_info=error
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
