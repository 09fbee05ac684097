"""Stock waitress with requests that RFC 9112 forbids, and requests that it allows.

The proxies refuse or rewrite the malformed requests that waitress accepts: see docs/proxy.md and
tests/deployment/test_wire.py.
"""

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from sqlalchemy import select
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from tests.support.databases import database, migrate, session_on
from tests.support.proxies import HOST as PUBLIC_HOST
from tests.support.pserve import Server, pserve
from tests.support.wire import (
    ACCEPTED,
    CHUNKED,
    CHUNKS,
    FORM,
    HOST,
    LENGTH,
    POST,
    REFUSED,
    chunked,
    chunks,
    fixed,
    form,
    get,
    length,
    message,
    names,
    register,
    statuses,
)
from todo.models import Account
from todo.server import DEFAULTS

TIMEOUT = 15  # seconds without data before a test fails

REFUSED_IN_PRODUCTION = "only todo.public_url names the valid host, so production refuses others"

# Rows that waitress does not refuse as expected, by the reason for leaving them to the proxy.
LEFT_TO_PROXY_BY_REASON = {
    # Harmful only behind a proxy that splits the same bytes into other requests. Both shipped
    # proxies rewrite each request.
    "waitress reads one request, and a proxy that rewrites it agrees": """
        Content-Length before Transfer-Encoding | Transfer-Encoding before Content-Length
        | Transfer-Encoding with Content-Length 0 | repeated Transfer-Encoding lines
        | repeated Transfer-Encoding in one line | repeated Transfer-Encoding in different case
        | Transfer-Encoding with a trailing comma | empty Transfer-Encoding
        | HTTP/1.0 with Transfer-Encoding | empty chunk size | chunk size line with LF before CRLF
        | chunk extension too large | chunk extension with a bare LF | invalid trailer field
        | trailer with a bare LF | folded field line | field line folded with a tab
        | folded Transfer-Encoding | space before the method | LF before the method
        | space after the version | missing version | HTTP/0.9 | HTTP/1.2 | HTTP/2.0
        | HTTP/2 with prior knowledge | target with another scheme | target with user information
        | target without a host
    """,
    REFUSED_IN_PRODUCTION: """
        missing Host | different Host lines | repeated Host lines | Host with two names
        | Host with a path | Host with user information | Host with a non-numeric port
        | Host with an incomplete IPv6 address | non-ASCII Host | empty Host
        | HTTP/1.0 with repeated Host lines
    """,
    "the application answers 400 or 404 instead": """
        tab in the target | NUL in the target | target with two leading slashes
        | fragment in the target | target without a leading slash | POST with an asterisk target
        | CONNECT
    """,
    "waitress closes the connection without an answer": """
        Content-Length of 5,000 digits | target with an incomplete IPv6 host
    """,
    "waitress waits for the rest until its timeout": """
        chunk lines ended by bare LF | unterminated chunk extension | bare LF for every line end
        | bare CR for every line end | HTTP/0.9 request line only | TLS hello | SSH greeting
        | NUL bytes
    """,
    "waitress answers 501": """
        Transfer-Encoding gzip | Transfer-Encoding gzip, chunked | Transfer-Encoding identity
        | Transfer-Encoding xchunked
    """,
    # It blocks the whole process for a second. Both proxies strip spaces before a value.
    "waitress needs time quadratic in the number of spaces": "many spaces before a field value",
}
LEFT_TO_PROXY = names(" | ".join(LEFT_TO_PROXY_BY_REASON.values()))


def parse(request: bytes, piece: int) -> HTTPRequestParser:
    """Return waitress's parser after feeding it the request in pieces of `piece` bytes."""
    parser = HTTPRequestParser(Adjustments(**DEFAULTS))
    while request and not parser.completed:
        request = request[parser.received(request[:piece]) :]
    return parser


def error_of(request: bytes, piece: int) -> Any:
    """Return the error that waitress finds in a request, or None."""
    with closing(parse(request, piece)) as parser:
        return parser.error


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - LEFT_TO_PROXY))
def test_malformed_request_is_refused(name: str) -> None:
    status, request = REFUSED[name]
    assert error_of(request, 8192).code == status
    if len(request) < 8000:
        assert error_of(request, 1).code == status


@pytest.mark.parametrize("name", sorted(LEFT_TO_PROXY))
def test_request_left_to_proxy_is_not_refused_by_waitress(name: str) -> None:
    status, request = REFUSED[name]
    with suppress(ValueError):  # waitress's main loop handles it and closes the connection
        error = error_of(request, 8192)
        assert error is None or error.code != status, (
            "waitress has become stricter and refuses this row"
        )


@pytest.mark.parametrize("piece", [1, 2, 7, 8192])
def test_chunked_body_in_pieces_is_read_whole(piece: int) -> None:
    parser = parse(chunked(chunks(b"a\r\nb", b"0\r\n\r\n" * 30, b"c")), piece)
    assert parser.completed
    assert parser.error is None
    assert parser.get_body_stream().read() == b"a\r\nb" + b"0\r\n\r\n" * 30 + b"c"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with database(tmp_path_factory.mktemp("wire")) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="module")
def service(url: str) -> Iterator[Server]:
    """One service for all rows: a refused request changes nothing."""
    with pserve("development.ini", DATABASE_URL=url) as server:
        yield server


def connect(server: Server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=TIMEOUT)


def read_to_end(connection: socket.socket) -> bytes:
    """Return all data received until the service closes the connection."""
    received = b""
    # The service resets the connection if it closes it with unread data.
    with suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return received


def read_answers(connection: socket.socket, count: int) -> list[Any]:
    """Read `count` responses; return their statuses and bodies in one flat list."""
    answers: list[Any] = []
    received = b""
    for _ in range(count):
        while b"\r\n\r\n" not in received:
            received += receive(connection)
        head, _, received = received.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split()[0])
        while len(received) < size:
            received += receive(connection)
        answers += [int(head.split()[1]), received[:size]]
        received = received[size:]
    assert received == b""
    return answers


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    assert data, "the service has closed the connection"
    return data


def accounts(url: str) -> set[str]:
    with session_on(url) as session:
        return set(session.scalars(select(Account.username)))


OVER_A_SOCKET = names("""
    body over the limit | chunked body over the limit | Content-Length with a plus sign
    | different Content-Length lines | non-hexadecimal chunk size
    | Host with a space before the colon | NUL in a field value | bare LF between fields
    | header too large | lower-case method
""")


@pytest.mark.parametrize("name", sorted(OVER_A_SOCKET))
def test_refused_request_closes_connection(service: Server, url: str, name: str) -> None:
    status, request = REFUSED[name]
    with connect(service) as connection:
        with suppress(ConnectionError):
            connection.sendall(request + register(b"smuggled"))
        answer = read_to_end(connection)
    assert statuses(answer) == [status]
    assert b"\r\nConnection: close\r\n" in answer
    assert b"Traceback" not in answer
    # waitress does not execute data that follows a refused request.
    assert not accounts(url) & {"refused", "smuggled"}


@pytest.fixture(scope="module")
def production(url: str) -> Iterator[Server]:
    environ = {"TODO_PUBLIC_URL": f"https://{PUBLIC_HOST}", "TODO_TRUSTED_PROXY": "127.0.0.1"}
    with pserve("production.ini", DATABASE_URL=url, **environ) as server:
        yield server


@pytest.mark.parametrize("name", sorted(names(LEFT_TO_PROXY_BY_REASON[REFUSED_IN_PRODUCTION])))
def test_invalid_host_is_refused_in_production(production: Server, url: str, name: str) -> None:
    _, request = REFUSED[name]
    with connect(production) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = read_to_end(connection)
    assert statuses(answer) == [400]
    assert b'"code":"bad_host"' in answer
    assert "refused" not in accounts(url)


SAFETY_FIELDS = (
    *(b"x-content-type-options: nosniff", b"content-security-policy: default-src 'none'"),
    *(b"referrer-policy: no-referrer", b"strict-transport-security: max-age=31536000"),
)


def answer_over_https(server: Server, line: bytes, host: bytes = HOST) -> bytes:
    """Send a request as the proxy does for https; return the answer's header in lower case."""
    fields = (host, b"X-Forwarded-Proto: https", b"X-Forwarded-For: 192.0.2.1")
    with connect(server) as connection:
        connection.sendall(message(line, *fields, b"Connection: close"))
        return read_to_end(connection).partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        *((b"GET /healthz", 200), (b"GET //healthz", 404), (b"GET /healthz/", 404)),
        *((b"GET ///", 404), (b"GET /%2e", 404), (b"GET /%zz", 404), (b"GET /%ff", 400)),
        *((b"GET *", 404), (b"OPTIONS *", 404), (b"GET healthz", 404), (b"CONNECT a:1", 404)),
        *((b"GET http://todo.example/nope", 404), (b"GET http://evil.example/", 400)),
        *((b"OPTIONS /api/v1", 204), (b"TRACE /", 405), (b"GET ?a=%ff", 400)),
    ],
)
def test_every_answer_of_application_has_safety_fields(
    production: Server, line: bytes, status: int
) -> None:
    answer = answer_over_https(production, line + b" HTTP/1.1")
    assert statuses(answer.upper()) == [status]
    assert all(field in answer for field in SAFETY_FIELDS), answer


def test_refused_host_has_safety_fields(production: Server) -> None:
    answer = answer_over_https(production, b"GET /api/v1 HTTP/1.1", b"Host: evil.example")
    assert statuses(answer.upper()) == [400]
    assert all(field in answer for field in SAFETY_FIELDS)


@pytest.mark.parametrize("line", [b"get / HTTP/1.1", b"GET  HTTP/1.1", b"GET /\x80 HTTP/1.1"])
def test_malformed_request_is_answered_by_server_without_safety_fields(
    production: Server, line: bytes
) -> None:
    """waitress has no option for fields of its own errors, which are plain text."""
    answer = answer_over_https(production, line)
    assert statuses(answer.upper()) == [400]
    assert b"content-type: text/plain" in answer
    assert not any(field in answer for field in SAFETY_FIELDS)


FORWARDED_FOR = (
    *(b"", b",", b"garbage", b"\xff\xfe", b"192.0.2.1," * 2900 + b"x", b"fe80::1%eth0, \xc2\xb2"),
    *(b"[2001:db8::1", b"192.0.2.1\r\nX-Forwarded-For: x", b"1" * 30_000, b"[" * 30_000),
)


@pytest.mark.parametrize("forwarded_for", FORWARDED_FOR, ids=lambda value: repr(value[:20]))
def test_malformed_forwarded_address_is_answered(production: Server, forwarded_for: bytes) -> None:
    fields = (HOST, b"X-Forwarded-For: " + forwarded_for, b"X-Forwarded-Proto: \xff")
    with connect(production) as connection:
        connection.sendall(get(b"/api/v1", *fields) + get(b"/nope"))
        first, _, second, _ = read_answers(connection, 2)
    assert (first, second) == (200, 404)


# waitress merges this request with the next one. Both proxies drop the field.
MERGED_WITH_NEXT = "Expect without a body"


@pytest.mark.parametrize("name", sorted(ACCEPTED.keys() - {MERGED_WITH_NEXT}))
def test_allowed_request_is_answered(service: Server, name: str) -> None:
    status, request = ACCEPTED[name]
    with connect(service) as connection:
        connection.sendall(request + get(b"/nope"))
        first, _, second, _ = read_answers(connection, 2)
    assert (first, second) == (status, 404)


@pytest.mark.parametrize(
    "target", [b"//api/v1", b"/api/v1#a", b"/api\t/v1", b"/api/v1/accounts%2Falice"]
)
def test_noncanonical_path_is_not_found(service: Server, target: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(get(target))
        assert read_answers(connection, 1)[0] == 404


@pytest.mark.parametrize(
    "request_",
    [fixed(HOST, LENGTH), chunked(CHUNKS), get(b"/api/v1")],
    ids=["fixed", "chunked", "get"],
)
def test_incomplete_request_is_not_executed(service: Server, url: str, request_: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(request_[:-1])
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.2)
        with suppress(TimeoutError):
            assert read_to_end(connection) == b""
    assert "refused" not in accounts(url)


def test_connection_stays_open_between_requests(service: Server) -> None:
    with connect(service) as connection:
        for target, status in ((b"/api/v1", 200), (b"/nope", 404), (b"/api/v1", 200)):
            connection.sendall(get(target))
            assert read_answers(connection, 1)[0] == status


@pytest.mark.parametrize("coding", ["fixed", "chunked"])
def test_expect_with_body_gets_continue(service: Server, coding: str) -> None:
    body = form(b"expect" + coding.encode())
    framing = length(body) if coding == "fixed" else CHUNKED
    with connect(service) as connection:
        connection.sendall(message(POST, HOST, FORM, framing, b"Expect: 100-continue"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body if coding == "fixed" else chunks(body))
        assert read_answers(connection, 1)[0] == 201
