"""The documentation page in a browser, against a service that pserve runs."""

import json
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.browser.conftest import Browser
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
        summary.querySelector(".opblock-summary-path").dataset.path,
    ]);
"""


def register(server: Server) -> str:
    """Register alice, and return her token."""
    request = Request(
        server.url + ACCOUNTS,
        json.dumps(REGISTRATION).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as response:
        token: str = json.load(response)["token"]
        return token


def documented_operations(server: Server) -> set[tuple[str, str]]:
    """Return every method and path of the document."""
    with urlopen(server.url + "/api/v1/openapi.json") as response:
        paths = json.load(response)["paths"]
    return {(key.upper(), path) for path, item in paths.items() for key in METHODS & item.keys()}


def shown_operations(browser: Browser) -> set[tuple[str, str]]:
    """Return every method and path that the page lists."""
    browser.find_all(".opblock")
    pairs = browser.driver.execute_script(SHOWN_OPERATIONS)  # at once: the page may be redrawn
    return {(method, path) for method, path in pairs}


def try_operation(browser: Browser, name: str, field: str, text: str) -> tuple[str, str]:
    """Send a request by the page's buttons, and return the status and the body it shows."""
    operation = f"#operations-{name}"
    browser.click(f"{operation} .opblock-summary-control")
    browser.click(f"{operation} .try-out__btn")
    browser.fill_in(f"{operation} {field}", text)
    browser.click(f"{operation} .execute")
    answer = f"{operation} .live-responses-table .response"
    status = browser.find(f"{answer} .response-col_status").text
    body = browser.find_all(f"{answer} .response-col_description pre")[0].text
    return status, body


def try_tasks_of_alice(browser: Browser) -> tuple[str, str]:
    return try_operation(browser, "Tasks-users_tasks", "[data-param-name=username] input", "alice")


def test_lists_every_operation(browser: Browser, server: Server) -> None:
    browser.driver.get(f"{browser.url}/docs")
    shown = shown_operations(browser)
    assert ("GET", TASKS) in shown
    assert shown == documented_operations(server)
    assert browser.complaints() == []


def test_tries_an_operation_with_a_token(browser: Browser, server: Server) -> None:
    token = register(server)
    browser.driver.get(f"{browser.url}/docs")
    browser.click(".auth-wrapper .authorize")
    browser.fill_in("#auth-bearer-value", token)
    browser.click(".auth-container:has(#auth-bearer-value) [type=submit]")
    browser.click(".close-modal")
    status, body = try_tasks_of_alice(browser)
    assert status == "200"
    assert json.loads(body).items() >= {"username": "alice", "tasks": []}.items()
    assert browser.complaints() == []
    urls = browser.requested_urls()
    # The page sends what the document gives as the parameters' defaults, too.
    assert f"{browser.url}{ACCOUNTS}/alice/tasks?limit=50&count=false" in urls
    assert [url for url in urls if not url.startswith(f"{browser.url}/")] == []


def test_tries_an_operation_without_a_token(browser: Browser, server: Server) -> None:
    register(server)
    browser.driver.get(f"{browser.url}/docs")
    status, body = try_tasks_of_alice(browser)
    assert status == "401"
    assert json.loads(body)["code"] == "unauthenticated"


def test_logs_in_by_cookie(browser: Browser, server: Server) -> None:
    register(server)
    browser.driver.get(f"{browser.url}/docs")
    credentials = json.dumps({name: REGISTRATION[name] for name in ("username", "password")})
    status, _ = try_operation(browser, "Sessions-login", "textarea", credentials)
    assert status == "200"
    status, body = try_tasks_of_alice(browser)
    assert status == "200"
    assert json.loads(body)["username"] == "alice"
    assert browser.complaints() == []


def test_a_form_of_another_site_does_not_log_in(browser: Browser, server: Server) -> None:
    register(server)
    fields = "".join(
        f'<input name="{name}" value="{REGISTRATION[name]}">' for name in ("username", "password")
    )
    form = f'<form method="post" action="{browser.url}{ACCOUNTS}/login">{fields}<button></form>'
    browser.driver.get(f"data:text/html,{quote(form)}")
    browser.click("button")
    assert json.loads(browser.find("pre").text)["code"] == "cross_site"
    assert browser.driver.get_cookies() == []
