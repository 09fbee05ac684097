"""The hosts that production answers for: that of todo.public_url."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.registry import Registry

from todo.http.cors import CORS, OPTIONS
from todo.http.errors import Problem, problem_response
from todo.http.headers import HEADERS
from todo.http.prefix import PREFIX
from todo.http.proxies import PROXIES
from todo.http.request import Request

# Load balancers ask for these by address.
HEALTH_CHECKS = frozenset({"/healthz", "/readyz"})

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*)", re.IGNORECASE)


def hosts_tween_factory(handler: Callable[[Request], Any], registry: Registry) -> Any:
    """Refuse requests for another host (RFC 9112, section 3.2), except health checks.

    Any port is accepted: proxies may listen on another port than they tell, or omit it.
    """
    name = re.sub(r"\.?(:[0-9]+)?$", "", urlsplit(registry["settings"].public_url).netloc)
    is_ours = re.compile(
        rf"{re.escape(name)}\.?(:[0-9]{{0,5}})?", re.IGNORECASE | re.ASCII
    ).fullmatch

    def hosts_tween(request: Request) -> Any:
        environ = request.environ
        if is_ours(requested_host(environ)) or environ["PATH_INFO"] in HEALTH_CHECKS:
            return handler(request)
        return problem_response(
            Problem(
                "bad_host",
                "The Host of this request is not that of the service. Behind a proxy, forward the "
                "client's Host, and set todo.public_url to the URL that clients use.",
            ),
            request,
        )

    return hosts_tween


def requested_host(environ: dict[str, Any]) -> str:
    """Return the host of an absolute target, which wins over the field Host, or that field."""
    target = environ.get("REQUEST_URI", "/")
    if not target.startswith("/") and (match := _ABSOLUTE.match(target)):
        return match[1]
    host: str = environ.get("HTTP_HOST", "")
    return host


def includeme(config: Configurator) -> None:
    settings = config.registry["settings"]
    if settings.production and settings.public_url:
        outer = (HEADERS, PROXIES, PREFIX)  # a refusal needs the scheme, a health check the path
        config.add_tween("todo.http.hosts.hosts_tween_factory", under=outer, over=(CORS, OPTIONS))
