"""List, count, create, show, change, move and delete tasks, one or many at once."""

from typing import Any

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.http.links import next_page
from todo.http.preconditions import entity_tag, is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.listing.pages import read_page
from todo.models.task import TaskRow
from todo.resources import AccountContext, TaskContext, TasksContext
from todo.schemas import task as schemas
from todo.schemas.place import LAST
from todo.schemas.task_filter import CountsFilter, DryRun, TaskPage, TaskSelection
from todo.services.task_changes import change_task, change_tasks
from todo.services.tasks import (
    count_tasks,
    create_tasks,
    delete_task,
    delete_tasks,
    move_task,
    task_counts,
)
from todo.views.undo import finished, offer_undo


@view_defaults(route_name="tasks")
class TasksViews:
    """All tasks of an account."""

    def __init__(self, context: TasksContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="user's tasks",
        query=TaskPage,
        returns=schemas.TaskList,
        headers=("ETag", "Link"),
    )
    def get(self) -> dict[str, Any] | Response:
        """List tasks.

        The list comes in pages: follow `next`, or the header field `Link`, until it is null. Tasks
        that are created or deleted in the meantime do not shift other tasks to another page. A list
        has no `ETag` if its `due` filter depends on the time.
        """
        return list_tasks(self.request, self.request.validated_query)

    @view_config(
        request_method="POST",
        permission=Permission.WRITE,
        operation="create task",
        idempotency_key=True,
        query=DryRun,
        body=(schemas.NewTask, schemas.NewTasks),
        returns={201: (schemas.TaskPosted, schemas.TasksPosted)},
        errors=("too_many", "uid_taken"),
        headers=("ETag", "Link"),
    )
    def post(self) -> dict[str, Any]:
        """Create a task or several tasks.

        Either all tasks are created or none. Only the answer for a single task has an `ETag`.
        """
        body = self.request.validated_body
        several = isinstance(body, schemas.NewTasks)
        new = body.prepared if several else [body.prepared]
        tasks = create_tasks(self.request.db, self.account, new, in_list=several)
        if not self.request.validated_query.dry_run:  # a dry run's tasks have no URL
            self.request.response.location = task_path(self.request, tasks)
            if not several:
                self.request.response.headers["ETag"] = entity_tag(tasks[0].revision)
        shown = schemas.Task.of_each(tasks)
        created = {"tasks": shown} if several else {"task": shown[0]}
        return finished(
            self.request, {"msg": "posted", "username": self.account.username, **created}
        )

    @view_config(
        request_method="PATCH",
        permission=Permission.WRITE,
        operation="update tasks",
        heavy=True,
        idempotency_key=True,
        query=TaskSelection,
        body=schemas.TasksChange,
        returns=schemas.TasksUpdated,
        errors=("too_many",),
        headers=("Link",),
    )
    def patch(self) -> dict[str, Any]:
        """Change all tasks that match the filters.

        At least one filter is required. Fields that are not mentioned keep their values. At most
        5,000 tasks may match.
        """
        query, columns = self.request.validated_query, self.request.validated_body.prepared
        updated = change_tasks(
            self.request.db, self.account, query.filters(), columns, dry_run=query.dry_run
        )
        return finished(self.request, {"username": self.account.username, "updated": updated})

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="delete tasks",
        heavy=True,
        idempotency_key=True,
        query=TaskSelection,
        returns=schemas.TasksDeleted,
        errors=("too_many",),
        headers=("Link",),
    )
    def delete(self) -> dict[str, Any]:
        """Move all tasks that match the filters, and their subtasks, to the trash.

        At least one filter is required. At most 5,000 tasks may match.
        """
        query = self.request.validated_query
        deleted = delete_tasks(
            self.request.db, self.account, query.filters(), dry_run=query.dry_run
        )
        return finished(self.request, {"username": self.account.username, "deleted": deleted})


def list_tasks(request: Request, query: TaskPage) -> dict[str, Any] | Response:
    """Return a page of the account's tasks, or 304 if the client has it."""
    db, account = request.db, request.identity.account
    if not query.depends_on_now and is_not_modified(request, account.revision):
        return request.response
    page = read_page(db, account, query)
    fields = query.values().get("fields", ())
    total = {"total": count_tasks(db, account, query.filters())} if query.count else {}
    return {
        "username": account.username,
        "tasks": schemas.Task.of_each(page.tasks, fields),
        "next": next_page(request, "after", page.after),
        "after": page.after,
        "revision": account.revision,
        **total,
    }


@view_config(
    route_name="counts",
    request_method="GET",
    permission=Permission.READ,
    operation="task counts",
    query=CountsFilter,
    returns=schemas.TaskCounts,
)
def counts(context: AccountContext, request: Request) -> dict[str, Any]:
    """Count the open, completed, overdue and undated tasks, and those due today.

    Days are in the account's time zone. Without `list`, the tasks of archived lists are not
    counted.
    """
    filters = request.validated_query.values()
    counted = task_counts(request.db, context.account, filters)
    return {"username": context.account.username, **counted}


def task_path(request: Request, tasks: list[TaskRow]) -> str:
    """Return the path of the task, or of the list that shows exactly these tasks."""
    username = request.identity.account.username
    if len(tasks) == 1:
        return request.route_path("task", username=username, id=tasks[0].id)
    query = f"id={','.join(str(task.id) for task in tasks)}&limit={len(tasks)}"
    if any(task.list_id for task in tasks):
        query += "&archived=any"  # the list may be archived
    return request.route_path("tasks", username=username, _query=query)


@view_defaults(route_name="task")
class TaskViews:
    """One task."""

    def __init__(self, context: TaskContext, request: Request) -> None:
        self.account = context.account
        self.task = context.task
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="task detail",
        returns=schemas.TaskAnswer,
        headers=("ETag",),
    )
    def get(self) -> dict[str, Any] | Response:
        """Show a task.

        `PUT` accepts the answer as it is. A task in the trash is not found.
        """
        if is_not_modified(self.request, self.task.revision):
            return self.request.response
        return {"username": self.account.username, "task": schemas.Task.of(self.task)}

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.WRITE,
        operation="task update",
        idempotency_key=True,
        body=(schemas.TaskChange, schemas.TaskEnvelope),
        returns=schemas.TaskChanged,
        errors=("too_many", "other_occurrence"),
        headers=("ETag", "Link"),
    )
    def put(self) -> dict[str, Any]:
        """Change a task.

        Fields that are not mentioned keep their values. A task that gets another list or parent
        comes last there, and its subtasks move along. The body may also be an answer that shows
        the task: its `task` has the changes.

        With `completed: true`, a task that recurs goes on to its next date, and its occurrence
        stays as a completed task of its own.
        """
        columns = self.request.validated_body.prepared
        task, occurrence = change_task(self.request.db, self.account, self.task, columns)
        answer = shown(self.request, task)
        return answer | ({"occurrence": schemas.Task.of(occurrence)} if occurrence else {})

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="delete task",
        idempotency_key=True,
        returns=schemas.TaskDeleted,
        errors=("too_many",),
        headers=("Link",),
    )
    def delete(self) -> dict[str, Any]:
        """Move a task and its subtasks to the trash.

        It can be restored until its time in the trash is over: 30 days, unless the server is
        configured differently.
        """
        delete_task(self.request.db, self.account, self.task)
        revision = offer_undo(self.request)
        return {"username": self.account.username, "msg": "Deleted.", **revision}


@view_config(
    route_name="move_task",
    request_method="POST",
    permission=Permission.WRITE,
    operation="move task",
    idempotency_key=True,
    body=schemas.TaskMove,
    returns=schemas.TaskAnswer,
    errors=("too_many",),
    headers=("ETag", "Link"),
)
def move(context: TaskContext, request: Request) -> dict[str, Any]:
    """Move a task, with its subtasks, to a list, below a parent, or among its siblings.

    A subtask that moves to a list, but not below a parent, has no parent there. `before` and
    `after` name a task that is there, too.
    """
    body = request.validated_body
    moved = move_task(request.db, context.account, context.task, body.place, body.target or LAST)
    return shown(request, moved)


def shown(request: Request, task: TaskRow) -> dict[str, Any]:
    """Return the answer that shows the changed task."""
    offer_undo(request)
    request.response.headers["ETag"] = entity_tag(task.revision)
    account = request.identity.account
    return {"username": account.username, "task": schemas.Task.of(task)}
