"""The SQL statements that each operation runs after authentication.

A longer row makes every such request slower: change one only for a reason.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.authorization import SNOOZE
from tests.support.client import User
from tests.support.databases import statements
from tests.support.factories import PASSWORD, make_reminder
from todo.http.operations import operations

NEW = {"name": "Milk", "note": "two bottles", "due_date": "2030-02-01"}
SEVERAL = {"tasks": [{"name": "Rice"}, NEW] * 50}
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
CREDENTIALS = {"username": "carol", "password": PASSWORD}
FILTER = {"name": "Overdue", "query": "due=overdue"}
TOKEN = {"name": "script", "scope": "read"}
HOME = {"name": "Home"}
WEBHOOK = {"url": "https://hooks.example.com/todo"}
LABELLED = {"name": "Tea", "labels": ["home"]}
DAILY = {"name": "Tea", "due_date": "2030-02-01", "recurrence": "FREQ=DAILY"}
PREVIEW = {"due_date": "2030-02-01", "recurrence": "FREQ=DAILY"}

# A change increments the account's revision and adds a journal record. Deleting and restoring move
# the row between tables.
CHANGED = "SELECT UPDATE UPDATE INSERT"
MOVED = "SELECT UPDATE INSERT INSERT DELETE"
# A restoration looks for the subtasks that were deleted with the task.
RESTORED = "SELECT WITH UPDATE INSERT INSERT DELETE"
# Subtasks are counted, then read.
WITH_SUBTASKS = "SELECT WITH WITH UPDATE INSERT INSERT DELETE"
PURGED = "SELECT SELECT SELECT SELECT UPDATE UPDATE INSERT DELETE"
ERASED = "SELECT UPDATE INSERT DELETE"  # without a trash, only the journal has the object
LOGGED_IN = "DELETE DELETE INSERT"
# The account, the counts, the failure in four limits and its refund, the success in two, the new
# address, the account's hash, and the session. A known address is only renewed, and the daily
# limits do not apply to it.
FIRST_LOGIN = (
    f"SELECT SELECT {'INSERT ' * 4}{'UPDATE ' * 4}INSERT INSERT UPDATE INSERT INSERT UPDATE "
    f"{LOGGED_IN}"
)
NEXT_LOGIN = f"SELECT SELECT INSERT INSERT UPDATE UPDATE INSERT INSERT UPDATE UPDATE {LOGGED_IN}"

# Requests in order, on one account: operation, method, path, fields, and the first word of each
# statement after authentication. "limit" is the statement that counts a rate-limited request.
EXPECTED_STATEMENTS: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("documentation", "GET", "/docs", {}, ""),
    ("info", "GET", "/api/v1", {}, ""),
    ("description", "GET", "/api/v1/openapi.json", {}, ""),
    ("health", "GET", "/healthz", {}, ""),
    ("readiness", "GET", "/readyz", {}, "SELECT"),
    ("whoami", "GET", "/api/v1/whoami", {}, ""),
    ("single profile detail", "GET", "{account}", {}, ""),
    ("create task", "POST", "{account}/tasks", NEW, "limit UPDATE INSERT INSERT"),
    ("create task", "POST", "{account}/tasks", NEW, "limit UPDATE INSERT INSERT"),
    ("create task", "POST", "{account}/tasks", SEVERAL, "limit UPDATE several INSERT"),
    *(
        ("user's tasks", "GET", "{account}/tasks" + query, {}, "SELECT")
        for query in ("", "?sort=-due_date", "?due=overdue", "?search=milk", "?limit=1&sort=name")
    ),
    (
        "user's tasks",
        "GET",
        "{account}/tasks?due=week&sort=-due_date&count=true",
        {},
        "SELECT SELECT",
    ),
    ("task detail", "GET", "{account}/tasks/{ids[0]}", {}, "SELECT"),
    ("task counts", "GET", "{account}/counts", {}, "SELECT"),
    ("usage", "GET", "{account}/usage", {}, "SELECT"),
    ("task update", "PATCH", "{account}/tasks/{ids[0]}", {"completed": True}, f"limit {CHANGED}"),
    ("task update", "PATCH", "{account}/tasks/{ids[0]}", {"completed": True}, "limit SELECT"),
    (
        "update tasks",
        "PATCH",
        "{account}/tasks?id={ids[0]}",
        {"name": "Tea"},
        f"limit SELECT SELECT {CHANGED}",
    ),
    ("task history", "GET", "{account}/tasks/{ids[0]}/history", {}, "SELECT SELECT SELECT"),
    ("changes", "GET", "{account}/changes?since=1", {}, "SELECT SELECT"),
    ("changes", "GET", "{account}/changes?since=6", {}, ""),
    (
        "undo",
        "POST",
        "{account}/changes/6/undo",
        {},
        f"limit SELECT SELECT SELECT SELECT {CHANGED} SELECT SELECT WITH SELECT SELECT",
    ),
    ("delete task", "DELETE", "{account}/tasks/{ids[0]}", {}, f"limit {MOVED}"),
    *(("trash", "GET", "{account}/trash" + query, {}, "SELECT") for query in ("", "?search=milk")),
    ("restore task", "POST", "{account}/trash/{ids[0]}/restore", {}, f"limit {RESTORED}"),
    (
        "delete tasks",
        "DELETE",
        "{account}/tasks?id={ids[0]}",
        {},
        f"limit SELECT SELECT {MOVED}",
    ),
    (
        "restore tasks",
        "POST",
        "{account}/trash/restore?id={ids[0]}",
        {},
        f"limit SELECT SELECT {RESTORED}",
    ),
    ("delete task", "DELETE", "{account}/tasks/{ids[0]}", {}, f"limit {MOVED}"),
    ("purge task", "DELETE", "{account}/trash/{ids[0]}", {}, f"limit SELECT {PURGED}"),
    ("empty trash", "DELETE", "{account}/trash", {}, "limit SELECT"),
    ("delete task", "DELETE", "{account}/tasks/{ids[1]}", {}, f"limit {MOVED}"),
    ("empty trash", "DELETE", "{account}/trash?search=tea", {}, "limit SELECT"),
    ("empty trash", "DELETE", "{account}/trash", {}, f"limit {PURGED}"),
    # Lists, filters, tasks, reminders, trash, webhooks; a check for objects restored in between.
    ("export account", "GET", "{account}/export", {}, " ".join(["SELECT"] * 7)),
    # The job must look at reminders again.
    (
        "edit profile",
        "PATCH",
        "{account}",
        {"timezone": "Europe/Berlin"},
        f"limit {CHANGED} UPDATE",
    ),
    ("create token", "POST", "{account}/tokens", TOKEN, "limit SELECT SELECT INSERT"),
    ("user's tokens", "GET", "{account}/tokens", {}, "SELECT"),
    ("token detail", "GET", "{account}/tokens/{ids[2]}", {}, "SELECT"),
    ("revoke token", "DELETE", "{account}/tokens/{ids[2]}", {}, "limit SELECT DELETE"),
    ("revoke tokens", "DELETE", "{account}/tokens", {}, "limit SELECT DELETE"),
    ("create task", "POST", "{account}/tasks", NEW, "limit UPDATE INSERT INSERT"),  # ids[3]
    ("create task", "POST", "{account}/tasks", NEW, "limit UPDATE INSERT INSERT"),  # ids[4]
    ("create list", "POST", "{account}/lists", HOME, "limit SELECT UPDATE INSERT INSERT"),  # ids[5]
    ("user's lists", "GET", "{account}/lists", {}, "SELECT"),
    ("user's lists", "GET", "{account}/lists?count=true", {}, "SELECT SELECT"),
    ("list detail", "GET", "{account}/lists/{ids[5]}", {}, "SELECT"),
    ("list update", "PATCH", "{account}/lists/{ids[5]}", {"archived": True}, f"limit {CHANGED}"),
    ("list history", "GET", "{account}/lists/{ids[5]}/history", {}, "SELECT SELECT SELECT"),
    # The first list and task.
    (
        "move list",
        "POST",
        "{account}/lists/{ids[5]}/move",
        {"first": True},
        f"limit SELECT {CHANGED}",
    ),
    (
        "move task",
        "POST",
        "{account}/tasks/{ids[4]}/move",
        {"first": True},
        f"limit SELECT {CHANGED}",
    ),
    # The list is looked up.
    (
        "task update",
        "PATCH",
        "{account}/tasks/{ids[3]}",
        {"list_id": "{ids[5]}"},
        f"limit SELECT {CHANGED}",
    ),
    (
        "move task",
        "POST",
        "{account}/tasks/{ids[4]}/move",
        {"parent_id": "{ids[3]}"},
        "limit SELECT WITH UPDATE UPDATE INSERT UPDATE",
    ),
    (
        "create task",
        "POST",
        "{account}/tasks",
        {"name": "Tea", "parent_id": "{ids[3]}"},
        "limit WITH UPDATE INSERT INSERT UPDATE",
    ),
    ("delete task", "DELETE", "{account}/tasks/{ids[3]}", {}, f"limit {WITH_SUBTASKS}"),
    (
        "restore task",
        "POST",
        "{account}/trash/{ids[3]}/restore",
        {},
        "limit SELECT WITH WITH SELECT UPDATE INSERT INSERT DELETE UPDATE",
    ),
    (
        "delete list",
        "DELETE",
        "{account}/lists/{ids[5]}",
        {},
        "limit SELECT SELECT SELECT SELECT UPDATE INSERT INSERT DELETE UPDATE INSERT DELETE",
    ),
    ("create task", "POST", "{account}/tasks", LABELLED, "limit WITH UPDATE INSERT INSERT"),
    ("user's labels", "GET", "{account}/labels", {}, "SELECT"),
    ("user's tasks", "GET", "{account}/tasks?label=home", {}, "SELECT"),
    (
        "rename label",
        "PATCH",
        "{account}/labels/home",
        {"name": "Job"},
        f"limit SELECT WITH SELECT SELECT {CHANGED} SELECT",
    ),
    ("delete label", "DELETE", "{account}/labels/job", {}, f"limit SELECT SELECT SELECT {CHANGED}"),
    ("create filter", "POST", "{account}/filters", FILTER, "limit SELECT UPDATE INSERT INSERT"),
    ("user's filters", "GET", "{account}/filters", {}, "SELECT"),
    ("filter detail", "GET", "{account}/filters/{ids[8]}", {}, "SELECT"),
    ("filter tasks", "GET", "{account}/filters/{ids[8]}/tasks", {}, "SELECT SELECT"),
    (
        "filter tasks",
        "GET",
        "{account}/filters/{ids[8]}/tasks?count=true&limit=1",
        {},
        "SELECT SELECT SELECT",
    ),
    ("filter update", "PUT", "{account}/filters/{ids[8]}", {"name": "Late"}, f"limit {CHANGED}"),
    ("filter history", "GET", "{account}/filters/{ids[8]}/history", {}, "SELECT SELECT SELECT"),
    ("delete filter", "DELETE", "{account}/filters/{ids[8]}", {}, f"limit {ERASED}"),
    ("create task", "POST", "{account}/tasks", DAILY, "limit UPDATE INSERT INSERT"),  # ids[9]
    # The completed occurrence is stored, too.
    (
        "task update",
        "PATCH",
        "{account}/tasks/{ids[9]}",
        {"completed": True, "occurrence": "2030-02-01"},
        "limit SELECT UPDATE INSERT INSERT UPDATE UPDATE INSERT",
    ),
    (
        "task update",
        "PATCH",
        "{account}/tasks/{ids[9]}",
        {"completed": True, "occurrence": "2030-02-01"},
        "limit SELECT SELECT",
    ),
    (
        "create task quickly",
        "POST",
        "{account}/tasks/quick",
        {"text": "Bread tomorrow !1"},
        "limit SELECT UPDATE INSERT INSERT",  # ids[10]
    ),
    ("skip task", "POST", "{account}/tasks/{ids[9]}/skip", {}, f"limit {CHANGED}"),
    ("preview recurrence", "POST", "{account}/recurrence/preview", PREVIEW, "limit"),
    ("reminders", "GET", "{account}/reminders", {}, "SELECT"),
    ("reminders", "GET", "{account}/reminders?due=now", {}, "SELECT"),
    ("dismiss reminder", "POST", "{reminder}/dismiss", {}, f"limit {CHANGED}"),
    ("snooze reminder", "POST", "{reminder}/snooze", SNOOZE, f"limit {CHANGED}"),
    ("create webhook", "POST", "{account}/webhooks", WEBHOOK, "limit SELECT SELECT INSERT"),  # [11]
    ("user's webhooks", "GET", "{account}/webhooks", {}, "SELECT"),
    ("webhook detail", "GET", "{account}/webhooks/{ids[11]}", {}, "SELECT"),
    (
        "webhook update",
        "PATCH",
        "{account}/webhooks/{ids[11]}",
        {"url": "http://hooks.invalid/"},
        "limit SELECT SELECT SELECT UPDATE",
    ),
    # The transaction, with the count of the write, ends before the message is sent.
    ("test webhook", "POST", "{account}/webhooks/{ids[11]}/test", {}, "limit SELECT SELECT limit"),
    ("delete webhook", "DELETE", "{account}/webhooks/{ids[11]}", {}, "limit SELECT DELETE"),
    ("delete profile", "DELETE", "{account}", {}, "limit SELECT INSERT DELETE UPDATE"),
    ("register", "POST", "/api/v1/accounts", CAROL, f"INSERT INSERT SELECT {LOGGED_IN}"),
    ("login", "POST", "/api/v1/accounts/login", CREDENTIALS, FIRST_LOGIN),
    ("login", "POST", "/api/v1/accounts/login", CREDENTIALS, NEXT_LOGIN),
    ("logout", "POST", "/api/v1/accounts/logout", {}, "DELETE"),
]


@pytest.fixture(params=[0, 600], ids=["unlimited", "limited"])
def limit(request: pytest.FixtureRequest, app: Any) -> Iterator[int]:
    settings = app.registry["settings"]
    before = settings.limit_writes
    settings.limit_writes = request.param
    yield request.param
    settings.limit_writes = before


def run_request(
    user: User, method: str, url: str, fields: Any, **headers: str
) -> tuple[list[str], Any]:
    """Send a request that must succeed; return the first word of each statement, and the response.

    The statement that authenticates the request is left out.
    """
    with statements(user.app.registry["engine"]) as run:
        answer = user.send_json(method, url, fields, headers)
    assert answer.status_int in (200, 201, 204, 304), answer
    authenticated = bool(run) and "FROM accounts JOIN tokens" in run[0]
    return [statement.split()[0] for statement in run[authenticated:]], answer


def test_operations_run_expected_statements(app: Any, alice: User, db: Session, limit: int) -> None:
    """A path refers to objects that earlier requests created as {ids[...]}.

    {reminder} is the URL of a new reminder, which no request creates.
    """
    ids: list[str] = []
    inserts = 1 if app.registry["engine"].dialect.name == "postgresql" else 100
    several = " ".join(["INSERT"] * inserts)
    for number, (operation, method, path, fields, expected) in enumerate(EXPECTED_STATEMENTS):
        reminder = ""
        if "{reminder}" in path:
            reminder = f"{alice.url}/reminders/{make_reminder(db, alice, task_id=number)}"
        words = expected.replace("limit", "INSERT" if limit else "").replace("several", several)
        sent = {
            name: int(value.format(ids=ids)) if name.endswith("_id") else value
            for name, value in fields.items()
        }
        url = path.format(account=alice.url, ids=ids, reminder=reminder)
        run, answer = run_request(alice, method, url, sent)
        assert run == words.split(), f"{operation}: {method} {path}"
        if "Location" in answer.headers and fields is not SEVERAL:
            ids.append(answer.headers["Location"].rpartition("/")[2])


def test_idempotency_key_adds_two_statements_and_replay_runs_one(alice: User, limit: int) -> None:
    counted = ["INSERT"] * bool(limit)
    alice.get(alice.url)  # the first request of a token finds its account
    for cost in (["SELECT", "UPDATE", "INSERT", "INSERT", "INSERT"], ["SELECT"]):
        run, _ = run_request(alice, "POST", alice.tasks_url, NEW, **{"Idempotency-Key": "one"})
        assert run == counted + cost


@pytest.mark.parametrize("path", ["/tasks", "/changes?since=1"])
def test_unchanged_list_runs_no_statement(alice: User, path: str) -> None:
    etag = alice.get(alice.url + path).headers["ETag"]
    run, answer = run_request(alice, "GET", alice.url + path, {}, **{"If-None-Match": etag})
    assert (answer.status_int, run) == (304, [])


def test_every_operation_has_expected_statements(app: Any) -> None:
    named = {operation.name for operation in operations(app.registry) if operation.name}
    assert named == {operation for operation, *_ in EXPECTED_STATEMENTS}
