"""Cursors: where a page of a list begins, as `after` names it."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from todo.http.errors import Fault, Problem, validation_problem
from todo.listing.orders import Order
from todo.models.meta import ID_MAX
from todo.models.task import NAME_MAX

NOT_A_CURSOR = "This is not a cursor of this list."


@dataclass(frozen=True)
class Cursor:
    """The last task of a page: its key in the list's order, if it has one, and its id.

    A list by id has no key.
    """

    key: str | datetime | None
    id: int


# A cursor as it is written, in JSON: a digest of the list that it is of, the key and the id.
# It is not signed: it opens nothing but the list of who sends it.
EncodedCursor = tuple[str, str | None, Annotated[int, msgspec.Meta(ge=1, le=ID_MAX)]]


def list_digest(account_id: int, filters: dict[str, Any], order: Order) -> str:
    """Return what tells the lists of accounts, filters and orders apart."""
    named = [account_id, filters, order.name, order.descending]
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:16]


def encode_cursor(task: Any, digest: str, order: Order) -> str:
    """Return the cursor after the task, in the alphabet of URLs (RFC 4648, section 5)."""
    key = order.key_of(task)
    written: EncodedCursor = (
        digest,
        key.isoformat() if isinstance(key, datetime) else key,
        task.id,
    )
    return base64.urlsafe_b64encode(msgspec.json.encode(written)).decode().rstrip("=")


def decode_cursor(text: str, digest: str, order: Order) -> Cursor:
    """Return the cursor. Raises Problem with 400 where it is none, or of another list."""
    try:
        padded = text + "=" * (-len(text) % 4)
        written = base64.b64decode(padded, b"-_", validate=True)
        found, key, task_id = msgspec.json.decode(written, type=EncodedCursor)
        cursor = Cursor(None if key is None else _decode_key(key, order), task_id)
    except (ValueError, OverflowError):
        raise cursor_problem(NOT_A_CURSOR) from None
    if found != digest:
        raise cursor_problem("This is a cursor of another account, filter or order.")
    return cursor


def _decode_key(key: str, order: Order) -> str | datetime:
    """Return the key as its column has it. Raises ValueError or OverflowError."""
    if order.name == "name":
        if len(key) > NAME_MAX or "\0" in key:
            raise ValueError("no folded name")
        return key
    instant = datetime.fromisoformat(key)
    if instant.tzinfo is None:
        raise ValueError("no instant")
    return instant.astimezone(UTC)


def cursor_problem(message: str) -> Problem:
    """Return the refusal of a cursor."""
    return validation_problem(
        [Fault("after", "cursor", f"{message} Follow `next` of the page before, unchanged.")]
    )
