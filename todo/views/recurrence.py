"""Skip an occurrence of a task that recurs, and preview the dates of a rule."""

from typing import Any

from pyramid.view import view_config

from todo.auth.permissions import Permission
from todo.http.request import Request
from todo.recurrence.rule import format_rule, parse_rule
from todo.recurrence.text import describe
from todo.resources import AccountContext, TaskContext
from todo.schemas.recurrence import RecurrenceDates, RecurrencePreview, Skip
from todo.schemas.task import TaskAnswer
from todo.services.recurrence import preview_dates
from todo.services.task_changes import skip_occurrence
from todo.views.tasks import shown


@view_config(
    route_name="skip_task",
    request_method="POST",
    permission=Permission.WRITE,
    operation="skip task",
    idempotency_key=True,
    body=Skip,
    returns=TaskAnswer,
    errors=("not_recurring", "other_occurrence", "too_many"),
    headers=("ETag", "Link"),
)
def skip(context: TaskContext, request: Request) -> dict[str, Any]:
    """Move a task that recurs on to its next date, without a completed occurrence.

    Its subtasks are opened again. A task without a next date is completed. With `occurrence`, the
    due date that the client knows, a task that has gone on from it is not changed again.
    """
    completing = request.validated_body.prepared
    return shown(request, skip_occurrence(request.db, context.account, context.task, completing))


@view_config(
    route_name="preview_recurrence",
    request_method="POST",
    permission=Permission.WRITE,
    operation="preview recurrence",
    body=RecurrencePreview,
    returns=RecurrenceDates,
)
def preview(context: AccountContext, request: Request) -> dict[str, Any]:
    """List the first dates of a recurrence rule, and describe it in English.

    The dates are those that a task has when it is completed again and again, each time before the
    next date. Nothing is stored.
    """
    values = request.validated_body.values()
    rule = parse_rule(values["recurrence"])
    return {
        "username": context.account.username,
        "recurrence": format_rule(rule),
        "text": describe(rule),
        "dates": preview_dates(context.account, rule, values),
    }
