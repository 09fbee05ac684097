"""The largest request of each operation costs no more than docs/limits.md says.

Rows, statements and bytes are counted here; `make abuse` measures seconds and memory.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client, User
from tests.support.costs import COSTS, PAGE_PATH, costs_page
from tests.support.databases import event_listener, session_on
from tests.support.factories import (
    PASSWORD,
    Login,
    make_account,
    make_filters,
    make_list,
    make_reminder,
    make_task,
    make_tasks,
    make_token,
)
from tests.support.running import running_app
from todo import clock
from todo.http.operations import operations
from todo.journal.writes import MAX_INDEXED_CHARACTERS, MAX_RECORDED_BYTES, MAX_TASKS
from todo.models.token import TokenKind
from todo.models.webhook import event_names
from todo.services.lists import MAX_LISTS
from todo.services.trash import MOST_AT_ONCE
from todo.services.webhooks import MAX_WEBHOOKS

LONGEST = "\x01" * 10_000  # JSON needs six bytes for each of these characters
PAGE = 200


@dataclass
class Counted:
    """The cost of one request."""

    statements: int = 0
    written: int = 0
    tables: Counter[str] = field(default_factory=Counter)


@contextmanager
def counted(app: Any) -> Iterator[Counted]:
    count = Counted()

    def record(_c: Any, cursor: Any, statement: str, _p: Any, _x: Any, many: bool) -> None:
        count.statements += 1
        # The last use of a token is stored once a minute, whichever request comes then.
        if not statement.startswith(("SELECT", "WITH", "UPDATE tokens")):
            count.written += max(cursor.rowcount, 0)

    engines = {app.registry[name] for name in ("engine", "reading_engine")}
    first, second = engines
    with (
        event_listener(first, "after_cursor_execute", record),
        event_listener(second, "after_cursor_execute", record),
    ):
        yield count


class Largest:
    """Sends the largest request of an operation, and checks its cost."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.measured: dict[str, tuple[int, int, int]] = {}

    def __call__(
        self, user: Client, operation: str, method: str, url: str, fields: Any = None
    ) -> Any:
        with counted(self.app) as count:
            answer = user.send_json(method, url, fields or {})
        assert answer.status_int in (200, 201, 204), answer
        cost = COSTS[operation]
        found = (count.written, len(answer.body), count.statements)
        assert found[0] <= cost.written, f"{operation}: rows written"
        assert found[1] <= cost.answer, f"{operation}: bytes of the answer"
        assert found[2] <= cost.statements, f"{operation}: statements"
        before = self.measured.get(operation, (0, 0, 0))
        self.measured[operation] = tuple(map(max, before, found))  # type: ignore[assignment]
        return answer


@pytest.fixture
def app(database_url: str) -> Iterator[Any]:
    with running_app(database_url) as running:
        running.registry["settings"].limit_writes = 600
        yield running


@pytest.fixture
def owner(app: Any, database_url: str) -> User:
    with session_on(database_url) as session:
        login = make_account(session, "alice")
        fill_tokens(session, login)
        return User(app, login)


def fill_tokens(session: Session, login: Login) -> None:
    for number in range(119):
        kind = TokenKind.API if number < 100 else TokenKind.SESSION
        make_token(session, login.id, kind=kind, name="n" * 64)
    session.commit()


@pytest.fixture
def largest(app: Any) -> Largest:
    return Largest(app)


def test_largest_changes_of_many_tasks(owner: User, largest: Largest, database_url: str) -> None:
    """The account has as many tasks, with as many words, as one request may change."""
    words = MAX_INDEXED_CHARACTERS // MAX_TASKS // 2
    note = "n" * (words - len(" name note "))
    with session_on(database_url) as session:
        for _ in range(MAX_TASKS // 1000):
            make_tasks(session, owner, [{"name": "name", "note": note}] * 1000)
    url = owner.all_tasks_url
    change = {"note": "o" * (words - len(" name ") - 1), "completed": True}
    changed = largest(owner, "update tasks", "PATCH", url, change)
    assert changed.json["updated"] == MAX_TASKS
    largest(owner, "undo", "POST", link(changed))
    largest(owner, "task counts", "GET", f"{owner.url}/counts")
    deleted = largest(owner, "delete tasks", "DELETE", url)
    largest(owner, "undo", "POST", link(deleted))
    largest(owner, "delete tasks", "DELETE", url)
    largest(owner, "restore tasks", "POST", f"{owner.trash_url}/restore?due=none")
    largest(owner, "delete tasks", "DELETE", url)
    with session_on(database_url) as session:
        for _ in range(MAX_TASKS // 1000):
            make_tasks(session, owner, [{"name": "name", "note": note}] * 1000)
    restored = link(largest(owner, "delete tasks", "DELETE", url))
    for _ in range(2):
        again = largest(owner, "undo", "POST", restored)
        restored = link(largest(owner, "undo", "POST", link(again)))
    emptied = largest(owner, "empty trash", "DELETE", owner.trash_url).json
    assert (emptied["deleted"], emptied["remaining"]) == (MOST_AT_ONCE, 0)
    largest.measured.pop("update tasks")  # the largest one is of tasks that recur
    assert_tight(largest, answers=False)


def test_more_bytes_than_one_request_may_change_are_refused(owner: User, database_url: str) -> None:
    fitting = MAX_RECORDED_BYTES // (6 * len(LONGEST) + 250)
    with session_on(database_url) as session:
        for _ in range(fitting + 1):
            make_task(session, owner, name="n", note=LONGEST)
    url = f"{owner.tasks_url}?due=none"
    for method in ("PATCH", "DELETE"):
        refused = owner.send_json(method, url, {"completed": True})
        assert (refused.status_int, refused.json["code"]) == (409, "too_many")
        assert refused.json["count"] == fitting + 1
    task = owner.get(f"{owner.tasks_url}?limit=1&fields=id").json["tasks"][0]
    owner.delete(f"{owner.tasks_url}/{task['id']}")
    assert owner.delete(url).json["deleted"] == fitting


def test_largest_answers(owner: User, largest: Largest, database_url: str) -> None:
    longest = {"name": "n", "note": LONGEST}
    with session_on(database_url) as session:
        for _ in range(PAGE // 100):
            ids = make_tasks(session, owner, [longest] * 100)
    largest(owner, "user's tasks", "GET", f"{owner.tasks_url}?limit={PAGE}&count=true&search=n")
    url = f"{owner.tasks_url}/{ids[0]}"
    largest(owner, "task detail", "GET", url)
    for number in range(PAGE):
        note = chr(1 + number % 8) * 10_000
        largest(owner, "task update", "PATCH", url, {"note": note, "completed": number % 2 == 0})
    for query in ("", f"?limit={PAGE}"):
        largest(owner, "task history", "GET", f"{url}/history{query}")
        largest(owner, "changes", "GET", f"{owner.url}/changes{query or '?limit=1'}")
        largest(owner, "changes", "GET", f"{owner.url}/changes?since=3&limit={PAGE}")
    largest(owner, "export account", "GET", f"{owner.url}/export")
    for task_id in ids:
        owner.delete(f"{owner.tasks_url}/{task_id}")
    for first in range(ids[0] - 100, ids[0], 50):
        chosen = ",".join(map(str, range(first, first + 50)))
        owner.delete(f"{owner.tasks_url}?id={chosen}")
    assert largest(owner, "trash", "GET", f"{owner.trash_url}?limit={PAGE}").json["next"] is None
    largest.measured.pop("task update")  # the largest one has subtasks
    assert_tight(largest, answers=True)


def test_largest_changes_of_subtasks_and_labels(
    owner: User, largest: Largest, database_url: str
) -> None:
    with session_on(database_url) as session:
        list_id = make_list(session, owner)
        parent = make_task(session, owner, list_id=list_id, labels=["home"])
        subtask = {"name": "n", "list_id": list_id, "parent_id": parent, "labels": ["home"]}
        for _ in range(4):
            make_tasks(session, owner, [subtask] * 1000)
        make_tasks(session, owner, [subtask] * 999)
    url, label = f"{owner.tasks_url}/{parent}", f"{owner.url}/labels/home"
    done = {"completed": True, "subtasks": True}
    assert largest(owner, "task update", "PATCH", url, done).json["task"]["completed"]
    changed = largest(owner, "rename label", "PATCH", label, {"name": "job"})
    assert changed.json["updated"] == MAX_TASKS
    deleted = largest(owner, "delete label", "DELETE", f"{owner.url}/labels/job")
    assert deleted.json["updated"] == MAX_TASKS
    largest(owner, "delete task", "DELETE", url)
    largest(owner, "restore task", "POST", f"{owner.trash_url}/{parent}/restore")
    removed = largest(owner, "delete list", "DELETE", f"{owner.url}/lists/{list_id}")
    assert removed.json["tasks"] == MAX_TASKS
    largest.measured.pop("task update")  # the largest one is of a task that recurs
    assert_tight(largest, answers=False)


def test_largest_completions_of_tasks_that_recur(
    owner: User, largest: Largest, database_url: str
) -> None:
    """Each occurrence counts twice: the task that goes on, and the one that is completed."""
    daily = {"name": "n", "due_date": date(2030, 2, 1), "recurrence": "FREQ=DAILY"}
    subtask = {"name": "n", "note": LONGEST[:100]}
    with session_on(database_url) as session:
        parent = make_task(session, owner, **daily)
        for count in (1000, 1000, MAX_TASKS // 2 - 2001):
            make_tasks(session, owner, [subtask | {"parent_id": parent}] * count)
    url = f"{owner.tasks_url}/{parent}"
    changed = largest(owner, "task update", "PATCH", url, {"completed": True, "note": LONGEST})
    largest(owner, "undo", "POST", link(changed))
    # Twice as many subtasks as of a completion, of which all open again.
    with session_on(database_url) as session:
        for count in (1000, 1000, MAX_TASKS // 2 - 2000):
            make_tasks(session, owner, [subtask | {"parent_id": parent}] * count)
    owner.send_json("PATCH", f"{owner.tasks_url}?parent={parent}", {"completed": True})
    largest(owner, "skip task", "POST", f"{url}/skip")
    body = {"due_date": "2030-02-01T09:00:00Z", "recurrence": "FREQ=YEARLY", "count": 100}
    largest(owner, "preview recurrence", "POST", f"{owner.url}/recurrence/preview", body)
    with session_on(database_url) as session:
        for count in (1000, 1000, MAX_TASKS // 2 - 2000):
            make_tasks(session, owner, [daily | {"priority": 1}] * count)
    url = f"{owner.tasks_url}?priority=high"
    largest(owner, "update tasks", "PATCH", url, {"completed": True})
    largest.measured.pop("undo")  # the largest one is of other changes
    assert_tight(largest, answers=True)


def test_largest_lists_and_moves(owner: User, largest: Largest, database_url: str) -> None:
    new = {"name": "n", "note": "\x01" * 1000}
    with session_on(database_url) as session:
        for _ in range(MAX_LISTS - 1):
            make_list(session, owner, **new)
    first = largest(owner, "create list", "POST", f"{owner.url}/lists", new).location
    largest(owner, "user's lists", "GET", f"{owner.url}/lists?count=true")
    place = {"list_id": int(first.rsplit("/", 1)[1])}
    parent = owner.send_json("POST", owner.tasks_url, {"name": "n"} | place).json["task"]["id"]
    entry = {"text": "Milk tomorrow 9:00 @home every week", "parent_id": parent} | place
    largest(owner, "create task quickly", "POST", f"{owner.tasks_url}/quick", entry)
    largest(owner, "list detail", "GET", first)
    largest(owner, "list update", "PATCH", first, {"note": "\x02" * 1000})
    for number in range(PAGE):
        owner.send_json("PATCH", first, {"note": chr(1 + number % 8) * 1000})
    largest(owner, "list history", "GET", f"{first}/history?limit={PAGE}")
    assert_tight(largest, answers=False)


def test_largest_requests_of_one_object(
    app: Any, owner: User, largest: Largest, database_url: str
) -> None:
    text = "x" * 10_000
    tasks = {"tasks": [{"name": "n", "note": text}] * 100}
    largest(owner, "create task", "POST", owner.tasks_url, tasks)
    with session_on(database_url) as session:
        task_id = make_task(session, owner)
    largest(owner, "delete task", "DELETE", f"{owner.tasks_url}/{task_id}")
    largest(owner, "restore task", "POST", f"{owner.trash_url}/{task_id}/restore")
    largest(owner, "delete task", "DELETE", f"{owner.tasks_url}/{task_id}")
    largest(owner, "purge task", "DELETE", f"{owner.trash_url}/{task_id}")
    for operation, path in (
        ("usage", "/usage"),
        ("single profile detail", ""),
        ("user's tokens", "/tokens"),
    ):
        largest(owner, operation, "GET", owner.url + path)
    anybody = Client(app)
    for operation, path in (
        ("info", "/api/v1"),
        ("description", "/api/v1/openapi.json"),
        ("documentation", "/docs"),
        ("health", "/healthz"),
        ("readiness", "/readyz"),
    ):
        largest(anybody, operation, "GET", path)
    largest(owner, "whoami", "GET", "/api/v1/whoami")
    largest(owner, "revoke tokens", "DELETE", f"{owner.url}/tokens")
    new = {"name": "n" * 64, "scope": "write"}
    token = largest(owner, "create token", "POST", f"{owner.url}/tokens", new).location
    largest(owner, "token detail", "GET", token)
    largest(owner, "revoke token", "DELETE", token)
    with session_on(database_url) as session:
        fill_tokens(session, owner)
    changed = {"password": "another horse", "email": "e@example.com", "username": "alice2"}
    session_token = largest(owner, "edit profile", "PATCH", owner.url, changed).json["token"]
    with session_on(database_url) as session:
        fill_tokens(session, owner)
    renewed = Client(app, session_token)
    largest(renewed, "delete profile", "DELETE", "/api/v1/accounts/me")
    carol = {"username": "carol", "email": "c@example.com", "password": PASSWORD}
    largest(anybody, "register", "POST", "/api/v1/accounts", carol)
    credentials = {"username": "carol", "password": PASSWORD}
    largest(anybody, "login", "POST", "/api/v1/accounts/login", credentials)
    largest(anybody, "logout", "POST", "/api/v1/accounts/logout")
    for operation in ("delete task", "restore task"):  # the largest ones have subtasks
        largest.measured.pop(operation)
    assert_tight(largest, answers=False)


def test_largest_requests_of_reminders(owner: User, largest: Largest, database_url: str) -> None:
    with session_on(database_url) as session:
        names = [{"name": "\x01" * 255}] * PAGE
        for task_id in make_tasks(session, owner, names):
            reminder_id = make_reminder(session, owner, task_id=task_id)
    url = f"{owner.url}/reminders"
    page = largest(owner, "reminders", "GET", f"{url}?limit={PAGE}&due=now")
    assert len(page.json["reminders"]) == PAGE
    until = {"until": (clock.now() + timedelta(days=1)).isoformat()}
    largest(owner, "snooze reminder", "POST", f"{url}/{reminder_id}/snooze", until)
    largest(owner, "dismiss reminder", "POST", f"{url}/{reminder_id}/dismiss")


def test_largest_requests_of_filters(owner: User, largest: Largest, database_url: str) -> None:
    search = "n" + "\x01" * 254
    query = f"limit={PAGE}&count=true&search={search}&id=".ljust(2000, "1")
    new = {"name": search, "query": query[: query.index("&id=")]}
    with session_on(database_url) as session:
        [filter_id, *_] = make_filters(session, owner, [{"name": search, "query": query}] * 999)
        for _ in range(PAGE // 100):
            make_tasks(session, owner, [{"name": "n", "note": LONGEST}] * 100)
    created = largest(owner, "create filter", "POST", f"{owner.url}/filters", new)
    largest(owner, "user's filters", "GET", f"{owner.url}/filters")
    url = created.location
    largest(owner, "filter detail", "GET", f"{owner.url}/filters/{filter_id}")
    assert largest(owner, "filter tasks", "GET", f"{url}/tasks").json["total"] == PAGE
    for number in range(PAGE):
        spaced = new["query"] + "&" * (number % 2)
        changed = {"name": search[:-3] + f"{number:03}", "query": spaced}
        largest(owner, "filter update", "PATCH", url, changed)
    largest(owner, "filter history", "GET", f"{url}/history?limit={PAGE}")
    largest(owner, "delete filter", "DELETE", url)
    assert_tight(largest, answers=True)


def test_largest_requests_of_webhooks(owner: User, largest: Largest) -> None:
    new = {"url": "https://hooks.example.com/".ljust(2000, "x"), "events": list(event_names())}
    for _ in range(MAX_WEBHOOKS):
        created = largest(owner, "create webhook", "POST", f"{owner.url}/webhooks", new)
    url = created.location
    largest(owner, "user's webhooks", "GET", f"{owner.url}/webhooks")
    largest(owner, "webhook detail", "GET", url)
    largest(owner, "webhook update", "PATCH", url, {"events": ["*"], "enabled": False})
    assert largest(owner, "test webhook", "POST", f"{url}/test").json["answer"]["error"]
    largest(owner, "delete webhook", "DELETE", url)
    assert_tight(largest, answers=True)


def link(answer: Any) -> str:
    path: str = answer.headers["Link"].partition(">")[0].removeprefix("<")
    return path


def assert_tight(largest: Largest, *, answers: bool) -> None:
    """Check that the table does not claim much more than was measured.

    SQLite runs more statements, and does not count the rows of those that return some.
    """
    is_sqlite = largest.app.registry["engine"].dialect.name == "sqlite"
    for operation, (written, answer, statements) in largest.measured.items():
        cost = COSTS[operation]
        if is_sqlite:
            assert statements * 3 + 12 >= cost.statements, f"{operation}: {statements} statements"
        else:
            assert written * 2 + 10 >= cost.written, f"{operation}: {written} rows"
        if answers and cost.answer > 100_000:
            assert answer * 2 >= cost.answer, f"{operation}: {answer} bytes"


def test_table_has_every_operation(app: Any) -> None:
    named = {operation.name for operation in operations(app.registry) if operation.name}
    assert COSTS.keys() == named


def test_limits_page_has_the_table() -> None:
    text = PAGE_PATH.read_text()
    assert costs_page(text) == text, "run `make openapi`"
