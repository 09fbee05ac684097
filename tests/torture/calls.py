"""HTTP clients with keep-alive or single-use connections, and their raw responses."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from typing import Any

from tests.support.factories import Login
from tests.support.pserve import Server

# Errors of a request if the service is killed.
CONNECTION_ERRORS = (OSError, http.client.HTTPException)

Task = dict[str, Any]  # as the API returns it


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def replayed(self) -> bool:
        return self.headers["Idempotency-Replayed"] == "true"


class Caller:
    """A client that keeps its connection open."""

    def __init__(self, server: Server, login: Login | None = None, timeout: float = 30) -> None:
        self._connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
        self._headers = {"Authorization": f"Bearer {login.token}"} if login else {}

    def send(
        self,
        method: str,
        path: str,
        fields: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send the fields as JSON. Raise one of CONNECTION_ERRORS if there is no response."""
        headers = self._headers | (headers or {})
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields, ensure_ascii=False).encode()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        self._connection.close()


def call(
    server: Server,
    login: Login | None,
    method: str,
    path: str,
    fields: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send one request on a new connection."""
    with closing(Caller(server, login)) as caller:
        return caller.send(method, path, fields, headers)


def all_tasks(server: Server, login: Login) -> list[Task]:
    """Return all tasks of the account."""
    return list(_pages(server, login))


def _pages(server: Server, login: Login) -> Iterator[Task]:
    path = f"{login.tasks_url}?limit=200"
    with closing(Caller(server, login)) as caller:
        while path:
            answer = caller.send("GET", path)
            assert answer.status == 200, answer
            yield from answer.json["tasks"]
            path = answer.json["next"]
