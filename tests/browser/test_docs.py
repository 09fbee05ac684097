"""The documentation page in a browser, served by pserve."""

import json
import subprocess
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.support.browser import Browser
from tests.support.pserve import Server

ACCOUNTS = "/api/v1/accounts"
TASKS = f"{ACCOUNTS}/{{username}}/tasks"
REGISTRATION = {
    "username": "alice",
    "email": "alice@example.com",
    "password": "correct horse battery",
}

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
SHOWN_OPERATIONS = """
    return Array.from(document.querySelectorAll(".opblock-summary"), (summary) => [
        summary.querySelector(".opblock-summary-method").textContent,
        summary.querySelector("[data-path]").dataset.path,
    ]);
"""


def register(server: Server) -> str:
    """Register alice and return her token."""
    request = Request(
        server.url + ACCOUNTS,
        json.dumps(REGISTRATION).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as response:
        token: str = json.load(response)["token"]
        return token


def documented_operations(server: Server) -> set[tuple[str, str]]:
    """Return the method and path of every operation in the document."""
    with urlopen(server.url + "/api/v1/openapi.json") as response:
        paths = json.load(response)["paths"]
    return {(key.upper(), path) for path, item in paths.items() for key in METHODS & item.keys()}


def shown_operations(browser: Browser) -> set[tuple[str, str]]:
    """Return the method and path of every operation that the page lists."""
    browser.find_all(".opblock")
    pairs = browser.driver.execute_script(SHOWN_OPERATIONS)  # one call: the page may redraw
    return {(method, path) for method, path in pairs}


def try_operation(browser: Browser, name: str, **fields: str) -> tuple[str, str]:
    """Send a request with the page's buttons; return the status and body that it shows."""
    operation = f"#operations-{name}"
    browser.click(f"{operation} .opblock-summary-control")
    browser.click(f"{operation} .try-out__btn")
    for field, text in fields.items():
        selector = "textarea" if field == "body" else f"[data-param-name={field}] input"
        browser.fill_in(f"{operation} {selector}", text)
    browser.click(f"{operation} .execute")
    answer = f"{operation} .live-responses-table .response"
    status = browser.find(f"{answer} .response-col_status").text
    body = browser.find_all(f"{answer} .response-col_description pre")[0].text
    return status, body


def try_listing_tasks(browser: Browser) -> tuple[str, str]:
    return try_operation(browser, "Tasks-users_tasks", username="alice")


def test_docs_page_lists_every_operation(browser: Browser, server: Server) -> None:
    browser.driver.get(f"{browser.url}/docs")
    shown = shown_operations(browser)
    assert ("GET", TASKS) in shown
    assert shown == documented_operations(server)
    assert browser.console_messages() == []


def test_docs_page_sends_request_with_token(browser: Browser, server: Server) -> None:
    token = register(server)
    browser.driver.get(f"{browser.url}/docs")
    browser.click(".auth-wrapper .authorize")
    browser.fill_in("#auth-bearer-value", token)
    browser.click(".auth-container:has(#auth-bearer-value) [type=submit]")
    browser.click(".close-modal")
    status, body = try_listing_tasks(browser)
    assert status == "200"
    assert json.loads(body).items() >= {"username": "alice", "tasks": []}.items()
    assert browser.console_messages() == []
    urls = browser.requested_urls()
    # The page also sends the documented defaults of the parameters.
    assert f"{browser.url}{ACCOUNTS}/alice/tasks?limit=50&count=false" in urls
    assert [url for url in urls if not url.startswith(f"{browser.url}/")] == []


def test_docs_page_request_without_token_is_unauthenticated(
    browser: Browser, server: Server
) -> None:
    register(server)
    browser.driver.get(f"{browser.url}/docs")
    status, body = try_listing_tasks(browser)
    assert status == "401"
    assert json.loads(body)["code"] == "unauthenticated"


def shown_curl(browser: Browser, name: str, server: Server) -> str:
    """Return the curl command that the page shows, with the address that works outside it."""
    text = browser.find(f"#operations-{name} .curl-command .curl").get_attribute("textContent")
    assert text is not None
    return text.replace(browser.url, server.url)


def test_docs_page_uses_token_after_registration(browser: Browser, server: Server) -> None:
    browser.driver.get(browser.url)
    assert browser.driver.current_url == f"{browser.url}/docs"
    status, _ = try_operation(browser, "Accounts-register", body=json.dumps(REGISTRATION))
    assert status == "201"
    status, body = try_operation(browser, "Tasks-create_task", username="alice")
    assert status == "201"
    assert json.loads(body)["task"]["id"] == 1
    assert browser.console_messages() == []
    assert browser.driver.get_cookies() == [], "the page sends what its curl commands send"
    curl = shown_curl(browser, "Tasks-create_task", server)
    output = subprocess.run(["bash", "-c", curl], capture_output=True, check=True).stdout
    assert json.loads(output)["task"]["id"] == 2


def test_docs_page_keeps_session_after_creating_api_token(browser: Browser, server: Server) -> None:
    browser.driver.get(f"{browser.url}/docs")
    register(server)
    credentials = json.dumps({name: REGISTRATION[name] for name in ("username", "password")})
    status, _ = try_operation(browser, "Sessions-login", body=credentials)
    assert status == "200"
    token = json.dumps({"name": "script", "scope": "read"})
    status, _ = try_operation(browser, "Tokens-create_token", username="alice", body=token)
    assert status == "201"
    status, _ = try_operation(browser, "Tasks-create_task", username="alice")
    assert status == "201", "the page must not switch to the read-only API token"


def test_docs_page_offers_no_cookie_login(browser: Browser) -> None:
    browser.driver.get(f"{browser.url}/docs")
    browser.click(".auth-wrapper .authorize")
    titles = [" ".join(title.text.split()) for title in browser.find_all(".auth-container h4")]
    assert titles == ["bearer (http, Bearer)"]


def test_cross_site_login_form_is_refused(browser: Browser, server: Server) -> None:
    register(server)
    fields = "".join(
        f'<input name="{name}" value="{REGISTRATION[name]}">' for name in ("username", "password")
    )
    form = f'<form method="post" action="{browser.url}{ACCOUNTS}/login">{fields}<button></form>'
    browser.driver.get(f"data:text/html,{quote(form)}")
    browser.click("button")
    assert json.loads(browser.find("pre").text)["code"] == "cross_site"
    assert browser.driver.get_cookies() == []


def test_docs_page_fills_in_invitation_of_link(browser: Browser) -> None:
    browser.driver.get(f"{browser.url}/docs?invitation=an-invitation#/Accounts/register")
    example = browser.find("#operations-Accounts-register .opblock-body .body-param__example")
    assert '"invitation": "an-invitation"' in (example.get_attribute("textContent") or "")
    assert browser.console_messages() == []
