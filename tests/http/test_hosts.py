"""The Host of a request: production answers only for that of todo.public_url."""

import logging
from typing import Any

import pytest
from webob import Request, Response

from tests.support.fixtures import Logs
from tests.support.running import dispose
from todo import configure

PRODUCTION = {"todo.production": "true"}
PUBLIC = PRODUCTION | {"todo.public_url": "https://todo.example.com"}


def get(ini: dict[str, str], path: str, host: str | None, **environ: Any) -> Response:
    """Send a GET request over https to an application with these settings."""
    app = configure({"sqlalchemy.url": "sqlite:///none.sqlite"} | ini).make_wsgi_app()
    request = Request.blank(path, environ={"wsgi.url_scheme": "https"} | environ)
    if host is None:
        del request.environ["HTTP_HOST"]
    else:
        request.environ["HTTP_HOST"] = host
    response = request.get_response(app)
    dispose(app)
    return response


@pytest.mark.parametrize(
    "host",
    [
        *("todo.example.com", "Todo.Example.COM", "todo.example.com.", "todo.example.com:443"),
        *("todo.example.com:", "todo.example.com.:443", "todo.example.com:8443"),
    ],
)
def test_host_of_public_url_is_answered_in_every_spelling(host: str) -> None:
    assert get(PUBLIC, "/api/v1", host).status_int == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "todo.example.com.evil.example", "eviltodo.example.com", "example.com"),
        *("todo-example.com", "127.0.0.1", "[::1]", "localhost:6543", "", None, ".", ":443"),
        *("todo.example.com..", "todo.example.com:a", "todo.example.com:443:443", "a@b"),
        *("user@todo.example.com", "todo.example.com/a", "todo.example.com, evil.example"),
        *("todo.example.com\n", " todo.example.com", "t\xf6do.example.com", "x" * 30_000),
    ],
)
def test_other_host_is_refused_in_production(host: str | None) -> None:
    for path in ("/api/v1", "/", "/docs", "/nope", "/%ff", "/healthz/", "/api/v1/healthz"):
        response = get(PUBLIC, path, host)
        assert (response.status_int, response.json["code"]) == (400, "bad_host"), path
        assert response.content_type == "application/problem+json"
        assert "X-Request-Id" in response.headers
        assert "evil" not in response.text


def test_refused_host_is_audited_without_its_name(caplog: Logs) -> None:
    caplog.set_level(logging.INFO, "todo.audit")
    get(PUBLIC, "/api/v1", "evil.example", REMOTE_ADDR="203.0.113.7")
    [line] = [each.getMessage() for each in caplog.records if each.name == "todo.audit"]
    assert line.startswith("event=host.refused outcome=failure account=- token=- address=203.0.")
    assert "evil" not in line


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize(
    ("public_url", "prefix"),
    [("https://todo.example.com", ""), ("https://example.com/todo", "/todo")],
)
@pytest.mark.parametrize("host", ["127.0.0.1:6543", "10.0.0.7", None])
def test_health_checks_accept_every_host(
    path: str, public_url: str, prefix: str, host: str | None
) -> None:
    ini = PUBLIC | {"todo.public_url": public_url}
    for spelling in {path, f"{prefix}{path}"}:
        answered = get(ini, spelling, host).status_int
        assert answered == (200 if path == "/healthz" else 503), "there is no database"
    assert get(ini, f"{prefix}/api/v1", host).status_int == 400


@pytest.mark.parametrize(
    ("ini", "host"),
    [
        ({}, "evil.example"),
        ({"todo.public_url": "https://todo.example.com"}, "127.0.0.1:6543"),
        (PRODUCTION | {"todo.allow_http": "true"}, "192.168.0.7:6543"),
        (PUBLIC | {"todo.public_url": "https://todo.example.com:8443"}, "todo.example.com:8443"),
        (PUBLIC | {"todo.public_url": "https://todo.example.com:8443"}, "todo.example.com"),
        (PUBLIC | {"todo.public_url": "https://todo.example.com."}, "todo.example.com"),
        (PUBLIC | {"todo.public_url": "https://[2001:db8::1]:8443"}, "[2001:db8::1]:8443"),
        (PUBLIC | {"todo.public_url": "https://[2001:db8::1]"}, "[2001:DB8::1]"),
    ],
)
def test_host_is_answered_with_settings(ini: dict[str, str], host: str) -> None:
    assert get(ini, "/api/v1", host).status_int == 200


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://evil.example/api/v1", "todo.example.com", 400),
        ("HTTPS://evil.example?a", "todo.example.com", 400),
        ("https://todo.example.com@evil.example/api/v1", "todo.example.com", 400),
        ("https://todo.example.com/api/v1", "evil.example", 200),
        ("HTTP://Todo.Example.com:80/api/v1", "todo.example.com", 200),
        ("/api/v1?url=https://evil.example/", "todo.example.com", 200),
    ],
)
def test_absolute_target_wins_over_host(target: str, host: str, status: int) -> None:
    assert get(PUBLIC, "/api/v1", host, REQUEST_URI=target).status_int == status
