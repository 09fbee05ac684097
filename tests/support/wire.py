"""Requests as bytes: which of them RFC 9112 allows, and which not.

A row names the status that the bare service should answer. Where stock waitress, nginx or HAProxy
does otherwise, the tests say so: tests/server/test_wire.py and tests/deployment/test_wire.py.
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
    """Return a request that would register the account "refused", by a body of known length."""
    return message(line, *fields, FORM, body=BODY)


def chunked(body: bytes, *fields: bytes, line: bytes = POST) -> bytes:
    """Return a request with a chunked body."""
    return message(line, *(fields or (HOST, CHUNKED)), FORM, body=body)


def get(target: bytes, *fields: bytes) -> bytes:
    return message(b"GET %s HTTP/1.1" % target, *(fields or (HOST,)))


def sized(value: bytes) -> bytes:
    """Return a request with this Content-Length."""
    return fixed(HOST, b"Content-Length:" + value)


def coded(*fields: bytes) -> bytes:
    """Return a request with a chunked body, and these fields that say so."""
    return chunked(CHUNKS, HOST, *fields)


def hosted(*hosts: bytes, line: bytes = POST) -> bytes:
    """Return a request with these Host lines."""
    return fixed(*hosts, LENGTH, line=line)


def field(line: bytes) -> bytes:
    """Return a request with this field line among others."""
    return fixed(HOST, line, LENGTH)


def begun(line: bytes) -> bytes:
    """Return a request that begins with this line."""
    return fixed(HOST, LENGTH, line=line)


def target(target: bytes) -> bytes:
    """Return a request for this target."""
    return begun(b"POST %s HTTP/1.1" % target)


def version(version: bytes) -> bytes:
    """Return a request that ends its first line like this."""
    return begun(b"POST /api/v1/accounts" + version)


def filled(size: int, request: Callable[..., bytes]) -> bytes:
    """Return the request with one more field, so that its header has this size."""
    return request(HOST, b"X-A: ".ljust(size - len(request(HOST)) - 2, b"a"))


def names(text: str) -> set[str]:
    """Return the names of rows that a text lists between bars."""
    return {" ".join(name.split()) for name in text.split("|")}


def tls_hello() -> bytes:
    """Return what a TLS client sends first. It has no line end."""
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="todo.example")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


LARGE = b"x" * (MAX_BODY + 1)
OLD = b"POST /api/v1/accounts HTTP/1.0"

TOO_LARGE = {
    "a body over the limit": message(POST, HOST, FORM, length(LARGE), body=LARGE),
    "a chunked body over the limit": chunked(chunks(*[b"x" * 65536] * 17)),
    "a chunked body of which the framing is over the limit": chunked(chunks(*[b"x"] * 200000)),
    "a length over the limit with Expect": message(
        POST, HOST, FORM, length(LARGE), b"Expect: 100-continue"
    ),
}

HEADER_TOO_LARGE = {
    "header too large": field(b"X-A: " + b"a" * MAX_HEADER),
    "header too large by one byte": filled(MAX_HEADER + 1, partial(get, b"/")),
    "header of too many lines": fixed(HOST, *[b"X-A: a"] * 40_000, LENGTH),
    "header without an end": message(GET, HOST, b"X-A: " + b"a" * 300_000)[:-4],
    "request line too large": get(b"/" + b"a" * 300_000),
}

MALFORMED = {
    # Content-Length (RFC 9112, section 6.3)
    "Content-Length with a plus": sized(b" +5"),
    "Content-Length with a minus": sized(b" -1"),
    "Content-Length with an underscore": sized(b" 1_0"),
    "Content-Length in hexadecimal": sized(b" 0x10"),
    "Content-Length with a dot": sized(b" 5.0"),
    "Content-Length empty": sized(b""),
    "Content-Length in Arabic digits": sized(" \N{ARABIC-INDIC DIGIT FIVE}".encode()),
    "Content-Length of 5,000 digits": sized(b" " + b"1" * 5000),
    "Content-Length with Expect": fixed(HOST, b"Expect: 100-continue", b"Content-Length: x"),
    "two Content-Length lines that differ": fixed(HOST, LENGTH, b"Content-Length: 5"),
    "two Content-Length lines alike": fixed(HOST, LENGTH, LENGTH),
    "two Content-Lengths in one line": fixed(HOST, LENGTH + b", %d" % len(BODY)),
    # Transfer-Encoding (RFC 9112, section 6.1)
    "Content-Length, then Transfer-Encoding": coded(length(CHUNKS), CHUNKED),
    "Transfer-Encoding, then Content-Length": coded(CHUNKED, length(CHUNKS)),
    "Transfer-Encoding with Content-Length 0": coded(CHUNKED, b"Content-Length: 0"),
    "Transfer-Encoding twice": coded(CHUNKED, CHUNKED),
    "Transfer-Encoding twice in one line": coded(CHUNKED + b", chunked"),
    "Transfer-Encoding twice, other case": coded(CHUNKED, b"transfer-encoding: Chunked"),
    "Transfer-Encoding chunked and a comma": coded(CHUNKED + b","),
    "Transfer-Encoding empty": field(b"Transfer-Encoding:"),
    "Transfer-Encoding gzip": coded(b"Transfer-Encoding: gzip"),
    "Transfer-Encoding gzip, chunked": coded(b"Transfer-Encoding: gzip, chunked"),
    "Transfer-Encoding identity": fixed(HOST, LENGTH, b"Transfer-Encoding: identity"),
    "Transfer-Encoding xchunked": coded(b"Transfer-Encoding: xchunked"),
    "Transfer-Encoding with a vertical tab": coded(b"Transfer-Encoding: \x0bchunked"),
    "Transfer-Encoding in HTTP/1.0": chunked(
        CHUNKS, HOST, CHUNKED, b"Connection: keep-alive", line=OLD
    ),
    # Chunks (RFC 9112, section 7.1)
    "chunk size zz": chunked(b"zz\r\n" + CHUNKS),
    "chunk size with a plus": chunked(b"+" + CHUNKS),
    "chunk size with 0x": chunked(b"0x" + CHUNKS),
    "chunk size with a space before it": chunked(b" " + CHUNKS),
    "chunk size with a space after it": chunked(CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "chunk size empty": chunked(b"\r\n" + CHUNKS),
    "chunk size -1": chunked(b"-1\r\n" + CHUNKS),
    "chunk size of a bare LF": chunked(CHUNKS.replace(b"\r\n", b"\n\r\n", 1)),
    "chunk lines of bare LF": chunked(CHUNKS.replace(b"\r\n", b"\n")),
    "chunk longer than its size": chunked(b"5\r\n123456\r\n0\r\n\r\n"),
    "chunk shorter than its size": chunked(b"5\r\n1234\r\n0\r\n\r\n"),
    "chunk extension too large": chunked(b"1;" + b"x" * 5000 + b"\r\nx\r\n" + CHUNKS),
    "chunk extension without an end": chunked(b"1;" + b"x" * 5000),
    "chunk extension with a bare LF": chunked(CHUNKS.replace(b"\r\n", b";a\n\r\n", 1)),
    "chunk extension with NUL": chunked(CHUNKS.replace(b"\r\n", b";\0\r\n", 1)),
    "trailer that is no field": chunked(chunks(BODY, end=b"0\r\nnonsense\r\n\r\n")),
    "trailer with bare LF": chunked(chunks(BODY, end=b"0\r\nA: b\n\nC: d\r\n\r\n")),
    # Host (RFC 9112, section 3.2)
    "no Host": hosted(),
    "two Host lines": hosted(HOST, b"Host: other.example"),
    "two Host lines alike": hosted(HOST, HOST),
    "Host with two names": hosted(HOST + b", other.example"),
    "Host with a space before the colon": hosted(b"Host : a"),
    "Host with a path": hosted(b"Host: a/b"),
    "Host with a user": hosted(b"Host: a@b"),
    "Host with a port that is no number": hosted(b"Host: a:b"),
    "Host with a broken IPv6 address": hosted(b"Host: [::1"),
    "Host beyond ASCII": hosted("Host: töfu".encode()),
    "Host empty": hosted(b"Host:"),
    "Host twice in HTTP/1.0": hosted(HOST, HOST, line=OLD),
    # Field lines (RFC 9112, section 5)
    "space before a colon": field(b"X-A : a"),
    "field without a colon": field(b"X-A"),
    "field without a name": field(b": a"),
    "field name with a space": field(b"X A: a"),
    "folded line": field(b"X-A: a\r\n b"),
    "folded line with a tab": field(b"X-A: a\r\n\tb"),
    "folded Transfer-Encoding": coded(b"Transfer-Encoding:\r\n chunked"),
    "space before the first field": fixed(b" X-A: a", HOST, LENGTH),
    "NUL in a value": field(b"X-A: a\0b"),
    "NUL in a name": field(b"X-A\0: a"),
    "escape in a value": field(b"X-A: a\x1bb"),
    "bare LF between fields": hosted(HOST + b"\nX-A: a"),
    "bare CR between fields": hosted(HOST + b"\rX-A: a"),
    "bare LF everywhere": hosted(HOST).replace(b"\r\n", b"\n"),
    "bare CR everywhere": hosted(HOST).replace(b"\r\n", b"\r"),
    "spaces that cost time": field(b"X-A:" + b" " * 16_000 + b"a"),
    # Request line (RFC 9112, section 3)
    "method in lower case": begun(b"post /api/v1/accounts HTTP/1.1"),
    "method with a sign": begun(b"PO@ST /api/v1/accounts HTTP/1.1"),
    "method that starts with a sign": begun(b"(POST /api/v1/accounts HTTP/1.1"),
    "no method": begun(b" /api/v1/accounts HTTP/1.1"),
    "space before the method": begun(b" " + POST),
    "LF before the method": begun(b"\n" + POST),
    "two spaces": begun(b"POST  /api/v1/accounts HTTP/1.1"),
    "tabs for spaces": begun(POST.replace(b" ", b"\t")),
    "space after the version": begun(POST + b" "),
    "no version": version(b""),
    "no version and no field": b"GET /api/v1\r\n",
    "HTTP/0.9": version(b" HTTP/0.9"),
    "HTTP/1.2": chunked(CHUNKS, line=b"POST /api/v1/accounts HTTP/1.2"),
    "HTTP/1.10": version(b" HTTP/1.10"),
    "HTTP/2.0": version(b" HTTP/2.0"),
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version in lower case": version(b" http/1.1"),
    "other protocol": version(b" SIP/2.0"),
    "space in the target": target(b"/api/v1/accounts ?"),
    "tab in the target": target(b"/api/v1/acc\tounts"),
    "NUL in the target": target(b"/api/v1/accounts?\0"),
    "bare CR in the target": target(b"/api/v1/accounts?\r"),
    "target beyond ASCII": target("/api/v1/accounts?ö".encode()),
    "two slashes before the path": target(b"//api/v1/accounts"),
    "fragment in the target": target(b"/api/v1/accounts#a"),
    "target without a slash": target(b"api/v1/accounts"),
    "target of another scheme": target(b"ftp://a/api/v1/accounts"),
    "target with a user": target(b"http://a@b/api/v1/accounts"),
    "target without a host": target(b"http:///api/v1/accounts"),
    "target with a broken host": target(b"http://[/api/v1/accounts"),
    "asterisk for a resource": target(b"*"),
    "CONNECT": message(b"CONNECT todo.example:80 HTTP/1.1", HOST),
    # What is no HTTP
    "TLS hello": tls_hello(),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": b"\0\0\0",
}

REFUSED = {
    name: (status, request)
    for status, rows in ((413, TOO_LARGE), (431, HEADER_TOO_LARGE), (400, MALFORMED))
    for name, request in rows.items()
}

ZEROS = form(b"zeros")
JSON = b"Content-Type: application/json"
JSON_AT_THE_LIMIT = b"[%s]" % (b" " * (MAX_BODY - 2))
EXTENDED = chunks(form(b"extensions")).replace(b"\r\n", b';a=b;c="d;e"\r\n', 1)
ODD = (b"X-A:", b"X-B:\ta \xff ", b"X-C: a", b"X-C: Host: b")
CAPITALS = b"TRANSFER-ENCODING: Chunked \t"

ACCEPTED: dict[str, tuple[int, bytes]] = {
    "Content-Length": (201, register(b"fixed")),
    "Content-Length with zeros before it": (
        201,
        message(POST, HOST, FORM, b"Content-Length: 00%d" % len(ZEROS), body=ZEROS),
    ),
    "a body at the limit": (
        400,  # from the application, which wants an object
        message(POST, HOST, JSON, length(JSON_AT_THE_LIMIT), body=JSON_AT_THE_LIMIT),
    ),
    "chunks": (201, chunked(chunks(form(b"chunks")))),
    "many chunks": (201, chunked(chunks(*(b"%c" % byte for byte in form(b"manychunks"))))),
    "chunk extensions": (201, chunked(EXTENDED)),
    "trailer fields": (201, chunked(chunks(form(b"trailers"), end=b"0\r\nA: b\r\nC: d\r\n\r\n"))),
    "Transfer-Encoding in capitals": (201, chunked(chunks(form(b"capitals")), HOST, CAPITALS)),
    "HTTP/1.0 without Host": (200, message(b"GET /api/v1 HTTP/1.0", b"Connection: keep-alive")),
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
    "fields with odd values": (200, get(b"/api/v1", HOST, *ODD)),
    "a header of the largest size": (200, filled(MAX_HEADER, partial(get, b"/api/v1"))),
    "Expect on a request without a body": (200, get(b"/api/v1", HOST, b"Expect: 100-continue")),
}


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answers)]
