"""CORS: only scripts of the listed origins can read responses."""

from typing import Any

import pytest
from webtest import TestApp

from tests.conftest import ORIGIN
from tests.support.client import Client, User
from todo import configure

ALLOW_ORIGIN = "Access-Control-Allow-Origin"


def test_listed_origin_gets_cors_headers(alice: User) -> None:
    response = alice.post(alice.tasks_url, {"name": "Milk"}, headers={"Origin": ORIGIN})
    assert response.status_int == 201
    assert response.headers[ALLOW_ORIGIN] == ORIGIN
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"ETag", "Link", "Location", "Retry-After"}
    assert exposed >= {"Idempotency-Replayed", "X-Request-Id"}
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/api/v1/accounts/bob", 403)])
def test_listed_origin_can_read_errors(alice: User, path: str, status: int) -> None:
    response = alice.get(path, headers={"Origin": ORIGIN})
    assert (response.status_int, response.headers[ALLOW_ORIGIN]) == (status, ORIGIN)


def test_preflight_of_listed_origin_allows_methods_and_headers(client: Client) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,prefer,traceparent",
    }
    response = client.options("/api/v1/accounts/alice/tasks/1", headers=headers)
    assert response.status_int == 204
    assert response.headers[ALLOW_ORIGIN] == ORIGIN
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"].split(", ")
    assert {"Authorization", "Content-Type", "If-Match", "Prefer", "traceparent"} <= set(
        response.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert response.headers["Access-Control-Max-Age"] == "600"


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://app.example.com", "https://app.example.com:8443"),
        *("https://app.example.com.evil.example", "https://APP.example.com", f"{ORIGIN} {ORIGIN}"),
        *("null", "*", ""),
    ],
)
def test_unlisted_origin_gets_no_cors_headers(client: Client, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for response in (
        client.get("/api/v1", headers=headers),
        client.options("/api/v1", headers=headers),
    ):
        assert not [name for name in response.headers if name.startswith("Access-Control-")]
        assert response.headers["Vary"] == "Origin", "caches must not reuse it for other origins"


def test_cors_is_off_without_listed_origins() -> None:
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    app: Any = TestApp(config.make_wsgi_app())
    response = app.get("/api/v1", headers={"Origin": ORIGIN})
    assert ALLOW_ORIGIN not in response.headers
    assert "Vary" not in response.headers
