"""Read the journal: the history of an object, and the feed of all changes of an account.

The cost of a page depends on its own changes only: an index leads to its first one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from todo.auth.identity import AccountRow
from todo.journal.retention import IN_ORDER
from todo.journal.writes import MAX_RECORDED_BYTES
from todo.models.change import CHANGES
from todo.models.engine import Database

MOST_COMPARED = 100  # changes of an object since a version


@dataclass(frozen=True)
class Page:
    """The changes of a page, and the revision after which the next page begins, or None."""

    changes: Sequence[Row[Any]]
    after: int | None


class RevisionExpiredError(Exception):
    """The journal no longer has all changes after the revision."""


def read_history(  # noqa: PLR0913, PLR0917
    db: Database, account: AccountRow, kind: str, object_id: int, limit: int, after: int | None
) -> Page:
    """Return a page of the object's changes, newest first."""
    mine = _of_object(account.id, kind, object_id)
    if after is not None:
        mine.append(CHANGES.c.revision < after)
    fitting, is_last = _fitting(db, mine, [CHANGES.c.revision.desc()], limit)
    if not fitting:
        return Page([], None)
    changes = db.execute(
        select(*CHANGES.c)
        .where(*mine, CHANGES.c.revision >= fitting[-1])
        .order_by(CHANGES.c.revision.desc())
    ).all()
    return Page(changes, None if is_last else fitting[-1])


def read_changes(db: Database, account: AccountRow, since: int, limit: int) -> Page:
    """Return a page of the account's changes after the revision; pages have whole revisions.

    Raise RevisionExpiredError if some are no longer kept, or the account has no such revision.
    """
    if since == account.revision:
        return Page([], None)
    following = _between(account, since, account.revision)
    fitting, is_last = _fitting(db, following, IN_ORDER, limit)
    # The next request covers later commits.
    last = account.revision if is_last or not fitting else fitting[-1]
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

    Return None if the journal no longer has all changes after it, or if the object has too many.
    """
    if revision != account.revision and db.scalar(_found(account, revision)) is None:
        return None
    later = (*_of_object(account.id, kind, object_id), CHANGES.c.revision > revision)
    changes = db.scalars(select(CHANGES.c.after).where(*later).limit(MOST_COMPARED + 1)).all()
    if len(changes) > MOST_COMPARED:
        return None
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


def _fitting(
    db: Database, matching: list[ColumnElement[bool]], order: Sequence[Any], limit: int
) -> tuple[list[int], bool]:
    """Return the revisions that a page has room for, and whether no changes follow.

    They have at most `limit` changes with MAX_RECORDED_BYTES. The first one is always included.
    """
    query = select(CHANGES.c.revision, CHANGES.c.size).where(*matching).order_by(*order)
    # One extra change shows whether others follow.
    rows = db.execute(query.limit(limit + 1)).all()
    sizes: dict[int, int] = defaultdict(int)
    for revision, size in rows:
        sizes[revision] += size
    revisions = list(sizes)
    if len(rows) > limit and len(revisions) > 1:
        revisions.pop()
    fitting = [
        revision
        for revision, total in zip(
            revisions, accumulate(sizes[each] for each in revisions), strict=True
        )
        if total <= MAX_RECORDED_BYTES
    ] or revisions[:1]
    return fitting, len(rows) <= limit and len(fitting) == len(sizes)


def _between(account: AccountRow, since: int, last: int) -> list[ColumnElement[bool]]:
    return [
        CHANGES.c.account_id == account.id,
        CHANGES.c.revision > since,
        CHANGES.c.revision <= last,
    ]
