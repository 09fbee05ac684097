"""List, create, show, change, move and delete lists of tasks."""

from typing import Any

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.http.preconditions import entity_tag, is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.resources import ListContext, TasksContext
from todo.schemas import list as schemas
from todo.schemas.place import ListMove
from todo.schemas.task_filter import DryRun
from todo.services.lists import (
    change_list,
    create_list,
    delete_list,
    move_list,
    open_tasks,
    read_lists,
)
from todo.views.undo import finished, offer_undo


@view_defaults(route_name="lists")
class ListsViews:
    """All lists of an account."""

    def __init__(self, context: TasksContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="user's lists",
        query=schemas.ListsQuery,
        returns=schemas.Lists,
        headers=("ETag",),
    )
    def get(self) -> dict[str, Any] | Response:
        """List the lists.

        They are in their order, which `POST …/lists/<id>/move` changes.
        """
        db, query = self.request.db, self.request.validated_query
        revision = self.account.revision
        if is_not_modified(self.request, revision):
            return self.request.response
        rows = read_lists(db, self.account, archived=query.values().get("archived"))
        lists = schemas.List.of_each(rows)
        inbox = {}
        if query.count:
            counts = open_tasks(db, self.account)
            lists = [each | {"open": counts.get(each["id"], 0)} for each in lists]
            inbox = {"inbox": {"open": counts.get(None, 0)}}
        return {"username": self.account.username, "lists": lists, **inbox, "revision": revision}

    @view_config(
        request_method="POST",
        permission=Permission.WRITE,
        operation="create list",
        idempotency_key=True,
        query=DryRun,
        body=schemas.NewList,
        returns={201: schemas.ListPosted},
        errors=("too_many",),
        headers=("ETag", "Link"),
    )
    def post(self) -> dict[str, Any]:
        """Create a list.

        It comes after the others. An account can have 1,000 lists.
        """
        request, account = self.request, self.account
        new = create_list(request.db, account, request.validated_body.prepared)
        if not request.validated_query.dry_run:  # a dry run's list has no URL
            request.response.location = request.route_path(
                "list", username=account.username, id=new.id
            )
            request.response.headers["ETag"] = entity_tag(new.revision)
        return finished(
            request,
            {"msg": "posted", "username": account.username, "list": schemas.List.of(new)},
        )


@view_defaults(route_name="list")
class ListViews:
    """One list."""

    def __init__(self, context: ListContext, request: Request) -> None:
        self.account = context.account
        self.list = context.list
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="list detail",
        returns=schemas.ListAnswer,
        headers=("ETag",),
    )
    def get(self) -> dict[str, Any] | Response:
        """Show a list.

        `GET …/tasks?list=<id>` lists its tasks.
        """
        if is_not_modified(self.request, self.list.revision):
            return self.request.response
        return {"username": self.account.username, "list": schemas.List.of(self.list)}

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.WRITE,
        operation="list update",
        idempotency_key=True,
        body=(schemas.ListChange, schemas.ListEnvelope),
        returns=schemas.ListAnswer,
        headers=("ETag", "Link"),
    )
    def put(self) -> dict[str, Any]:
        """Change a list.

        Fields that are not mentioned keep their values. The body may also be an answer that shows
        the list: its `list` has the changes.
        """
        columns = self.request.validated_body.prepared
        changed = change_list(self.request.db, self.account, self.list, columns)
        return shown(self.request, changed)

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="delete list",
        heavy=True,
        idempotency_key=True,
        query=DryRun,
        returns=schemas.ListDeleted,
        errors=("too_many",),
        headers=("Link",),
    )
    def delete(self) -> dict[str, Any]:
        """Delete a list, and move its tasks to the trash.

        `Link` undoes both. A task that is restored from the trash by itself goes to the inbox.
        The list can have at most 5,000 tasks.
        """
        tasks = delete_list(self.request.db, self.account, self.list)
        answer = {"username": self.account.username, "msg": "Deleted.", "tasks": tasks}
        return finished(self.request, answer)


@view_config(
    route_name="move_list",
    request_method="POST",
    permission=Permission.WRITE,
    operation="move list",
    idempotency_key=True,
    body=ListMove,
    returns=schemas.ListAnswer,
    headers=("ETag", "Link"),
)
def move(context: ListContext, request: Request) -> dict[str, Any]:
    """Move a list among the others.

    `before` and `after` name another list.
    """
    target = request.validated_body.target
    return shown(request, move_list(request.db, context.account, context.list, target))


def shown(request: Request, changed: Any) -> dict[str, Any]:
    """Return the answer that shows the changed list."""
    offer_undo(request)
    request.response.headers["ETag"] = entity_tag(changed.revision)
    account = request.identity.account
    return {"username": account.username, "list": schemas.List.of(changed)}
