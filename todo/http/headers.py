"""The header fields of every response."""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid_retry import is_error_retryable

from todo.http.cors import CORS, OPTIONS
from todo.http.request import Request

# Responses are data: browsers must not guess their type, execute them or frame them.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

HEADERS = "todo.http.headers.headers_tween_factory"  # outermost, so it sees every response

CREDENTIAL_HEADERS = ("Authorization", "Cookie")

HSTS = "max-age=31536000"  # one year in seconds; RFC 6797, section 6.1


def headers_tween_factory(handler: Callable[[Request], Any], _registry: Registry) -> Any:
    """Complete every response, including errors."""

    def headers_tween(request: Request) -> Any:
        try:
            response = handler(request)
        except Exception as error:
            # Raised by another tween, outside the exception views.
            if is_error_retryable(request, error):
                raise
            response = request.invoke_exception_view()
        complete_headers(request, response)
        return response

    return headers_tween


def complete_headers(request: Request, response: Any) -> None:
    """Add the missing header fields; those that a view has set win."""
    headers = response.headerlist
    present = {name.lower() for name, _ in headers}
    headers += [
        (name, value) for name, value in SECURITY_HEADERS.items() if name.lower() not in present
    ]
    headers.append(("X-Request-Id", request.request_id))
    if request.scheme == "https":
        headers.append(("Strict-Transport-Security", HSTS))
    if "cache-control" in present:
        return
    if "etag" in present:
        # A client may store the response, but must revalidate it (RFC 9111, section 5.2.2).
        headers.append(("Cache-Control", "private, no-cache"))
        if "vary" in present:
            response.vary = (*response.vary, *CREDENTIAL_HEADERS)
        else:
            headers.append(("Vary", ", ".join(CREDENTIAL_HEADERS)))
    else:
        headers.append(("Cache-Control", "no-store"))


def includeme(config: Configurator) -> None:
    config.add_tween(HEADERS, over=(CORS, OPTIONS))
