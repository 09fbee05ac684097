"""Bad requests by Alice, and tables of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.support.factories import PASSWORD

ACCOUNTS = "/api/v1/accounts"

ALICE = f"{ACCOUNTS}/alice"

TASKS = f"{ALICE}/tasks"

TASK = f"{TASKS}/{{id}}"

LOGIN = f"{ACCOUNTS}/login"

POST_ACCOUNT = f"POST {ACCOUNTS}"

POST_LOGIN = f"POST {LOGIN}"

JSON = "application/json"

FORM = "application/x-www-form-urlencoded"

MEBIBYTE = 1024 * 1024

SLOW_TO_NORMALIZE = "a" + "\u0301\u0327" * 20_000  # takes quadratic time

CAROL = {"username": "carol", "email": "carol@example.com", "password": "a good password"}

MILK = {"name": "Milk"}

TOKEN = {"name": "n", "scope": "read"}

Body = str | bytes


@dataclass(frozen=True)
class BadRequest:
    """A request by Alice, and the expected response.

    `expected` is a status and the problem's code, or faults as field:code, such as "name:blank".
    """

    case: str
    request: str
    expected: str
    bodies: tuple[tuple[str, Body], ...] = (("", b""),)  # Content-Type and content
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def needs_both_databases(self) -> bool:
        """Whether the input may reach the database."""
        text = f"{self.request} {self.bodies!r:.5000}"
        return bool(re.search(r"%00|u0000|u[dD][89a-fA-F]|(after|before|id|search)=", text))


def without_body(case: str, request: str, expected: str, **headers: str) -> BadRequest:
    return BadRequest(
        case, request, expected, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def get(case: str, path: str, expected: str = "404 not_found") -> BadRequest:
    return BadRequest(case, f"GET {path}", expected)


def as_json(case: str, body: Body, expected: str, request: str = f"POST {TASKS}") -> BadRequest:
    return BadRequest(case, request, expected, ((JSON, body),))


def form(
    case: str, body: Body, expected: str, request: str = f"POST {TASKS}", **headers: str
) -> BadRequest:
    return BadRequest(case, request, expected, ((FORM, body),), headers)


def queries(
    request: str, table: str, body: Body = b"", content_type: str = ""
) -> Iterator[BadRequest]:
    """Yield a request for each query in the table; a line begins with the expected response."""
    for line in table.strip().splitlines():
        expected, *each = line.split()
        for query in each:
            full_request = f"{request}{query}"
            yield BadRequest(full_request, full_request, expected, ((content_type, body),))


def fields(
    request: str, base: dict[str, Any], *rows: tuple[dict[str, Any], str]
) -> Iterator[BadRequest]:
    """Yield a request for each row, with the base fields updated by those of the row.

    If all values are strings, it is also sent as a form.
    """
    for change, expected in rows:
        sent = base | change
        bodies: list[tuple[str, Body]] = [(JSON, json.dumps(sent))]
        if all(isinstance(each, str) and each and each.isprintable() for each in sent.values()):
            bodies.append((FORM, urlencode(sent)))
        yield BadRequest(f"{request} {change!a:.60}", request, expected, tuple(bodies))


def values(request: str, base: dict[str, Any], table: dict[str, list[Any]]) -> Iterator[BadRequest]:
    """Yield a request for each wrong value; the key names the field and the expected fault."""
    for expected, wrong in table.items():
        name = expected.split()[-1].partition(":")[0]
        yield from fields(request, base, *(({name: value}, expected) for value in wrong))


DATES = (
    *("", "soon", "1700000000", "2030-02-30", "31/02/2030+10:00:00", "%00"),
    *("2030-02-01T10:00:00+02:00", "0001-01-01T00:00:00%2B14:00"),
)

BAD_TIMEZONES = [
    *("", " UTC", "Berlin", "Europe", "europe/berlin", "Europe/Berlin\n", "Europe/Berlin\0"),
    *("\ud800", "../Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", "posixrules", "localtime"),
    *("Factory", "posix/Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", "+02:00", "E" * 65),
]

CREDENTIALS = {"username": "alice", "password": PASSWORD}
