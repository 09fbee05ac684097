"""Authorization: only listed views are public, and each actor gets the status in the matrix.

The matrix is CASES in tests/support/authorization.py.
"""

import itertools
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy.orm import Session
from webtest import TestApp, TestResponse

from tests.support.authorization import (
    CASES,
    PAGE_PATH,
    Actor,
    authorization_page,
    operation_patterns,
)
from tests.support.client import Client, User, constant_headers
from tests.support.databases import all_rows, rolled_back, statements
from tests.support.factories import (
    Login,
    make_filter,
    make_list,
    make_reminder,
    make_task,
    make_token,
    make_trashed,
    make_webhook,
)
from todo import clock, configure
from todo.auth.permissions import Permission
from todo.http.operations import operations
from todo.models import Task, Token
from todo.models.token import Scope, TokenKind
from todo.web.files import VERSION

PUBLIC = {
    *(
        "root",
        "page_file",
        "service_worker",
        "docs",
        "docs_file",
        "healthz",
        "readyz",
        "info",
        "info_slash",
        "openapi",
    ),
    *("accounts", "login", "logout"),
}


@pytest.fixture
def config() -> Configurator:
    return configure({"sqlalchemy.url": "sqlite:///none.sqlite"})


def test_public_views_match_allowlist(config: Configurator) -> None:
    config.commit()
    found = {
        operation.route
        for operation in operations(config.registry)
        if operation.permission == NO_PERMISSION_REQUIRED
    }
    assert found == PUBLIC


def test_non_public_views_declare_permission(config: Configurator) -> None:
    config.commit()
    for operation in operations(config.registry):
        if operation.route not in PUBLIC:
            unsafe = set(operation.methods) - {"GET", "HEAD"}
            allowed = {Permission.WRITE, Permission.MANAGE} if unsafe else set(Permission)
            assert operation.permission in allowed, operation


def test_views_declare_route_and_methods(
    config: Configurator,
) -> None:
    config.commit()
    for entry in config.registry.introspector.get_category("views"):
        view = entry["introspectable"]
        if view["callable"].__module__ not in (
            "todo.http.errors",
            "todo.http.idempotency",
            "todo.auth.policy",
            "pyramid.httpexceptions",
        ):
            assert view["route_name"], view
            assert view["request_methods"], view


def test_view_without_permission_requires_login(config: Configurator) -> None:
    config.add_route("lazy", "/lazy")
    config.add_view(lambda request: {"owner": "alice"}, route_name="lazy", request_method="GET")
    response = TestApp(config.make_wsgi_app()).get("/lazy", status=401)
    assert "alice" not in response.text


def test_authorization_matrix_covers_every_operation(config: Configurator) -> None:
    config.commit()
    assert operation_patterns(config.registry) == CASES.keys()


def test_operation_missing_from_matrix_is_detected(config: Configurator) -> None:
    config.add_route("new", "/api/v1/new")
    config.add_view(lambda request: {}, route_name="new", request_method=("GET", "POST"))
    config.commit()
    assert operation_patterns(config.registry) - CASES.keys() == {
        ("GET", "/api/v1/new"),
        ("POST", "/api/v1/new"),
    }


def test_authorization_page_matches_matrix() -> None:
    kept = PAGE_PATH.read_text()
    assert kept == authorization_page(kept), "run `make openapi`"


@dataclass(frozen=True)
class Resources:
    """IDs of Alice's resources, and the token of each actor."""

    revision: int  # of the task's creation
    task_id: int
    trashed_id: int
    token_id: int
    list_id: int
    filter_id: int
    reminder_id: int
    webhook_id: int
    secrets: dict[Actor, str | None]

    def url(self, pattern: str, username: str = "alice") -> str:
        """Return the URL of the existing resource, under this account."""
        ids = {
            "tasks": self.task_id,
            "trash": self.trashed_id,
            "tokens": self.token_id,
            "lists": self.list_id,
            "filters": self.filter_id,
            "reminders": self.reminder_id,
            "webhooks": self.webhook_id,
        }
        resource_id = next((ids[part] for part in pattern.split("/") if part in ids), None)
        return pattern.format(
            username=username,
            id=resource_id,
            revision=self.revision,
            file="docs.js",
            name="home",
            version=VERSION,
            path="page.css",
        )


@pytest.fixture
def resources(db: Session, alice: Login, bob: Login) -> Resources:
    def issue(lifetime: timedelta = timedelta(days=1), **values: Any) -> tuple[Token, str]:
        token_id, secret = make_token(
            db, alice.id, expiration_date=clock.now() + lifetime, **values
        )
        db.commit()
        return db.get_one(Token, token_id), secret

    token, _ = issue()
    revoked, revoked_secret = issue()
    secrets = {
        Actor.ANONYMOUS: None,
        Actor.OWNER: alice.token,
        Actor.STRANGER: bob.token,
        Actor.EXPIRED: issue(timedelta(seconds=-1))[1],
        Actor.REVOKED: revoked_secret,
        Actor.READ: issue(kind=TokenKind.API, scope=Scope.READ, name="reader")[1],
        Actor.WRITE: issue(kind=TokenKind.API, scope=Scope.WRITE, name="writer")[1],
    }
    db.delete(revoked)
    db.commit()
    trashed_id = make_trashed(db, alice)
    filter_id = make_filter(db, alice)
    daily = {"due_date": date(2030, 2, 1), "recurrence": "FREQ=DAILY"}
    task_id = make_task(db, alice, labels=["home"], **daily)
    revision = db.get_one(Task, task_id).revision
    list_id = make_list(db, alice)
    reminder_id = make_reminder(db, alice, task_id=task_id)
    webhook_id = make_webhook(db, alice, url="http://127.0.0.1:1/")
    ids = (task_id, trashed_id, token.id, list_id, filter_id, reminder_id, webhook_id)
    return Resources(revision, *ids, secrets)


def client_with_header(app: Any, secret: str | None) -> Client:
    return Client(app, secret)


def client_with_cookie(app: Any, secret: str | None) -> Client:
    client = Client(app)
    if secret is not None:
        client.extra_environ["HTTP_COOKIE"] = f"todo_session={secret}"
    return client


def send(client: Client, method: str, url: str, fields: dict[str, Any]) -> TestResponse:
    if fields:
        return client.send_json(method, url, fields)
    return client.request(url, method=method)


@pytest.mark.parametrize(("method", "pattern"), CASES)
def test_operation_status_matches_authorization_matrix(
    app: Any, resources: Resources, method: str, pattern: str
) -> None:
    case = CASES[method, pattern]
    methods = ("GET", "HEAD") if method == "GET" else (method,)
    for actor, status in zip(Actor, case.statuses, strict=True):
        for make_client, sent_method in itertools.product(
            (client_with_header, client_with_cookie), methods
        ):
            client = make_client(app, resources.secrets[actor])
            with rolled_back(app):
                response = send(
                    client, sent_method, resources.url(pattern) + case.query, case.fields
                )
            assert response.status_int == status, (actor, sent_method, make_client)
            if status == 401:
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            if status == 403 and actor is not Actor.STRANGER:
                assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
            if status == 403:
                expected = "forbidden" if actor is Actor.STRANGER else "insufficient_scope"
                assert sent_method == "HEAD" or response.json["code"] == expected


OWNED = [(method, pattern) for method, pattern in CASES if "{username}" in pattern]


@pytest.mark.parametrize(("method", "pattern"), OWNED)
def test_stranger_response_does_not_reveal_existence(
    app: Any, resources: Resources, bob: User, method: str, pattern: str
) -> None:
    fields = CASES[method, pattern].fields
    existing = resources.url(pattern)
    urls = (
        existing,
        existing.replace("alice", "ALICE"),
        existing.replace("alice", "nobody"),
        pattern.format(username="alice", id=2**62, revision=2**62, name="none"),
        pattern.format(username="nobody", id="no-id", revision="none", name="none"),
    )
    answers = set()
    bob.get(bob.url)  # the first request of a token finds its account
    with statements(app.registry["engine"]) as run:
        for url, sent in itertools.product(urls, (fields, {"no_such_field": 1})):
            for sent_method in (method, "HEAD") if method == "GET" else (method,):
                response = send(bob, sent_method, url, sent)
                headers = tuple(sorted(constant_headers(response).items()))
                answers.add((sent_method, response.status, headers, response.body))
                assert "WHERE tokens.digest = " in run.pop(0)
                assert len(run) == 1, "a stranger's request reads no other account"
                assert "WHERE released_usernames.account_id = " in run.pop()
    assert len(answers) == (2 if method == "GET" else 1)


@pytest.mark.parametrize(("method", "pattern"), [key for key in OWNED if key[1].count("{") > 1])
def test_foreign_id_under_own_path_looks_missing(
    resources: Resources, bob: User, db: Session, method: str, pattern: str
) -> None:
    fields = CASES[method, pattern].fields
    before = all_rows(db)
    answers = [
        send(bob, method, url, fields)
        for url in (
            resources.url(pattern, "bob"),
            pattern.format(username="bob", id=2**62, revision=2**62, name="none"),
        )
    ]
    assert [answer.status_int for answer in answers] == [404, 404]
    assert answers[0].body == answers[1].body
    assert constant_headers(answers[0]) == constant_headers(answers[1])
    assert all_rows(db) == before


@pytest.mark.parametrize("pattern", sorted({pattern for _, pattern in CASES}))
def test_options_response_is_same_for_every_actor(
    app: Any, resources: Resources, pattern: str
) -> None:
    urls = {resources.url(pattern), resources.url(pattern, "nobody")}
    with statements(app.registry["engine"]) as run:
        answers = [
            client_with_header(app, secret).options(url)
            for url, secret in itertools.product(urls, resources.secrets.values())
        ]
    assert {answer.status_int for answer in answers} == {204}
    assert all(constant_headers(a) == constant_headers(answers[0]) for a in answers)
    assert run == []
