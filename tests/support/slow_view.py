"""Routes of the tests' own: one takes its time, and shows which process has answered.

The other shows how many objects the garbage collector looks at, and how many it leaves alone.
"""

import gc
import os
import time

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

SECONDS = 0.3  # unless the query has another number


def _slow(request: Request) -> Response:
    time.sleep(float(request.GET.get("seconds", SECONDS)))
    return Response(json=os.getpid())


def _objects(_request: Request) -> Response:
    return Response(json=[len(gc.get_objects()), gc.get_freeze_count()])


def includeme(config: Configurator) -> None:
    for name, view in {"slow": _slow, "objects": _objects}.items():
        config.add_route(name, f"/{name}")
        config.add_view(
            view, route_name=name, request_method="GET", permission=NO_PERMISSION_REQUIRED
        )
