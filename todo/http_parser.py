"""HTTP/1.1 as RFC 9112 has it: what waitress would let through is refused here, with 400.

Two parties that read the same bytes as different requests can be played against each other
(request smuggling, RFC 9112, section 11.2). So nothing that is in doubt is guessed at: the request
is answered with an error, is never executed, and its connection is closed.
"""

import re
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.receiver import ChunkedReceiver
from waitress.rfc7230 import CHUNK_EXT_RE, ONLY_HEXDIG_RE
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest

from todo.event_loop import Channel
from todo.http.headers import SAFETY
from todo.http.request import new_request_id

MAX_CHUNK_LINE = 4096  # bytes of a chunk's size with its extensions, or of a trailer field

# What the bytes of a request can begin with: empty lines (section 2.2), then a whole request line
# (section 3), or the part of it that has come. The target is a path, a URL or, of OPTIONS alone, *.
# waitress would answer a path that begins with two slashes as if it began with one.
_BEGINNING = re.compile(
    rb"""(?:\r\n)*
    (?: (?: [!#$%&'*+\-.^_`|~0-9A-Z]+ [ ] (?: /(?!/) | (?i:https?)://[^/?] ) [!-"$-~]*
          | OPTIONS[ ]\* ) [ ] HTTP/1\.[01]\r\n
      | [!#$%&'*+\-.^_`|~0-9A-Z] [^\r\n]* \r?\Z
      | \r?\Z )""",
    re.VERBOSE,
)

_FOLDED = re.compile(rb"\r\n[ \t]")  # section 5.2

# More spaces before a value than any client sends; waitress needs time with the square of them.
_PADDED = re.compile(rb":[ \t]{256}")

# The fields that say where a request ends and whom it is for.
_SINGLE = re.compile(rb"\r\n((?i:host|content-length|transfer-encoding)):[ \t]*([^\r]*)")

# RFC 3986, section 3.2. A name is never empty in a URL of http (RFC 9110, section 4.2.1).
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~%!$&'()*+,;=-]+)(?::[0-9]*)?", re.ASCII)

_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*")


class StrictParser(HTTPRequestParser):
    """One request, as its bytes come in."""

    body_rcv: Any = None  # what reads the body, from the end of the header on
    path = ""  # waitress names it in its log, even if the request was refused before it was known

    def received(self, data: bytes) -> int:
        """Take the bytes of this request, and return how many these were."""
        # Without this, a TLS client would wait for us and we for the end of its first line.
        if self.body_rcv is None and not _BEGINNING.match(self.header_plus + data):
            self.error = BadRequest("This is not HTTP/1.1, or no request line of it.")
            self.completed = True
            return len(data)
        consumed: int = super().received(data)
        if self.completed:
            # Else waitress sends 100 (Continue) to a request that it has refused or that has no
            # body (RFC 9110, section 10.1.1), and then takes the next request for a part of it.
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the fields. Raises ParsingError, which becomes 400."""
        if _FOLDED.search(header_plus) or _PADDED.search(header_plus):
            raise ParsingError("A field is folded into more than one line, or padded.")
        found = [(name.lower(), value.rstrip()) for name, value in _SINGLE.findall(header_plus)]
        fields = dict(found)
        if len(fields) < len(found):
            raise ParsingError("Host, Content-Length or Transfer-Encoding is there twice.")
        # Before waitress, which has 501 for other codings: a fault of the client is no 5xx here.
        if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise ParsingError("The only Transfer-Encoding here is chunked.")
        try:
            super().parse_header(header_plus)
        except (ParsingError, TransferEncodingNotImplemented, ValueError):
            # waitress repeats what was sent, which may be a secret; and a ValueError of int() or
            # of urlsplit() would end the connection without an answer.
            raise ParsingError("This is no HTTP request.") from None
        self._check_host()
        if b"transfer-encoding" in fields:
            self._check_chunked(fields)

    def _check_host(self) -> None:
        """RFC 9112, section 3.2."""
        host = self.headers.get("HOST")
        if host is None and self.version == "1.1":
            raise ParsingError("The field Host is missing.")
        if host is not None and not _HOST.fullmatch(host):
            raise ParsingError("The field Host names no host.")
        if self.proxy_netloc:
            # The target is a whole URL: its host counts, not the field (section 3.2.2).
            if not _HOST.fullmatch(self.proxy_netloc):
                raise ParsingError("The target names no host.")
            self.headers["HOST"] = self.proxy_netloc

    def _check_chunked(self, fields: dict[bytes, bytes]) -> None:
        """RFC 9112, section 6.1."""
        if b"content-length" in fields:
            raise ParsingError("Content-Length and Transfer-Encoding exclude each other.")
        if self.version == "1.0":
            raise ParsingError("HTTP/1.0 has no Transfer-Encoding.")
        self.body_rcv = StrictChunkedReceiver(self.body_rcv.getbuf())


class StrictChunkedReceiver(ChunkedReceiver):
    """A chunked body (RFC 9112, section 7.1). Extensions and trailer fields are read, not kept."""

    next_line = "size"  # of the next chunk; or the "end" of this one, or a "trailer" field
    remaining = 0  # bytes of this chunk that have not come yet
    begun = b""  # a line of which the end has not come yet

    def received(self, data: bytes) -> int:
        """Take the bytes of this body, and return how many these were."""
        came = len(data)
        data = self.begun + data
        self.begun = b""
        try:
            while data and not self.completed:
                data = self._read_chunk(data) if self.remaining else self._read_line(data)
        except ParsingError as error:
            self.error = BadRequest(str(error))
            return came
        return came - len(data)

    def _read_chunk(self, data: bytes) -> bytes:
        self.buf.append(data[: self.remaining])
        rest = data[self.remaining :]
        self.remaining = max(0, self.remaining - len(data))
        return rest

    def _read_line(self, data: bytes) -> bytes:
        line, ended, rest = data.partition(b"\r\n")
        if len(line) > MAX_CHUNK_LINE or b"\n" in line:
            raise ParsingError("A line within a chunked body is too long, or does not end in CRLF.")
        if not ended:
            self.begun = data
        elif self.next_line == "size":
            self._read_size(line)
        elif self.next_line == "end":
            self._read_end(line)
        else:
            self._read_trailer(line)
        return rest

    def _read_size(self, line: bytes) -> None:
        size, semicolon, extensions = line.partition(b";")
        if not (ONLY_HEXDIG_RE.match(size) and CHUNK_EXT_RE.match(semicolon + extensions)):
            raise ParsingError("A chunk's size is no hexadecimal number.")
        self.remaining = int(size, 16)
        self.next_line = "end" if self.remaining else "trailer"

    def _read_end(self, line: bytes) -> None:
        if line:
            raise ParsingError("A chunk is longer than its size.")
        self.next_line = "size"

    def _read_trailer(self, line: bytes) -> None:
        if line and not _TRAILER.fullmatch(line):
            raise ParsingError("A trailer field is none.")
        self.completed = not line


class AnswerTask(WSGITask):
    """The application's answer."""

    wrote_header: bool

    def write(self, data: bytes) -> None:
        """Write a part of the body, after the header; a whole one by one call with it."""
        if self.wrote_header or not 0 < len(data) == self.content_length:
            super().write(data)
            return
        header = self.build_response_header()
        self.wrote_header = True
        self.channel.write_soon(header + data if self.has_body else header)
        self.content_bytes_written = len(data)

    def set_close_on_finish(self) -> None:
        # waitress would close the connection after each 204 and 304, as it finds no length.
        ends_anyway = self.version == "1.1" and not self.wrote_header and not self.has_body
        if not ends_anyway or self.request.headers.get("CONNECTION", "").lower() == "close":
            super().set_close_on_finish()


class RefusalTask(ErrorTask):
    """The answer to a request that the application does not see."""

    def execute(self) -> None:
        own = {"Cache-Control": "no-store", "X-Request-Id": new_request_id()}
        self.response_headers.extend((SAFETY | own).items())
        super().execute()


class StrictChannel(Channel):
    """A connection whose requests StrictParser reads."""

    parser_class = StrictParser
    task_class = AnswerTask
    error_task_class = RefusalTask
