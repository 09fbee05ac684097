"""List, rename and delete the labels of an account's tasks."""

from typing import Any

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.http.links import next_page
from todo.http.preconditions import is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.resources import LabelContext, TasksContext
from todo.schemas import label as schemas
from todo.schemas.task_filter import DryRun
from todo.services.labels import count_open, delete_label, read_labels, rename_label
from todo.views.undo import finished


@view_config(
    route_name="labels",
    request_method="GET",
    permission=Permission.READ,
    operation="user's labels",
    heavy=True,
    query=schemas.LabelsPage,
    returns=schemas.Labels,
    headers=("ETag", "Link"),
)
def labels(context: TasksContext, request: Request) -> dict[str, Any] | Response:
    """List the labels of tasks, by name.

    The list comes in pages: follow `next` until it is null. A label without tasks does not exist.
    """
    account, query = context.account, request.validated_query
    if is_not_modified(request, account.revision):
        return request.response
    # One extra label shows whether there is a next page.
    found = read_labels(request.db, account, query.limit + 1, query.values().get("after"))
    page = found[: query.limit]
    after = page[-1].name if len(found) > query.limit else None
    return {
        "username": account.username,
        "labels": schemas.Label.of_each(page),
        "next": next_page(request, "after", after),
        "after": after,
        "revision": account.revision,
    }


@view_defaults(route_name="label")
class LabelViews:
    """One label."""

    def __init__(self, context: LabelContext, request: Request) -> None:
        self.account = context.account
        self.label = context.label
        self.request = request

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.WRITE,
        operation="rename label",
        heavy=True,
        idempotency_key=True,
        query=DryRun,
        body=schemas.LabelChange,
        returns=schemas.LabelAnswer,
        errors=("too_many",),
        headers=("Link",),
    )
    def put(self) -> dict[str, Any]:
        """Rename a label in all tasks.

        If there is a label of the new name, the two become one. At most 5,000 tasks may have the
        label.
        """
        db, new = self.request.db, self.request.validated_body.name
        name, count = rename_label(db, self.account, self.label, new)
        label = {"name": name, "tasks": count_open(db, self.account, name)}
        answer = {"username": self.account.username, "label": label, "updated": count}
        return finished(self.request, answer)

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="delete label",
        heavy=True,
        idempotency_key=True,
        query=DryRun,
        returns=schemas.LabelDeleted,
        errors=("too_many",),
        headers=("Link",),
    )
    def delete(self) -> dict[str, Any]:
        """Take a label off all tasks.

        At most 5,000 tasks may have it.
        """
        count = delete_label(self.request.db, self.account, self.label)
        answer = {"username": self.account.username, "msg": "Deleted.", "updated": count}
        return finished(self.request, answer)
