"""The position of an object among its siblings: the tasks of a list and parent, or the lists.

The caller must hold the lock on the account's row.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select, tuple_
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, validation_problem
from todo.journal import writes
from todo.models.journalled import columns_except
from todo.positions import POSITION_MAX, last_position, position_between, positions_between
from todo.schemas.place import Target

RESPREAD = 1000  # siblings on each side of a full place that get new positions

Siblings = Sequence[ColumnElement[bool]]  # their conditions, which exclude the moved object


def position_at(
    session: Session, account: AccountRow, model: Any, siblings: Siblings, target: Target
) -> str:
    """Return a position for the place. If it has no room, give the siblings around it others.

    Raise Problem 400 if no sibling has the id of the target.
    """
    last = last_position(writes.next_revision(session, account))
    if target.where == "last":
        return last
    before, after = _neighbours(session, model, siblings, target)
    if after is None:
        return last
    low = "" if before is None else before.position
    position = position_between(low, after.position) if low < after.position else None
    if position is not None and len(position) <= POSITION_MAX:
        return position
    return _make_room(session, account, model, siblings, after)


def _neighbours(
    session: Session, model: Any, siblings: Siblings, target: Target
) -> tuple[Row[Any] | None, Row[Any] | None]:
    """Return the siblings before and after the place; None at an end."""
    if target.where == "first":
        return None, next(iter(_read(session, model, siblings, limit=1)), None)
    condition = model.__table__.c.id == target.id
    found = next(iter(_read(session, model, [*siblings, condition], limit=1)), None)
    if found is None:
        message = "This must be the id of another object in the same place."
        raise validation_problem([Fault(target.where, "place", message, f"/{target.where}")])
    is_before = target.where == "before"
    other = next(iter(_beside(session, model, siblings, found, back=is_before, limit=1)), None)
    return (other, found) if is_before else (found, other)


def _make_room(
    session: Session, account: AccountRow, model: Any, siblings: Siblings, after: Row[Any]
) -> str:
    """Spread the siblings around the place, and return the position before `after`."""
    count = RESPREAD + 1  # the farthest ones stay
    below = _beside(session, model, siblings, after, back=True, limit=count)[::-1]
    above = [after, *_beside(session, model, siblings, after, back=False, limit=count)]
    low, high = "", last_position(writes.next_revision(session, account))
    if len(below) == count:
        low, below = below[0].position, below[1:]
    if len(above) > count:
        high, above = above[-1].position, above[:-1]
    positions = positions_between(low, high, len(below) + 1 + len(above))
    if max(map(len, positions)) > POSITION_MAX:
        raise writes.too_many(len(positions))
    free = positions.pop(len(below))
    rows = [row._asdict() for row in (*below, *above)]
    updates = [(row, {"position": position}) for row, position in zip(rows, positions, strict=True)]
    writes.change(session, model, account.id, updates)
    return free


def _beside(  # noqa: PLR0913
    session: Session, model: Any, siblings: Siblings, row: Row[Any], *, back: bool, limit: int
) -> Sequence[Row[Any]]:
    """Return the siblings before the row (`back`) or after it, nearest first."""
    table = model.__table__
    key, place = tuple_(table.c.position, table.c.id), tuple_(row.position, row.id)
    condition = key < place if back else key > place
    return _read(session, model, [*siblings, condition], limit=limit, back=back)


def _read(
    session: Session, model: Any, conditions: Siblings, *, limit: int, back: bool = False
) -> Sequence[Row[Any]]:
    table = model.__table__
    order = (table.c.position, table.c.id)
    query = select(*columns_except(table, model.database_only)).where(*conditions).limit(limit)
    return session.execute(query.order_by(*(c.desc() if back else c for c in order))).all()
