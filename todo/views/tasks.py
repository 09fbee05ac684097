"""Tasks: list, create, show, change, delete."""

from typing import Any

from pyramid.view import view_config, view_defaults
from sqlalchemy import select

from todo.models import Task
from todo.permissions import Permission
from todo.request import Request
from todo.resources import AccountContext, TaskContext
from todo.schemas import task as schemas


@view_defaults(route_name="tasks")
class TasksViews:
    """All tasks of an account."""

    def __init__(self, context: AccountContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="user's tasks",
        returns=schemas.TaskList,
    )
    def get(self) -> dict[str, Any]:
        """List the tasks, oldest first."""
        tasks = self.request.dbsession.scalars(
            select(Task).where(Task.account_id == self.account.id).order_by(Task.id)
        )
        return {
            "username": self.account.username,
            "tasks": [schemas.Task.of(task) for task in tasks],
        }

    @view_config(
        request_method="POST",
        permission=Permission.WRITE,
        operation="create task",
        body=(schemas.NewTask, schemas.NewTasks),
        returns={201: (schemas.TaskPosted, schemas.TasksPosted)},
    )
    def post(self) -> dict[str, Any]:
        """Create a task, or several at once: all of them or none."""
        body, username = self.request.validated_body, self.account.username
        if isinstance(body, schemas.NewTasks):
            tasks = self._create(body.values()["tasks"])
            ids = ",".join(str(task.id) for task in tasks)
            location = self.request.route_path(
                "tasks", username=username, _query=f"id={ids}&limit={len(tasks)}"
            )
            created: dict[str, Any] = {"tasks": [schemas.Task.of(task) for task in tasks]}
        else:
            [task] = self._create([body.values()])
            location = self.request.route_path("task", username=username, id=task.id)
            created = {"task": schemas.Task.of(task)}
        self.request.response.location = location
        return {"msg": "posted", "username": username} | created

    def _create(self, several: list[dict[str, Any]]) -> list[Task]:
        """Return new tasks, stored by one flush: on PostgreSQL, that is one statement."""
        tasks = [Task.create(self.account.id, values) for values in several]
        self.request.dbsession.add_all(tasks)
        self.request.dbsession.flush()
        return tasks


@view_defaults(route_name="task")
class TaskViews:
    """One task."""

    def __init__(self, context: TaskContext, request: Request) -> None:
        self.username = context.account.username
        self.task = context.task
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="task detail",
        returns=schemas.TaskAnswer,
    )
    def get(self) -> dict[str, Any]:
        """Show the task."""
        return {"username": self.username, "task": schemas.Task.of(self.task)}

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.WRITE,
        operation="task update",
        body=schemas.TaskChange,
        returns=schemas.TaskAnswer,
    )
    def put(self) -> dict[str, Any]:
        """Change the task; what is not mentioned stays."""
        self.task.change(self.request.validated_body.values())
        return {"username": self.username, "task": schemas.Task.of(self.task)}

    @view_config(
        request_method="DELETE",
        permission=Permission.WRITE,
        operation="delete task",
        returns=schemas.TaskDeleted,
    )
    def delete(self) -> dict[str, Any]:
        """Delete the task."""
        self.request.dbsession.delete(self.task)
        return {"username": self.username, "msg": "Deleted."}
