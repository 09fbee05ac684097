"""The header fields of every answer; tests/support/contract.py checks them everywhere."""

import pytest
from webtest import TestApp

from tests.conftest import ORIGIN
from tests.support.client import Client, User
from tests.support.fixtures import Plant
from todo.http.renderers import Response

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "/api/v1", 200), ("HEAD", "/api/v1", 200), ("GET", "/api/v1/openapi.json", 200)),
        ("GET", "/api/v1/accounts/alice/counts", 200),
        ("DELETE", "/api/v1/accounts/alice", 204),
        *(("POST", "/api/v1/accounts/alice/tasks", 415), ("OPTIONS", "/api/v1", 204)),
        *(("GET", "/api/v1/accounts/%ff", 400), ("GET", "/api/v1/accounts/bob", 403)),
        *(("GET", "/nope", 404), ("GET", "/docs/nope.js", 404), ("PUT", "/docs", 405)),
    ],
)
def test_every_answer(alice: User, method: str, path: str, status: int) -> None:
    response = alice.request(path, method=method)
    assert response.status_int == status
    assert dict(response.headers).items() >= ALWAYS.items()
    assert "Strict-Transport-Security" not in response.headers, "this is plain http"
    assert len(response.headers["X-Request-Id"]) == 16


def test_a_fault_of_ours(client: Client, plant: Plant) -> None:
    def fail(_request: object) -> None:
        raise RuntimeError

    plant(fail)
    response = client.get("/planted")
    assert response.status_int == 500
    assert dict(response.headers).items() >= ALWAYS.items()


@pytest.mark.parametrize("path", ["/api/v1", "/docs", "/nope", "/%ff"])
def test_https_is_remembered(client: Client, path: str) -> None:
    headers = client.get(path, extra_environ={"wsgi.url_scheme": "https"}).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_copy_of_what_is_private(client: Client, plant: Plant) -> None:
    plant(lambda _request: Response(headerlist=[("ETag", '"1"')]))
    response = client.get("/planted", headers={"Origin": ORIGIN})
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert set(response.headers["Vary"].split(", ")) == {"Origin", "Authorization", "Cookie"}


def test_a_view_s_own_word_counts(client: Client, plant: Plant) -> None:
    own = {
        "Cache-Control": "public, max-age=60",
        "Content-Security-Policy": "default-src 'self'",
        "Referrer-Policy": "same-origin",
    }
    plant(lambda _request: Response(headerlist=[*own.items(), ("ETag", '"1"')]))
    response = TestApp(client.app).get("/planted")
    assert dict(response.headers).items() >= own.items()
    assert response.headers["Vary"] == "Origin"
