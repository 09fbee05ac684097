"""Routes for tests of requests that no real view makes."""

import time
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

TEST_VIEW = "/test-view"
PEER_ATTRIBUTES = ("remote_addr", "client_addr", "scheme", "host")


def _test_view(request: Request) -> Any:
    """Call the view that the test has put into the registry."""
    return request.registry["test_view"](request)


def _peer(request: Request) -> Response:
    """Return the client's address, scheme and host as the application sees them."""
    return Response(json={name: getattr(request, name) for name in PEER_ATTRIBUTES})


def _slow(request: Request) -> Response:
    """Answer after the given number of seconds."""
    time.sleep(float(request.GET["seconds"]))
    return Response(json=None)


def includeme(config: Configurator) -> None:
    for name, view in (("test-view", _test_view), ("peer", _peer), ("slow", _slow)):
        config.add_route(name, f"/{name}")
        methods = ("GET", "POST") if name == "test-view" else "GET"
        permission = NO_PERMISSION_REQUIRED
        config.add_view(view, route_name=name, request_method=methods, permission=permission)
