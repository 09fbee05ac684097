"""Stock waitress against bytes that RFC 9112 forbids, and bytes that it allows.

docs/proxy.md says which of the rest the proxies refuse; tests/deployment/test_wire.py shows it.
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

TIMEOUT = 15  # seconds without a byte, after which a test fails

# Rows that stock waitress answers otherwise, and why that is left to the proxy in front.
LEFT_TO_THE_PROXY = {
    # Harmless by itself: it matters where a proxy reads the same bytes as other requests, and both
    # proxies that we ship write each request anew.
    "waitress reads one request; a proxy that writes it anew agrees": """
        Content-Length, then Transfer-Encoding | Transfer-Encoding, then Content-Length
        | Transfer-Encoding with Content-Length 0 | Transfer-Encoding twice
        | Transfer-Encoding twice in one line | Transfer-Encoding twice, other case
        | Transfer-Encoding chunked and a comma | Transfer-Encoding empty
        | Transfer-Encoding in HTTP/1.0 | chunk size empty | chunk size of a bare LF
        | chunk extension too large | chunk extension with a bare LF | trailer that is no field
        | trailer with bare LF | folded line | folded line with a tab | folded Transfer-Encoding
        | space before the method | LF before the method | space after the version | no version
        | HTTP/0.9 | HTTP/1.2 | HTTP/2.0 | HTTP/2 with prior knowledge | target of another scheme
        | target with a user | target without a host
    """,
    "the proxy knows which hosts there are, waitress does not": """
        no Host | two Host lines | two Host lines alike | Host with two names | Host with a path
        | Host with a user | Host with a port that is no number | Host with a broken IPv6 address
        | Host beyond ASCII | Host empty | Host twice in HTTP/1.0
    """,
    "the application answers 400 or 404 instead": """
        tab in the target | NUL in the target | two slashes before the path
        | fragment in the target | target without a slash | asterisk for a resource | CONNECT
    """,
    "waitress closes the connection without an answer": """
        Content-Length of 5,000 digits | target with a broken host
    """,
    "waitress waits for the rest until its time-out": """
        chunk lines of bare LF | chunk extension without an end | bare LF everywhere
        | bare CR everywhere | no version and no field | TLS hello | SSH | zeros
    """,
    "waitress answers 501": """
        Transfer-Encoding gzip | Transfer-Encoding gzip, chunked | Transfer-Encoding identity
        | Transfer-Encoding xchunked
    """,
    # It takes a second and stops the whole process. Both proxies drop spaces before a value.
    "waitress needs time with the square of the spaces": "spaces that cost time",
}
LEFT = names(" | ".join(LEFT_TO_THE_PROXY.values()))


def parse(request: bytes, piece: int) -> HTTPRequestParser:
    """Return what waitress reads from a request that comes in pieces of some bytes."""
    parser = HTTPRequestParser(Adjustments(**DEFAULTS))
    while request and not parser.completed:
        request = request[parser.received(request[:piece]) :]
    return parser


def error_of(request: bytes, piece: int) -> Any:
    """Return the error with which waitress refuses a request, or None."""
    with closing(parse(request, piece)) as parser:
        return parser.error


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - LEFT))
def test_malformed_request_is_refused(name: str) -> None:
    status, request = REFUSED[name]
    assert error_of(request, 8192).code == status
    if len(request) < 8000:
        assert error_of(request, 1).code == status


@pytest.mark.parametrize("name", sorted(LEFT))
def test_request_left_to_the_proxy_is_still_not_refused(name: str) -> None:
    status, request = REFUSED[name]
    with suppress(ValueError):  # it reaches waitress's loop, which closes the connection
        error = error_of(request, 8192)
        assert error is None or error.code != status, "waitress has become stricter: keep the row"


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
    """One service for all rows: a refused request leaves nothing behind, on no database."""
    with pserve("development.ini", DATABASE_URL=url) as server:
        yield server


def connect(server: Server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=TIMEOUT)


def read_to_end(connection: socket.socket) -> bytes:
    """Return what comes until the service closes the connection."""
    received = b""
    # A close while bytes of ours are unread looks like this.
    with suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return received


def read_answers(connection: socket.socket, count: int) -> list[Any]:
    """Return status and body of each of so many answers; the connection stays open."""
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
    a body over the limit | a chunked body over the limit | Content-Length with a plus
    | two Content-Length lines that differ | chunk size zz | Host with a space before the colon
    | NUL in a value | bare LF between fields | header too large | method in lower case
""")


@pytest.mark.parametrize("name", sorted(OVER_A_SOCKET))
def test_refused_request_ends_its_connection(service: Server, url: str, name: str) -> None:
    status, request = REFUSED[name]
    with connect(service) as connection:
        with suppress(ConnectionError):
            connection.sendall(request + register(b"smuggled"))
        answer = read_to_end(connection)
    assert statuses(answer) == [status]
    assert b"\r\nConnection: close\r\n" in answer
    assert b"Traceback" not in answer
    # Nothing after a refused request is taken for a request.
    assert not accounts(url) & {"refused", "smuggled"}


# waitress joins this one with the next request of the connection: both proxies drop the field.
JOINED = "Expect on a request without a body"


@pytest.mark.parametrize("name", sorted(ACCEPTED.keys() - {JOINED}))
def test_allowed_request_is_answered(service: Server, name: str) -> None:
    status, request = ACCEPTED[name]
    with connect(service) as connection:
        connection.sendall(request + get(b"/nope"))
        first, _, second, _ = read_answers(connection, 2)
    assert (first, second) == (status, 404)


@pytest.mark.parametrize(
    "target", [b"//api/v1", b"/api/v1#a", b"/api\t/v1", b"/api/v1/accounts%2Falice"]
)
def test_other_spelling_of_a_path_is_not_found(service: Server, target: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(get(target))
        assert read_answers(connection, 1)[0] == 404


@pytest.mark.parametrize(
    "request_",
    [fixed(HOST, LENGTH), chunked(CHUNKS), get(b"/api/v1")],
    ids=["fixed", "chunked", "get"],
)
def test_request_that_breaks_off_is_not_run(service: Server, url: str, request_: bytes) -> None:
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
def test_expect_with_a_body_gets_continue(service: Server, coding: str) -> None:
    body = form(b"expect" + coding.encode())
    framing = length(body) if coding == "fixed" else CHUNKED
    with connect(service) as connection:
        connection.sendall(message(POST, HOST, FORM, framing, b"Expect: 100-continue"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body if coding == "fixed" else chunks(body))
        assert read_answers(connection, 1)[0] == 201
