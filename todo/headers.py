"""The header fields that every answer has, whoever made it."""

from pyramid.config import Configurator
from pyramid.events import NewResponse

# Answers are data: no browser shall guess at their type, or run or frame what they hold.
SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

HSTS = "max-age=31536000"  # seconds, a year; RFC 6797, section 6.1


def complete_headers(event: NewResponse) -> None:
    """Add what is missing; what a view has set, it has set for a reason."""
    request, headers = event.request, event.response.headers
    for name, value in SAFETY.items():
        headers.setdefault(name, value)
    headers["X-Request-Id"] = request.request_id
    if request.scheme == "https":
        headers["Strict-Transport-Security"] = HSTS
    if "Cache-Control" in headers:
        return
    if "ETag" in headers:
        # One may keep a copy, and asks each time whether it still holds (RFC 9111, section 5.2.2).
        headers["Cache-Control"] = "private, no-cache"
        event.response.vary = (*(event.response.vary or ()), "Authorization", "Cookie")
    else:
        headers["Cache-Control"] = "no-store"


def includeme(config: Configurator) -> None:
    config.add_subscriber(complete_headers, NewResponse)
