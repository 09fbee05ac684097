"""The walk of the tutorial with openapi-python-client."""

import sys

from todo_client import AuthenticatedClient, Client
from todo_client.api.accounts import register
from todo_client.api.sessions import login, logout
from todo_client.api.tasks import (
    create_task,
    delete_task,
    task_detail,
    task_update,
    task_update_patch,
    users_tasks,
)
from todo_client.api.undo import undo
from todo_client.models import (
    Credentials,
    NewTask,
    NewTasks,
    ProblemDetails,
    Registration,
    Task,
    TaskChange,
    TaskEnvelope,
    TaskPosted,
    TasksPosted,
    UsersTasksDue,
    UsersTasksSort,
)

URL = sys.argv[1]
PASSWORD = "correct horse battery"


def log_in(username: str) -> AuthenticatedClient:
    body = Credentials(username=username, password=PASSWORD)
    return AuthenticatedClient(URL, token=login.sync(client=Client(URL), body=body).token)


def walk(username: str) -> None:
    body = Registration(username=username, email="alice@example.com", password=PASSWORD)
    assert register.sync(client=Client(URL), body=body).profile.timezone == "UTC"
    client = log_in(username)

    new = NewTask(name="Milk", due_date="01/02/2030 09:30:00")
    created = create_task.sync(username, client=client, body=new, idempotency_key="create-milk")
    assert isinstance(created, TaskPosted)
    assert created.task.due_date == "2030-02-01T09:30:00Z"
    task_id = created.task.id

    change = TaskChange(note="two bottles", due_date="2030-02-01", completed=True)
    changed = task_update_patch.sync(username, task_id, client=client, body=change)
    assert changed.task.due_date == "2030-02-01"

    new = NewTasks(tasks=[NewTask(name="Crème brûlée", due_date="2030-02-03"), NewTask(name="Tea")])
    several = create_task.sync(username, client=client, body=new)
    assert isinstance(several, TasksPosted)
    assert [task.name for task in several.tasks] == ["Crème brûlée", "Tea"]

    first = users_tasks.sync(username, client=client, limit=2, fields="name")
    assert [task.to_dict() for task in first.tasks] == [
        {"name": "Milk"},
        {"name": "Crème brûlée"},
    ]
    second = users_tasks.sync(username, client=client, limit=2, after=first.after)
    [tea] = second.tasks
    assert isinstance(tea, Task)
    assert (tea.name, second.after) == ("Tea", None)
    due, sort = UsersTasksDue.ANY, UsersTasksSort.DUE_DATE_DESCENDING
    found = users_tasks.sync(username, client=client, search="creme", due=due, sort=sort)
    assert [task.name for task in found.tasks] == ["Crème brûlée"]

    change = TaskChange(name="Oatmilk")
    stale = task_update_patch.sync(username, task_id, client=client, body=change, if_match='"2"')
    assert (stale.status, stale.task) == (412, changed.task)

    refused = create_task.sync(username, client=client, body=NewTask(name="", due_date="tomorrow"))
    assert isinstance(refused, ProblemDetails)
    assert [(fault.pointer, fault.code) for fault in refused.errors] == [
        ("/name", "blank"),
        ("/due_date", "date"),
    ]

    large = create_task.sync(username, client=client, body=NewTask(name="Milk", note="x" * 1100000))
    assert (large.status, large.code) == (413, "body_too_large")

    deleted = delete_task.sync(username, task_id, client=client)
    assert undo.sync(username, deleted.revision, client=client).undone == 1

    assert logout.sync(client=client).msg == "Logged out."
    assert task_detail.sync(username, task_id, client=client).code == "unauthenticated"


def write_back(username: str) -> None:
    client = log_in(username)
    for task in users_tasks.sync(username, client=client).tasks:
        read = task_detail.sync(username, task.id, client=client)
        for body in (
            TaskEnvelope.from_dict(read.to_dict()),
            TaskChange.from_dict(read.task.to_dict()),
        ):
            written = task_update.sync(username, task.id, client=client, body=body)
            assert written.username == username


walk("alice")
write_back("bob")
