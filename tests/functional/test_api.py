"""The index, and what every URL has in common."""

import pytest

from tests.support.client import Client, User, faults
from tests.support.fixtures import Logs, Patch

PROFILE = "/api/v1/accounts/<username>"

INDEX = {
    "info": "GET /api/v1",
    "description": "GET /api/v1/openapi.json",
    "register": "POST /api/v1/accounts",
    "single profile detail": f"GET {PROFILE}",
    "edit profile": f"PUT {PROFILE}",
    "delete profile": f"DELETE {PROFILE}",
    "export": f"GET {PROFILE}/export",
    "login": "POST /api/v1/accounts/login",
    "logout": "GET /api/v1/accounts/logout",
    "user's tasks": f"GET {PROFILE}/tasks",
    "create task": f"POST {PROFILE}/tasks",
    "task detail": f"GET {PROFILE}/tasks/<id>",
    "task update": f"PUT {PROFILE}/tasks/<id>",
    "delete task": f"DELETE {PROFILE}/tasks/<id>",
}


@pytest.mark.parametrize("url", ["/", "/api/v1", "/api/v1/"])
def test_index_lists_what_there_is(client: Client, url: str) -> None:
    response = client.get(url)
    assert response.status_int == 200
    assert response.content_type == "application/json"
    assert response.json.items() >= INDEX.items()


def test_unknown_url(client: Client) -> None:
    response = client.get("/api/v1/nope")
    assert response.status_int == 404
    assert response.content_type == "application/problem+json"
    problem = response.json
    assert problem["error"] == problem["detail"]
    assert {name: problem[name] for name in ("type", "title", "status", "code")} == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
    }


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v1", "GET, HEAD, OPTIONS"),
        ("TRACE", "/api/v1", "GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/accounts", "OPTIONS, POST"),
        ("PUT", "/api/v1/accounts/login", "OPTIONS, POST"),
        ("DELETE", "/api/v1/accounts/logout", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/api/v1/accounts/alice", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("PUT", "/api/v1/accounts/alice/tasks", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
    ],
)
def test_wrong_method_says_which_are_right(alice: User, method: str, path: str, allow: str) -> None:
    response = alice.request(path, method=method)
    assert (response.status_int, response.json["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == allow
    assert allow in response.json["detail"]


def test_a_fault_of_ours_tells_nothing_of_the_inside(
    alice: User, monkeypatch: Patch, caplog: Logs
) -> None:
    def fail(_row: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr("todo.schemas.account.Account.of", fail)
    response = alice.get(alice.url)
    assert (response.status_int, response.json["code"]) == (500, "internal_error")
    assert "inside" not in response.text
    assert "the inside" in caplog.text
    request_id = response.headers["X-Request-Id"]
    assert response.json["request_id"] == request_id
    assert caplog.messages[0].startswith(request_id)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/", "GET, HEAD, OPTIONS"),
        ("/api/v1/accounts", "OPTIONS, POST"),
        ("/api/v1/accounts/alice/tasks", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
        ("/api/v1/accounts/nobody/tasks/7", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ],
)
def test_options_names_the_methods_to_anybody(client: Client, path: str, allow: str) -> None:
    response = client.options(path)
    assert (response.status_int, response.body) == (204, b"")
    assert response.headers["Allow"] == allow
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("path", "status"), [("/nope", 404), ("/api/v1/", 204), ("/api/v1%0A", 404), ("/%ff", 400)]
)
def test_options_of_what_is_not_there(client: Client, path: str, status: int) -> None:
    assert client.options(path).status_int == status


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("_method=DELETE", {"_method": "unknown_field"}),
        ("a=1&b=", {"a": "unknown_field", "b": "unknown_field"}),
        ("a=1&b=2&a=1", {"a": "unknown_field", "b": "unknown_field"}),
        ("x%20y", {"query": "unknown_field"}),
    ],
)
def test_unknown_parameters_are_named(alice: User, query: str, codes: dict[str, str]) -> None:
    for response in (
        alice.get(f"{alice.tasks_url}?{query}"),
        alice.post(f"{alice.tasks_url}?{query}", {"name": "Milk"}),
        alice.delete(f"{alice.url}?{query}"),
        alice.get(f"/?{query}"),
    ):
        assert faults(response) == codes
    assert alice.get(alice.tasks_url).json["tasks"] == []


def test_no_method_override(alice: User) -> None:
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    assert alice.post(alice.url, {"_method": "DELETE"}, headers=headers).status_int == 405
    assert alice.get(alice.url).status_int == 200
