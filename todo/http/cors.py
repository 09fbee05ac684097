"""OPTIONS (RFC 9110, section 9.3.7), and CORS for the origins that the settings list."""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.registry import Registry

from todo.http.operations import allowed_methods
from todo.http.renderers import Response
from todo.http.request import Request
from todo.http.transactions import TRANSACTION

Handler = Callable[[Request], Any]

# Outside the transaction, and so outside the views of exceptions: errors need CORS, too.
OPTIONS = "todo.http.cors.options_tween_factory"
CORS = "todo.http.cors.cors_tween_factory"

# What a script of another origin may send, and may read, beyond what every script may.
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
RESPONSE_HEADERS = (
    "Content-Disposition, ETag, Idempotency-Replayed, Link, Location, RateLimit, "
    "RateLimit-Policy, Retry-After, X-Request-Id"
)
PREFLIGHT_MAX_AGE = 600  # seconds; the most that Chromium keeps is 7200


def options_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Answer OPTIONS with the methods of the route, whoever asks; a path without one is a 404."""

    def options_tween(request: Request) -> Any:
        if request.method != "OPTIONS":
            return handler(request)
        try:
            match = registry.getUtility(IRoutesMapper)(request)
        except UnicodeDecodeError:
            return handler(request)
        route = match["route"]
        if route is None:
            return handler(request)
        allow = ", ".join(allowed_methods(registry, route.name))
        return Response(status=204, headerlist=[("Allow", allow)])

    return options_tween


def cors_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Let scripts of the listed origins call the API, with credentials (the Fetch standard).

    The origin is echoed exactly, never as "*", and caches are told that the answer depends on it.
    """
    origins = registry["settings"].cors_origins

    def cors_tween(request: Request) -> Any:
        response = handler(request)
        response.vary = (*(response.vary or ()), "Origin")
        origin = request.headers.get("Origin")
        if origin not in origins:
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        preflight = request.method == "OPTIONS" and "Allow" in response.headers
        if preflight and "Access-Control-Request-Method" in request.headers:
            response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
            response.headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_MAX_AGE)
        else:
            response.headers["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
        return response

    return cors_tween


def includeme(config: Configurator) -> None:
    config.add_tween(OPTIONS, over=TRANSACTION)
    if config.registry["settings"].cors_origins:
        config.add_tween(CORS, over=OPTIONS)
