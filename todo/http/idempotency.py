"""Exactly once: a write that comes again with its Idempotency-Key is answered, and not done, again.

See draft-ietf-httpapi-idempotency-key-header-07; but any text is a key here, not only a string in
quotes. The answer is stored in the transaction of the change, so that there are both or neither. Of
two requests at the same time the second waits for the account's row (todo/auth/policy.py), and then
finds the answer of the first.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import PHASE3_CONFIG
from pyramid.registry import Registry
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from todo import clock
from todo.auth.csrf import refuse_cross_site
from todo.http.bodies import read_body
from todo.http.errors import Fault, Problem
from todo.http.operations import operations
from todo.http.renderers import Response
from todo.http.request import Request
from todo.http.typed_views import refusal
from todo.models import IdempotencyKey
from todo.models.idempotency_key import KEPT, KEY_MAX

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

PATTERN = rf"[!-~](?:[ -~]{{0,{KEY_MAX - 2}}}[!-~])?"
STORED_HEADERS = ("Content-Type", "ETag", "Link", "Location")

# A body with this field makes a new token; an answer that holds a secret is not stored.
MAKES_TOKEN = "password"  # noqa: S105
# Left out of the digest, from which it could be guessed.
SECRET = "current_password"  # noqa: S105


class Replay(Exception):
    """The request was done before; its answer was this."""

    def __init__(self, answer: IdempotencyKey) -> None:
        super().__init__()
        self.answer = answer


def replay(request: Request) -> None:
    """Raise Replay where the request was done before, with its key.

    Raises Problem with 400 for what is no key, and with 422 where it was sent with another request.
    """
    if request.idempotency_key is None:
        return
    if not re.fullmatch(PATTERN, request.idempotency_key):
        message = f"This must be 1 to {KEY_MAX} characters of printable ASCII, such as a UUID."
        raise refusal([Fault(HEADER, "idempotency_key", message)])
    known = request.identity.key
    if known is None or known.expiration_date <= clock.now():
        return
    # The answer is shown to nobody to whom the operation is not open.
    if not request.identity.may(request.keyed_operation.permission):
        return
    refuse_cross_site(request)
    digest = _digest(request)
    if digest is None:
        return
    if known.request_digest != digest:
        raise Problem(
            "key_reused",
            "This Idempotency-Key came with another request before; take a new key for each.",
        )
    raise Replay(known)


def _replayed(replay: Replay, request: Request) -> Response:
    """The view of a Replay: the answer as it was, and that it is a replay."""
    answer = replay.answer
    response = Response(answer.body, status=answer.status)
    response.headers.update(answer.headers)
    response.headers[REPLAYED] = "true"
    return response


def keyed_view(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """The view deriver: stores the answer under the key, in the transaction of the change."""
    if not info.options.get("idempotency_key"):
        return view

    def derived(context: Any, request: Request) -> Any:
        response = view(context, request)
        if request.idempotency_key is not None and not request.tm.isDoomed():
            _store(request, response)
        return response

    return derived


keyed_view.options = ("idempotency_key",)  # type: ignore[attr-defined]


def _store(request: Request, response: Response) -> None:
    digest = _digest(request)
    if digest is None or response.status_int >= 300:
        return
    session = request.dbsession
    # What the view has changed first: an IntegrityError below is the key's.
    session.flush()
    key = (request.identity.account.id, request.idempotency_key)
    row = None
    if request.identity.key is not None:  # it has expired, or had then
        row = session.get(IdempotencyKey, key, populate_existing=True)
    if row is not None and row.expiration_date > clock.now():
        raise StaleDataError("another request has used the key meanwhile")
    if row is None:
        row = IdempotencyKey(account_id=request.identity.account.id, key=request.idempotency_key)
    row.request_digest = digest
    row.status = response.status_int
    row.headers = {
        name: response.headers[name] for name in STORED_HEADERS if name in response.headers
    }
    row.body = response.body
    row.expiration_date = clock.now() + KEPT
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:  # the view has let go of the account's row, and taken it again
        raise StaleDataError("another request has used the key meanwhile") from error


def _digest(request: Request) -> bytes | None:
    """Return what tells one request from another; None where the key is ignored."""
    fields: dict[str, Any] = {}
    if request.keyed_operation.options.get("body"):
        with suppress(Problem):  # such a body the view refuses
            fields, _ = read_body(request)
    if MAKES_TOKEN in fields:
        return None
    fields.pop(SECRET, None)
    parts = (request.method, request.path_qs, request.headers.get("If-Match"), fields)
    return sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def _find_keyed(registry: Registry) -> None:
    registry["keyed_operations"] = {
        (operation.route, method): operation
        for operation in operations(registry)
        if operation.options.get("idempotency_key")
        for method in operation.methods
    }


def includeme(config: Configurator) -> None:
    config.add_view_deriver(keyed_view, over="typed_view", under="decorated_view")
    config.add_exception_view(_replayed, context=Replay)
    # Once all views are there.
    config.action(None, _find_keyed, args=(config.registry,), order=PHASE3_CONFIG + 1)
