"""Routes and a job for tests of what no real view or job does."""

import os
import threading
import time
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from todo import jobs
from todo.jobs.runner import Job, Pause

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


def _threads(_request: Request) -> Response:
    """Return the names of the threads."""
    return Response(json=[thread.name for thread in threading.enumerate()])


def _end_slowly(_engine: object, _settings: object, pause: Pause) -> None:
    """Wait for the end of the service, then work for 2 seconds, and write that to the file."""
    path = Path(os.environ["SLOW_JOB"])
    try:
        path.write_text("running")
        pause(60)
    finally:
        time.sleep(2)
        path.write_text("ended")


def includeme(config: Configurator) -> None:
    if "SLOW_JOB" in os.environ:
        jobs.JOBS += (Job("slow", 0.1, _end_slowly),)
    views = {"test-view": _test_view, "peer": _peer, "slow": _slow, "threads": _threads}
    for name, view in views.items():
        config.add_route(name, f"/{name}")
        methods = ("GET", "POST") if name == "test-view" else "GET"
        permission = NO_PERMISSION_REQUIRED
        config.add_view(view, route_name=name, request_method=methods, permission=permission)
