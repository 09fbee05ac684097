"""A route of the tests' own that takes its time, and shows which process has answered."""

import os
import time

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

SECONDS = 0.3  # unless the query has another number


def _view(request: Request) -> Response:
    time.sleep(float(request.GET.get("seconds", SECONDS)))
    return Response(json=os.getpid())


def includeme(config: Configurator) -> None:
    config.add_route("slow", "/slow")
    config.add_view(
        _view, route_name="slow", request_method="GET", permission=NO_PERMISSION_REQUIRED
    )
