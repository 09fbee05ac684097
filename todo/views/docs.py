"""The documentation page: Swagger UI, which reads /api/v1/openapi.json in the browser."""

from importlib.metadata import distribution
from pathlib import Path

from pyramid.httpexceptions import HTTPNotFound
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from todo.http.files import File
from todo.http.renderers import Response
from todo.http.request import Request

STATIC = Path(__file__).parent.parent / "static"
# Located, not imported: importing offapi loads its nine megabytes into memory.
SWAGGER_UI = Path(str(distribution("offapi").locate_file("offapi")))

# The page loads nothing from other hosts, and cannot be framed, because a click in it changes data.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the stylesheet's icons
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


PAGE = File.of((STATIC / "docs.html").read_bytes(), "text/html; charset=utf-8")
# A table, so that no path is ever built from a URL.
FILES = {
    path.name: File.of(path.read_bytes(), f"{content_type}; charset=utf-8")
    for path, content_type in (
        (STATIC / "docs.js", "text/javascript"),
        (SWAGGER_UI / "swagger_bundle.js", "text/javascript"),
        (SWAGGER_UI / "swagger_style.css", "text/css"),
    )
}


@view_config(
    route_name="docs",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="documentation",
)
def page(request: Request) -> Response:
    """Show the documentation page."""
    response = PAGE.response(request)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@view_config(route_name="docs_file", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def file(request: Request) -> Response:
    """Return a script or the style sheet of the page."""
    found = FILES.get(request.matchdict["file"])
    if found is None:
        raise HTTPNotFound
    return found.response(request)
