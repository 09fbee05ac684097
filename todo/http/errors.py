"""The one error shape (RFC 9457), the catalogue of codes, and the exception views."""

import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

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

USERNAME_TAKEN = "Somebody has this username, or had it not long ago."

MEDIA_TYPE = "application/problem+json"

# code -> status, and what it means. The codes are stable: programs decide by them.
CODES: Mapping[str, tuple[int, str]] = {
    "bad_form": (400, "The body is not a form in percent-encoded UTF-8, or has too many fields."),
    "bad_json": (400, "The body is not JSON in UTF-8, or is nested too deeply."),
    "bad_path": (400, "The path is not percent-encoded UTF-8."),
    "bad_query": (400, "The query is not percent-encoded UTF-8, or has too many parameters."),
    "duplicate_key": (400, "A field stands more than once in the body."),
    "not_object": (400, "The body is JSON, but no object."),
    "validation": (400, "Fields or parameters are wrong; `errors` names each."),
    "bad_credentials": (401, "The username or the password is wrong."),
    "unauthenticated": (401, "The request carries no valid login."),
    "cross_site": (403, "A page of another site has sent the request; nothing was changed."),
    "forbidden": (403, "The account in the path is not the one that asks."),
    "account_disabled": (403, "Who runs the service has disabled the account."),
    "insufficient_scope": (
        403,
        "The token may not do this; `GET /api/v1/whoami` tells what it may.",
    ),
    "reauthentication_required": (403, "`current_password` is missing or wrong, or log in again."),
    "not_found": (404, "There is nothing at this URL."),
    "method_not_allowed": (405, "The URL does not take this method; `Allow` has those it takes."),
    "conflict": (409, "Another request changed the same thing at the same time."),
    "not_undoable": (409, "A change of the profile, or of what is gone for good, has no undo."),
    "undo_conflict": (409, "Later changes stand in the way; `conflicts` names tasks and fields."),
    "too_many": (
        409,
        "More match than one request may change; `count` has how many. Choose fewer of them.",
    ),
    "too_many_tokens": (409, "The account has as many API tokens as it may have."),
    "username_taken": (409, USERNAME_TAKEN),
    "cursor_expired": (
        410,
        "The changes after the revision `since` are not kept any more, or the account has no such "
        "revision; `detail` says how to start over.",
    ),
    "precondition": (
        412,
        "What is there is not what `If-Match` or `If-None-Match` asks for; `etag` and `task` or "
        "`profile` have what is there, `changed` the fields that have changed since.",
    ),
    "body_too_large": (
        413,
        f"The body is larger than {MAX_BODY} bytes. The HTTP server says so by the status alone.",
    ),
    "unsupported_media_type": (415, "The body is neither JSON nor a form, or is compressed."),
    "key_reused": (
        422,
        "The `Idempotency-Key` came with another request before; take a new key for each.",
    ),
    "too_many_requests": (429, "This was tried too often; `Retry-After` says when to come back."),
    "internal_error": (500, "The fault is ours; `request_id` finds it in the log."),
    "busy": (503, "Too many people log in at this moment; try again after `Retry-After` seconds."),
    "storage_full": (
        503,
        "The disk of the database is full; nothing was changed, and what is there can be read.",
    ),
    "storage_read_only": (
        503,
        "The database can only be read at present; nothing was changed.",
    ),
    "unavailable": (503, "The database cannot answer now; try again after `Retry-After` seconds."),
}

# code of a fault in `errors` -> what it means.
FAULTS: Mapping[str, str] = {
    "bad_unicode": "The text holds half of a surrogate pair.",
    "blank": "The text is empty, or nothing but spaces.",
    "choice": "The text is not one of those that are possible.",
    "cursor": "The text is not where a page of this list begins.",
    "date": "The text names no date, or is in no known format.",
    "duplicate": "The parameter stands more than once.",
    "email": "The text is no e-mail address.",
    "entity_tag": 'The header field is no list of entity tags, such as "12".',
    "expires": "The date is past, or more than 366 days away.",
    "idempotency_key": "The header field is empty, too long, or not in printable ASCII.",
    "ids": "The text is not made of ids of tasks with commas between.",
    "invalid": "The value is wrong in another way, which the message tells.",
    "mismatch": "The two passwords differ.",
    "missing": "The field is required.",
    "no_words": "The text has no word to search for.",
    "nul": "The text holds a NUL character.",
    "null": "The field must have a value: null, or in a form an empty value, is none.",
    "password_common": "The password is among those that attackers try first.",
    "password_personal": "The password holds the username or the e-mail address.",
    "password_too_long": "The password has too many bytes.",
    "password_too_short": "The password has too few characters.",
    "range": "The number is too large or too small.",
    "reserved": "The username is a word that the paths of the API need.",
    "taken": USERNAME_TAKEN,
    "timezone": "The text is not the name of a time zone, such as Europe/Berlin.",
    "too_long": "The text has too many characters, or the list too many items.",
    "too_short": "The list has too few items.",
    "type": "The value is of the wrong type.",
    "unknown_field": "There is no such field or parameter.",
    "username": "The username holds other characters than it may.",
}

CHALLENGE = 'Bearer realm="todo"'  # RFC 6750, section 3
RETRY_AFTER = 1  # seconds
STORAGE_RETRY_AFTER = 30  # seconds; somebody must make room first

INTERNAL_ERROR = "The fault is ours; nothing was changed."

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def phrase(status: int) -> str:
    """Return the status in words, as RFC 9110 has them; Python has the old ones before 3.13."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(
        status
    ).phrase


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field or parameter. Never holds what was submitted for it."""

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Conflict:
    """A task that cannot be changed back, and the fields that something later has changed."""

    id: int
    fields: list[str]


class Problem(Exception):
    """An error that the client can understand; raise it anywhere in a request.

    `code` is one of CODES and gives the status; `detail` says what was wrong and what would be
    right; `errors` are the faults of the input. `extensions` are further members of the answer
    (RFC 9457, section 3.2), which ProblemDetails must have.
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


MAX_REPORTED_FAULTS = 100  # a body of a megabyte has room for many more


def validation_problem(faults: list[Fault]) -> Problem:
    """Return the problem that names the faults."""
    faults = faults[:MAX_REPORTED_FAULTS]
    detail = " ".join(f"{fault.field}: {fault.message}" for fault in faults)
    return Problem("validation", detail, errors=faults)


def safe_name(name: str, fallback: str) -> str:
    """Return a submitted name if it looks like one.

    What does not is not repeated: it may be a whole body in the wrong format, password and all.
    """
    return name if _NAME.fullmatch(name) else fallback


def problem_body(problem: Problem, request_id: str) -> dict[str, Any]:
    """Return the members of ProblemDetails."""
    body: dict[str, Any] = {
        # The status says it all; `code` tells more (RFC 9457, section 4.2.1).
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
    # What programs rely on comes first: an extension never takes the place of another member.
    return body | {**problem.extensions, **body}


def problem_response(problem: Problem, request: Request) -> Response:
    """Write a problem as application/problem+json."""
    body = problem_body(problem, request.request_id)
    response = Response(to_json(body), status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def _not_found(error: HTTPException, request: Request) -> Response:
    # Pyramid calls a method that no view of the route takes "not found", too.
    if request.matched_route is not None and isinstance(error, PredicateMismatch):
        allow = ", ".join(allowed_methods(request.registry, request.matched_route.name))
        problem = Problem(
            "method_not_allowed",
            f"This URL does not take {safe_name(request.method, 'this method')}; it takes {allow}.",
            headers={"Allow": allow},
        )
    else:
        problem = Problem("not_found", "There is nothing at this URL; GET /api/v1 lists what is.")
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
            Problem("conflict", "Another request changed this at the same time; read it again."),
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
        line = "%s: no answer of the database: %s"
        logger.log(level, line, request.request_id, first_line(error))
        detail = "The database cannot answer now; this request has changed nothing. Try again."
        if lost and request.method not in SAFE_METHODS:
            # It may have been lost after the database had committed.
            detail = (
                "The connection to the database was lost. Read what is there before you try again, "
                "or try again with the same Idempotency-Key."
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
    """Return what is wrong; in the lines below, PostgreSQL quotes rows and statements."""
    return str(error).partition("\n")[0]


def _internal_error(error: Exception, request: Request) -> Response:
    logger.error(
        "%s: %s %s failed", request.request_id, request.method, request.path, exc_info=error
    )
    return _failure(request, "internal_error", INTERNAL_ERROR)


def _failure(request: Request, code: str, detail: str, seconds: int | None = None) -> Response:
    """Answer what is not the client's fault; after so many seconds it may be over."""
    if request.partly_committed:
        detail = "A part of this was done before something failed; ask again for the rest."
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
