"""List, dismiss and snooze reminders that have fired."""

from typing import Any

from pyramid.view import view_config

from todo.auth.identity import AccountRow
from todo.auth.permissions import Permission
from todo.http.links import next_page
from todo.http.request import Request
from todo.models.reminder import NamedReminder
from todo.resources import AccountContext, ReminderContext
from todo.schemas import reminder as schemas
from todo.services.reminders import dismiss, read_reminders, snooze


@view_config(
    route_name="reminders",
    request_method="GET",
    permission=Permission.READ,
    operation="reminders",
    query=schemas.RemindersPage,
    returns=schemas.Reminders,
    headers=("Link",),
)
def get(context: AccountContext, request: Request) -> dict[str, Any]:
    """List the reminders that have fired, newest first.

    With `due=now`, the list has those to show to the owner now. The list comes in pages: follow
    `next` until it is null. Reminders are kept for 30 days after they have fired.
    """
    account, query = context.account, request.validated_query
    values = query.values()
    after, due = values.get("after"), "due" in values
    page = read_reminders(request.db, account, query.limit, after=after, due=due)
    return {
        "username": account.username,
        "reminders": schemas.Reminder.of_each(page.reminders),
        "next": next_page(request, "after", page.after),
        "after": page.after,
        "revision": account.revision,
    }


@view_config(
    route_name="dismiss_reminder",
    request_method="POST",
    permission=Permission.WRITE,
    operation="dismiss reminder",
    idempotency_key=True,
    returns=schemas.ReminderAnswer,
)
def post_dismiss(context: ReminderContext, request: Request) -> dict[str, Any]:
    """Dismiss a reminder: `due=now` lists it no longer.

    This ends a snooze, too. A reminder that is dismissed already stays as it is. The task does not
    change, and nothing here can be undone; `POST …/snooze` shows the reminder again.
    """
    return _shown(context.account, dismiss(request.db, context.account, context.reminder))


@view_config(
    route_name="snooze_reminder",
    request_method="POST",
    permission=Permission.WRITE,
    operation="snooze reminder",
    idempotency_key=True,
    body=schemas.Snooze,
    returns=schemas.ReminderAnswer,
)
def post_snooze(context: ReminderContext, request: Request) -> dict[str, Any]:
    """Snooze a reminder: it fires again at that time, unless its task is completed or moved.

    A dismissed reminder can be snoozed, too. The task does not change, and nothing here can be
    undone.
    """
    until = request.validated_body.values()["until"]
    return _shown(context.account, snooze(request.db, context.account, context.reminder, until))


def _shown(account: AccountRow, reminder: NamedReminder) -> dict[str, Any]:
    return {"username": account.username, "reminder": schemas.Reminder.of(reminder)}
