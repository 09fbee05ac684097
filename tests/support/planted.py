"""Routes of the tests' own, to do in a request what no view of the product does."""

import time
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

PLANTED = "/planted"
SEEN = ("remote_addr", "client_addr", "scheme", "host")


def _planted(request: Request) -> Any:
    """Do what a test has put into the registry."""
    return request.registry["planted"](request)


def _peer(request: Request) -> Response:
    """Show who the service takes its client for."""
    return Response(json={name: getattr(request, name) for name in SEEN})


def _slow(request: Request) -> Response:
    """Take some time."""
    time.sleep(float(request.GET["seconds"]))
    return Response(json=None)


def includeme(config: Configurator) -> None:
    for name, view in (("planted", _planted), ("peer", _peer), ("slow", _slow)):
        config.add_route(name, f"/{name}")
        methods = ("GET", "POST") if name == "planted" else "GET"
        permission = NO_PERMISSION_REQUIRED
        config.add_view(view, route_name=name, request_method=methods, permission=permission)
