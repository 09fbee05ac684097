"""Read the journal: the history of an object, and the feed of all changes of an account.

The cost of a page depends on its own changes only: an index leads to its first one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from todo.auth.identity import AccountRow
from todo.models.change import CHANGES
from todo.models.engine import Database
from todo.models.task import Task

# The order of the primary key.
IN_ORDER = (CHANGES.c.account_id, CHANGES.c.revision, CHANGES.c.kind, CHANGES.c.object_id)


@dataclass(frozen=True)
class Page:
    """The changes of a page, and the revision after which the next page begins, or None."""

    changes: Sequence[Row[Any]]
    after: int | None


class RevisionExpiredError(Exception):
    """The journal no longer has all changes after the revision."""


def read_history(
    db: Database, account: AccountRow, task_id: int, limit: int, after: int | None
) -> Page:
    """Return a page of the task's changes, newest first."""
    statement = select(*CHANGES.c).where(*_of_object(account.id, Task.kind, task_id))
    if after is not None:
        statement = statement.where(CHANGES.c.revision < after)
    # One extra change shows whether there is a next page.
    changes = db.execute(statement.order_by(CHANGES.c.revision.desc()).limit(limit + 1)).all()
    if len(changes) <= limit:
        return Page(changes, None)
    return Page(changes[:-1], changes[limit - 1].revision)


def read_changes(db: Database, account: AccountRow, since: int, limit: int) -> Page:
    """Return a page of the account's changes after the revision; pages have whole revisions.

    Raise RevisionExpiredError if some are no longer kept, or the account has no such revision.
    """
    if since == account.revision:
        return Page([], None)
    last = _last_revision(db, account, since, limit)
    changes = db.execute(
        select(*CHANGES.c).where(*_between(account, since, last)).order_by(*IN_ORDER)
    ).all()
    # Revisions have no gaps, so if the first one is kept, all are.
    if not changes or changes[0].revision != since + 1:
        raise RevisionExpiredError
    return Page(changes, None if last == account.revision else last)


def has_revision(db: Database, account: AccountRow, revision: int) -> bool:
    """Return whether the journal has changes of the revision."""
    return db.scalar(_found(account, revision - 1)) is not None


def fields_changed_since(
    db: Database, account: AccountRow, kind: str, object_id: int, revision: int
) -> list[str] | None:
    """Return the sorted names of the object's fields that changed after the revision.

    Return None if the journal no longer has all changes after it.
    """
    if revision != account.revision and db.scalar(_found(account, revision)) is None:
        return None
    changes = db.scalars(
        select(CHANGES.c.after).where(
            *_of_object(account.id, kind, object_id), CHANGES.c.revision > revision
        )
    )
    return sorted({name for after in changes for name in after or {}})


def _found(account: AccountRow, since: int) -> Any:
    """Return the query for a change of the next revision."""
    return select(CHANGES.c.revision).where(*_between(account, since, since + 1)).limit(1)


def _of_object(account_id: int, kind: str, object_id: int) -> list[ColumnElement[bool]]:
    return [
        CHANGES.c.account_id == account_id,
        CHANGES.c.kind == kind,
        CHANGES.c.object_id == object_id,
    ]


def _last_revision(db: Database, account: AccountRow, since: int, limit: int) -> int:
    """Return the last revision of a page with `limit` changes.

    It is at most the account's revision in this response; the next request covers later commits.
    """
    last = db.scalar(
        select(CHANGES.c.revision)
        .where(*_between(account, since, account.revision))
        .order_by(*IN_ORDER)
        .offset(limit - 1)
        .limit(1)
    )
    return account.revision if last is None else last


def _between(account: AccountRow, since: int, last: int) -> list[ColumnElement[bool]]:
    return [
        CHANGES.c.account_id == account.id,
        CHANGES.c.revision > since,
        CHANGES.c.revision <= last,
    ]
