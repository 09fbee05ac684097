"""The header fields that every answer has, whoever made it."""

from pyramid.config import Configurator
from pyramid.events import NewResponse

# Answers are data: no browser shall guess at their type, or run or frame what they hold.
SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

DECIDE_WHO_ASKS = ("Authorization", "Cookie")

HSTS = "max-age=31536000"  # seconds, a year; RFC 6797, section 6.1


def complete_headers(event: NewResponse) -> None:
    """Add what is missing; what a view has set, it has set for a reason."""
    request, headers = event.request, event.response.headerlist
    present = {name.lower() for name, _ in headers}
    headers += [(name, value) for name, value in SAFETY.items() if name.lower() not in present]
    headers.append(("X-Request-Id", request.request_id))
    if request.scheme == "https":
        headers.append(("Strict-Transport-Security", HSTS))
    if "cache-control" in present:
        return
    if "etag" in present:
        # One may keep a copy, and asks each time whether it still holds (RFC 9111, section 5.2.2).
        headers.append(("Cache-Control", "private, no-cache"))
        if "vary" in present:
            event.response.vary = (*event.response.vary, *DECIDE_WHO_ASKS)
        else:
            headers.append(("Vary", ", ".join(DECIDE_WHO_ASKS)))
    else:
        headers.append(("Cache-Control", "no-store"))


def includeme(config: Configurator) -> None:
    config.add_subscriber(complete_headers, NewResponse)
