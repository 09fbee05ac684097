"""The documentation page: Swagger UI, which reads /api/v1/openapi.json in the browser."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

from pyramid.httpexceptions import HTTPNotFound
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

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


@dataclass(frozen=True)
class File:
    """A file of the page, kept in memory."""

    content: bytes
    content_type: str
    etag: str

    @classmethod
    def read(cls, path: Path, content_type: str) -> "File":
        content = path.read_bytes()
        return cls(content, content_type, sha256(content).hexdigest()[:32])


PAGE = File.read(STATIC / "docs.html", "text/html")
# A table, so that no path is ever built from a URL.
FILES = {
    "docs.js": File.read(STATIC / "docs.js", "text/javascript"),
    "swagger_bundle.js": File.read(SWAGGER_UI / "swagger_bundle.js", "text/javascript"),
    "swagger_style.css": File.read(SWAGGER_UI / "swagger_style.css", "text/css"),
}


@view_config(
    route_name="docs",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="documentation",
)
def page(request: Request) -> Response:
    """Show the documentation page."""
    response = _response(PAGE)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@view_config(route_name="docs_file", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def file(request: Request) -> Response:
    """Return a script or the style sheet of the page."""
    found = FILES.get(request.matchdict["file"])
    if found is None:
        raise HTTPNotFound
    return _response(found)


def _response(file: File) -> Response:
    response = Response(file.content, content_type=file.content_type, charset="utf-8")
    # A release changes files under the same URL, so browsers revalidate: usually 304.
    response.headers["Cache-Control"] = "no-cache"
    response.etag = file.etag
    response.conditional_response = True
    return response
