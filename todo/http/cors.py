"""OPTIONS (RFC 9110, section 9.3.7), and CORS for the origins in the settings."""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.registry import Registry

from todo.http.bodies import accepted_media_types
from todo.http.operations import allowed_methods
from todo.http.renderers import Response
from todo.http.request import Request
from todo.http.transactions import TRANSACTION

Handler = Callable[[Request], Any]

# Outside the transaction, and so outside the exception views: errors need CORS headers too.
OPTIONS = "todo.http.cors.options_tween_factory"
CORS = "todo.http.cors.cors_tween_factory"

# Header fields that a cross-origin script may send and read, in addition to those that the
# Fetch standard always allows.
REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, traceparent"
)
RESPONSE_HEADERS = (
    "Content-Disposition, ETag, Idempotency-Replayed, Link, Location, Retry-After, X-Request-Id"
)
PREFLIGHT_MAX_AGE = 600  # seconds; Chromium caps it at 7200


def options_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Answer OPTIONS with the methods of the route, without a login; 404 if no route matches."""

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
        request.matched_route = route  # for the metrics
        allow = ", ".join(allowed_methods(registry, route.name))
        headers = [("Allow", allow)]
        if "PATCH" in allow:
            headers.append(("Accept-Patch", ", ".join(accepted_media_types("PATCH"))))
        return Response(status=204, headerlist=headers)

    return options_tween


def cors_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Allow scripts of the listed origins to call the API with credentials (Fetch standard).

    Echo the exact origin, never "*", and add "Vary: Origin" for caches.
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
