"""The index, and what every URL has in common."""

import pytest

from tests.client import Client
from tests.factories import Login

PROFILE = "/api/v1/accounts/<username>"

INDEX = {
    "info": "GET /api/v1",
    "register": "POST /api/v1/accounts",
    "single profile detail": f"GET {PROFILE}",
    "edit profile": f"PUT {PROFILE}",
    "delete profile": f"DELETE {PROFILE}",
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
    "path",
    [
        "/api/v1/accounts/",
        "/api/v1/accounts/alice/",
        "/api/v1/accounts/alice/tasks/",
        "/api/v1%0A",
        "/api/v1/accounts%0A",
        "/api/v1/accounts/alice/tasks%0A",
    ],
)
def test_every_url_has_one_spelling(as_alice: Client, path: str) -> None:
    response = as_alice.get(path)
    assert (response.status_int, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v1", "GET, HEAD"),
        ("GET", "/api/v1/accounts", "POST"),
        ("PUT", "/api/v1/accounts/login", "POST"),
        ("DELETE", "/api/v1/accounts/logout", "GET, HEAD, POST"),
        ("POST", "/api/v1/accounts/alice", "DELETE, GET, HEAD, PATCH, PUT"),
        ("PUT", "/api/v1/accounts/alice/tasks", "GET, HEAD, POST"),
    ],
)
def test_wrong_method_says_which_are_right(
    as_alice: Client, method: str, path: str, allow: str
) -> None:
    response = as_alice.request(path, method=method)
    assert (response.status_int, response.json["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == allow
    assert allow in response.json["detail"]


def test_path_that_is_not_utf8(as_alice: Client) -> None:
    response = as_alice.get("/api/v1/accounts/%ff")
    assert (response.status_int, response.json["code"]) == (400, "bad_path")


def test_head_answers_like_get_without_a_body(as_alice: Client, alice: Login) -> None:
    get, head = as_alice.get(alice.url), as_alice.head(alice.url)
    assert head.status_int == 200
    assert head.body == b""
    assert head.headers == get.headers


def test_a_fault_of_ours_tells_nothing_of_the_inside(
    as_alice: Client,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_row: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr("todo.schemas.account.Account.of", fail)
    response = as_alice.get(alice.url)
    assert (response.status_int, response.json["code"]) == (500, "internal_error")
    assert "inside" not in response.text
    assert "the inside" in caplog.text
