"""No view is public by accident, and everybody may do what tests/support/authorization.py says."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy.orm import Session
from webtest import TestApp, TestResponse

from tests.support.authorization import PAGE, ROWS, Actor, page, requests
from tests.support.client import Client, User, constant_headers
from tests.support.databases import rolled_back, statements, stored
from tests.support.factories import Login, make_task, make_token, make_trashed
from todo import clock, configure
from todo.auth.permissions import Permission
from todo.http.operations import operations
from todo.models import Task, Token
from todo.models.token import Scope, TokenKind

PUBLIC = {
    *("root", "docs", "docs_file", "healthz", "readyz", "info", "info_slash", "openapi"),
    *("accounts", "login", "logout"),
}


@pytest.fixture
def config() -> Configurator:
    return configure({"sqlalchemy.url": "sqlite:///none.sqlite"})


def test_public_views_are_these_and_no_others(config: Configurator) -> None:
    config.commit()
    found = {
        operation.route
        for operation in operations(config.registry)
        if operation.permission == NO_PERMISSION_REQUIRED
    }
    assert found == PUBLIC


def test_every_other_view_names_its_permission(config: Configurator) -> None:
    config.commit()
    for operation in operations(config.registry):
        if operation.route not in PUBLIC:
            unsafe = set(operation.methods) - {"GET", "HEAD"}
            allowed = {Permission.WRITE, Permission.MANAGE} if unsafe else set(Permission)
            assert operation.permission in allowed, operation


def test_every_view_but_those_of_errors_has_a_route_and_names_its_methods(
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


def test_a_view_without_a_permission_is_closed(config: Configurator) -> None:
    config.add_route("lazy", "/lazy")
    config.add_view(lambda request: {"of": "somebody"}, route_name="lazy", request_method="GET")
    response = TestApp(config.make_wsgi_app()).get("/lazy", status=401)
    assert "somebody" not in response.text


def test_every_operation_has_a_row(config: Configurator) -> None:
    config.commit()
    assert requests(config.registry) == ROWS.keys()


def test_a_new_operation_needs_a_row(config: Configurator) -> None:
    config.add_route("new", "/api/v1/new")
    config.add_view(lambda request: {}, route_name="new", request_method=("GET", "POST"))
    config.commit()
    assert requests(config.registry) - ROWS.keys() == {
        ("GET", "/api/v1/new"),
        ("POST", "/api/v1/new"),
    }


def test_the_page_is_the_matrix_s() -> None:
    kept = PAGE.read_text()
    assert kept == page(kept), "run `make openapi`"


@dataclass(frozen=True)
class Things:
    """What Alice owns, and the secrets by which each actor asks for it."""

    revision: int  # of the change that made the task
    task_id: int
    trashed_id: int
    token_id: int
    secrets: dict[Actor, str | None]

    def url(self, pattern: str, username: str = "alice") -> str:
        """Return the path of what exists, in this account."""
        ids = {"tasks": self.task_id, "trash": self.trashed_id, "tokens": self.token_id}
        thing = next((ids[part] for part in pattern.split("/") if part in ids), None)
        return pattern.format(username=username, id=thing, revision=self.revision, file="docs.js")


@pytest.fixture
def things(db: Session, alice: Login, bob: Login) -> Things:
    def issue(lifetime: timedelta = timedelta(days=1), **values: Any) -> tuple[Token, str]:
        token_id, secret = make_token(
            db, alice.id, expiration_date=clock.now() + lifetime, **values
        )
        db.commit()
        return db.get_one(Token, token_id), secret

    shown, _ = issue()
    revoked, revoked_secret = issue()
    secrets = {
        Actor.ANONYMOUS: None,
        Actor.OWNER: alice.token,
        Actor.STRANGER: bob.token,
        Actor.EXPIRED: issue(timedelta(seconds=-1))[1],
        Actor.REVOKED: revoked_secret,
        Actor.READ: issue(kind=TokenKind.API, scope=Scope.READ, name="reads")[1],
        Actor.WRITE: issue(kind=TokenKind.API, scope=Scope.WRITE, name="writes")[1],
    }
    db.delete(revoked)
    db.commit()
    trashed_id = make_trashed(db, alice)
    task_id = make_task(db, alice)
    revision = db.get_one(Task, task_id).revision
    return Things(revision, task_id, trashed_id, shown.id, secrets)


def by_header(app: Any, secret: str | None) -> Client:
    return Client(app, secret)


def by_cookie(app: Any, secret: str | None) -> Client:
    client = Client(app)
    if secret is not None:
        client.extra_environ["HTTP_COOKIE"] = f"todo_session={secret}"
    return client


def ask(client: Client, method: str, url: str, fields: dict[str, Any]) -> TestResponse:
    if fields:
        return client.send_json(method, url, fields)
    return client.request(url, method=method)


@pytest.mark.parametrize(("method", "pattern"), ROWS)
def test_matrix(app: Any, things: Things, method: str, pattern: str) -> None:
    row = ROWS[method, pattern]
    methods = ("GET", "HEAD") if method == "GET" else (method,)
    for actor, status in zip(Actor, row.statuses, strict=True):
        for carried, asked in itertools.product((by_header, by_cookie), methods):
            client = carried(app, things.secrets[actor])
            with rolled_back(app):
                response = ask(client, asked, things.url(pattern) + row.query, row.fields)
            assert response.status_int == status, (actor, asked, carried)
            if status == 401:
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            if status == 403 and actor is not Actor.STRANGER:
                assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
            if status == 403:
                expected = "forbidden" if actor is Actor.STRANGER else "insufficient_scope"
                assert asked == "HEAD" or response.json["code"] == expected


OWNED = [(method, pattern) for method, pattern in ROWS if "{username}" in pattern]


@pytest.mark.parametrize(("method", "pattern"), OWNED)
def test_a_stranger_learns_nothing(
    app: Any, things: Things, bob: User, method: str, pattern: str
) -> None:
    fields = ROWS[method, pattern].fields
    there = things.url(pattern)
    urls = (
        there,
        there.replace("alice", "ALICE"),
        there.replace("alice", "nobody"),
        pattern.format(username="alice", id=2**62, revision=2**62),
        pattern.format(username="nobody", id="no-id", revision="none"),
    )
    answers = set()
    with statements(app.registry["engine"]) as run:
        for url, sent in itertools.product(urls, (fields, {"no_such_field": 1})):
            for asked in (method, "HEAD") if method == "GET" else (method,):
                response = ask(bob, asked, url, sent)
                headers = tuple(sorted(constant_headers(response).items()))
                answers.add((asked, response.status, headers, response.body))
                assert len(run) == 1, "who asks is read, and nothing else"
                assert "WHERE tokens.digest = " in run.pop()
    assert len(answers) == (2 if method == "GET" else 1)


@pytest.mark.parametrize(("method", "pattern"), [key for key in OWNED if key[1].count("{") > 1])
def test_what_is_another_s_looks_like_what_is_not_there(
    things: Things, bob: User, db: Session, method: str, pattern: str
) -> None:
    fields = ROWS[method, pattern].fields
    before = stored(db)
    answers = [
        ask(bob, method, url, fields)
        for url in (
            things.url(pattern, "bob"),
            pattern.format(username="bob", id=2**62, revision=2**62),
        )
    ]
    assert [answer.status_int for answer in answers] == [404, 404]
    assert answers[0].body == answers[1].body
    assert constant_headers(answers[0]) == constant_headers(answers[1])
    assert stored(db) == before


@pytest.mark.parametrize("pattern", sorted({pattern for _, pattern in ROWS}))
def test_options_answers_everybody_alike(app: Any, things: Things, pattern: str) -> None:
    urls = {things.url(pattern), things.url(pattern, "nobody")}
    with statements(app.registry["engine"]) as run:
        answers = [
            by_header(app, secret).options(url)
            for url, secret in itertools.product(urls, things.secrets.values())
        ]
    assert {answer.status_int for answer in answers} == {204}
    assert all(constant_headers(a) == constant_headers(answers[0]) for a in answers)
    assert run == []
