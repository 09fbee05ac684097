"""Links from a page of a list to the next page."""

from typing import Any
from urllib.parse import urlencode

from todo.http.bodies import parse_query
from todo.http.request import Request


def next_page(request: Request, parameter: str, place: Any) -> str | None:
    """Return the path of the page that begins at the place, and set the `Link` header to it.

    The path is that of the request with a new value of the parameter. Return None at the end of
    the list, if the place is None.
    """
    if place is None:
        return None
    account = request.identity.account
    variables = request.matchdict | {"username": account.username}
    path = request.route_path(request.matched_route.name, **variables)
    pairs = [pair for pair in parse_query(request) if pair[0] != parameter]
    path = f"{path}?{urlencode([*pairs, (parameter, place)], safe=',')}"
    request.response.headers["Link"] = f'<{path}>; rel="next"'  # RFC 8288
    return path
