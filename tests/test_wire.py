"""What is refused on the wire before the application sees it (RFC 9112), and what is not."""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from waitress.adjustments import Adjustments

from tests.support.databases import database, empty, migrate
from tests.support.pserve import PUBLIC_URL, Server, pserve
from todo.http.request import MAX_BODY
from todo.http_parser import StrictParser
from todo.server import MAX_HEADER

TIMEOUT = 15  # seconds without a byte, after which a test fails

POST = b"POST /api/v1/accounts HTTP/1.1"
GET = b"GET /api/v1 HTTP/1.1"
HOST = b"Host: todo.example"
FORM = b"Content-Type: application/x-www-form-urlencoded"
CHUNKED = b"Transfer-Encoding: chunked"


def form(username: bytes) -> bytes:
    return b"username=%s&email=%s%%40example.com&password=correct+horse" % (username, username)


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


def chunks(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


def message(line: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((line, *fields, b"", body))


def register(username: bytes) -> bytes:
    body = form(username)
    return message(POST, HOST, FORM, length(body), body=body)


TYPED = {"Content-Type": "application/x-www-form-urlencoded"}
REFUSED = form(b"refused")
LENGTH = length(REFUSED)
CHUNKS = chunks(REFUSED)


def fixed(*fields: bytes, line: bytes = POST) -> bytes:
    """Return a request that would register the account "refused", by a body of known length."""
    return message(line, *fields, FORM, body=REFUSED)


def chunked(body: bytes, *fields: bytes, line: bytes = POST) -> bytes:
    """Return a request with a chunked body."""
    return message(line, *(fields or (HOST, CHUNKED)), FORM, body=body)


def get(target: bytes, *fields: bytes) -> bytes:
    return message(b"GET %s HTTP/1.1" % target, *(fields or (HOST,)))


def tls_hello() -> bytes:
    """Return what a TLS client sends first. It has no line end."""
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="todo.example")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


LARGE = b"x" * (MAX_BODY + 1)

REFUSALS: dict[str, tuple[int, bytes]] = {
    # The size of a body
    "a body over the limit": (413, message(POST, HOST, FORM, length(LARGE), body=LARGE)),
    "a chunked body over the limit": (413, chunked(chunks(*[b"x" * 65536] * 17))),
    "a chunked body of which the framing is over the limit": (
        413,
        chunked(chunks(*[b"x"] * 200000)),
    ),
    "a length over the limit with Expect": (
        413,
        message(POST, HOST, FORM, length(LARGE), b"Expect: 100-continue"),
    ),
    # Content-Length (RFC 9112, section 6.3)
    "Content-Length with a plus": (400, fixed(HOST, b"Content-Length: +5")),
    "Content-Length with a minus": (400, fixed(HOST, b"Content-Length: -1")),
    "Content-Length with an underscore": (400, fixed(HOST, b"Content-Length: 1_0")),
    "Content-Length in hexadecimal": (400, fixed(HOST, b"Content-Length: 0x10")),
    "Content-Length with a dot": (400, fixed(HOST, b"Content-Length: 5.0")),
    "Content-Length empty": (400, fixed(HOST, b"Content-Length:")),
    "Content-Length in Arabic digits": (
        400,
        fixed(HOST, "Content-Length: \N{ARABIC-INDIC DIGIT FIVE}".encode()),
    ),
    "Content-Length of 5,000 digits": (400, fixed(HOST, b"Content-Length: " + b"1" * 5000)),
    "Content-Length with Expect": (400, fixed(HOST, b"Expect: 100-continue", b"Content-Length: x")),
    "two Content-Length lines that differ": (400, fixed(HOST, LENGTH, b"Content-Length: 5")),
    "two Content-Length lines alike": (400, fixed(HOST, LENGTH, LENGTH)),
    "two Content-Lengths in one line": (400, fixed(HOST, LENGTH + b", %d" % len(REFUSED))),
    # Transfer-Encoding (RFC 9112, section 6.1)
    "Content-Length, then Transfer-Encoding": (400, chunked(CHUNKS, HOST, length(CHUNKS), CHUNKED)),
    "Transfer-Encoding, then Content-Length": (400, chunked(CHUNKS, HOST, CHUNKED, length(CHUNKS))),
    "Transfer-Encoding with Content-Length 0": (
        400,
        chunked(CHUNKS, HOST, CHUNKED, b"Content-Length: 0"),
    ),
    "Transfer-Encoding twice": (400, chunked(CHUNKS, HOST, CHUNKED, CHUNKED)),
    "Transfer-Encoding twice in one line": (400, chunked(CHUNKS, HOST, CHUNKED + b", chunked")),
    "Transfer-Encoding twice, other case": (
        400,
        chunked(CHUNKS, HOST, CHUNKED, b"transfer-encoding: Chunked"),
    ),
    "Transfer-Encoding chunked and a comma": (400, chunked(CHUNKS, HOST, CHUNKED + b",")),
    "Transfer-Encoding empty": (400, fixed(HOST, b"Transfer-Encoding:", LENGTH)),
    "Transfer-Encoding gzip": (400, chunked(CHUNKS, HOST, b"Transfer-Encoding: gzip")),
    "Transfer-Encoding gzip, chunked": (
        400,
        chunked(CHUNKS, HOST, b"Transfer-Encoding: gzip, chunked"),
    ),
    "Transfer-Encoding identity": (400, fixed(HOST, LENGTH, b"Transfer-Encoding: identity")),
    "Transfer-Encoding xchunked": (400, chunked(CHUNKS, HOST, b"Transfer-Encoding: xchunked")),
    "Transfer-Encoding with a vertical tab": (
        400,
        chunked(CHUNKS, HOST, b"Transfer-Encoding: \x0bchunked"),
    ),
    "Transfer-Encoding in HTTP/1.0": (
        400,
        chunked(
            CHUNKS,
            HOST,
            CHUNKED,
            b"Connection: keep-alive",
            line=b"POST /api/v1/accounts HTTP/1.0",
        ),
    ),
    # Chunks (RFC 9112, section 7.1)
    "chunk size zz": (400, chunked(b"zz\r\n" + CHUNKS)),
    "chunk size with a plus": (400, chunked(b"+" + CHUNKS)),
    "chunk size with 0x": (400, chunked(b"0x" + CHUNKS)),
    "chunk size with a space before it": (400, chunked(b" " + CHUNKS)),
    "chunk size with a space after it": (400, chunked(CHUNKS.replace(b"\r\n", b" \r\n", 1))),
    "chunk size empty": (400, chunked(b"\r\n" + CHUNKS)),
    "chunk size -1": (400, chunked(b"-1\r\n" + CHUNKS)),
    "chunk size of a bare LF": (400, chunked(CHUNKS.replace(b"\r\n", b"\n\r\n", 1))),
    "chunk lines of bare LF": (400, chunked(CHUNKS.replace(b"\r\n", b"\n"))),
    "chunk longer than its size": (400, chunked(b"5\r\n123456\r\n0\r\n\r\n")),
    "chunk shorter than its size": (400, chunked(b"5\r\n1234\r\n0\r\n\r\n")),
    "chunk extension too large": (400, chunked(b"1;" + b"x" * 5000 + b"\r\nx\r\n" + CHUNKS)),
    "chunk extension without an end": (400, chunked(b"1;" + b"x" * 5000)),
    "chunk extension with a bare LF": (400, chunked(CHUNKS.replace(b"\r\n", b";a\n\r\n", 1))),
    "chunk extension with NUL": (400, chunked(CHUNKS.replace(b"\r\n", b";\0\r\n", 1))),
    "trailer that is no field": (400, chunked(chunks(REFUSED, end=b"0\r\nnonsense\r\n\r\n"))),
    "trailer with bare LF": (400, chunked(chunks(REFUSED, end=b"0\r\nA: b\n\nC: d\r\n\r\n"))),
    # Host (RFC 9112, section 3.2)
    "no Host": (400, fixed(LENGTH)),
    "two Host lines": (400, fixed(HOST, b"Host: other.example", LENGTH)),
    "two Host lines alike": (400, fixed(HOST, HOST, LENGTH)),
    "Host with two names": (400, fixed(HOST + b", other.example", LENGTH)),
    "Host with a space before the colon": (400, fixed(b"Host : a", LENGTH)),
    "Host with a path": (400, fixed(b"Host: a/b", LENGTH)),
    "Host with a user": (400, fixed(b"Host: a@b", LENGTH)),
    "Host with a port that is no number": (400, fixed(b"Host: a:b", LENGTH)),
    "Host with a broken IPv6 address": (400, fixed(b"Host: [::1", LENGTH)),
    "Host beyond ASCII": (400, fixed("Host: töfu".encode(), LENGTH)),
    "Host empty": (400, fixed(b"Host:", LENGTH)),
    "Host twice in HTTP/1.0": (
        400,
        fixed(HOST, HOST, LENGTH, line=b"POST /api/v1/accounts HTTP/1.0"),
    ),
    # Field lines (RFC 9112, section 5)
    "space before a colon": (400, fixed(HOST, b"X-A : a", LENGTH)),
    "field without a colon": (400, fixed(HOST, b"X-A", LENGTH)),
    "field without a name": (400, fixed(HOST, b": a", LENGTH)),
    "field name with a space": (400, fixed(HOST, b"X A: a", LENGTH)),
    "folded line": (400, fixed(HOST, b"X-A: a\r\n b", LENGTH)),
    "folded line with a tab": (400, fixed(HOST, b"X-A: a\r\n\tb", LENGTH)),
    "folded Transfer-Encoding": (400, chunked(CHUNKS, HOST, b"Transfer-Encoding:\r\n chunked")),
    "space before the first field": (400, fixed(b" X-A: a", HOST, LENGTH)),
    "NUL in a value": (400, fixed(HOST, b"X-A: a\0b", LENGTH)),
    "NUL in a name": (400, fixed(HOST, b"X-A\0: a", LENGTH)),
    "escape in a value": (400, fixed(HOST, b"X-A: a\x1bb", LENGTH)),
    "bare LF between fields": (400, fixed(HOST + b"\nX-A: a", LENGTH)),
    "bare CR between fields": (400, fixed(HOST + b"\rX-A: a", LENGTH)),
    "bare LF everywhere": (400, fixed(HOST, LENGTH).replace(b"\r\n", b"\n")),
    "bare CR everywhere": (400, fixed(HOST, LENGTH).replace(b"\r\n", b"\r")),
    "header too large": (431, fixed(HOST, b"X-A: " + b"a" * MAX_HEADER, LENGTH)),
    "header too large by one byte": (
        431,
        get(b"/", HOST, b"X-A: ".ljust(MAX_HEADER + 1 - len(get(b"/", HOST)) - 2, b"a")),
    ),
    "header of too many lines": (431, fixed(HOST, *[b"X-A: a"] * 40_000, LENGTH)),
    "header without an end": (431, message(GET, HOST, b"X-A: " + b"a" * 300_000)[:-4]),
    "request line too large": (431, get(b"/" + b"a" * 300_000)),
    "spaces that cost time": (400, fixed(HOST, b"X-A:" + b" " * 16_000 + b"a", LENGTH)),
    # Request line (RFC 9112, section 3)
    "method in lower case": (400, fixed(HOST, LENGTH, line=b"post /api/v1/accounts HTTP/1.1")),
    "method with a sign": (400, fixed(HOST, LENGTH, line=b"PO@ST /api/v1/accounts HTTP/1.1")),
    "method that starts with a sign": (
        400,
        fixed(HOST, LENGTH, line=b"(POST /api/v1/accounts HTTP/1.1"),
    ),
    "no method": (400, fixed(HOST, LENGTH, line=b" /api/v1/accounts HTTP/1.1")),
    "space before the method": (400, fixed(HOST, LENGTH, line=b" " + POST)),
    "LF before the method": (400, fixed(HOST, LENGTH, line=b"\n" + POST)),
    "two spaces": (400, fixed(HOST, LENGTH, line=b"POST  /api/v1/accounts HTTP/1.1")),
    "tabs for spaces": (400, fixed(HOST, LENGTH, line=POST.replace(b" ", b"\t"))),
    "space after the version": (400, fixed(HOST, LENGTH, line=POST + b" ")),
    "no version": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts")),
    "no version and no field": (400, b"GET /api/v1\r\n"),
    "HTTP/0.9": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts HTTP/0.9")),
    "HTTP/1.2": (400, chunked(CHUNKS, line=b"POST /api/v1/accounts HTTP/1.2")),
    "HTTP/1.10": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts HTTP/1.10")),
    "HTTP/2.0": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts HTTP/2.0")),
    "HTTP/2 with prior knowledge": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "version in lower case": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts http/1.1")),
    "other protocol": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts SIP/2.0")),
    "space in the target": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts ? HTTP/1.1")),
    "tab in the target": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/acc\tounts HTTP/1.1")),
    "NUL in the target": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts?\0 HTTP/1.1")),
    "bare CR in the target": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts?\r HTTP/1.1")),
    "target beyond ASCII": (
        400,
        fixed(HOST, LENGTH, line="POST /api/v1/accounts?ö HTTP/1.1".encode()),
    ),
    "two slashes before the path": (
        400,
        fixed(HOST, LENGTH, line=b"POST //api/v1/accounts HTTP/1.1"),
    ),
    "fragment in the target": (400, fixed(HOST, LENGTH, line=b"POST /api/v1/accounts#a HTTP/1.1")),
    "target without a slash": (400, fixed(HOST, LENGTH, line=b"POST api/v1/accounts HTTP/1.1")),
    "target of another scheme": (
        400,
        fixed(HOST, LENGTH, line=b"POST ftp://a/api/v1/accounts HTTP/1.1"),
    ),
    "target with a user": (
        400,
        fixed(HOST, LENGTH, line=b"POST http://a@b/api/v1/accounts HTTP/1.1"),
    ),
    "target without a host": (
        400,
        fixed(HOST, LENGTH, line=b"POST http:///api/v1/accounts HTTP/1.1"),
    ),
    "target with a broken host": (
        400,
        fixed(HOST, LENGTH, line=b"POST http://[/api/v1/accounts HTTP/1.1"),
    ),
    "asterisk for a resource": (400, fixed(HOST, LENGTH, line=b"POST * HTTP/1.1")),
    "CONNECT": (400, message(b"CONNECT todo.example:80 HTTP/1.1", HOST)),
    # What is no HTTP
    "TLS hello": (400, tls_hello()),
    "SSH": (400, b"SSH-2.0-OpenSSH_9.6\r\n"),
    "zeros": (400, b"\0\0\0"),
}

JSON_AT_THE_LIMIT = b"[%s]" % (b" " * (MAX_BODY - 2))

ACCEPTED: dict[str, tuple[int, bytes]] = {
    "Content-Length": (201, register(b"fixed")),
    "Content-Length with zeros before it": (
        201,
        message(
            POST, HOST, FORM, b"Content-Length: 00%d" % len(form(b"zeros")), body=form(b"zeros")
        ),
    ),
    "a body at the limit": (
        400,  # from the application, which wants an object
        message(
            POST,
            HOST,
            b"Content-Type: application/json",
            length(JSON_AT_THE_LIMIT),
            body=JSON_AT_THE_LIMIT,
        ),
    ),
    "chunks": (201, chunked(chunks(form(b"chunks")))),
    "many chunks": (201, chunked(chunks(*(b"%c" % byte for byte in form(b"manychunks"))))),
    "chunk extensions": (
        201,
        chunked(chunks(form(b"extensions")).replace(b"\r\n", b';a=b;c="d;e"\r\n', 1)),
    ),
    "trailer fields": (201, chunked(chunks(form(b"trailers"), end=b"0\r\nA: b\r\nC: d\r\n\r\n"))),
    "Transfer-Encoding in capitals": (
        201,
        chunked(chunks(form(b"capitals")), HOST, b"TRANSFER-ENCODING: Chunked \t"),
    ),
    "HTTP/1.0 without Host": (
        200,
        message(b"GET /api/v1 HTTP/1.0", b"Connection: keep-alive"),
    ),
    "a URL as the target": (200, get(b"http://todo.example/api/v1")),
    "a URL of https as the target": (200, get(b"HTTPS://todo.example:443/api/v1")),
    "a URL without a path as the target": (200, get(b"http://todo.example?")),
    "a query in the target": (404, get(b"/nope?a=b&c={d}|%C3%B6//")),
    "OPTIONS of the whole server": (404, message(b"OPTIONS * HTTP/1.1", HOST)),
    "a method nobody knows": (405, message(b"FOO-1! /api/v1 HTTP/1.1", HOST)),
    "Host with a port": (200, get(b"/api/v1", b"Host: 127.0.0.1:80")),
    "Host with an empty port": (200, get(b"/api/v1", b"Host: todo.example:")),
    "Host with an IPv6 address": (200, get(b"/api/v1", b"Host:[::1]:80\t")),
    "empty lines before the request": (200, b"\r\n\r\n\r\n" + get(b"/api/v1")),
    "fields with odd values": (
        200,
        get(b"/api/v1", HOST, b"X-A:", b"X-B:\ta \xff ", b"X-C: a", b"X-C: Host: b"),
    ),
    "a header of the largest size": (
        200,
        get(b"/api/v1", HOST, b"X-A: ".ljust(MAX_HEADER - len(get(b"/api/v1", HOST)) - 2, b"a")),
    ),
    "Expect on a request without a body": (200, get(b"/api/v1", HOST, b"Expect: 100-continue")),
}


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


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answers)]


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


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with database(tmp_path_factory.mktemp("wire")) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="module", params=["development.ini", "production.ini"])
def service(url: str, request: pytest.FixtureRequest) -> Iterator[Server]:
    """One service for all rows: what is refused here leaves nothing behind, on no database."""
    empty(url)
    environ = {"TODO_LIMIT_REGISTRATIONS": "0"}
    if request.param == "production.ini":
        environ |= {"TODO_PUBLIC_URL": PUBLIC_URL, "TODO_WORKERS": "2"}
    with pserve(request.param, DATABASE_URL=url, **environ) as server:
        yield server


def accounts(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        names = set(connection.scalars(text("SELECT username FROM accounts")))
    engine.dispose()
    return names


@pytest.mark.parametrize("next_request", [b"", register(b"smuggled")], ids=["alone", "followed"])
@pytest.mark.parametrize("name", REFUSALS)
def test_refused(service: Server, url: str, name: str, next_request: bytes) -> None:
    status, request = REFUSALS[name]
    with connect(service) as connection:
        with suppress(ConnectionError):
            connection.sendall(request + next_request)
        answer = read_to_end(connection)
    assert statuses(answer) == [status]
    assert b"\r\nConnection: close\r\n" in answer
    assert b"Traceback" not in answer
    # Nothing after a refused request is taken for a request.
    assert not accounts(url) & {"refused", "smuggled"}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(service: Server, name: str) -> None:
    status, request = ACCEPTED[name]
    with connect(service) as connection:
        connection.sendall(request + get(b"/nope"))
        first, _, second, _ = read_answers(connection, 2)
    assert (first, second) == (status, 404)


def parse(request: bytes, piece: int) -> StrictParser:
    """Return what the parser makes of a request that comes in pieces of some bytes."""
    parser = StrictParser(
        Adjustments(max_request_header_size=MAX_HEADER + 1, max_request_body_size=MAX_BODY + 1)
    )
    while request and not parser.completed:
        request = request[parser.received(request[:piece]) :]
    return parser


@pytest.mark.parametrize("name", [name for name, row in REFUSALS.items() if len(row[1]) < 8000])
def test_refused_byte_by_byte(name: str) -> None:
    status, request = REFUSALS[name]
    assert parse(request, 1).error.code == status


@pytest.mark.parametrize("piece", [1, 2, 7, 8192])
def test_chunked_body_in_pieces(piece: int) -> None:
    parser = parse(chunked(chunks(b"a\r\nb", b"0\r\n\r\n" * 30, b"c")), piece)
    assert parser.completed
    assert parser.error is None
    assert parser.get_body_stream().read() == b"a\r\nb" + b"0\r\n\r\n" * 30 + b"c"


def test_target_wins_over_host() -> None:
    assert parse(get(b"http://a.example:80/"), 8192).headers["HOST"] == "a.example:80"


def test_refusal_repeats_nothing() -> None:
    parser = parse(fixed(HOST, b"Authorization: Bearer secret\n", LENGTH), 8192)
    assert "secret" not in parser.error.body


def test_header_of_spaces_costs_no_time() -> None:
    request = get(b"/", HOST, *[b"X-A:" + b" " * 250 + b"a"] * 120)
    begin = time.process_time()
    assert parse(request, 8192).error is None
    assert time.process_time() - begin < 0.5


@pytest.mark.parametrize(
    "request_",
    [fixed(HOST, LENGTH), chunked(CHUNKS), get(b"/api/v1")],
    ids=["fixed", "chunked", "get"],
)
def test_request_that_breaks_off(service: Server, url: str, request_: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(request_[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""
    assert "refused" not in accounts(url)


def test_keep_alive(service: Server) -> None:
    with connect(service) as connection:
        for target, status in ((b"/api/v1", 200), (b"/nope", 404), (b"/api/v1", 200)):
            connection.sendall(get(target))
            assert read_answers(connection, 1)[0] == status


def test_a_body_comes_with_its_header(service: Server) -> None:
    """By one call of the system: a second one is a good part of what a short answer costs."""
    with connect(service) as connection:
        for _ in range(20):
            connection.sendall(get(b"/api/v1"))
            head, _, body = receive(connection).partition(b"\r\n\r\n")
            assert body
            assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head + b"\r\n"


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 204), ("GET", 304)])
def test_keep_alive_without_a_body(service: Server, method: str, status: int) -> None:
    token = service.request("POST", "/api/v1/accounts", form(b"idle%d" % status).decode(), TYPED)[
        2
    ]["token"]
    asked = message(
        f"{method} /api/v1/accounts/idle{status}/tasks HTTP/1.1".encode(),
        *(HOST, f"Authorization: Bearer {token}".encode(), b'If-None-Match: "1"'),
    )
    with connect(service) as connection:
        for _ in range(2):
            connection.sendall(asked)
            answer = receive(connection)
            assert statuses(answer) == [status]
            assert b"Connection:" not in answer
        connection.sendall(asked.replace(b"\r\nHost", b"\r\nConnection: close\r\nHost"))
        assert b"\r\nConnection: close\r\n" in read_to_end(connection)


def test_good_request_before_a_refused_one(service: Server) -> None:
    with connect(service) as connection:
        connection.sendall(get(b"/api/v1") + fixed(HOST, HOST, LENGTH) + get(b"/api/v1"))
        answer = read_to_end(connection)
    assert statuses(answer) == [200, 400]


@pytest.mark.parametrize("coding", ["fixed", "chunked"])
def test_expect_continue(service: Server, coding: str) -> None:
    body = form(b"expect" + coding.encode())
    framing = length(body) if coding == "fixed" else CHUNKED
    with connect(service) as connection:
        connection.sendall(message(POST, HOST, FORM, framing, b"Expect: 100-continue"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body if coding == "fixed" else chunks(body))
        assert read_answers(connection, 1)[0] == 201


def test_expect_continue_does_not_join_two_requests(service: Server) -> None:
    """waitress alone adds the fields of the first request to those of the second."""
    with connect(service) as connection:
        connection.sendall(get(b"/api/v1", HOST, b"Expect: 100-continue"))
        assert read_answers(connection, 1)[0] == 200
        connection.sendall(get(b"/api/v1"))
        assert read_answers(connection, 1)[0] == 200
