"""The path below which a proxy serves the application, such as /todo."""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.registry import Registry

from todo.http.cors import CORS, OPTIONS
from todo.http.headers import HEADERS
from todo.http.request import Request

PREFIX = "todo.http.prefix.prefix_tween_factory"


def prefix_tween_factory(handler: Callable[[Request], Any], registry: Registry) -> Any:
    """Make the path of todo.public_url the SCRIPT_NAME (PEP 3333), so that URLs begin with it.

    Proxies may pass it on or remove it. A SCRIPT_NAME that the WSGI server has set remains.
    """
    prefix = registry["settings"].prefix

    def prefix_tween(request: Request) -> Any:
        environ = request.environ
        if not environ["SCRIPT_NAME"]:
            path = environ["PATH_INFO"]
            environ["SCRIPT_NAME"] = prefix
            if path == prefix or path.startswith(f"{prefix}/"):
                environ["PATH_INFO"] = path.removeprefix(prefix)
        return handler(request)

    return prefix_tween


def includeme(config: Configurator) -> None:
    if config.registry["settings"].prefix:
        config.add_tween(PREFIX, under=HEADERS, over=(CORS, OPTIONS))
