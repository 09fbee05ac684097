"""Cross-site request forgery: other sites cannot change data through a user's browser."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.conftest import ORIGIN
from tests.support.client import Client, User
from tests.support.databases import all_rows, rolled_back
from tests.support.factories import PASSWORD, Login, make_task
from tests.support.fixtures import SetTestView
from tests.support.pserve import PUBLIC_URL
from todo import configure

LOGIN = "/api/v1/accounts/login"
LOGOUT = "/api/v1/accounts/logout"
CREDENTIALS = {"username": "alice", "password": PASSWORD}
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}

# Method, path and body of each write, and its status on success.
ANONYMOUS_WRITES = {
    "log in": ("POST", LOGIN, CREDENTIALS, 200),
    "register": ("POST", "/api/v1/accounts", CAROL, 201),
}
ALICE_WRITES = {
    "create task": ("POST", "/api/v1/accounts/alice/tasks", {"name": "Tea"}, 201),
    "replace task": ("PUT", "/api/v1/accounts/alice/tasks/{id}", {"name": "Tea"}, 200),
    "patch task": ("PATCH", "/api/v1/accounts/alice/tasks/{id}", {"name": "Tea"}, 200),
    "delete task": ("DELETE", "/api/v1/accounts/alice/tasks/{id}", {}, 200),
    "patch profile": ("PATCH", "/api/v1/accounts/alice", {}, 200),
    "log out": ("POST", LOGOUT, {}, 200),
}
WRITES = ANONYMOUS_WRITES | ALICE_WRITES

EVIL = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

# WebTest requests http://localhost:80; a browser omits the port.
TRUSTED = {
    "not a browser": {},
    "own page": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    "own page, no Origin": {"Sec-Fetch-Site": "same-origin"},
    "own page with opaque origin": {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    "typed address": {"Sec-Fetch-Site": "none"},
    "own page in old browser": {"Origin": "http://localhost"},
    "own page behind a proxy": {"Origin": PUBLIC_URL},
    "own page on another port": {"Origin": "http://localhost:7000", "Host": "localhost:7000"},
    "own page on IPv6": {"Origin": "http://[::1]", "Host": "[::1]"},
    "listed origin": {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    "listed origin on same site": {"Sec-Fetch-Site": "same-site", "Origin": ORIGIN},
    "listed origin in old browser": {"Origin": ORIGIN},
}
UNTRUSTED = {
    "other site": EVIL,
    "other site, no Origin": {"Sec-Fetch-Site": "cross-site"},
    "other host on same site": {"Sec-Fetch-Site": "same-site", "Origin": "http://a.localhost"},
    "other host, no Origin": {"Sec-Fetch-Site": "same-site"},
    "unknown Sec-Fetch-Site": {"Sec-Fetch-Site": "near-by"},
    "empty Sec-Fetch-Site": {"Sec-Fetch-Site": ""},
    "Sec-Fetch-Site in other case": {"Sec-Fetch-Site": "Same-Origin"},
    "other site in old browser": {"Origin": "https://evil.example"},
    "opaque origin": {"Origin": "null"},
    "empty Origin": {"Origin": ""},
    "other scheme": {"Origin": "https://localhost"},
    "public URL over plain http": {
        "Origin": PUBLIC_URL.replace("https:", "http:"),
        "Host": PUBLIC_URL.removeprefix("https://"),
    },
    "other port": {"Origin": "http://localhost:8080"},
    "trusted host as prefix": {"Origin": "http://localhost.evil.example"},
    "two origins": {"Origin": f"{ORIGIN}, https://evil.example"},
    "listed origin, other scheme": {"Origin": ORIGIN.replace("https", "http")},
    "forged X-Forwarded-Host": {
        "Origin": "http://evil.example",
        "X-Forwarded-Host": "evil.example",
    },
}

PREFETCHES = [
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"X-Moz": "prefetch"},
    {"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "Prefetch"},
]

Send = Callable[[str, dict[str, str]], Any]


@pytest.fixture
def browser(app: Any, alice: Login) -> Client:
    """Alice's browser: every request carries her session cookie."""
    client = Client(app)
    client.extra_environ["HTTP_COOKIE"] = f"todo_session={alice.token}"
    return client


@pytest.fixture
def send(client: Client, browser: Client, alice: Login, db: Session) -> Send:
    """A function that sends one of WRITES with headers; ALICE_WRITES also carry her cookie."""
    task_id = make_task(db, alice)

    def send(name: str, headers: dict[str, str]) -> Any:
        method, path, fields, _ = WRITES[name]
        sender = client if name in ANONYMOUS_WRITES else browser
        sender.reset()
        url = path.replace("{id}", str(task_id))
        return sender.request(url, method=method, POST=fields, headers=headers)

    return send


@pytest.mark.parametrize("name", WRITES)
def test_cross_site_write_is_refused_and_changes_nothing(
    send: Send, db: Session, name: str
) -> None:
    before = all_rows(db)
    for case, headers in UNTRUSTED.items():
        response = send(name, headers)
        assert (response.status_int, response.json["code"]) == (403, "cross_site"), case
        assert "Set-Cookie" not in response.headers
    db.rollback()
    assert all_rows(db) == before


@pytest.mark.parametrize("name", WRITES)
def test_write_by_trusted_page_or_program_succeeds(app: Any, send: Send, name: str) -> None:
    for case, headers in TRUSTED.items():
        with rolled_back(app):
            assert send(name, headers).status_int == WRITES[name][3], case


def test_bearer_token_exempts_request_from_csrf_check(app: Any, alice: User) -> None:
    for case, headers in UNTRUSTED.items():
        with rolled_back(app):
            created = alice.post(alice.tasks_url, {"name": "Tea"}, headers=headers)
            assert created.status_int == 201, case
            assert alice.get(LOGOUT, headers=headers).status_int == 200, case


def test_basic_header_does_not_exempt_request_from_csrf_check(
    browser: Client, alice: Login
) -> None:
    headers = EVIL | {"Authorization": "Basic cHJveHk6cHJveHk="}
    response = browser.post(alice.tasks_url, {"name": "Tea"}, headers=headers)
    assert (response.status_int, response.json["code"]) == (403, "cross_site")


@pytest.mark.parametrize("path", [LOGIN, "/api/v1/accounts", "/api/v1/accounts/alice/tasks"])
def test_cross_site_request_is_refused_before_input_is_validated(
    browser: Client, path: str
) -> None:
    response = browser.post(f"{path}?no=parameter", b"{", headers=EVIL)
    assert (response.status_int, response.json["code"]) == (403, "cross_site")


def test_csrf_check_applies_to_every_view(client: Client, set_test_view: SetTestView) -> None:
    called: list[str] = []
    set_test_view(lambda request: called.append(request.method))
    assert client.post("/test-view", headers=EVIL).status_int == 403
    assert called == []
    client.get("/test-view", headers=EVIL)
    client.post("/test-view")
    assert called == ["GET", "POST"]


def test_cross_site_read_is_allowed(browser: Client, alice: Login) -> None:
    for method in ("GET", "HEAD"):
        assert browser.request(alice.url, method=method, headers=EVIL).status_int == 200


def test_cross_site_or_prefetched_get_logout_is_refused(browser: Client, alice: User) -> None:
    for headers in [*UNTRUSTED.values(), *PREFETCHES]:
        response = browser.get(LOGOUT, headers=headers)
        assert (response.status_int, response.json["code"]) == (403, "cross_site"), headers
        assert "Set-Cookie" not in response.headers
        assert browser.get(alice.url).status_int == 200, "the session continues"
    assert alice.get(LOGOUT, headers={"Purpose": "prefetch"}).status_int == 200, (
        "bearer tokens are exempt"
    )


def test_get_logout_by_trusted_page_ends_session(app: Any, browser: Client, alice: Login) -> None:
    for case, headers in TRUSTED.items():
        with rolled_back(app):
            assert browser.get(LOGOUT, headers=headers).status_int == 200, case
            assert browser.get(alice.url).status_int == 401, case


def test_empty_origin_does_not_match_unset_public_url() -> None:
    app = configure({"sqlalchemy.url": "sqlite:///none.sqlite"}).make_wsgi_app()
    response = TestApp(app).post(LOGIN, headers={"Origin": ""}, status=403)
    assert response.json["code"] == "cross_site"
