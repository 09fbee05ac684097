"""How many statements of SQL each operation may cost, its limits and who asks included.

What grows here makes every request dearer: raise a number only for a reason.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.databases import statements
from tests.support.factories import PASSWORD, Login
from todo.http.operations import operations

NEW = {"name": "Milk", "note": "two bottles", "due_date": "2030-02-01"}
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
TOKEN = {"name": "script", "scope": "read"}

# In this order, on one account: operation, method, path, fields, the most statements. Every write
# of a task has five or more: who asks, its limit, the revision, the change, and its record.
COSTS: list[tuple[str, str, str, dict[str, Any], int]] = [
    ("info", "GET", "/api/v1", {}, 0),
    ("description", "GET", "/api/v1/openapi.json", {}, 0),
    ("health", "GET", "/healthz", {}, 0),
    ("readiness", "GET", "/readyz", {}, 1),
    ("whoami", "GET", "/api/v1/whoami", {}, 1),
    ("single profile detail", "GET", "{account}", {}, 1),
    ("create task", "POST", "{account}/tasks", NEW, 5),
    ("create task", "POST", "{account}/tasks", NEW, 5),
    ("user's tasks", "GET", "{account}/tasks", {}, 2),
    ("user's tasks", "GET", "{account}/tasks?due=week&sort=-due_date&count=true", {}, 3),
    ("user's tasks", "GET", "{account}/tasks?search=milk", {}, 2),
    ("task detail", "GET", "{account}/tasks/{ids[0]}", {}, 2),
    ("task counts", "GET", "{account}/counts", {}, 2),
    ("task update", "PATCH", "{account}/tasks/{ids[0]}", {"completed": True}, 6),
    ("update tasks", "PATCH", "{account}/tasks?id={ids[0]}", {"name": "Tea"}, 8),
    ("task history", "GET", "{account}/tasks/{ids[0]}/history", {}, 3),
    ("changes", "GET", "{account}/changes?since=1", {}, 3),
    ("undo", "POST", "{account}/changes/5/undo", {}, 14),
    ("delete task", "DELETE", "{account}/tasks/{ids[0]}", {}, 7),
    ("trash", "GET", "{account}/trash", {}, 2),
    ("restore task", "POST", "{account}/trash/{ids[0]}/restore", {}, 8),
    ("delete tasks", "DELETE", "{account}/tasks?id={ids[0]}", {}, 9),
    ("purge task", "DELETE", "{account}/trash/{ids[0]}", {}, 7),
    ("delete task", "DELETE", "{account}/tasks/{ids[1]}", {}, 7),
    ("empty trash", "DELETE", "{account}/trash", {}, 7),
    ("export", "GET", "{account}/export", {}, 4),
    ("edit profile", "PATCH", "{account}", {"timezone": "Europe/Berlin"}, 7),
    ("create token", "POST", "{account}/tokens", TOKEN, 5),
    ("user's tokens", "GET", "{account}/tokens", {}, 2),
    ("token detail", "GET", "{account}/tokens/{ids[2]}", {}, 2),
    ("revoke token", "DELETE", "{account}/tokens/{ids[2]}", {}, 4),
    ("revoke tokens", "DELETE", "{account}/tokens", {}, 4),
    ("delete profile", "DELETE", "{account}", {}, 5),
    ("register", "POST", "/api/v1/accounts", CAROL, 11),
    ("login", "POST", "/api/v1/accounts/login", CAROL | {"email": None}, 16),
    ("logout", "POST", "/api/v1/accounts/logout", {}, 1),
]


@pytest.fixture
def limited(app: Any) -> Any:
    before = app.registry["settings"].limit_writes
    app.registry["settings"].limit_writes = 600
    yield
    app.registry["settings"].limit_writes = before


@pytest.fixture
def ask(app: Any, as_alice: Client, alice: Login) -> Callable[..., int]:
    """Return what sends a request that must succeed, and counts its statements.

    A path may name by {ids[...]} what an earlier request has created.
    """
    ids: list[str] = []

    def ask(method: str, path: str, fields: dict[str, Any]) -> int:
        sent = {name: value for name, value in fields.items() if value is not None}
        with statements(app.registry["engine"]) as run:
            answer = as_alice.send_json(method, path.format(account=alice.url, ids=ids), sent)
        assert answer.status_int < 300, answer
        if "Location" in answer.headers:
            ids.append(answer.headers["Location"].rpartition("/")[2])
        return len(run)

    return ask


def test_no_operation_costs_more(limited: None, ask: Callable[..., int]) -> None:
    grown = []
    for operation, method, path, fields, most in COSTS:
        count = ask(method, path, fields)
        if count > most:
            grown.append(f"{operation} ({method} {path}): {count} statements, not {most}")
    assert not grown


def test_every_operation_is_counted(app: Any) -> None:
    named = {operation.name for operation in operations(app.registry) if operation.name}
    assert named == {operation for operation, *_ in COSTS}
