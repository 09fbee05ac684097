"""Header fields of every response; tests/support/contract.py checks them in all tests."""

from typing import Any

import pytest
from pyramid.tweens import MAIN
from webob import Request
from webtest import TestApp

from tests.conftest import ORIGIN
from tests.support.client import Client, User
from tests.support.contract import check_headers
from tests.support.fixtures import SetTestView
from todo import configure
from todo.http.cors import OPTIONS
from todo.http.errors import Problem
from todo.http.headers import HEADERS
from todo.http.proxies import PROXIES
from todo.http.renderers import Response

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "/api/v1", 200), ("HEAD", "/api/v1", 200), ("GET", "/healthz", 200)),
        ("GET", "/api/v1/accounts/alice/counts", 200),
        ("DELETE", "/api/v1/accounts/alice", 204),
        *(("POST", "/api/v1/accounts/alice/tasks", 415), ("OPTIONS", "/api/v1", 204)),
        *(("GET", "/api/v1/accounts/%ff", 400), ("GET", "/api/v1/accounts/bob", 403)),
        *(("GET", "/nope", 404), ("GET", "/docs/nope.js", 404), ("PUT", "/docs", 405)),
    ],
)
def test_every_response_has_security_headers(
    alice: User, method: str, path: str, status: int
) -> None:
    response = alice.request(path, method=method)
    assert response.status_int == status
    assert dict(response.headers).items() >= SECURITY_HEADERS.items()
    assert "Strict-Transport-Security" not in response.headers, "the request came over plain http"
    assert len(response.headers["X-Request-Id"]) == 16


def test_internal_error_has_security_headers(client: Client, set_test_view: SetTestView) -> None:
    def fail(_request: object) -> None:
        raise RuntimeError

    set_test_view(fail)
    response = client.get("/test-view")
    assert response.status_int == 500
    assert dict(response.headers).items() >= SECURITY_HEADERS.items()


ODD_REQUESTS = [
    *(("GET", "/healthz"), ("GET", "//healthz"), ("GET", "/healthz/"), ("GET", "//todo.example")),
    *(("GET", "/docs"), ("GET", "/nope"), ("GET", "/%ff"), ("GET", "/%zz"), ("GET", "/%2e")),
    *(("GET", "//"), ("GET", "/../etc"), ("GET", "/a:b"), ("GET", "/;a"), ("GET", "/?a=%ff")),
    *(("GET", "/api/v1"), ("HEAD", "//healthz"), ("POST", "//healthz"), ("OPTIONS", "/api/v1")),
    *(("OPTIONS", "/nope"), ("OPTIONS", "/%ff"), ("PUT", "/docs"), ("TRACE", "/"), ("FOO", "/")),
]


@pytest.mark.parametrize(("method", "path"), ODD_REQUESTS)
def test_https_response_has_hsts_header(app: Any, method: str, path: str) -> None:
    environ = {"wsgi.url_scheme": "https"}
    response = Request.blank(path, environ=environ, method=method).get_response(app)
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    check_headers(path, response)


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("", {"HTTP_ACCEPT": "text/html"}, 303),
        ("/api/v1/openapi.json", {"HTTP_IF_NONE_MATCH": "{etag}"}, 304),
    ],
)
def test_https_redirect_and_not_modified_have_hsts_header(
    app: Any, path: str, fields: dict[str, str], status: int
) -> None:
    etag = Request.blank("/api/v1/openapi.json").get_response(app).headers["ETag"]
    fields = {name: value.replace("{etag}", etag) for name, value in fields.items()}
    environ = {"wsgi.url_scheme": "https"} | fields
    response = Request.blank(path, environ=environ).get_response(app)
    assert response.status_int == status
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    check_headers(path, response)


@pytest.mark.parametrize("path", ["", "*", "healthz", "http://a/", "/\xff"])
def test_response_to_unusual_path_info_has_security_headers(app: Any, path: str) -> None:
    environ = {"wsgi.url_scheme": "https", "PATH_INFO": path}
    headers = Request.blank("/", environ=environ).get_response(app).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert dict(headers).items() >= SECURITY_HEADERS.items()


def raising_tween_factory(handler: Any, _registry: object) -> Any:
    def raising_tween(request: Request) -> Any:
        raise Problem("unavailable", "") if "problem" in request.path else RuntimeError("secret")

    return raising_tween


@pytest.mark.parametrize(("path", "code"), [("/", "internal_error"), ("/problem", "unavailable")])
@pytest.mark.parametrize(
    "place", [{"under": HEADERS, "over": PROXIES}, {"under": OPTIONS, "over": MAIN}]
)
def test_error_of_tween_has_security_headers(path: str, code: str, place: dict[str, str]) -> None:
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    config.add_tween(f"{__name__}.raising_tween_factory", **place)
    environ = {"wsgi.url_scheme": "https"}
    response = Request.blank(path, environ=environ).get_response(config.make_wsgi_app())
    assert (response.json["code"], "secret" in response.text) == (code, False)
    headers = dict(response.headers)
    assert headers.items() >= SECURITY_HEADERS.items()
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "X-Request-Id" in headers


def test_response_with_etag_is_cached_privately(client: Client, set_test_view: SetTestView) -> None:
    set_test_view(lambda _request: Response(headerlist=[("ETag", '"1"')]))
    response = client.get("/test-view", headers={"Origin": ORIGIN})
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert set(response.headers["Vary"].split(", ")) == {"Origin", "Authorization", "Cookie"}


def test_headers_set_by_view_are_kept(client: Client, set_test_view: SetTestView) -> None:
    own = {
        "Cache-Control": "public, max-age=60",
        "Content-Security-Policy": "default-src 'self'",
        "Referrer-Policy": "same-origin",
    }
    set_test_view(lambda _request: Response(headerlist=[*own.items(), ("ETag", '"1"')]))
    response = TestApp(client.app).get("/test-view")
    assert dict(response.headers).items() >= own.items()
    assert response.headers["Vary"] == "Origin"
