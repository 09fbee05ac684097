"""No view is public by accident."""

import pytest
from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from webtest import TestApp

from todo import configure
from todo.operations import operations
from todo.permissions import Permission

PUBLIC = {
    "root",
    "docs",
    "docs_file",
    "info",
    "info_slash",
    "openapi",
    "accounts",
    "login",
    "logout",
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
        if view["callable"].__module__ not in ("todo.errors", "pyramid.httpexceptions"):
            assert view["route_name"], view
            assert view["request_methods"], view


def test_a_view_without_a_permission_is_closed(config: Configurator) -> None:
    config.add_route("lazy", "/lazy")
    config.add_view(lambda request: {"of": "somebody"}, route_name="lazy", request_method="GET")
    response = TestApp(config.make_wsgi_app()).get("/lazy", status=401)
    assert "somebody" not in response.text
