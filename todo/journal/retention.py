"""Shorten the journal in batches: forget the oldest changes, and erase values of deleted objects.

Whole revisions are forgotten: the feed detects missing changes by the first revision that is kept.
The caller must hold the lock on the account's row.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate, takewhile
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.models.journalled import RECORDED
from todo.models.size import ROW_SIZE

# Changes at once, and their bytes. The rest of the last revision is deleted as well.
BATCH_SIZE, BATCH_BYTES = 500, 4_000_000

IN_ORDER = (CHANGES.c.account_id, CHANGES.c.revision, CHANGES.c.kind, CHANGES.c.object_id)


def forget_old(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's changes up to `until`, oldest first; return their number."""
    rows = takewhile(lambda row: row.date <= until, _oldest(session, account_id))
    return _forget(session, account_id, max((row.revision for row in rows), default=0))


def forget_oldest(session: Session, account_id: int, excess: int, before: int) -> int:
    """Delete a batch of the account's oldest changes, of `excess` bytes; return their number.

    Keep the changes of the revision `before` and later.
    """
    last = 0
    for row in _oldest(session, account_id):
        if row.revision >= before or excess <= 0:
            break
        last = row.revision
        excess -= row.size
    return _forget(session, account_id, last)


def recorded_sizes(session: Session, account_id: int, kind: str, ids: list[int]) -> dict[int, int]:
    """Return the bytes that the journal has of each object."""
    sizes = select(CHANGES.c.object_id, func.sum(CHANGES.c.size)).where(
        *_of_objects(account_id, kind, ids)
    )
    rows = session.execute(sizes.group_by(CHANGES.c.object_id))
    return {object_id: int(size) for object_id, size in rows}


def erase_values(session: Session, account_id: int, kind: str, ids: list[int]) -> bool:
    """Erase a batch of the values recorded for the objects; return whether it was a full one."""
    key = (CHANGES.c.revision, CHANGES.c.object_id)
    mine = _of_objects(account_id, kind, ids)
    query = select(*key, CHANGES.c.size).where(*mine, CHANGES.c.size > ROW_SIZE)
    found = list(session.execute(query.limit(BATCH_SIZE)))
    totals = accumulate(row.size for row in found)
    batch = [row for row, total in zip(found, totals, strict=True) if total <= BATCH_BYTES]
    batch = batch or found[:1]
    if batch:
        chosen = tuple_(*key).in_([(row.revision, row.object_id) for row in batch])
        session.execute(
            update(CHANGES).where(*mine, chosen).values(before=None, after=None, size=ROW_SIZE)
        )
        _add_bytes(session, account_id, sum(ROW_SIZE - row.size for row in batch))
    return len(batch) < len(found) or len(found) == BATCH_SIZE


def _of_objects(account_id: int, kind: str, ids: list[int]) -> list[ColumnElement[bool]]:
    return [
        CHANGES.c.account_id == account_id,
        CHANGES.c.kind == kind,
        CHANGES.c.object_id.in_(ids),
    ]


def _add_bytes(session: Session, account_id: int, count: int) -> None:
    account = update(ACCOUNTS).where(ACCOUNTS.c.id == account_id)
    session.execute(
        account.values(journal_bytes=ACCOUNTS.c.journal_bytes + count), execution_options=RECORDED
    )


def _oldest(session: Session, account_id: int) -> Iterator[Any]:
    """Yield the account's oldest changes, as many as one transaction may delete."""
    query = select(CHANGES.c.revision, CHANGES.c.date, CHANGES.c.size)
    mine = query.where(CHANGES.c.account_id == account_id).order_by(*IN_ORDER).limit(BATCH_SIZE)
    left = BATCH_BYTES
    for row in session.execute(mine).all():
        yield row
        left -= row.size
        if left <= 0:
            return


def _forget(session: Session, account_id: int, last: int) -> int:
    """Delete the changes up to the revision `last`; return their number."""
    deletion = delete(CHANGES).where(CHANGES.c.account_id == account_id, CHANGES.c.revision <= last)
    sizes = session.scalars(deletion.returning(CHANGES.c.size)).all()
    _add_bytes(session, account_id, -sum(sizes))
    return len(sizes)
