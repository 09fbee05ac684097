"""Idempotency-Key: a write repeated with its key gets the stored response and runs only once.

See draft-ietf-httpapi-idempotency-key-header-07; here any text is a key, not only a quoted string.
The response is stored in the transaction of the change: both are committed, or neither. Of two
concurrent requests, the second waits for the lock on the account's row (todo/auth/identity.py) and
then finds the response of the first.
"""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from pyramid.config import Configurator
from sqlalchemy import Row, and_, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.http.bodies import parse_query, read_body
from todo.http.errors import Fault, Problem, validation_problem
from todo.http.operations import Operation, requested_operation
from todo.http.renderers import Response
from todo.http.request import Request
from todo.http.typed_views import models_of, needs_body
from todo.models.idempotency_key import IDEMPOTENCY_KEYS, KEY_MAX, RETENTION
from todo.models.size import ROW_SIZE

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

PATTERN = rf"[!-~](?:[ -~]{{0,{KEY_MAX - 2}}}[!-~])?"
STORED_HEADERS = ("Content-Type", "ETag", "Link", "Location")

# A body with this field creates a token. The response has the secret, in its body or its cookie, so
# it is not stored.
MAKES_TOKEN = "password"  # noqa: S105
# Not part of the digest, which would allow guessing it.
SECRET = "current_password"  # noqa: S105


class Replay(Exception):
    """The request was processed before; `answer` is the row with its response."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key as it was sent, or None if the operation supports none."""
    return request.headers.get(HEADER) if keyed_operation(request) else None


def keyed_operation(request: Request) -> Operation | None:
    """Return the requested operation if it supports a key, otherwise None."""
    operation = requested_operation(request)
    return operation if operation and operation.options.get("idempotency_key") else None


def replay(request: Request) -> None:
    """Raise Replay if the request was processed before with the same key.

    Raise Problem 400 for a malformed key, 422 if the key was used for another request.
    """
    key = idempotency_key(request)
    if key is None:
        return
    if not re.fullmatch(PATTERN, key):
        message = f"This must be 1 to {KEY_MAX} characters of printable ASCII, such as a UUID."
        raise validation_problem([Fault(HEADER, "idempotency_key", message)])
    known = _find(request, key)
    if known.key is None:
        _refuse_above_quota(request, known.used)
        return
    if known.expiration_date <= clock.now():
        request.key_has_expired = True
        return
    # Replay the response only to tokens that may run the operation.
    operation = keyed_operation(request)
    if operation is None or not request.identity.may(operation.permission):
        return
    digest = _digest(request)
    if digest is None:
        return
    if known.request_digest != digest:
        raise Problem(
            "key_reused",
            "This Idempotency-Key was used for another request; use a new key for each request.",
        )
    raise Replay(known)


def _find(request: Request, key: str) -> Row[Any]:
    """Return the bytes that the account's keys use, and the columns of this key, null if unused.

    The account is locked, so the write that used the key has ended.
    """
    keys = IDEMPOTENCY_KEYS.c
    mine = keys.account_id == request.identity.account.id
    used = select(func.coalesce(func.sum(keys.size), 0).label("used")).where(mine).subquery()
    query = select(used.c.used, *keys).select_from(
        used.outerjoin(IDEMPOTENCY_KEYS, and_(mine, keys.key == key))
    )
    found: Row[Any] = request.db.execute(query).one()
    return found


def _refuse_above_quota(request: Request, used: int) -> None:
    quota = request.settings.quota_keys
    if quota and used >= quota:
        raise Problem(
            "quota",
            f"The answers stored for Idempotency-Key have reached {quota} bytes. Send the request "
            "without a key, or wait: each is kept for 24 hours.",
        )


def _replayed(replay: Replay, request: Request) -> Response:
    """Return the stored response, marked as a replay."""
    answer = replay.answer
    response = Response(answer.body, status=answer.status)
    response.headers.update(answer.headers)
    response.headers[REPLAYED] = "true"
    return response


def keyed_view(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """Derive a view that stores its response under the key, in the transaction of the change."""
    if not info.options.get("idempotency_key"):
        return view

    def derived(context: Any, request: Request) -> Any:
        response = view(context, request)
        key = idempotency_key(request)
        if key is not None and not request.tm.isDoomed():
            _store(request, key, response)
        return response

    return derived


keyed_view.options = ("idempotency_key",)  # type: ignore[attr-defined]


def _store(request: Request, key: str, response: Response) -> None:
    digest = _digest(request)
    if digest is None or response.status_int >= 300:
        return
    columns = IDEMPOTENCY_KEYS.c
    row = {
        "account_id": request.identity.account.id,
        "key": key,
        "request_digest": digest,
        "status": response.status_int,
        "headers": {
            name: response.headers[name] for name in STORED_HEADERS if name in response.headers
        },
        "body": response.body,
        "size": ROW_SIZE + len(response.body),
        "expiration_date": clock.now() + RETENTION,
    }
    if request.key_has_expired:
        mine = (columns.account_id == row["account_id"], columns.key == key)
        request.db.execute(
            delete(IDEMPOTENCY_KEYS).where(*mine, columns.expiration_date <= clock.now())
        )
    try:
        request.db.execute(insert(IDEMPOTENCY_KEYS), row)
    except IntegrityError as error:  # the view released the account's row and locked it again
        raise StaleDataError("another request used the key concurrently") from error


def _digest(request: Request) -> bytes | None:
    """Return the digest that identifies the request.

    Return None if the key is ignored, or if the query or body is malformed: the view then refuses
    it. The username does not count, because it can change and the key belongs to the account.
    """
    fields: dict[str, Any] = {}
    operation = keyed_operation(request)
    try:
        query = parse_query(request)
        if models := models_of(operation and operation.options.get("body")):
            fields, _ = read_body(request, required=needs_body(request.method, models))
    except (Problem, ValueError):
        return None
    if MAKES_TOKEN in fields:
        return None
    fields.pop(SECRET, None)
    target = {**request.matchdict, "username": None}
    parts = (
        request.method,
        request.matched_route.name,
        target,
        query,
        request.headers.get("If-Match"),
        fields,
    )
    return sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def includeme(config: Configurator) -> None:
    config.add_view_deriver(keyed_view, over="typed_view", under="decorated_view")
    config.add_exception_view(_replayed, context=Replay)
