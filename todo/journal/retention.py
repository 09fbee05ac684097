"""Forget the oldest changes of an account: those beyond retention, or beyond its quota.

Whole revisions are deleted: the feed detects missing changes by the first revision that is kept.
The caller must hold the lock on the account's row.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.models.journalled import RECORDED

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
    account = update(ACCOUNTS).where(ACCOUNTS.c.id == account_id)
    session.execute(
        account.values(journal_bytes=ACCOUNTS.c.journal_bytes - sum(sizes)),
        execution_options=RECORDED,
    )
    return len(sizes)
