"""The changes of an account as the journal has them: of one task, and in order.

A page costs as much as it has changes: it is read from an index, from its own beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from todo.auth.policy import KnownAccount
from todo.http.errors import Problem
from todo.http.request import Request
from todo.listing.links import next_path
from todo.models import Change, Task
from todo.models.task import StoredTask
from todo.schemas.change import HistoryPage

# As the primary key has them.
IN_ORDER = (Change.account_id, Change.revision, Change.kind, Change.object_id)


@dataclass(frozen=True)
class Page:
    """The changes of a page, and the path of the next one, or None."""

    changes: Sequence[Change]
    next: str | None


def read_history(request: Request, task: Task | StoredTask, query: HistoryPage) -> Page:
    """Return the page of the task's changes, the newest first."""
    condition = of_object(request.identity.account.id, Task.kind, task.id)
    statement = select(Change).where(*condition)
    if "after" in (values := query.values()):
        statement = statement.where(Change.revision < values["after"])
    # One more than the page has tells whether there is a next one.
    statement = statement.order_by(Change.revision.desc()).limit(query.limit + 1)
    changes = request.dbsession.scalars(statement).all()
    if len(changes) <= query.limit:
        return Page(changes, None)
    path = request.route_path("history", username=request.identity.account.username, id=task.id)
    return Page(
        changes[:-1], next_path(request, path, "after", str(changes[query.limit - 1].revision))
    )


def read_changes(request: Request, since: int, limit: int) -> Page:
    """Return the page of the asker's changes after the revision, of whole revisions.

    Raises Problem with 410 where they are not kept, or the revision is one of the future.
    """
    account = request.identity.account
    if since == account.revision:
        return Page([], None)
    last = _last_revision(request, since, limit)
    changes = request.dbsession.scalars(
        select(Change).where(*_between(account, since, last)).order_by(*IN_ORDER)
    ).all()
    # Revisions have no gaps: where the first one is there, all are.
    if not changes or changes[0].revision != since + 1:
        raise _cursor_expired(request, since)
    if last == account.revision:
        return Page(changes, None)
    path = request.route_path("changes", username=account.username)
    return Page(changes, next_path(request, path, "since", str(last)))


def is_kept(request: Request, since: int) -> bool:
    """Tell whether the journal has all of the asker's changes after the revision."""
    account = request.identity.account
    found = select(Change.revision).where(*_between(account, since, since + 1)).limit(1)
    return since == account.revision or request.dbsession.scalar(found) is not None


def of_object(account_id: int, kind: str, object_id: int) -> list[ColumnElement[bool]]:
    """Return the conditions that a change is one of that object."""
    return [
        Change.account_id == account_id,
        Change.kind == kind,
        Change.object_id == object_id,
    ]


def _last_revision(request: Request, since: int, limit: int) -> int:
    """Return the revision that a page of so many changes ends with.

    It is at most the one that the account has in this answer: what others commit meanwhile is for
    the next one.
    """
    account = request.identity.account
    last = request.dbsession.scalar(
        select(Change.revision)
        .where(*_between(account, since, account.revision))
        .order_by(*IN_ORDER)
        .offset(limit - 1)
        .limit(1)
    )
    return account.revision if last is None else last


def _between(account: KnownAccount, since: int, last: int) -> list[ColumnElement[bool]]:
    return [
        Change.account_id == account.id,
        Change.revision > since,
        Change.revision <= last,
    ]


def _cursor_expired(request: Request, since: int) -> Problem:
    username = request.identity.account.username
    tasks = request.route_path("tasks", username=username)
    changes = request.route_path("changes", username=username)
    return Problem(
        "cursor_expired",
        f"The changes after revision {since} are not there. Start over: read all pages of "
        f"GET {tasks}, then ask GET {changes} for what changed since the revision that the first "
        "of these pages had.",
    )
