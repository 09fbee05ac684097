"""Forget the oldest changes of an account: those beyond retention, or beyond its quota.

Whole revisions are deleted: the feed detects missing changes by the first revision that is kept.
The caller must hold the lock on the account's row.
"""

from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES
from todo.models.journalled import RECORDED

BATCH_SIZE = 500  # changes at once, and the rest of the last revision

IN_ORDER = (CHANGES.c.account_id, CHANGES.c.revision, CHANGES.c.kind, CHANGES.c.object_id)


def forget_old(session: Session, account_id: int, until: datetime) -> int:
    """Delete a batch of the account's changes up to `until`, oldest first; return their number."""
    rows = session.execute(_oldest(account_id, CHANGES.c.date))
    old = [revision for revision, date in takewhile(lambda row: row.date <= until, rows)]
    return _forget(session, account_id, old[-1]) if old else 0


def forget_oldest(session: Session, account_id: int, excess: int, before: int) -> int:
    """Delete a batch of the account's changes with `excess` bytes or less; return their number.

    Keep the changes of the revision `before` and later.
    """
    last = None
    for revision, size in session.execute(_oldest(account_id, CHANGES.c.size)):
        if revision >= before:
            break
        last = revision
        excess -= size
        if excess <= 0:
            break
    return 0 if last is None else _forget(session, account_id, last)


def _oldest(account_id: int, column: Any) -> Select[Any]:
    query = select(CHANGES.c.revision, column).where(CHANGES.c.account_id == account_id)
    return query.order_by(*IN_ORDER).limit(BATCH_SIZE)


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
