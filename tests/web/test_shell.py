"""The page for people: its shell, its files and its service worker, as the service serves them."""

import gzip
import json
import re
from typing import Any

import pytest
from webob import Request

from tests.support.client import Client, constant_headers
from todo.web.files import FILES, MEDIA_TYPES, PAGE, VERSION

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FOLDER = f"/page/{VERSION}/"
WORKER = "/service-worker.js"
BUDGET = 80_000  # compressed bytes of a cold start


def shell(client: Client, **headers: str) -> Any:
    return client.get("/", headers=BROWSER | headers)


def linked(html: str) -> list[str]:
    """Return the URLs that the shell loads."""
    return re.findall(r'<(?:link|script)\b[^>]*(?:href|src)="([^"]+)"', html)


def listed(client: Client) -> list[str]:
    """Return the URLs that the service worker keeps."""
    found = re.search(r"^self\.FILES = (\[.*\]);$", client.get(WORKER).text, re.MULTILINE)
    assert found
    urls: list[str] = json.loads(found[1])
    return urls


def test_browser_gets_shell(client: Client) -> None:
    response = shell(client)
    assert response.status_int == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Vary"] == "Accept, Accept-Encoding, Origin"
    assert f'<meta name="version" content="{VERSION}" />' in response.text
    assert re.search(r'<noscript>[^<]*<a href="docs">', response.text)
    assert "Set-Cookie" not in response.headers


def test_other_clients_get_index(client: Client) -> None:
    for headers in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
        response = client.get("/", headers=headers)
        assert (response.status_int, response.content_type) == (200, "application/json")
        assert response.json == client.get("/api/v1").json
        assert response.headers["Vary"] == "Accept, Origin"
        assert response.headers["Cache-Control"] == "no-store"


def test_shell_has_strict_content_security_policy(client: Client) -> None:
    header = shell(client).headers["Content-Security-Policy"]
    assert header == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types service-worker"
    )


def test_shell_is_revalidated(client: Client) -> None:
    response = shell(client)
    again = shell(client, **{"If-None-Match": response.headers["ETag"]})
    assert (again.status_int, again.body) == (304, b"")
    other = shell(client, **{"If-None-Match": '"other"'})
    assert (other.status_int, other.body) == (200, response.body)
    # The index has no version: it must not be answered with that of the shell.
    index = client.get("/", headers={"If-None-Match": response.headers["ETag"]})
    assert (index.status_int, index.content_type) == (200, "application/json")


def test_shell_answers_head(client: Client) -> None:
    get, head = shell(client), client.head("/", headers=BROWSER)
    assert (head.status_int, head.body) == (200, b"")
    assert constant_headers(head) == constant_headers(get)


def test_shell_does_not_depend_on_login(client: Client, alice: Any) -> None:
    assert shell(alice).body == shell(client).body
    assert "Cookie" not in shell(alice).headers["Vary"]


def test_shell_has_no_inline_or_absolute_resources(client: Client) -> None:
    html = shell(client).text
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|<base", html) == []
    assert linked(html)
    for url in linked(html):
        assert url.startswith(f"page/{VERSION}/"), "relative, so below the path of the service"
        assert client.get(f"/{url}").status_int == 200, url


def test_shell_preloads_modules_of_first_view(client: Client) -> None:
    modules = {name for name in FILES if name.endswith(".js")}
    late = {
        name for name in modules if re.fullmatch(r"js/(views/.*|late\.js|texts/(?!en\.js).*)", name)
    }
    loaded = [url for url in linked(shell(client).text) if url.endswith(".js")]
    assert sorted(loaded) == sorted(f"page/{VERSION}/{name}" for name in modules - late)


def test_every_file_of_folder_is_served_with_its_type(client: Client) -> None:
    apart = {"index.html", "service-worker.js", "js/types.d.ts"}  # only tools read the types
    files = {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file()}
    assert FILES.keys() == files - apart, "give the new kind of file a type in MEDIA_TYPES"
    for name in FILES:
        response = client.get(FOLDER + name)
        assert response.status_int == 200, name
        suffix = name[name.rindex(".") :]
        assert response.headers["Content-Type"] == MEDIA_TYPES[suffix]
        assert response.body == (PAGE / name).read_bytes()
        assert client.head(FOLDER + name).status_int == 200


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("js/main.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("icon-192.png", "image/png"),
    ],
)
def test_file_is_immutable_and_compressed(app: Any, name: str, content_type: str) -> None:
    url = FOLDER + name
    plain = Request.blank(url).get_response(app)
    # Not by WebTest, which decompresses the body.
    packed = Request.blank(url, headers={"Accept-Encoding": "gzip"}).get_response(app)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    for response in (plain, packed):
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Vary"] == "Accept-Encoding, Origin"
        known = {"If-None-Match": response.headers["ETag"]}
        if response is packed:
            known["Accept-Encoding"] = "gzip"
        again = Request.blank(url, headers=known).get_response(app)
        assert (again.status_int, again.body) == (304, b"")
    assert plain.headers["ETag"] != packed.headers["ETag"]


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "nope.js", "js", "js/", "js/main", "js/main.js/", "js//main.js", "//js/main.js"),
        *("js/main.js%0A", "js/main.js%00", "js%5Cmain.js", "JS/main.js"),
        *("js/../page.css", "./page.css", "js/%2e%2e/page.css", "page.css%2F", "page.css/.."),
        *(
            "../shell.py",
            "..%2Fshell.py",
            "%2e%2e/shell.py",
            "..%5Cshell.py",
            "%252e%252e/shell.py",
        ),
        *("../../../setup.py", "%2Fetc%2Fpasswd", "//etc/passwd", "index.html"),
        "service-worker.js",
    ],
)
def test_unknown_file_is_not_found(client: Client, name: str) -> None:
    response = client.get(FOLDER + name)
    assert (response.status_int, response.json["code"]) == (404, "not_found")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "version", ["", "0" * 16, VERSION.upper() + "A", VERSION[:-1], "..", ".", "%2e%2e", "*"]
)
def test_file_of_another_version_is_not_found(client: Client, version: str) -> None:
    response = client.get(f"/page/{version}/page.css")
    assert (response.status_int, response.json["code"]) == (404, "not_found")
    assert response.headers["Cache-Control"] == "no-store", "another instance may have it"


def test_file_has_one_spelling(app: Any) -> None:
    url = f"{FOLDER}js%2Fmain.js"
    response = Request.blank(url, environ={"REQUEST_URI": url}).get_response(app)
    assert response.status_int == 404


@pytest.mark.parametrize("url", ["/page", "/page/", f"/page/{VERSION}", FOLDER, f"{WORKER}/"])
def test_folder_is_not_found(client: Client, url: str) -> None:
    assert client.get(url).status_int == 404


@pytest.mark.parametrize("url", [FOLDER + "page.css", WORKER, "/"])
def test_post_is_not_allowed(client: Client, url: str) -> None:
    response = client.post(url)
    assert (response.status_int, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_service_worker_is_revalidated(client: Client) -> None:
    response = client.get(WORKER)
    assert response.status_int == 200
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    again = client.get(WORKER, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_int, again.body) == (304, b"")
    assert client.head(WORKER).headers["ETag"] == response.headers["ETag"]


def test_service_worker_may_fetch_from_service_only(client: Client) -> None:
    policy = client.get(WORKER).headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"


def test_service_worker_has_version_and_files(client: Client) -> None:
    script = client.get(WORKER).text
    assert script.startswith(f'self.VERSION = "{VERSION}";\nself.FILES = ["page/{VERSION}/')
    assert script.endswith((PAGE / "service-worker.js").read_text())
    assert sorted(listed(client)) == sorted(f"page/{VERSION}/{name}" for name in FILES)
    for url in listed(client):
        assert client.get(f"/{url}").status_int == 200, url


def test_manifest_names_service_and_existing_icons(client: Client) -> None:
    manifest = client.get(f"{FOLDER}manifest.webmanifest").json
    # Relative to the manifest. Without an id, start_url is the identity of the installed page, so
    # it must not contain the version.
    assert (manifest["start_url"], manifest["scope"]) == ("../../", "../../")
    assert "id" not in manifest
    assert manifest["display"] == "standalone"
    sizes = {}
    for icon in manifest["icons"]:
        response = client.get(FOLDER + icon["src"])
        assert (response.status_int, response.content_type) == (200, icon["type"])
        if icon["type"] == "image/png":
            width, height = (int.from_bytes(response.body[at : at + 4]) for at in (16, 20))
            assert icon["sizes"] == f"{width}x{height}"
            assert len(response.body) < 6000
        sizes[icon["sizes"], icon.get("purpose", "any")] = icon["src"]
    assert sizes.keys() >= {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}


def test_files_of_first_view_fit_into_budget(app: Any) -> None:
    sizes = {}
    page = Request.blank("/", headers=BROWSER).get_response(app)
    # Phones load the touch icon only when the page is put on the home screen.
    files = [name for name in linked(page.text) if not name.endswith("icon-192.png")]
    for url in ("/", *(f"/{name}" for name in files)):
        headers = BROWSER | {"Accept-Encoding": "gzip"}
        response = Request.blank(url, headers=headers).get_response(app)
        assert response.headers["Content-Encoding"] == "gzip", url
        sizes[url] = len(response.body)
    assert sum(sizes.values()) < BUDGET, sizes
