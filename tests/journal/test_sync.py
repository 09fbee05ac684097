"""A copy that is kept by the pages of the list and the feed, as docs/sync.md tells, is right."""

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
    """A client that keeps a copy of an account; each `read` is one request."""

    def __init__(self, client: Client, login: Login, limit: int) -> None:
        self.client = client
        self.login = login
        self.limit = limit
        self.tasks: dict[int, Any] = {}
        self.profile: Any = None
        self.revision = -1  # of the first page of the snapshot, until it is whole; then, the copy's
        self.page: str | None = f"{login.tasks_url}?limit={limit}"

    def get(self, url: str) -> Any:
        answer = self.client.get(url)
        assert answer.status_int == 200, answer
        return answer.json

    def read(self) -> bool:
        """Read on, and tell whether there is more to read."""
        if self.page is None:
            return self.read_changes()
        page = self.get(self.page)
        if self.profile is None:
            self.revision = page["revision"]
            self.profile = self.get(self.login.url)
        self.tasks |= {task["id"]: task for task in page["tasks"]}
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
        elif after is None:
            self.tasks.pop(change["id"], None)
        elif "creation_date" in after:
            self.tasks[change["id"]] = {"id": change["id"], **after, **stamps(change)}
        elif change["id"] in self.tasks:  # else a later change deletes it
            self.tasks[change["id"]] |= after | stamps(change)


def stamps(change: Any) -> Any:
    return {"revision": change["revision"], "modification_date": change["date"]}


def present(client: Client, login: Login) -> tuple[dict[int, Any], Any]:
    """Return all tasks by their ids, and the profile."""
    tasks: dict[int, Any] = {}
    url: str | None = f"{login.tasks_url}?limit=200"
    while url:
        page = client.get(url).json
        tasks |= {task["id"]: task for task in page["tasks"]}
        url = page["next"]
    return tasks, client.get(login.url).json


# --- what writers do

fields = {
    "name": st.sampled_from(["Milk", "Tea", 'Crème "brûlée" \\', "🍎\t"]),
    "note": st.sampled_from([None, "", "two\nbottles", "' \x01"]),
    "due_date": st.sampled_from([None, "2030-02-01", "2030-02-01T09:30:00.120000Z"]),
    "completed": st.booleans(),
}
new_tasks = st.fixed_dictionaries(
    {"name": fields["name"]}, optional={name: fields[name] for name in fields if name != "name"}
)
task_changes = st.fixed_dictionaries({}, optional=fields)
selections = st.sampled_from(["completed=true", "completed=false", "due=none", "due=any"])
places = st.integers(0, 7)  # of a task among those that are there
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
    st.tuples(st.just("change"), places, task_changes),
    st.tuples(st.just("change all"), selections, task_changes),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("delete all"), selections),
    st.tuples(st.just("restore"), places),
    st.tuples(st.just("purge"), places),
    st.just(("purge all",)),
    st.tuples(st.just("undo"), places),
    st.tuples(st.just("profile"), profile_changes),
)
steps = st.lists(
    st.one_of(st.just(("read",)), st.tuples(st.integers(0, WRITERS - 1), writes)), max_size=25
)


def write(client: Client, login: Login, what: str, *arguments: Any) -> None:
    """Make the request, if there is anything to be changed."""
    method, url, body = request_of(client, login, what, *arguments)
    answer = client.send_json(method, url, body)
    assert answer.status_int in (200, 201, 404) or (what, answer.status_int) == ("undo", 409)


def request_of(client: Client, login: Login, what: str, *arguments: Any) -> tuple[str, str, Any]:
    if what == "create":
        [body] = arguments
        return "POST", login.tasks_url, {"tasks": body} if isinstance(body, list) else body
    if what == "profile":
        return "PATCH", login.url, arguments[0]
    if what == "undo":
        revision = client.get(f"{login.tasks_url}?limit=1").json["revision"] - arguments[0]
        return "POST", f"{login.url}/changes/{max(revision, 0)}/undo", {}
    if what == "purge all":
        return "DELETE", f"{login.url}/trash", {}
    if what in ("restore", "purge"):
        url = f"{login.url}/trash"
        task_id = chosen(client, url, arguments[0])
        return (
            ("POST", f"{url}/{task_id}/restore", {})
            if what == "restore"
            else ("DELETE", f"{url}/{task_id}", {})
        )
    method = "PATCH" if what.startswith("change") else "DELETE"
    body = arguments[1] if method == "PATCH" else {}
    if what.endswith("all"):
        return method, f"{login.tasks_url}?{arguments[0]}", body
    return method, f"{login.tasks_url}/{chosen(client, login.tasks_url, arguments[0])}", body


def chosen(client: Client, url: str, place: int) -> int:
    """Return the id of one of the tasks there, or one of nobody's."""
    tasks = client.get(url).json["tasks"]
    return tasks[place % len(tasks)]["id"] if tasks else 10**9


def writers_of(app: Any, session: Session, login: Login) -> list[Client]:
    end = clock.now().replace(year=2999)
    issued = [make_token(session, login.id, expiration_date=end) for _ in range(WRITERS)]
    session.commit()
    return [Client(app, secret) for _, secret in issued]


def test_a_snapshot_and_the_feed_are_the_present(app: Any, db: Session) -> None:
    # The same examples each time; the account of each is a new one.
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps=steps, limit=st.integers(1, 4))
    def keeps_in_step(steps: list[tuple[Any, ...]], limit: int) -> None:
        login = make_account(db)
        writers = writers_of(app, db, login)
        copy = Copy(Client(app, login.token), login, limit)
        for step in steps:
            if step == ("read",):
                copy.read()
            else:
                writer, (what, *arguments) = step
                write(writers[writer], login, what, *arguments)
        while copy.read():
            pass
        tasks, profile = present(writers[0], login)
        assert copy.tasks == tasks
        assert copy.profile == profile

    keeps_in_step()


# On SQLite all that a request reads is of one moment.
@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("module", "read"), [(todo.views.tasks, "read_page"), (todo.views.changes, "read_changes")]
)
def test_what_is_written_while_a_page_is_read(
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
        """Write, when the request that reads has found out who asks, and with it the revision."""
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
    assert (copy.tasks, copy.profile) == present(client, login)
