"""Changes: the history of a task, and the feed of all that was changed."""

from typing import Any

from pyramid.view import view_config

from todo.auth.permissions import Permission
from todo.http.preconditions import is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.journal.history import read_changes, read_history
from todo.listing.links import link_next
from todo.resources import ChangesContext, HistoryContext
from todo.schemas.change import Change, Changes, ChangesPage, HistoryPage, TaskHistory


@view_config(
    route_name="history",
    request_method="GET",
    permission=Permission.READ,
    operation="task history",
    query=HistoryPage,
    returns=TaskHistory,
    headers=("Link",),
)
def history(context: HistoryContext, request: Request) -> dict[str, Any]:
    """List the changes of the task, the newest first, page by page.

    Those that are older than the journal is kept, 90 days if not set otherwise, are not there.
    """
    page = read_history(request, context.task, request.validated_query)
    link_next(request, page.next)
    shown = Change.of_each(page.changes)
    return {"username": context.account.username, "history": shown, "next": page.next}


@view_config(
    route_name="changes",
    request_method="GET",
    permission=Permission.READ,
    operation="changes",
    query=ChangesPage,
    returns=Changes,
    errors=("cursor_expired",),
    headers=("ETag", "Link"),
)
def changes(context: ChangesContext, request: Request) -> dict[str, Any] | Response:
    """List the changes after a revision, in their order, page by page.

    To keep a copy in step: read all pages of the tasks, without filter and sort, then follow this
    from the `revision` of the first of these pages. A page ends at the end of a revision, and so
    may have more than `limit` changes, where one request has changed many tasks.
    """
    query, account = request.validated_query, context.account
    page = read_changes(request, query.since, query.limit)
    if is_not_modified(request, account.revision):
        return request.response
    link_next(request, page.next)
    return {
        "username": account.username,
        "changes": Change.of_each(page.changes),
        "next": page.next,
        "revision": account.revision,
    }
