"""The service below a path, given by todo.public_url or the SCRIPT_NAME of the WSGI server."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from webob import Request

from tests.support.client import Client
from tests.support.databases import database
from tests.support.factories import PASSWORD
from tests.support.running import dispose
from todo import configure

CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
ACCOUNTS = "/api/v1/accounts"
PREFIXED = {"todo.public_url": "https://example.com/todo"}


@pytest.fixture(params=["a proxy that passes it on", "a proxy that removes it", "SCRIPT_NAME"])
def way(request: pytest.FixtureRequest) -> str:
    """The way in which the service gets to know the prefix /todo."""
    way: str = request.param
    return way


@pytest.fixture
def client(database_server: Any, migrated_url: str, way: str) -> Iterator[Client]:
    with database(database_server, template=migrated_url) as url:
        ini = {"sqlalchemy.url": url} | ({} if way == "SCRIPT_NAME" else PREFIXED)
        app = configure(ini).make_wsgi_app()

        def behind_proxy(environ: dict[str, Any], start_response: Any) -> Any:
            environ["PATH_INFO"] = path = environ["PATH_INFO"].removeprefix("/todo")
            environ["SCRIPT_NAME"] = "/todo" if way == "SCRIPT_NAME" else ""
            if way == "a proxy that passes it on":
                environ["PATH_INFO"] = f"/todo{path}"
            return app(environ, start_response)

        behind_proxy.registry = app.registry  # type: ignore[attr-defined]
        yield Client(behind_proxy)
        dispose(app)


def test_urls_in_answers_begin_with_prefix(client: Client, way: str) -> None:
    registered = client.post(f"/todo{ACCOUNTS}", CAROL)
    assert registered.status_int == 201
    assert registered.headers["Location"] == f"/todo{ACCOUNTS}/carol"
    attributes = registered.headers["Set-Cookie"].split("; ")
    assert "Path=/todo" in attributes
    tasks = f"/todo{ACCOUNTS}/carol/tasks"
    headers = {"Authorization": f"Bearer {registered.json['token']}"}
    for name in ("Milk", "Tea"):
        posted = client.post(tasks, {"name": name}, headers=headers)
        assert posted.headers["Location"].startswith(f"{tasks}/")
        undo = posted.headers["Link"].partition(">")[0].removeprefix("<")
        assert undo.startswith(f"/todo{ACCOUNTS}/carol/changes/")
    page = client.get(f"{tasks}?limit=1", headers=headers)
    assert page.json["next"].startswith(f"{tasks}?limit=1&after=")
    following = client.get(page.json["next"], headers=headers).json["tasks"]
    assert [task["name"] for task in following] == ["Tea"]
    assert client.post(undo, headers=headers).json["undone"] == 1


def test_document_and_index_name_prefix(client: Client, way: str) -> None:
    described = client.get("/todo/api/v1/openapi.json").json
    assert described["servers"] == [{"url": "/todo"}]
    assert "/api/v1/accounts" in described["paths"]
    for index in ("/todo", "/todo/", "/todo/api/v1"):
        assert client.get(index).json["register"] == f"POST /todo{ACCOUNTS}", index


def test_page_is_below_prefix(client: Client, way: str) -> None:
    html = {"Accept": "text/html"}
    # The shell's URLs are relative to the slash.
    bare = client.get("/todo", headers=html)
    assert (bare.status_int, bare.headers["Location"], bare.body) == (303, "/todo/", b"")
    assert bare.headers["Vary"] == "Accept"
    shell = client.get("/todo/", headers=html)
    assert (shell.status_int, shell.content_type) == (200, "text/html")
    for url in re.findall(r'<(?:link|script)\b[^>]*(?:href|src)="([^"]+)"', shell.text):
        assert client.get(f"/todo/{url}").status_int == 200, url
    worker = client.get("/todo/service-worker.js")
    assert (worker.status_int, "/todo" in worker.text.splitlines()[1]) == (200, False)


def test_documentation_page_is_below_prefix(client: Client, way: str) -> None:
    page = client.get("/todo/docs")
    assert page.status_int == 200
    assert 'src="docs/docs.js"' in page.text, "relative, so below the prefix"
    assert client.get("/todo/docs/docs.js").status_int == 200


def test_cookie_of_prefixed_service_logs_in(client: Client, way: str) -> None:
    cookie = client.post(f"/todo{ACCOUNTS}", CAROL).headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Origin": "https://example.com"}
    answer = client.post(f"/todo{ACCOUNTS}/carol/tasks", {"name": "Milk"}, headers=headers)
    assert answer.status_int == (403 if way == "SCRIPT_NAME" else 201), "the public origin"
    headers["Origin"] = "https://example.com.evil.example"
    answer = client.post(f"/todo{ACCOUNTS}/carol/tasks", {"name": "Milk"}, headers=headers)
    assert answer.status_int == 403


def test_similar_path_is_not_prefix() -> None:
    app = configure({"sqlalchemy.url": "sqlite:///none.sqlite"} | PREFIXED).make_wsgi_app()
    for path, status in (
        ("/todolist/api/v1", 404),
        ("/todo/todo/api/v1", 404),
        ("/other/api/v1", 404),
        ("/todo/api/v1", 200),
        ("/healthz", 200),
    ):
        assert Request.blank(path).get_response(app).status_int == status, path
    dispose(app)
