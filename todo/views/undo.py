"""Undo changes."""

from typing import Any

from pyramid.view import view_config

from todo.auth.permissions import Permission
from todo.http.request import Request
from todo.journal.writes import transaction_revision
from todo.resources import RevisionContext
from todo.schemas.undo import Undone
from todo.services.undo import undo


@view_config(
    route_name="undo",
    request_method="POST",
    permission=Permission.WRITE,
    operation="undo",
    heavy=True,
    idempotency_key=True,
    returns=Undone,
    errors=("not_undoable", "too_many", "undo_conflict"),
    headers=("Link",),
)
def post(context: RevisionContext, request: Request) -> dict[str, Any]:
    """Undo all changes that one request made.

    The answer to each request that changes tasks or lists has the path of this operation in `Link`,
    with rel="undo". Updated fields get their previous values, created and restored tasks go to the
    trash, created lists are deleted, and deleted tasks and lists come back.

    All changes are undone or none: if later changes are in the way, the answer is 409
    `undo_conflict`. An undo is a change itself, so its own `Link` undoes it. Permanent deletions,
    and changes to the profile and to reminders that have fired, cannot be undone.
    """
    undone = undo(request.db, context.account, context.named, request.settings.trash_retention)
    return {"username": context.account.username, "undone": undone, **offer_undo(request)}


def finished(request: Request, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with its revision. For a dry run, mark it and roll back the transaction."""
    if request.validated_query.dry_run:
        request.tm.doom()
        return {**answer, "dry_run": True}
    return {**answer, **offer_undo(request)}


def offer_undo(request: Request) -> dict[str, int]:
    """Add a `Link` to the answer that undoes the request's changes; return their `revision`.

    Add no link, and return no member, if the request has changed nothing.
    """
    account = request.identity.account
    revision = transaction_revision(request.db, account.id)
    if revision is None:
        return {}
    path = request.route_path("undo", username=account.username, revision=revision)
    request.response.headers["Link"] = f'<{path}>; rel="undo"'  # RFC 8288
    return {"revision": revision}
