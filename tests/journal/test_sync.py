"""Synchronization: a client that follows docs/sync.md ends with an exact copy of the account."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

import todo.views.changes
import todo.views.tasks
from tests.support.client import Client
from tests.support.factories import Login, make_account, make_token
from tests.support.fixtures import Patch
from todo import clock

EXAMPLES = 40
WRITERS = 3


class Copy:
    """A client's copy of an account; each `read` fetches one page."""

    def __init__(self, client: Client, login: Login, limit: int) -> None:
        self.client = client
        self.login = login
        self.limit = limit
        self.tasks: dict[int, Any] = {}
        self.lists: dict[int, Any] = {}
        self.profile: Any = None
        self.revision = -1  # first that of the snapshot, then that of the last change applied
        self.page: str | None = f"{login.tasks_url}?archived=any&limit={limit}"

    def get(self, url: str) -> Any:
        answer = self.client.get(url)
        assert answer.status_int == 200, answer
        return answer.json

    def read(self) -> bool:
        """Fetch the next page; return whether more pages follow."""
        if self.page is None:
            return self.read_changes()
        page = self.get(self.page)
        if self.profile is None:
            self.revision = page["revision"]
            self.profile = self.get(self.login.url)
            lists = self.get(f"{self.login.url}/lists")["lists"]
            self.lists = {each["id"]: each for each in lists}
        self.tasks |= {task["id"]: stored(task) for task in page["tasks"]}
        self.page = page["next"]
        return True

    def read_changes(self) -> bool:
        page = self.get(f"{self.login.url}/changes?since={self.revision}&limit={self.limit}")
        for change in page["changes"]:
            self.apply(change)
            self.revision = change["revision"]
        assert self.revision <= page["revision"]
        assert (self.revision == page["revision"]) == (page["next"] is None)
        return page["next"] is not None

    def apply(self, change: Any) -> None:
        after = change["after"]
        if change["kind"] == "profile":
            self.profile |= {name: after[name] for name in after if name != "password"}
            return
        objects = self.tasks if change["kind"] == "task" else self.lists
        if after is None:
            objects.pop(change["id"], None)
        elif "creation_date" in after:
            objects[change["id"]] = {"id": change["id"], **after, **stamps(change)}
        elif change["id"] in objects:  # otherwise a later change deletes it
            objects[change["id"]] |= after | stamps(change)


def stored(task: Any) -> Any:
    """Return the task without the numbers of its subtasks, which a client counts itself."""
    return {name: task[name] for name in task if name != "subtasks"}


def stamps(change: Any) -> Any:
    return {"revision": change["revision"], "modification_date": change["date"]}


def current_state(client: Client, login: Login) -> tuple[dict[int, Any], dict[int, Any], Any]:
    """Return the account's tasks and lists by id, and its profile, as the service has them."""
    tasks: dict[int, Any] = {}
    url: str | None = f"{login.tasks_url}?archived=any&limit=200"
    while url:
        page = client.get(url).json
        tasks |= {task["id"]: stored(task) for task in page["tasks"]}
        url = page["next"]
    lists = client.get(f"{login.url}/lists").json["lists"]
    return tasks, {each["id"]: each for each in lists}, client.get(login.url).json


# --- strategies for the writes

fields = {
    "name": st.sampled_from(["Milk", "Tea", 'Crème "brûlée" \\', "🍎\t"]),
    "note": st.sampled_from([None, "", "two\nbottles", "' \x01"]),
    "due_date": st.sampled_from([None, "2030-02-01", "2030-02-01T09:30:00.120000Z"]),
    "completed": st.booleans(),
    "recurrence": st.sampled_from([None, "FREQ=DAILY", "FREQ=WEEKLY;COUNT=2"]),
    "reminders": st.sampled_from([[], [{"before": "PT15M"}], [{"at": "2030-01-31T18:00:00Z"}]]),
}
new_tasks = st.fixed_dictionaries(
    {"name": fields["name"]}, optional={name: fields[name] for name in fields if name != "name"}
)
task_changes = st.fixed_dictionaries({}, optional=fields)
selections = st.sampled_from(["completed=true", "completed=false", "due=none", "due=any"])
indexes = st.integers(0, 7)  # of a task on a list; for undo, revisions back from the newest
profile_changes = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "email": st.sampled_from(["a@example.com", "b@example.com"]),
    },
)

writes = st.one_of(
    st.tuples(st.just("create"), new_tasks),
    st.tuples(st.just("create"), st.lists(new_tasks, min_size=1, max_size=5)),
    st.tuples(st.just("change"), indexes, task_changes),
    st.tuples(st.just("change all"), selections, task_changes),
    st.tuples(st.just("complete"), indexes),
    st.tuples(st.just("skip"), indexes),
    st.tuples(st.just("delete"), indexes),
    st.tuples(st.just("delete all"), selections),
    st.tuples(st.just("restore"), indexes),
    st.tuples(st.just("purge"), indexes),
    st.tuples(st.just("restore all"), selections),
    st.just(("purge all",)),
    st.tuples(st.just("undo"), indexes),
    st.just(("create list",)),
    st.tuples(st.just("archive list"), indexes),
    st.tuples(st.just("delete list"), indexes),
    st.tuples(st.just("move to list"), indexes, indexes),
    st.tuples(st.just("move below"), indexes, indexes),
    st.tuples(st.just("move first"), indexes),
    st.tuples(st.just("profile"), profile_changes),
)
steps = st.lists(
    st.one_of(st.just(("read",)), st.tuples(st.integers(0, WRITERS - 1), writes)), max_size=25
)


def write(client: Client, login: Login, action: str, *arguments: Any) -> None:
    """Send the request; accept 404 for a missing object, and refusals that the state explains.

    These are of an undo or a move, of fields that need a due date, and to skip a plain task.
    """
    of_kind = list_request if "list" in action or "move" in action else request_of
    method, url, body = of_kind(client, login, action, *arguments)
    answer = client.send_json(method, url, body)
    refused = {"undo": 409, "skip": 409, "move to list": 400, "move below": 400}
    refused |= dict.fromkeys(("create", "change", "change all"), 400)
    assert answer.status_int in (200, 201, 404, refused.get(action)), answer


def list_request(
    client: Client, login: Login, action: str, *arguments: Any
) -> tuple[str, str, Any]:
    lists = f"{login.url}/lists"
    if action == "create list":
        return "POST", lists, {"name": "Home"}
    if action in ("archive list", "delete list"):
        method = "PATCH" if action == "archive list" else "DELETE"
        body = {"archived": True} if method == "PATCH" else {}
        return method, f"{lists}/{pick(client, lists, 'lists', arguments[0])}", body
    move = f"{login.tasks_url}/{pick_task(client, login.tasks_url, arguments[0])}/move"
    if action == "move first":
        return "POST", move, {"first": True}
    if action == "move below":
        return "POST", move, {"parent_id": pick_task(client, login.tasks_url, arguments[1])}
    return "POST", move, {"list_id": pick(client, lists, "lists", arguments[1])}


def request_of(client: Client, login: Login, action: str, *arguments: Any) -> tuple[str, str, Any]:
    if action == "create":
        [body] = arguments
        return "POST", login.tasks_url, {"tasks": body} if isinstance(body, list) else body
    if action == "profile":
        return "PATCH", login.url, arguments[0]
    if action == "undo":
        revision = client.get(f"{login.tasks_url}?limit=1").json["revision"] - arguments[0]
        return "POST", f"{login.url}/changes/{max(revision, 0)}/undo", {}
    if action == "purge all":
        return "DELETE", f"{login.url}/trash", {}
    if action == "restore all":
        return "POST", f"{login.url}/trash/restore?{arguments[0]}", {}
    if action in ("restore", "purge"):
        url = f"{login.url}/trash"
        task_id = pick_task(client, url, arguments[0])
        return (
            ("POST", f"{url}/{task_id}/restore", {})
            if action == "restore"
            else ("DELETE", f"{url}/{task_id}", {})
        )
    if action in ("complete", "skip"):
        url = f"{login.tasks_url}/{pick_task(client, login.tasks_url, arguments[0])}"
        done = {"completed": True, "subtasks": True}
        return ("PATCH", url, done) if action == "complete" else ("POST", f"{url}/skip", {})
    method = "PATCH" if action.startswith("change") else "DELETE"
    body = arguments[1] if method == "PATCH" else {}
    if action.endswith("all"):
        return method, f"{login.tasks_url}?{arguments[0]}", body
    return method, f"{login.tasks_url}/{pick_task(client, login.tasks_url, arguments[0])}", body


def pick_task(client: Client, url: str, index: int) -> int:
    """Return the id of a task on the list, or an unused id if the list is empty."""
    return pick(client, url, "tasks", index)


def pick(client: Client, url: str, member: str, index: int) -> int:
    found = client.get(url).json[member]
    return found[index % len(found)]["id"] if found else 10**9


def writers_of(app: Any, session: Session, login: Login) -> list[Client]:
    end = clock.now().replace(year=2999)
    issued = [make_token(session, login.id, expiration_date=end) for _ in range(WRITERS)]
    session.commit()
    return [Client(app, secret) for _, secret in issued]


def test_synced_copy_equals_account_after_random_writes(app: Any, db: Session) -> None:
    # Every run tries the same examples, each with a new account.
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=steps, limit=st.integers(1, 4))
    def copy_equals_account(steps: list[tuple[Any, ...]], limit: int) -> None:
        login = make_account(db)
        writers = writers_of(app, db, login)
        copy = Copy(Client(app, login.token), login, limit)
        for step in steps:
            if step == ("read",):
                copy.read()
            else:
                writer, (action, *arguments) = step
                write(writers[writer], login, action, *arguments)
        while copy.read():
            pass
        tasks, lists, profile = current_state(writers[0], login)
        assert copy.tasks == tasks
        assert copy.lists == lists
        assert copy.profile == profile

    copy_equals_account()


# On SQLite, a request reads from one snapshot.
@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("module", "read"), [(todo.views.tasks, "read_page"), (todo.views.changes, "read_changes")]
)
def test_synced_copy_includes_writes_during_read(
    real_app: Any, committed: Session, monkeypatch: Patch, module: Any, read: str
) -> None:
    login = make_account(committed)
    client = Client(real_app, login.token)
    for _ in range(3):
        client.post_json(login.tasks_url, {"name": "Milk"})
    url = client.post_json(login.tasks_url, {"name": "Milk"}).headers["Location"]
    read_page = getattr(module, read)
    writes = [
        lambda: client.send_json("PATCH", url, {"name": "Tea"}),
        lambda: client.post_json(login.tasks_url, {"name": "Rice"}),
        lambda: client.delete(url),
    ]

    def write_and_read(*arguments: Any) -> Any:
        """Write after the reading request has authenticated, and with that read the revision."""
        if writes:
            assert writes.pop(0)().status_int < 300
        return read_page(*arguments)

    copy = Copy(Client(real_app, login.token), login, limit=2)
    if module is todo.views.changes:
        while copy.read():
            pass
    monkeypatch.setattr(module, read, write_and_read)
    while writes:
        client.post_json(login.tasks_url, {"name": "Oil"})
        copy.read()
    while copy.read():
        pass
    assert (copy.tasks, copy.lists, copy.profile) == current_state(client, login)
