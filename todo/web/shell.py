"""The views of the page: its shell, which has the URL of the index, its files, and its worker."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from webob.acceptparse import create_accept_header

from todo.http.bodies import JSON
from todo.http.renderers import Response
from todo.http.request import Request
from todo.views.api import Index, info
from todo.web.files import FILES, SERVICE_WORKER_FILE, SHELL_FILE, VERSION

UTF8 = ";charset=utf-8"
HTML = "text/html" + UTF8

# The page loads nothing from other hosts, has no inline scripts and styles, and cannot be framed.
# Text becomes markup or a script nowhere: only the URL of the service worker passes Trusted Types.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types service-worker",
    )
)
# A worker has the policy of its own script, not that of the page. It only fetches.
WORKER_SECURITY_POLICY = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"


@view_config(
    route_name="root",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    returns=Index,
)
def root(request: Request) -> Any:
    """Show the page to a client that prefers `text/html`, such as a browser.

    Others get the list of operations, like GET /api/v1.
    """
    request.response.vary = ("Accept",)
    if not _prefers_html(request.headers.get("Accept", "*/*")):
        return info(request)
    if not request.path_info:
        # The URLs in the shell are relative, so the path of todo.public_url must end in a slash.
        request.response.status_int = 303
        request.response.location = f"{request.script_name}/"
        return request.response
    response = SHELL_FILE.response(request)
    response.vary = ("Accept", *response.vary)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def _prefers_html(accept: str) -> bool:
    """Return whether the field prefers HTML to JSON (RFC 9110, section 12.5.1).

    Equal preferences mean JSON. So does a field that is malformed or excludes both.
    """
    # WebOb compares charsets exactly, although case does not matter (section 8.3.2), and refuses
    # empty elements at the beginning (section 5.6.1.2), which empty fields before others become.
    ranges = create_accept_header(accept.lower().strip(" \t,"))
    # JSON has no charset, and naming one anyway changes nothing (RFC 8259, section 11).
    offers = ranges.acceptable_offers([JSON, JSON + UTF8, HTML])
    return bool(offers) and offers[0][0] == HTML


@view_config(route_name="page_file", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def file(request: Request) -> Response:
    """Return a file of the page. Only the newest version is there."""
    found = FILES.get(request.matchdict["path"])
    if found is None or request.matchdict["version"] != VERSION:
        raise HTTPNotFound
    return found.response(request)


@view_config(route_name="service_worker", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def service_worker(request: Request) -> Response:
    """Return the service worker. Its URL decides its scope: the page and all below it."""
    response = SERVICE_WORKER_FILE.response(request)
    response.headers["Content-Security-Policy"] = WORKER_SECURITY_POLICY
    return response
