"""List, save, show, change and delete filters of tasks, and list their tasks."""

from typing import Any

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.http.preconditions import entity_tag, is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.resources import FilterContext, TasksContext
from todo.schemas import filter as schemas
from todo.schemas.task import TaskList
from todo.schemas.task_filter import DryRun
from todo.services.filters import (
    change_filter,
    create_filter,
    delete_filter,
    page_of,
    read_filters,
)
from todo.views.tasks import list_tasks
from todo.views.undo import finished, offer_undo


@view_defaults(route_name="filters")
class FiltersViews:
    """All saved filters of an account."""

    def __init__(self, context: TasksContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="user's filters",
        returns=schemas.Filters,
        headers=("ETag",),
    )
    def get(self) -> dict[str, Any] | Response:
        """List the saved filters.

        They are sorted by id.
        """
        revision = self.account.revision
        if is_not_modified(self.request, revision):
            return self.request.response
        filters = schemas.Filter.of_each(read_filters(self.request.db, self.account))
        return {"username": self.account.username, "filters": filters, "revision": revision}

    @view_config(
        request_method="POST",
        permission=Permission.WRITE,
        operation="create filter",
        idempotency_key=True,
        query=DryRun,
        body=schemas.NewFilter,
        returns={201: schemas.FilterPosted},
        errors=("too_many",),
        headers=("ETag", "Link"),
    )
    def post(self) -> dict[str, Any]:
        """Save a filter.

        An account can have 1,000.
        """
        request, account = self.request, self.account
        new = create_filter(request.db, account, request.validated_body.prepared)
        if not request.validated_query.dry_run:  # a dry run's filter has no URL
            request.response.location = request.route_path(
                "filter", username=account.username, id=new.id
            )
            request.response.headers["ETag"] = entity_tag(new.revision)
        shown = {"username": account.username, "filter": schemas.Filter.of(new)}
        return finished(request, {"msg": "posted", **shown})


@view_defaults(route_name="filter")
class FilterViews:
    """One saved filter."""

    def __init__(self, context: FilterContext, request: Request) -> None:
        self.account = context.account
        self.filter = context.filter
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="filter detail",
        returns=schemas.FilterAnswer,
        headers=("ETag",),
    )
    def get(self) -> dict[str, Any] | Response:
        """Show a saved filter.

        `GET …/filters/<id>/tasks` lists its tasks.
        """
        if is_not_modified(self.request, self.filter.revision):
            return self.request.response
        return {"username": self.account.username, "filter": schemas.Filter.of(self.filter)}

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.WRITE,
        operation="filter update",
        idempotency_key=True,
        body=(schemas.FilterChange, schemas.FilterEnvelope),
        returns=schemas.FilterAnswer,
        headers=("ETag", "Link"),
    )
    def put(self) -> dict[str, Any]:
        """Change a saved filter.

        Fields that are not mentioned keep their values. The body may also be an answer that shows
        the filter: its `filter` has the changes.
        """
        columns = self.request.validated_body.prepared
        changed = change_filter(self.request.db, self.account, self.filter, columns)
        offer_undo(self.request)
        self.request.response.headers["ETag"] = entity_tag(changed.revision)
        return {"username": self.account.username, "filter": schemas.Filter.of(changed)}

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="delete filter",
        idempotency_key=True,
        returns=schemas.FilterDeleted,
        headers=("Link",),
    )
    def delete(self) -> dict[str, Any]:
        """Delete a saved filter.

        Its tasks stay, and `Link` undoes the deletion.
        """
        delete_filter(self.request.db, self.account, self.filter)
        revision = offer_undo(self.request)
        return {"username": self.account.username, "msg": "Deleted.", **revision}


@view_config(
    route_name="filter_tasks",
    request_method="GET",
    permission=Permission.READ,
    operation="filter tasks",
    query=schemas.FilterPage,
    returns=TaskList,
    errors=("filter_outdated",),
    headers=("ETag", "Link"),
)
def tasks(context: FilterContext, request: Request) -> dict[str, Any] | Response:
    """List the tasks of a saved filter, like `GET …/tasks` with its query.

    Parameters of the request replace those of the query. The list has no `ETag` if the `due` filter
    of the query depends on the time. If this version of the service no longer accepts the query,
    the answer is 409 `filter_outdated`.
    """
    replaced = request.validated_query.values()
    return list_tasks(request, page_of(context.account, context.filter, replaced))
