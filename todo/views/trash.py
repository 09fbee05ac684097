"""List, restore and permanently delete deleted tasks."""

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
from todo.schemas.task_filter import TrashPage, TrashSelection
from todo.services.trash import (
    count_trash,
    empty_trash,
    purge_task,
    read_trash,
    restore_task,
    restore_tasks,
)
from todo.views.undo import finished, offer_undo


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
        query=TrashPage,
        returns=trash.Trash,
        headers=("Link",),
    )
    def get(self) -> dict[str, Any]:
        """List the deleted tasks that match the filters, last deleted first.

        The list comes in pages: follow `next` until it is null. The trash keeps a task for 30 days,
        unless the server is configured differently.
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
            "after": page.after,
            "revision": revision,
        }

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="empty trash",
        heavy=True,
        idempotency_key=True,
        query=TrashSelection,
        returns=trash.TrashEmptied,
    )
    def delete(self) -> dict[str, Any]:
        """Empty the trash: delete its tasks permanently, all or those that match the filters.

        The values in their history are erased, too. Many tasks are deleted in several
        transactions, and one request deletes at most 10,000, and fewer if they are long: repeat it
        until `remaining` is 0, and also after an error.
        """
        session, query = self.request.db, self.request.validated_query
        filters, retention = query.filters(), self.request.settings.trash_retention
        if query.dry_run:
            matching = count_trash(session, self.account, filters, retention)
            return finished(self.request, {"username": self.account.username, "deleted": matching})
        commit = partial(commit_so_far, self.request)
        deleted, left = empty_trash(session, self.request.identity, filters, retention, commit)
        return {"username": self.account.username, "deleted": deleted, "remaining": left}


@view_config(
    route_name="restore_tasks",
    request_method="POST",
    permission=Permission.WRITE,
    operation="restore tasks",
    heavy=True,
    idempotency_key=True,
    query=TrashSelection,
    returns=trash.TasksRestored,
    errors=("too_many",),
    headers=("Link",),
)
def restore_all(context: AccountContext, request: Request) -> dict[str, Any]:
    """Restore all tasks in the trash that match the filters, and the subtasks deleted with them.

    At least one filter is required. At most 5,000 tasks may match. Only their `revision` and
    `modification_date` differ from before, unless their list or parent was deleted.
    """
    query = request.validated_query
    restored = restore_tasks(
        request.db,
        context.account,
        query.filters(),
        request.settings.trash_retention,
        dry_run=query.dry_run,
    )
    return finished(request, {"username": context.account.username, "restored": restored})


@view_config(
    route_name="trashed_task",
    request_method="DELETE",
    permission=Permission.WRITE,
    operation="purge task",
    heavy=True,
    idempotency_key=True,
    returns=task.TaskDeleted,
)
def delete(context: TrashContext, request: Request) -> dict[str, Any]:
    """Delete a task in the trash permanently.

    The values in its history are erased, too.
    """
    commit = partial(commit_so_far, request)
    purge_task(request.db, request.identity, context.task.id, commit)
    return {"username": context.account.username, "msg": "Deleted."}


@view_config(
    route_name="restore",
    request_method="POST",
    permission=Permission.WRITE,
    operation="restore task",
    idempotency_key=True,
    returns=task.TaskAnswer,
    errors=("too_many",),
    headers=("ETag", "Link"),
)
def restore(context: TrashContext, request: Request) -> dict[str, Any]:
    """Restore a task, and the subtasks that were deleted with it, from the trash.

    Only their `revision` and `modification_date` differ from before. If its list was deleted, the
    task goes to the inbox; if its parent was deleted, it gets none.
    """
    restored = restore_task(request.db, context.account, context.task)
    offer_undo(request)
    request.response.headers["ETag"] = entity_tag(restored.revision)
    return {"username": context.account.username, "task": task.Task.of(restored)}
