"""What a page of another site makes a browser send changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.conftest import ORIGIN
from tests.support.client import Client, User
from tests.support.databases import rolled_back, stored
from tests.support.factories import PASSWORD, Login, make_task
from tests.support.fixtures import Plant
from tests.support.pserve import PUBLIC_URL
from todo import configure

LOGIN = "/api/v1/accounts/login"
LOGOUT = "/api/v1/accounts/logout"
CREDENTIALS = {"username": "alice", "password": PASSWORD}
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}

# Method, path and body of requests that change something, and the status of success.
ANYBODY_S = {
    "log in": ("POST", LOGIN, CREDENTIALS, 200),
    "register": ("POST", "/api/v1/accounts", CAROL, 201),
}
ALICE_S = {
    "create a task": ("POST", "/api/v1/accounts/alice/tasks", {"name": "Tea"}, 201),
    "put a task": ("PUT", "/api/v1/accounts/alice/tasks/{id}", {"name": "Tea"}, 200),
    "patch a task": ("PATCH", "/api/v1/accounts/alice/tasks/{id}", {"name": "Tea"}, 200),
    "delete a task": ("DELETE", "/api/v1/accounts/alice/tasks/{id}", {}, 200),
    "change no more than asked": ("PATCH", "/api/v1/accounts/alice", {}, 200),
    "log out": ("POST", LOGOUT, {}, 200),
}
WRITES = ANYBODY_S | ALICE_S

EVIL = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

# WebTest asks for http://localhost:80, which a browser writes without the port.
FROM_HERE = {
    "no browser": {},
    "own page": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    "own page, no Origin": {"Sec-Fetch-Site": "same-origin"},
    "own page that hides its Origin": {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    "the user": {"Sec-Fetch-Site": "none"},
    "own page in an old browser": {"Origin": "http://localhost"},
    "own page behind a proxy": {"Origin": PUBLIC_URL},
    "own page on another port": {"Origin": "http://localhost:7000", "Host": "localhost:7000"},
    "own page on IPv6": {"Origin": "http://[::1]", "Host": "[::1]"},
    "listed origin": {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    "listed origin of the site": {"Sec-Fetch-Site": "same-site", "Origin": ORIGIN},
    "listed origin in an old browser": {"Origin": ORIGIN},
}
FROM_ELSEWHERE = {
    "another site": EVIL,
    "another site, no Origin": {"Sec-Fetch-Site": "cross-site"},
    "another host of the domain": {"Sec-Fetch-Site": "same-site", "Origin": "http://a.localhost"},
    "another host, no Origin": {"Sec-Fetch-Site": "same-site"},
    "a word of the future": {"Sec-Fetch-Site": "near-by"},
    "no word": {"Sec-Fetch-Site": ""},
    "not quite the word": {"Sec-Fetch-Site": "Same-Origin"},
    "an old browser": {"Origin": "https://evil.example"},
    "a sandbox": {"Origin": "null"},
    "no origin": {"Origin": ""},
    "another scheme": {"Origin": "https://localhost"},
    "the public URL over plain http": {
        "Origin": PUBLIC_URL.replace("https:", "http:"),
        "Host": PUBLIC_URL.removeprefix("https://"),
    },
    "another port": {"Origin": "http://localhost:8080"},
    "a longer name": {"Origin": "http://localhost.evil.example"},
    "two origins": {"Origin": f"{ORIGIN}, https://evil.example"},
    "a listed origin's other scheme": {"Origin": ORIGIN.replace("https", "http")},
    "a word for a proxy": {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"},
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
    """Alice's browser, which sends the cookie wherever it goes."""
    client = Client(app)
    client.extra_environ["HTTP_COOKIE"] = f"todo_session={alice.token}"
    return client


@pytest.fixture
def send(client: Client, browser: Client, alice: Login, db: Session) -> Send:
    """Send one of WRITES with these headers; Alice's with her cookie."""
    task_id = make_task(db, alice)

    def send(name: str, headers: dict[str, str]) -> Any:
        method, path, fields, _ = WRITES[name]
        sender = client if name in ANYBODY_S else browser
        sender.reset()
        url = path.replace("{id}", str(task_id))
        return sender.request(url, method=method, POST=fields, headers=headers)

    return send


@pytest.mark.parametrize("name", WRITES)
def test_another_site_changes_nothing(send: Send, db: Session, name: str) -> None:
    before = stored(db)
    for what, headers in FROM_ELSEWHERE.items():
        response = send(name, headers)
        assert (response.status_int, response.json["code"]) == (403, "cross_site"), what
        assert "Set-Cookie" not in response.headers
    db.rollback()
    assert stored(db) == before


@pytest.mark.parametrize("name", WRITES)
def test_own_pages_and_programs_do(app: Any, send: Send, name: str) -> None:
    for what, headers in FROM_HERE.items():
        with rolled_back(app):
            assert send(name, headers).status_int == WRITES[name][3], what


def test_a_token_in_the_header_is_no_browser_s(app: Any, alice: User) -> None:
    for what, headers in FROM_ELSEWHERE.items():
        with rolled_back(app):
            created = alice.post(alice.tasks_url, {"name": "Tea"}, headers=headers)
            assert created.status_int == 201, what
            assert alice.get(LOGOUT, headers=headers).status_int == 200, what


def test_a_proxy_s_basic_header_is_one(browser: Client, alice: Login) -> None:
    headers = EVIL | {"Authorization": "Basic cHJveHk6cHJveHk="}
    response = browser.post(alice.tasks_url, {"name": "Tea"}, headers=headers)
    assert (response.status_int, response.json["code"]) == (403, "cross_site")


@pytest.mark.parametrize("path", [LOGIN, "/api/v1/accounts", "/api/v1/accounts/alice/tasks"])
def test_the_body_is_not_read(browser: Client, path: str) -> None:
    response = browser.post(f"{path}?no=parameter", b"{", headers=EVIL)
    assert (response.status_int, response.json["code"]) == (403, "cross_site")


def test_every_view_is_guarded(client: Client, plant: Plant) -> None:
    called: list[str] = []
    plant(lambda request: called.append(request.method))
    assert client.post("/planted", headers=EVIL).status_int == 403
    assert called == []
    client.get("/planted", headers=EVIL)
    client.post("/planted")
    assert called == ["GET", "POST"]


def test_reading_changes_nothing(browser: Client, alice: Login) -> None:
    for method in ("GET", "HEAD"):
        assert browser.request(alice.url, method=method, headers=EVIL).status_int == 200


def test_logout_by_get_wants_to_be_asked_for(browser: Client, alice: User) -> None:
    for headers in [*FROM_ELSEWHERE.values(), *PREFETCHES]:
        response = browser.get(LOGOUT, headers=headers)
        assert (response.status_int, response.json["code"]) == (403, "cross_site"), headers
        assert "Set-Cookie" not in response.headers
        assert browser.get(alice.url).status_int == 200, "the session goes on"
    assert alice.get(LOGOUT, headers={"Purpose": "prefetch"}).status_int == 200, "of a program"


def test_logout_by_get(app: Any, browser: Client, alice: Login) -> None:
    for what, headers in FROM_HERE.items():
        with rolled_back(app):
            assert browser.get(LOGOUT, headers=headers).status_int == 200, what
            assert browser.get(alice.url).status_int == 401, what


def test_no_origin_is_not_the_public_url_that_nobody_has_set() -> None:
    app = configure({"sqlalchemy.url": "sqlite:///none.sqlite"}).make_wsgi_app()
    response = TestApp(app).post(LOGIN, headers={"Origin": ""}, status=403)
    assert response.json["code"] == "cross_site"
