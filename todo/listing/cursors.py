"""Cursors: the values of `after`, which mark the start of a page."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from todo.http.errors import Fault, Problem, validation_problem
from todo.listing.due_order import DueKey
from todo.listing.orders import Order
from todo.models.meta import ID_MAX
from todo.models.task import NAME_MAX, PRIORITY_MAX

NOT_A_CURSOR = "This is not a cursor of this list."


Key = str | int | datetime | DueKey | None


@dataclass(frozen=True)
class Cursor:
    """The last task of a page: its sort key and its id.

    The key is None if the task has none, such as no due date, and in a list sorted by id.
    """

    key: Key
    id: int

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a query for the tasks after this one."""
        if isinstance(self.key, DueKey):
            return self.key.parameters
        return {"after_key": self.key, "after_id": self.id}


# The JSON form of a cursor: the digest of its list, the key and the id. It is not signed, because
# it only gives access to the sender's own list.
EncodedPlace = tuple[str, Annotated[int, msgspec.Meta(ge=0, le=ID_MAX)]]
EncodedKey = str | int | tuple[EncodedPlace, EncodedPlace] | None
EncodedCursor = tuple[str, EncodedKey, Annotated[int, msgspec.Meta(ge=1, le=ID_MAX)]]


def list_digest(account_id: int, filters: dict[str, Any], order: Order) -> str:
    """Return a digest of the account, filters and order: a cursor is valid for this list only."""
    named = [account_id, filters, order.name, order.descending]
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:16]


def encode_cursor(cursor: Cursor, digest: str) -> str:
    """Return the cursor in URL-safe base64 (RFC 4648, section 5)."""
    written: EncodedCursor = (digest, _encode_key(cursor.key), cursor.id)
    return base64.urlsafe_b64encode(msgspec.json.encode(written)).decode().rstrip("=")


def decode_cursor(text: str, digest: str, order: Order) -> Cursor:
    """Return the cursor. Raise Problem 400 if it is malformed or belongs to another list."""
    try:
        padded = text + "=" * (-len(text) % 4)
        written = base64.b64decode(padded, b"-_", validate=True)
        found, key, task_id = msgspec.json.decode(written, type=EncodedCursor)
        cursor = Cursor(_decode_key(key, order), task_id)
    except (ValueError, OverflowError):
        raise cursor_problem(NOT_A_CURSOR) from None
    if found != digest:
        raise cursor_problem("This cursor belongs to another account, filter or order.")
    return cursor


def _encode_key(key: Key) -> EncodedKey:
    if isinstance(key, DueKey):
        (day, day_id), (time, time_id) = key.days, key.times
        return (day.isoformat(), day_id), (time.isoformat(), time_id)
    return key.isoformat() if isinstance(key, datetime) else key


def _decode_key(key: EncodedKey, order: Order) -> Key:
    """Return the key. Raise ValueError or OverflowError if it is malformed."""
    if key is None:
        return None
    if isinstance(key, tuple) != (order.name == "due_date"):
        raise ValueError("not a key of this order")
    if isinstance(key, tuple):
        (day, day_id), (time, time_id) = key
        return DueKey((_decode_instant(day), day_id), (_decode_instant(time), time_id))
    if isinstance(key, int) != (order.name == "priority"):
        raise ValueError("not a key of this order")
    if isinstance(key, int):
        if not 1 <= key <= PRIORITY_MAX:
            raise ValueError("not a priority")
        return key
    if order.name in ("name", "position"):
        if len(key) > NAME_MAX or "\0" in key:
            raise ValueError("not a folded name or a position")
        return key
    return _decode_instant(key)


def _decode_instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("not an instant")
    return instant.astimezone(UTC)


def cursor_problem(message: str) -> Problem:
    """Return Problem 400 for a cursor."""
    return validation_problem(
        [Fault("after", "cursor", f"{message} Use `next` of the previous page, unchanged.")]
    )
