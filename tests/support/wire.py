"""Raw requests that RFC 9112 allows or forbids, and the status expected from the bare service.

tests/server/test_wire.py and tests/deployment/test_wire.py list the rows that stock waitress, nginx
and HAProxy handle differently.
"""

import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from todo.http.request import MAX_BODY
from todo.server import DEFAULTS

MAX_HEADER = DEFAULTS["max_request_header_size"] - 1  # bytes

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


BODY = form(b"refused")
LENGTH = length(BODY)
CHUNKS = chunks(BODY)


def fixed(*fields: bytes, line: bytes = POST) -> bytes:
    """Return a request that registers the account "refused", with these fields."""
    return message(line, *fields, FORM, body=BODY)


def chunked(body: bytes, *fields: bytes, line: bytes = POST) -> bytes:
    """Return a request with this chunked body; by default, with the fields for it."""
    return message(line, *(fields or (HOST, CHUNKED)), FORM, body=body)


def get(target: bytes, *fields: bytes) -> bytes:
    return message(b"GET %s HTTP/1.1" % target, *(fields or (HOST,)))


def with_content_length(value: bytes) -> bytes:
    """Return a request with this Content-Length."""
    return fixed(HOST, b"Content-Length:" + value)


def with_transfer_encoding(*fields: bytes) -> bytes:
    """Return a request with a chunked body and these framing fields."""
    return chunked(CHUNKS, HOST, *fields)


def with_host(*hosts: bytes, line: bytes = POST) -> bytes:
    """Return a request with these Host fields."""
    return fixed(*hosts, LENGTH, line=line)


def with_field(line: bytes) -> bytes:
    """Return a request with this additional field line."""
    return fixed(HOST, line, LENGTH)


def with_request_line(line: bytes) -> bytes:
    """Return a request with this request line."""
    return fixed(HOST, LENGTH, line=line)


def with_target(target: bytes) -> bytes:
    """Return a request with this request target."""
    return with_request_line(b"POST %s HTTP/1.1" % target)


def with_version(version: bytes) -> bytes:
    """Return a request whose request line ends with this version part."""
    return with_request_line(b"POST /api/v1/accounts" + version)


def with_header_size(size: int, request: Callable[..., bytes]) -> bytes:
    """Return the request with its header padded to this size in bytes."""
    return request(HOST, b"X-A: ".ljust(size - len(request(HOST)) - 2, b"a"))


def names(text: str) -> set[str]:
    """Return the row names in a text that separates them by bars."""
    return {" ".join(name.split()) for name in text.split("|")}


def tls_hello() -> bytes:
    """Return a TLS ClientHello. It contains no line end."""
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="todo.example")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


LARGE_BODY = b"x" * (2 * MAX_BODY + 1)  # that the HTTP server refuses by itself
POST_HTTP_1_0 = b"POST /api/v1/accounts HTTP/1.0"

TOO_LARGE = {
    "body over the limit": message(POST, HOST, FORM, length(LARGE_BODY), body=LARGE_BODY),
    "chunked body over the limit": chunked(chunks(*[b"x" * 65536] * 33)),
    "chunked body with framing over the limit": chunked(chunks(*[b"x"] * 400000)),
    "Content-Length over the limit with Expect": message(
        POST, HOST, FORM, length(LARGE_BODY), b"Expect: 100-continue"
    ),
}

HEADER_TOO_LARGE = {
    "header too large": with_field(b"X-A: " + b"a" * MAX_HEADER),
    "header one byte too large": with_header_size(MAX_HEADER + 1, partial(get, b"/")),
    "too many header fields": fixed(HOST, *[b"X-A: a"] * 40_000, LENGTH),
    "unterminated header": message(GET, HOST, b"X-A: " + b"a" * 300_000)[:-4],
    "request line too large": get(b"/" + b"a" * 300_000),
}

MALFORMED = {
    # Content-Length (RFC 9112, section 6.3)
    "Content-Length with a plus sign": with_content_length(b" +5"),
    "negative Content-Length": with_content_length(b" -1"),
    "Content-Length with an underscore": with_content_length(b" 1_0"),
    "hexadecimal Content-Length": with_content_length(b" 0x10"),
    "Content-Length with a decimal point": with_content_length(b" 5.0"),
    "empty Content-Length": with_content_length(b""),
    "Content-Length in Arabic digits": with_content_length(" \N{ARABIC-INDIC DIGIT FIVE}".encode()),
    "Content-Length of 5,000 digits": with_content_length(b" " + b"1" * 5000),
    "invalid Content-Length with Expect": fixed(
        HOST, b"Expect: 100-continue", b"Content-Length: x"
    ),
    "different Content-Length lines": fixed(HOST, LENGTH, b"Content-Length: 5"),
    "repeated Content-Length lines": fixed(HOST, LENGTH, LENGTH),
    "repeated Content-Length in one line": fixed(HOST, LENGTH + b", %d" % len(BODY)),
    # Transfer-Encoding (RFC 9112, section 6.1)
    "Content-Length before Transfer-Encoding": with_transfer_encoding(length(CHUNKS), CHUNKED),
    "Transfer-Encoding before Content-Length": with_transfer_encoding(CHUNKED, length(CHUNKS)),
    "Transfer-Encoding with Content-Length 0": with_transfer_encoding(
        CHUNKED, b"Content-Length: 0"
    ),
    "repeated Transfer-Encoding lines": with_transfer_encoding(CHUNKED, CHUNKED),
    "repeated Transfer-Encoding in one line": with_transfer_encoding(CHUNKED + b", chunked"),
    "repeated Transfer-Encoding in different case": with_transfer_encoding(
        CHUNKED, b"transfer-encoding: Chunked"
    ),
    "Transfer-Encoding with a trailing comma": with_transfer_encoding(CHUNKED + b","),
    "empty Transfer-Encoding": with_field(b"Transfer-Encoding:"),
    "Transfer-Encoding gzip": with_transfer_encoding(b"Transfer-Encoding: gzip"),
    "Transfer-Encoding gzip, chunked": with_transfer_encoding(b"Transfer-Encoding: gzip, chunked"),
    "Transfer-Encoding identity": fixed(HOST, LENGTH, b"Transfer-Encoding: identity"),
    "Transfer-Encoding xchunked": with_transfer_encoding(b"Transfer-Encoding: xchunked"),
    "Transfer-Encoding with a vertical tab": with_transfer_encoding(
        b"Transfer-Encoding: \x0bchunked"
    ),
    "HTTP/1.0 with Transfer-Encoding": chunked(
        CHUNKS, HOST, CHUNKED, b"Connection: keep-alive", line=POST_HTTP_1_0
    ),
    # Chunks (RFC 9112, section 7.1)
    "non-hexadecimal chunk size": chunked(b"zz\r\n" + CHUNKS),
    "chunk size with a plus sign": chunked(b"+" + CHUNKS),
    "chunk size with a 0x prefix": chunked(b"0x" + CHUNKS),
    "chunk size with a leading space": chunked(b" " + CHUNKS),
    "chunk size with a trailing space": chunked(CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "empty chunk size": chunked(b"\r\n" + CHUNKS),
    "negative chunk size": chunked(b"-1\r\n" + CHUNKS),
    "chunk size line with LF before CRLF": chunked(CHUNKS.replace(b"\r\n", b"\n\r\n", 1)),
    "chunk lines ended by bare LF": chunked(CHUNKS.replace(b"\r\n", b"\n")),
    "chunk longer than its size": chunked(b"5\r\n123456\r\n0\r\n\r\n"),
    "chunk shorter than its size": chunked(b"5\r\n1234\r\n0\r\n\r\n"),
    "chunk extension too large": chunked(b"1;" + b"x" * 5000 + b"\r\nx\r\n" + CHUNKS),
    "unterminated chunk extension": chunked(b"1;" + b"x" * 5000),
    "chunk extension with a bare LF": chunked(CHUNKS.replace(b"\r\n", b";a\n\r\n", 1)),
    "chunk extension with NUL": chunked(CHUNKS.replace(b"\r\n", b";\0\r\n", 1)),
    "invalid trailer field": chunked(chunks(BODY, end=b"0\r\nnonsense\r\n\r\n")),
    "trailer with a bare LF": chunked(chunks(BODY, end=b"0\r\nA: b\n\nC: d\r\n\r\n")),
    # Host (RFC 9112, section 3.2)
    "missing Host": with_host(),
    "different Host lines": with_host(HOST, b"Host: other.example"),
    "repeated Host lines": with_host(HOST, HOST),
    "Host with two names": with_host(HOST + b", other.example"),
    "Host with a space before the colon": with_host(b"Host : a"),
    "Host with a path": with_host(b"Host: a/b"),
    "Host with user information": with_host(b"Host: a@b"),
    "Host with a non-numeric port": with_host(b"Host: a:b"),
    "Host with an incomplete IPv6 address": with_host(b"Host: [::1"),
    "non-ASCII Host": with_host("Host: töfu".encode()),
    "empty Host": with_host(b"Host:"),
    "HTTP/1.0 with repeated Host lines": with_host(HOST, HOST, line=POST_HTTP_1_0),
    # Field lines (RFC 9112, section 5)
    "space before the colon": with_field(b"X-A : a"),
    "field line without a colon": with_field(b"X-A"),
    "empty field name": with_field(b": a"),
    "field name with a space": with_field(b"X A: a"),
    "folded field line": with_field(b"X-A: a\r\n b"),
    "field line folded with a tab": with_field(b"X-A: a\r\n\tb"),
    "folded Transfer-Encoding": with_transfer_encoding(b"Transfer-Encoding:\r\n chunked"),
    "space before the first field": fixed(b" X-A: a", HOST, LENGTH),
    "NUL in a field value": with_field(b"X-A: a\0b"),
    "NUL in a field name": with_field(b"X-A\0: a"),
    "escape character in a field value": with_field(b"X-A: a\x1bb"),
    "bare LF between fields": with_host(HOST + b"\nX-A: a"),
    "bare CR between fields": with_host(HOST + b"\rX-A: a"),
    "bare LF for every line end": with_host(HOST).replace(b"\r\n", b"\n"),
    "bare CR for every line end": with_host(HOST).replace(b"\r\n", b"\r"),
    "many spaces before a field value": with_field(b"X-A:" + b" " * 16_000 + b"a"),
    # Request line (RFC 9112, section 3)
    "lower-case method": with_request_line(b"post /api/v1/accounts HTTP/1.1"),
    "method with an invalid character": with_request_line(b"PO@ST /api/v1/accounts HTTP/1.1"),
    "method with an invalid first character": with_request_line(b"(POST /api/v1/accounts HTTP/1.1"),
    "missing method": with_request_line(b" /api/v1/accounts HTTP/1.1"),
    "space before the method": with_request_line(b" " + POST),
    "LF before the method": with_request_line(b"\n" + POST),
    "two spaces in the request line": with_request_line(b"POST  /api/v1/accounts HTTP/1.1"),
    "tabs in the request line": with_request_line(POST.replace(b" ", b"\t")),
    "space after the version": with_request_line(POST + b" "),
    "missing version": with_version(b""),
    "HTTP/0.9 request line only": b"GET /api/v1\r\n",
    "HTTP/0.9": with_version(b" HTTP/0.9"),
    "HTTP/1.2": chunked(CHUNKS, line=b"POST /api/v1/accounts HTTP/1.2"),
    "HTTP/1.10": with_version(b" HTTP/1.10"),
    "HTTP/2.0": with_version(b" HTTP/2.0"),
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower-case version": with_version(b" http/1.1"),
    "unknown protocol": with_version(b" SIP/2.0"),
    "space in the target": with_target(b"/api/v1/accounts ?"),
    "tab in the target": with_target(b"/api/v1/acc\tounts"),
    "NUL in the target": with_target(b"/api/v1/accounts?\0"),
    "bare CR in the target": with_target(b"/api/v1/accounts?\r"),
    "non-ASCII target": with_target("/api/v1/accounts?ö".encode()),
    "target with two leading slashes": with_target(b"//api/v1/accounts"),
    "fragment in the target": with_target(b"/api/v1/accounts#a"),
    "target without a leading slash": with_target(b"api/v1/accounts"),
    "target with another scheme": with_target(b"ftp://a/api/v1/accounts"),
    "target with user information": with_target(b"http://a@b/api/v1/accounts"),
    "target without a host": with_target(b"http:///api/v1/accounts"),
    "target with an incomplete IPv6 host": with_target(b"http://[/api/v1/accounts"),
    "POST with an asterisk target": with_target(b"*"),
    "CONNECT": message(b"CONNECT todo.example:80 HTTP/1.1", HOST),
    # Other protocols
    "TLS hello": tls_hello(),
    "SSH greeting": b"SSH-2.0-OpenSSH_9.6\r\n",
    "NUL bytes": b"\0\0\0",
}

REFUSED = {
    name: (status, request)
    for status, rows in ((413, TOO_LARGE), (431, HEADER_TOO_LARGE), (400, MALFORMED))
    for name, request in rows.items()
}

FORM_ZEROS = form(b"zeros")
JSON = b"Content-Type: application/json"
JSON_AT_LIMIT = b"[%s]" % (b" " * (MAX_BODY - 2))
CHUNKS_WITH_EXTENSIONS = chunks(form(b"extensions")).replace(b"\r\n", b';a=b;c="d;e"\r\n', 1)
UNUSUAL_FIELDS = (b"X-A:", b"X-B:\ta \xff ", b"X-C: a", b"X-C: Host: b")
CHUNKED_IN_CAPITALS = b"TRANSFER-ENCODING: Chunked \t"

ACCEPTED: dict[str, tuple[int, bytes]] = {
    "Content-Length": (201, register(b"fixed")),
    "Content-Length with leading zeros": (
        201,
        message(POST, HOST, FORM, b"Content-Length: 00%d" % len(FORM_ZEROS), body=FORM_ZEROS),
    ),
    "body at the limit": (
        400,  # from the application, which expects an object
        message(POST, HOST, JSON, length(JSON_AT_LIMIT), body=JSON_AT_LIMIT),
    ),
    "chunks": (201, chunked(chunks(form(b"chunks")))),
    "many chunks": (201, chunked(chunks(*(b"%c" % byte for byte in form(b"manychunks"))))),
    "chunk extensions": (201, chunked(CHUNKS_WITH_EXTENSIONS)),
    "trailer fields": (201, chunked(chunks(form(b"trailers"), end=b"0\r\nA: b\r\nC: d\r\n\r\n"))),
    "Transfer-Encoding in capitals": (
        201,
        chunked(chunks(form(b"capitals")), HOST, CHUNKED_IN_CAPITALS),
    ),
    "HTTP/1.0 without Host": (200, message(b"GET /api/v1 HTTP/1.0", b"Connection: keep-alive")),
    "absolute http target": (200, get(b"http://todo.example/api/v1")),
    "absolute https target": (200, get(b"HTTPS://todo.example:443/api/v1")),
    "absolute target without a path": (200, get(b"http://todo.example?")),
    "target with a query": (404, get(b"/nope?a=b&c={d}|%C3%B6//")),
    "OPTIONS with an asterisk target": (404, message(b"OPTIONS * HTTP/1.1", HOST)),
    "unknown method": (405, message(b"FOO-1! /api/v1 HTTP/1.1", HOST)),
    "Host with a port": (200, get(b"/api/v1", b"Host: 127.0.0.1:80")),
    "Host with an empty port": (200, get(b"/api/v1", b"Host: todo.example:")),
    "Host with an IPv6 address": (200, get(b"/api/v1", b"Host:[::1]:80\t")),
    "empty lines before the request": (200, b"\r\n\r\n\r\n" + get(b"/api/v1")),
    "fields with unusual values": (200, get(b"/api/v1", HOST, *UNUSUAL_FIELDS)),
    "header of the maximum size": (200, with_header_size(MAX_HEADER, partial(get, b"/api/v1"))),
    "Expect without a body": (200, get(b"/api/v1", HOST, b"Expect: 100-continue")),
}


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answers)]
