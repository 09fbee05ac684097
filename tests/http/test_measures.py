"""The metrics of requests, retries, limits and logins, whose labels a client cannot invent."""

import re
from typing import Any

import pytest
from prometheus_client import generate_latest
from pyramid.request import Request
from sqlalchemy import exc
from sqlalchemy.orm.exc import StaleDataError

from tests.support.client import Client, User, log_in
from tests.support.databases import ROOT
from tests.support.extra_routes import TEST_VIEW
from tests.support.fixtures import Patch, SetTestView
from tests.support.metrics import increase_of
from todo.auth import limits, logins, passwords, running
from todo.auth.budgets import WINDOWS, Budgets
from todo.auth.limits import Limit
from todo.auth.running import AT_ONCE
from todo.http.errors import Problem
from todo.metrics import REGISTRY

REQUESTS = "todo_requests_total"


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/healthz", "healthz", "200"),
        ("HEAD", "/healthz", "healthz", "200"),
        ("OPTIONS", "/healthz", "healthz", "204"),
        ("DELETE", "/healthz", "healthz", "405"),
        ("GET", "/readyz", "readyz", "200"),
        ("GET", "/nothing/here", "none", "404"),
        ("GET", "/%ff", "none", "400"),
        ("GET", "/metrics", "none", "404"),
        ("OPTIONS", "/nothing/here", "none", "404"),
        ("POST", "/api/v1/accounts/login", "login", "415"),
    ],
)
def test_request_is_counted_once(
    client: Client, method: str, path: str, route: str, status: str
) -> None:
    counted = increase_of(REQUESTS, route=route, method=method, status=status)
    timed = increase_of("todo_request_seconds_count", route=route, method=method)
    client.request(path, method=method)
    assert (counted(), timed()) == (1, 1)


def test_client_cannot_invent_labels(app: Any, client: Client, alice: User) -> None:
    secrets = ("BREW1", "BREW2", "/secret-path", "secret-user", "secret-name")
    counted = increase_of(REQUESTS, route="none", method="other", status="404")
    for method in secrets[:2]:
        Request.blank("/secret-path", method=method).get_response(app)
    assert counted() == 2
    log_in(client, "secret-user", "secret-name")
    alice.post_json(alice.tasks_url, {"name": "secret-name"})
    alice.get("/api/v1/accounts/secret-user")
    text = generate_latest(REGISTRY).decode()
    assert not [secret for secret in (*secrets, "alice") if secret in text]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StaleDataError("one row was expected"), "conflict"),
        (
            exc.OperationalError("SELECT", {}, Exception("x"), connection_invalidated=True),
            "connection",
        ),
    ],
)
def test_retries_are_counted_by_reason_and_request_once(
    client: Client, set_test_view: SetTestView, error: Exception, reason: str
) -> None:
    attempts = []

    def view(_request: Any) -> dict[str, str]:
        attempts.append(reason)
        if len(attempts) < 3:
            raise error
        return {}

    set_test_view(view)
    retried = increase_of("todo_retries_total", reason=reason)
    answered = {
        status: increase_of(REQUESTS, route="test-view", method="POST", status=status)
        for status in ("200", "409", "503")
    }
    assert client.post(TEST_VIEW).status_int == 200
    assert retried() == 2
    assert {status: count() for status, count in answered.items()} == {
        "200": 1,
        "409": 0,
        "503": 0,
    }


def test_last_attempt_that_fails_is_counted(client: Client, set_test_view: SetTestView) -> None:
    def view(_request: Any) -> None:
        raise StaleDataError("one row was expected")

    set_test_view(view)
    retried = increase_of("todo_retries_total", reason="conflict")
    answered = increase_of(REQUESTS, route="test-view", method="POST", status="409")
    assert client.post(TEST_VIEW).status_int == 409
    assert (retried(), answered()) == (2, 1)


def test_logins_are_counted_by_result(client: Client, alice: User, monkeypatch: Patch) -> None:
    results = ("success", "failure", "limited", "busy")
    logins = {result: increase_of("todo_logins_total", result=result) for result in results}
    limited = increase_of("todo_limits_total", limit="login-account-address")
    assert log_in(client).status_int == 200
    statuses = [log_in(client, password="wrong password").status_int for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    monkeypatch.setattr(passwords, "MAX_PENDING", 0)
    assert log_in(client).status_int == 503
    assert {result: count() for result, count in logins.items()} == {
        "success": 1,
        "failure": 10,
        "limited": 1,
        "busy": 1,
    }
    assert limited() == 1


def test_writes_beyond_limit_are_counted_by_name(alice: User, monkeypatch: Patch) -> None:
    monkeypatch.setattr(alice.app.registry["settings"], "limit_writes", 2)
    limited = increase_of("todo_limits_total", limit="writes")
    milk = {"name": "Milk"}
    statuses = [alice.post_json(alice.tasks_url, milk).status_int for _ in range(4)]
    assert statuses == [201, 201, 429, 429]
    assert limited() == 2


def test_reads_beyond_budget_are_counted_by_name(alice: User, monkeypatch: Patch) -> None:
    monkeypatch.setattr(alice.app.registry["settings"], "limit_reads", 2)
    monkeypatch.setitem(alice.app.registry, "budgets", Budgets())
    limited = increase_of("todo_limits_total", limit="reads")
    assert [alice.get(alice.url).status_int for _ in range(3)] == [200, 200, 429]
    assert limited() == 1


def test_limits_page_lists_the_names_of_all_limits() -> None:
    names = {
        limit.name
        for module in (limits, logins)
        for limit in vars(module).values()
        if isinstance(limit, Limit) and limit.setting
    }
    names |= {budget.replace(" ", "-") for budget in WINDOWS}
    names |= {"requests-at-once", "exports-at-once"}  # kept in other ways
    page = (ROOT / "docs/limits.md").read_text()
    assert set(re.findall(r"\| `([a-z-]+)` \|$", page, re.MULTILINE)) == names


def test_requests_at_once_beyond_limit_are_counted(monkeypatch: Patch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 0.01)
    limited = increase_of("todo_limits_total", limit="requests-at-once")
    of_process = running.Running()
    for _ in range(AT_ONCE):
        of_process.begin(1, heavy=False)
    with pytest.raises(Problem):
        of_process.begin(1, heavy=False)
    assert limited() == 1
