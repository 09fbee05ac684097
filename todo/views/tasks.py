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
        body=schemas.NewTask,
        returns={201: schemas.TaskPosted},
    )
    def post(self) -> dict[str, Any]:
        """Create a task."""
        task = Task.create(self.account.id, self.request.validated_body.values())
        self.request.dbsession.add(task)
        self.request.dbsession.flush()
        self.request.response.location = self.request.route_path(
            "task", username=self.account.username, id=task.id
        )
        return {
            "msg": "posted",
            "username": self.account.username,
            "task": schemas.Task.of(task),
        }


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
