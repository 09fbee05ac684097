"""Undo: change back what one request has changed of tasks."""

from typing import Any

from pyramid.view import view_config

from todo.auth.permissions import Permission
from todo.http.request import Request
from todo.journal.undo import undo
from todo.journal.writes import transaction_revision
from todo.resources import RevisionContext
from todo.schemas.undo import Undone


@view_config(
    route_name="undo",
    request_method="POST",
    permission=Permission.WRITE,
    operation="undo",
    idempotency_key=True,
    returns=Undone,
    errors=("not_undoable", "too_many", "undo_conflict"),
    headers=("Link",),
)
def post(context: RevisionContext, request: Request) -> dict[str, Any]:
    """Undo what one request has changed of tasks: all of it, or nothing.

    The answer to each request that changes tasks names it, as `Link` with rel="undo"; the answer to
    an undo names what does it again. What was created goes to the trash, what was deleted comes
    back. Where a task is not as that request has left it, in the same fields, nothing is changed.
    """
    undone = undo(request.db, context.account, context.named, request.settings.trash_retention)
    offer_undo(request)
    return {"username": context.account.username, "undone": undone}


def offer_undo(request: Request) -> None:
    """Name, in the answer's field `Link`, the path that undoes the request's changes of tasks."""
    account = request.identity.account
    revision = transaction_revision(request.db, account.id)
    if revision is not None:
        path = request.route_path("undo", username=account.username, revision=revision)
        request.response.headers["Link"] = f'<{path}>; rel="undo"'  # RFC 8288
