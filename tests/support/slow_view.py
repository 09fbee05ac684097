"""A route for tests that takes its time."""

import time

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED


def _slow(request: Request) -> Response:
    time.sleep(float(request.GET["seconds"]))
    return Response(json=None)


def includeme(config: Configurator) -> None:
    config.add_route("slow", "/slow")
    config.add_view(
        _slow, route_name="slow", request_method="GET", permission=NO_PERMISSION_REQUIRED
    )
