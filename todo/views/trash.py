"""The trash: list, restore, delete for good; one task, or all."""

from functools import partial
from typing import Any

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.http.links import next_page
from todo.http.preconditions import entity_tag
from todo.http.request import Request
from todo.http.transactions import commit_so_far
from todo.resources import AccountContext, TrashContext
from todo.schemas import task, trash
from todo.schemas.task_filter import Paged
from todo.services.trash import empty_trash, purge_task, read_trash, restore_task
from todo.views.undo import offer_undo


@view_defaults(route_name="trash")
class TrashViews:
    """All deleted tasks of an account."""

    def __init__(self, context: AccountContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="trash",
        query=Paged,
        returns=trash.Trash,
        headers=("Link",),
    )
    def get(self) -> dict[str, Any]:
        """List the deleted tasks page by page, the last deleted first.

        A task is here until it is restored or deleted for good, or its time is over.
        """
        revision = self.account.revision
        page = read_trash(
            self.request.db,
            self.account,
            self.request.settings.trash_retention,
            self.request.validated_query,
        )
        return {
            "username": self.account.username,
            "tasks": trash.TrashedTask.of_each(page.tasks),
            "next": next_page(self.request, "after", page.after),
            "revision": revision,
        }

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="empty trash",
        idempotency_key=True,
        returns=trash.TrashEmptied,
    )
    def delete(self) -> dict[str, Any]:
        """Delete all tasks of the trash for good.

        Nothing of them is kept but that they are gone. A very full trash is emptied bit by bit:
        where the answer is an error, some may be gone; ask again for the rest.
        """
        deleted = empty_trash(
            self.request.db,
            self.request.identity,
            self.request.settings.trash_retention,
            commit=partial(commit_so_far, self.request),
        )
        return {"username": self.account.username, "deleted": deleted}


@view_config(
    route_name="trashed_task",
    request_method="DELETE",
    permission=Permission.WRITE,
    operation="purge task",
    idempotency_key=True,
    returns=task.TaskDeleted,
)
def delete(context: TrashContext, request: Request) -> dict[str, Any]:
    """Delete the task for good: nothing of it is kept but that it is gone."""
    purge_task(request.db, context.account, context.task.id)
    return {"username": context.account.username, "msg": "Deleted."}


@view_config(
    route_name="restore",
    request_method="POST",
    permission=Permission.WRITE,
    operation="restore task",
    idempotency_key=True,
    returns=task.TaskAnswer,
    headers=("ETag", "Link"),
)
def restore(context: TrashContext, request: Request) -> dict[str, Any]:
    """Take the task out of the trash: it is as before, but for its revision and modification."""
    restored = restore_task(request.db, context.account, context.task)
    offer_undo(request)
    request.response.headers["ETag"] = entity_tag(restored.revision)
    return {"username": context.account.username, "task": task.Task.of(restored)}
