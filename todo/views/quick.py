"""Create a task from one line of English."""

from typing import Any

from pyramid.view import view_config

from todo import clock
from todo.auth.permissions import Permission
from todo.http.preconditions import entity_tag
from todo.http.request import Request
from todo.quick.entry import Piece
from todo.resources import AccountContext
from todo.schemas.quick import QuickEntry, QuickPosted
from todo.schemas.task import Task
from todo.schemas.task_filter import DryRun
from todo.services.quick import create_quickly
from todo.views.tasks import task_path
from todo.views.undo import finished


@view_config(
    route_name="quick_task",
    request_method="POST",
    permission=Permission.WRITE,
    operation="create task quickly",
    idempotency_key=True,
    query=DryRun,
    body=QuickEntry,
    returns={201: QuickPosted},
    errors=("too_many", "uid_taken"),
    headers=("ETag", "Link"),
)
def post(context: AccountContext, request: Request) -> dict[str, Any]:
    """Create a task from one line of English.

    `Milk tomorrow 9:00 #groceries @home !1 every week` has a day, a time, a list, a label, a
    priority and a recurrence rule. Words that are not understood stay in the name. `list_id`,
    `parent_id`, `due_date` and `labels` are for what the text does not say. `parsed` says what was
    understood; with `dry_run=true`, nothing is stored.
    """
    body = request.validated_body
    task, entry = create_quickly(
        request.db, context.account, body.text, body.at or clock.now(), body.prepared
    )
    if not request.validated_query.dry_run:
        request.response.location = task_path(request, [task])
        request.response.headers["ETag"] = entity_tag(task.revision)
    return finished(
        request,
        {
            "msg": "posted",
            "username": context.account.username,
            "task": Task.of(task),
            "parsed": [_shown(body.text, piece) for piece in entry.pieces],
        },
    )


def _shown(text: str, piece: Piece) -> dict[str, Any]:
    return {
        "kind": piece.kind,
        "text": text[piece.start : piece.end],
        "start": piece.start,
        "end": piece.end,
    }
