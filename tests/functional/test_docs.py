"""The documentation page and its files. tests/page tests them in browsers."""

import gzip
import re
import subprocess
import sys
from typing import Any

import pytest
from webob import Request

from tests.support.client import Client, constant_headers

SCRIPT = "text/javascript"
DOCUMENT = "/api/v1/openapi.json"
FILES = {
    "/docs": "text/html",
    "/docs/docs.js": SCRIPT,
    "/docs/swagger_bundle.js": SCRIPT,
    "/docs/swagger_style.css": "text/css",
}


@pytest.mark.parametrize(("url", "content_type"), FILES.items())
def test_docs_page_and_files_are_served(client: Client, url: str, content_type: str) -> None:
    response = client.get(url)
    assert response.status_int == 200
    assert response.headers["Content-Type"] == f"{content_type}; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content_length == len(response.body) > 0


@pytest.mark.parametrize("url", FILES)
def test_docs_head_matches_get_without_body(client: Client, url: str) -> None:
    get, head = client.get(url), client.head(url)
    assert (head.status_int, head.body) == (200, b"")
    assert constant_headers(head) == constant_headers(get)


@pytest.mark.parametrize("url", [*FILES, DOCUMENT])
@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        *((None, None), ("", None), ("br", None), ("gzip;q=0", None), ("*;q=0, identity", None)),
        *(("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("*", "gzip")),
    ],
)
def test_docs_file_is_compressed_if_client_accepts_gzip(
    app: Any, url: str, accept: str | None, encoding: str | None
) -> None:
    plain = Request.blank(url).get_response(app)
    headers = {} if accept is None else {"Accept-Encoding": accept}
    # Not by WebTest, which decompresses the body.
    response = Request.blank(url, headers=headers).get_response(app)
    assert response.headers.get("Content-Encoding") == encoding
    content = gzip.decompress(response.body) if encoding else response.body
    assert content == plain.body
    assert "Accept-Encoding" in response.headers["Vary"]
    known = headers | {"If-None-Match": response.headers["ETag"]}
    again = Request.blank(url, headers=known).get_response(app)
    assert (again.status_int, again.body) == (304, b"")


@pytest.mark.parametrize("url", [*FILES, DOCUMENT])
def test_docs_cached_copy_is_revalidated(client: Client, url: str) -> None:
    response = client.get(url)
    assert response.headers["Cache-Control"] == "no-cache"
    again = client.get(url, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_int, again.body) == (304, b"")
    assert again.headers["X-Content-Type-Options"] == "nosniff"
    assert "Cookie" not in again.headers["Vary"], "the page must not depend on the login"
    other = client.get(url, headers={"If-None-Match": '"other"'})
    assert (other.status_int, other.body) == (200, response.body)


def test_docs_page_has_no_external_or_inline_resources(client: Client) -> None:
    page = client.get("/docs").text
    loaded = set(re.findall(r'(?:src|href)="(?!data:)(?!api/v1/openapi\.json")(.*?)"', page))
    assert {f"/{path}" for path in loaded} == FILES.keys() - {"/docs"}
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page) == []


def test_docs_page_has_strict_content_security_policy(client: Client) -> None:
    header = client.get("/docs").headers["Content-Security-Policy"]
    policy = dict(directive.split(" ", 1) for directive in header.split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize(
    "name",
    [
        "",
        *("docs.html", "redoc.js", "scalar.js", "url.json", "__init__.py", "swagger_"),
        *("swagger_bundle", "swagger_bundle.js/", "swagger_bundle.js%0A", "swagger_bundle.js%00"),
        *("Swagger_bundle.js", ".", "..", "../docs/redoc.js", "..%2Foffapi%2Fredoc.js"),
        *("%2e%2e%2fsetup.py", "swagger_%2F..%2Fredoc.js", "swagger_bundle.js%2F..%2Fredoc.js"),
        *("..%5Credoc.js", "%2Fetc%2Fpasswd", "//etc/passwd", "%252e%252e%252fsetup.py"),
    ],
)
def test_docs_unknown_file_is_not_found(client: Client, name: str) -> None:
    response = client.get(f"/docs/{name}")
    assert (response.status_int, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("url", ["/docs", "/docs/docs.js"])
def test_docs_post_is_not_allowed(client: Client, url: str) -> None:
    response = client.post(url)
    assert (response.status_int, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_docs_view_does_not_import_swagger_ui_package() -> None:
    script = "import sys, todo.views.docs; sys.exit('offapi' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
