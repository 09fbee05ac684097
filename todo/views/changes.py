"""Read the history of a task, a list or a saved filter, and the change feed of an account."""

from typing import Any

from pyramid.view import view_config

from todo.auth.permissions import Permission
from todo.http.errors import Problem
from todo.http.links import next_page
from todo.http.preconditions import is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.journal.history import RevisionExpiredError, read_changes, read_history
from todo.resources import (
    ChangesContext,
    FilterHistoryContext,
    HistoryContext,
    ListHistoryContext,
    ObjectContext,
)
from todo.schemas.change import (
    Change,
    Changes,
    ChangesPage,
    FilterHistory,
    HistoryPage,
    ListHistory,
    TaskHistory,
)


@view_config(
    route_name="history",
    request_method="GET",
    permission=Permission.READ,
    operation="task history",
    heavy=True,
    query=HistoryPage,
    returns=TaskHistory,
    headers=("Link",),
)
def history(context: HistoryContext, request: Request) -> dict[str, Any]:
    """List the changes of a task, newest first.

    The list comes in pages: follow `next` until it is null. Changes are kept for 90 days, unless
    the server is configured differently.
    """
    return _history(context, request)


@view_config(
    route_name="list_history",
    request_method="GET",
    permission=Permission.READ,
    operation="list history",
    heavy=True,
    query=HistoryPage,
    returns=ListHistory,
    headers=("Link",),
)
def list_history(context: ListHistoryContext, request: Request) -> dict[str, Any]:
    """List the changes of a list, newest first.

    The list comes in pages: follow `next` until it is null. Changes are kept for 90 days, unless
    the server is configured differently.
    """
    return _history(context, request)


@view_config(
    route_name="filter_history",
    request_method="GET",
    permission=Permission.READ,
    operation="filter history",
    heavy=True,
    query=HistoryPage,
    returns=FilterHistory,
    headers=("Link",),
)
def filter_history(context: FilterHistoryContext, request: Request) -> dict[str, Any]:
    """List the changes of a saved filter, newest first.

    The list comes in pages: follow `next` until it is null. Changes are kept for 90 days, unless
    the server is configured differently.
    """
    return _history(context, request)


def _history(context: ObjectContext, request: Request) -> dict[str, Any]:
    query, account = request.validated_query, context.account
    after = query.values().get("after")
    object_id = context.subject.id
    page = read_history(request.db, account, context.kind, object_id, query.limit, after)
    return {
        "username": account.username,
        "history": Change.of_each(page.changes),
        "next": next_page(request, "after", page.after),
        "after": page.after,
    }


@view_config(
    route_name="changes",
    request_method="GET",
    permission=Permission.READ,
    operation="changes",
    heavy=True,
    query=ChangesPage,
    returns=Changes,
    errors=("cursor_expired",),
    headers=("ETag", "Link"),
)
def changes(context: ChangesContext, request: Request) -> dict[str, Any] | Response:
    """List all changes after a revision, in order.

    To keep a copy in sync, read all pages of the list of tasks without filters and `sort`, then
    read the changes since the `revision` of the first of these pages. Follow `next` until it is
    null. If the changes are no longer kept, the answer is 410 `cursor_expired`: start over.

    A page contains whole revisions. It exceeds `limit` only if its first request changed more
    tasks.
    """
    query, account = request.validated_query, context.account
    try:
        page = read_changes(request.db, account, query.since, query.limit)
    except RevisionExpiredError:
        raise _cursor_expired(request, query.since) from None
    if is_not_modified(request, account.revision):
        return request.response
    return {
        "username": account.username,
        "changes": Change.of_each(page.changes),
        "next": next_page(request, "since", page.after),
        "revision": account.revision,
    }


def _cursor_expired(request: Request, since: int) -> Problem:
    username = request.identity.account.username
    tasks = request.route_path("tasks", username=username)
    changes = request.route_path("changes", username=username)
    return Problem(
        "cursor_expired",
        f"The changes after revision {since} are not available. Start over: read all pages of "
        f"GET {tasks}, then GET {changes} since the revision of the first of these pages.",
    )
