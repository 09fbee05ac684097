"""The way from a page of a list to the next one."""

from urllib.parse import urlencode

from todo.http.bodies import parse_pairs
from todo.http.request import Request


def next_path(request: Request, path: str, place: str, value: str) -> str:
    """Return the path, asked for as this page was, but from the place named."""
    pairs = [pair for pair in parse_pairs(request.query_string) if pair[0] != place]
    return f"{path}?{urlencode([*pairs, (place, value)], safe=',')}"


def link_next(request: Request, path: str | None) -> None:
    """Let the answer name the next page, where there is one, in its header field `Link`."""
    if path:
        request.response.headers["Link"] = f'<{path}>; rel="next"'  # RFC 8288
