"""The index, and behaviour common to all URLs."""

from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.support.client import Client, User, faults
from tests.support.fixtures import Logs, Patch
from tests.support.pserve import Server

PROFILE = "/api/v1/accounts/<username>"

INDEX = {
    "info": "GET /api/v1",
    "documentation": "GET /docs",
    "description": "GET /api/v1/openapi.json",
    "register": "POST /api/v1/accounts",
    "single profile detail": f"GET {PROFILE}",
    "edit profile": f"PUT {PROFILE}",
    "delete profile": f"DELETE {PROFILE}",
    "export account": f"GET {PROFILE}/export",
    "login": "POST /api/v1/accounts/login",
    "logout": "POST /api/v1/accounts/logout",
    "user's tasks": f"GET {PROFILE}/tasks",
    "create task": f"POST {PROFILE}/tasks",
    "task detail": f"GET {PROFILE}/tasks/<id>",
    "task update": f"PUT {PROFILE}/tasks/<id>",
    "delete task": f"DELETE {PROFILE}/tasks/<id>",
}


@pytest.mark.parametrize("url", ["/", "/api/v1", "/api/v1/"])
def test_index_lists_operations(client: Client, url: str) -> None:
    response = client.get(url)
    assert response.status_int == 200
    assert response.content_type == "application/json"
    assert response.json.items() >= INDEX.items()


CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        *(
            CHROMIUM,
            "text/html",
            "TEXT/HTML",
            "application/json;q=0.5, text/*",
            "text/html, ,",
            " ,, text/html",
        ),
        *("text/html;charset=utf-8", 'text/html; Charset="UTF-8"', "text/html;Q=0.2, image/png"),
        *("text/html;q=0.001", "text/html, */*;q=0", "application/json;q=0, */*;q=0.1"),
        # The most specific range decides, not the order or the greatest value.
        *("application/json;q=0.1, */*", "*/*, application/*;q=0.2"),
        "application/json;charset=utf-8;q=0.5, text/html",
        "text/html;charset=utf-8;q=0.8, text/html;q=0.1, application/json;q=0.5",
        "text/html;level=1;q=0.1, text/html;q=0.7, application/json;q=0.5",
        f"{'image/png, ' * 500}text/html",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_root_shows_page_to_browser(client: Client, method: str, accept: str) -> None:
    response = client.request("/", method=method, headers={"Accept": accept})
    assert (response.status_int, response.content_type) == (200, "text/html")
    assert response.headers["Vary"] == "Accept, Accept-Encoding, Origin"


@pytest.mark.parametrize(
    "accept",
    [
        *(None, "*/*", "application/json", "application/json, text/html", "text/html;q=0"),
        *("text/html;q=0.5, application/json", "image/png", "", "text", ";;;", "text/html;q=x"),
        *(
            "text/html;q=1.001",
            "text/html;q=-1",
            "text/html;q=0.0001",
            "text/html; q = 1",
            "*/html",
        ),
        *(
            "text/html\x80",
            "text/html;q=0.5;",
            "text/html application/xml",
            "é",
            "application/json;q=0",
        ),
        *("*/*, text/html;q=0", "text/*;q=0, */*;q=0.1", "text/html;q=0.5, */*;q=0.5"),
        *("text/html;charset=latin-1", "text/html;level=1", "application/xhtml+xml, */*;q=0.8"),
        "text/html;charset=utf-8;q=0.1, text/html, application/json;q=0.5",
        "application/json; charset=UTF-8, text/html;q=0.5",
        "text/html, application/json;charset=utf-8",
        # A range with parameters matches only what has them.
        "text/html;level=1, text/html;q=0.1, application/json;q=0.5",
        "text/*;q=0.9, */*;q=0.95, text/html;q=0.1",
    ],
)
def test_root_answers_json_unless_html_is_preferred(client: Client, accept: str | None) -> None:
    response = client.get("/", headers={} if accept is None else {"Accept": accept})
    assert (response.status_int, response.content_type) == (200, "application/json")
    assert response.headers["Vary"] == "Accept, Origin"


@pytest.mark.parametrize(
    ("fields", "media_type"),
    [
        (["application/json;q=0.5", "text/html"], "text/html"),
        (["text/html;q=0.5", "application/json"], "application/json"),
        (["", "text/html"], "text/html"),
        (["text/html", "", "application/json;q=0.9"], "text/html"),
        (["text/html;q=x", "text/html"], "application/json"),
        ([], "application/json"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_several_accept_fields_are_one_list(
    server: Server, method: str, fields: list[str], media_type: str
) -> None:
    # RFC 9110, section 5.3
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as connection:
        connection.putrequest(method, "/")
        for field in fields:
            connection.putheader("Accept", field)
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, response.headers.get_content_type()) == (200, media_type)
        [vary] = response.headers.get_all("Vary") or []
        assert vary.startswith("Accept")
        assert bool(response.read()) == (method == "GET")


def test_api_root_ignores_accept(client: Client) -> None:
    response = client.get("/api/v1", headers={"Accept": "text/html"})
    assert (response.status_int, response.content_type) == (200, "application/json")


def test_unknown_url_is_not_found(client: Client) -> None:
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
def test_wrong_method_lists_allowed_methods(
    alice: User, method: str, path: str, allow: str
) -> None:
    response = alice.request(path, method=method)
    assert (response.status_int, response.json["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == allow
    assert allow in response.json["detail"]


def test_internal_error_is_logged_but_not_shown(
    alice: User, monkeypatch: Patch, caplog: Logs
) -> None:
    def fail(_row: object) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr("todo.schemas.account.Account.of", fail)
    response = alice.get(alice.url)
    assert (response.status_int, response.json["code"]) == (500, "internal_error")
    assert "cause" not in response.text
    assert "the cause" in caplog.text
    request_id = response.headers["X-Request-Id"]
    assert response.json["request_id"] == request_id
    assert caplog.messages[0].startswith(request_id)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/", "GET, HEAD, OPTIONS"),
        ("/api/v1/accounts", "OPTIONS, POST"),
        ("/api/v1/accounts/alice/tasks", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
        ("/api/v1/accounts/unknown/tasks/7", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ],
)
def test_options_without_login_lists_allowed_methods(client: Client, path: str, allow: str) -> None:
    response = client.options(path)
    assert (response.status_int, response.body) == (204, b"")
    assert response.headers["Allow"] == allow
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("path", "status"), [("/nope", 404), ("/api/v1/", 204), ("/api/v1%0A", 404), ("/%ff", 400)]
)
def test_options_answers_known_urls_only(client: Client, path: str, status: int) -> None:
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
def test_unknown_query_parameters_are_refused_by_name(
    alice: User, query: str, codes: dict[str, str]
) -> None:
    for response in (
        alice.get(f"{alice.tasks_url}?{query}"),
        alice.post(f"{alice.tasks_url}?{query}", {"name": "Milk"}),
        alice.delete(f"{alice.url}?{query}"),
        alice.get(f"/?{query}"),
    ):
        assert faults(response) == codes
    assert alice.get(alice.tasks_url).json["tasks"] == []


def test_method_override_is_ignored(alice: User) -> None:
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    assert alice.post(alice.url, {"_method": "DELETE"}, headers=headers).status_int == 405
    assert alice.get(alice.url).status_int == 200
