"""Requests as bytes: which of them RFC 9112 allows, and which not.

A row names the status that the bare service should answer. Where stock waitress, nginx or HAProxy
does otherwise, the tests say so: tests/test_wire.py and tests/deployment/test_wire.py.
"""

import re
import ssl
from contextlib import suppress

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


def tls_hello() -> bytes:
    """Return what a TLS client sends first. It has no line end."""
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="todo.example")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


LARGE = b"x" * (MAX_BODY + 1)

REFUSED: dict[str, tuple[int, bytes]] = {
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
    "two Content-Lengths in one line": (400, fixed(HOST, LENGTH + b", %d" % len(BODY))),
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
    "trailer that is no field": (400, chunked(chunks(BODY, end=b"0\r\nnonsense\r\n\r\n"))),
    "trailer with bare LF": (400, chunked(chunks(BODY, end=b"0\r\nA: b\n\nC: d\r\n\r\n"))),
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


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answers)]
