"""Header fields of every response; tests/support/contract.py checks them in all tests."""

import pytest
from webtest import TestApp

from tests.conftest import ORIGIN
from tests.support.client import Client, User
from tests.support.fixtures import SetTestView
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


@pytest.mark.parametrize("path", ["/api/v1", "/docs", "/nope", "/%ff"])
def test_https_response_has_hsts_header(client: Client, path: str) -> None:
    headers = client.get(path, extra_environ={"wsgi.url_scheme": "https"}).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


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
