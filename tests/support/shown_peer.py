"""A route of the tests' own that shows who the service takes its client for."""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

NAMES = ("remote_addr", "client_addr", "scheme", "host")


def _view(request: Request) -> Response:
    return Response(json={name: getattr(request, name) for name in NAMES})


def includeme(config: Configurator) -> None:
    config.add_route("peer", "/peer")
    config.add_view(
        _view, route_name="peer", request_method="GET", permission=NO_PERMISSION_REQUIRED
    )
