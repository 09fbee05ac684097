"""A client generated from the OpenAPI document alone, used against the service."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import DOCUMENT_PATH
from tests.support.pserve import Server

BIN = Path(sys.executable).parent

SCRIPT = """
import datetime
import sys

from todo_client import AuthenticatedClient, Client
from todo_client.api.accounts import register, single_profile_detail
from todo_client.api.sessions import login, logout_post
from todo_client.api.tasks import create_task, task_detail, task_update_patch, users_tasks
from todo_client.models import Credentials, NewTask, NewTaskForm, NewTasks
from todo_client.models import ProblemDetails, Registration, TaskChange, TasksPosted

url = sys.argv[1]
anonymous = Client(base_url=url)
password = "correct horse battery"
registered = register.sync(
    client=anonymous,
    body=Registration(username="alice", email="alice@example.com", password=password),
)
assert registered.profile.username == "alice"
token = login.sync(client=anonymous, body=Credentials(username="alice", password=password)).token
client = AuthenticatedClient(base_url=url, token=token)
assert single_profile_detail.sync("alice", client=client).email == "alice@example.com"

due = datetime.datetime(2030, 2, 1, 9, 30, tzinfo=datetime.timezone.utc)
form = NewTaskForm(name="Milk", due_date=due.isoformat(), completed="no")
task = create_task.sync("alice", client=client, body=form).task
assert (task.name, task.due_date, task.note) == ("Milk", due, None)
create_task.sync("alice", client=client, body=NewTask(name="Tea", due_date=due))

change = TaskChange(note="two bottles", completed=True)
task = task_update_patch.sync("alice", task.id, client=client, body=change).task
assert task.completed and task.note == "two bottles" and task.due_date == due
assert [task.name for task in users_tasks.sync("alice", client=client).tasks] == ["Milk", "Tea"]

several = NewTasks(tasks=[NewTask(name="Bread"), NewTask(name="Salt", due_date=due)])
posted = create_task.sync("alice", client=client, body=several)
assert isinstance(posted, TasksPosted)
assert [(task.name, task.due_date) for task in posted.tasks] == [("Bread", None), ("Salt", due)]

problem = create_task.sync("alice", client=client, body=NewTask(name=" "))
assert isinstance(problem, ProblemDetails)
assert problem.errors[0].field == "name" and problem.errors[0].code == "blank"

assert logout_post.sync(client=client).msg == "Logged out."
assert task_detail.sync("alice", task.id, client=client).code == "unauthenticated"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the generated package `todo_client`."""
    folder = tmp_path_factory.mktemp("generated")
    subprocess.run(
        [
            *(BIN / "openapi-python-client", "generate", "--fail-on-warning", "--meta", "none"),
            *("--path", DOCUMENT_PATH, "--output-path", folder / "todo_client"),
        ],
        # The generator formats its output with ruff.
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )
    return folder


# The database makes no difference to a client.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_generated_client_runs_against_service(server: Server, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", SCRIPT, server.url], cwd=folder, check=True)
