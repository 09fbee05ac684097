"""WebTest clients that run the full stack, including the real transaction tween."""

import json
from typing import Any

from webtest import TestApp, TestResponse

from tests.support.contract import contract_of
from tests.support.factories import PASSWORD, Login


class Client(TestApp):
    """WebTest's client with an optional token.

    No status raises an error; the tests check it. Every response is checked against the OpenAPI
    document.
    """

    def __init__(self, app: Any, token: str | None = None) -> None:
        super().__init__(app)
        self.contract = contract_of(app.registry)
        if token is not None:
            self.authorization = ("Bearer", token)

    def do_request(self, req: Any, status: Any = None, expect_errors: Any = None) -> TestResponse:
        response = super().do_request(req, status or "*", expect_errors)
        self.contract.check(
            req.method, req.environ.get("REQUEST_URI", req.environ["PATH_INFO"]), response
        )
        return response

    def send(self, method: str, url: str, body: bytes | str, content_type: str) -> TestResponse:
        """Send the body unchanged."""
        data = body.encode() if isinstance(body, str) else body
        return self.request(url, method=method, body=data, headers={"Content-Type": content_type})

    def send_form(self, method: str, url: str, body: bytes | str) -> TestResponse:
        return self.send(method, url, body, "application/x-www-form-urlencoded")

    def send_json(
        self, method: str, url: str, value: Any, headers: dict[str, str] | None = None
    ) -> TestResponse:
        return self.request(
            url,
            method=method,
            body=json.dumps(value).encode(),
            headers={"Content-Type": "application/json"} | (headers or {}),
        )


class User(Login, Client):
    """An account and a client that is logged in to it."""

    def __init__(self, app: Any, login: Login) -> None:
        Login.__init__(self, login.id, login.username, login.token)
        Client.__init__(self, app, login.token)


def log_in(
    client: Client, username: str = "alice", password: str = PASSWORD, **options: Any
) -> TestResponse:
    fields = {"username": username, "password": password}
    return client.post("/api/v1/accounts/login", fields, **options)


def faults(response: TestResponse) -> dict[str, str]:
    """Return the fault codes of a response with code `validation`, by field."""
    assert response.status_int == 400, response
    assert response.json["code"] == "validation", response
    return {fault["field"]: fault["code"] for fault in response.json["errors"]}


def pages(client: Client, url: str, member: str) -> list[list[Any]]:
    """Follow `next` from the URL and return the member of each page.

    Also check that the Link header of each page names the next one.
    """
    found = []
    next_url: str | None = url
    while next_url:
        answer = client.get(next_url)
        assert answer.status_int == 200, answer
        found.append(answer.json[member])
        next_url = answer.json["next"]
        assert answer.headers.get("Link") == (f'<{next_url}>; rel="next"' if next_url else None)
    return found


def constant_headers(response: TestResponse) -> dict[str, str]:
    """Return the headers except X-Request-Id, which differs for each request."""
    headers = dict(response.headers)
    del headers["X-Request-Id"]
    return headers
