"""The access log: one line for each answered request, those that were refused among them.

The lines go to the logger `todo.access` at INFO, in the combined format of the NCSA, as Apache and
nginx write it. Two fields follow: the milliseconds from the whole request to the whole answer, and
the X-Request-Id. Where the logger is off, nothing of this file runs.
"""

import logging
import re
import time
from typing import Any

from waitress.channel import ClientDisconnected
from waitress.task import Task

from todo.http_parser import AnswerTask, RefusalTask, StrictChannel, StrictParser

logger = logging.getLogger("todo.access")

# Characters of a path or a field. A line stays below 4096 bytes, which a pipe takes in one piece
# (PIPE_BUF), so that lines of several processes do not get mixed.
LONGEST = 1000
LONGEST_METHOD = 32

_UNSAFE = re.compile(r'[^ -~]|["\\]')


def is_on() -> bool:
    """Tell whether the ini file asks for the log."""
    return logger.isEnabledFor(logging.INFO)


def escaped(value: str) -> str:
    r"""Return the text of a field with all that could break a line or a quote as \xNN."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", value)[:LONGEST] or "-"


def _without_query(url: str) -> str:
    # A query can hold the words of a search; of a Referer, anything.
    return url.partition("?")[0].partition("#")[0]


class TimedParser(StrictParser):
    """A request that knows when all of it had come."""

    came = 0.0  # seconds of time.monotonic()

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        if self.completed:
            self.came = time.monotonic()
        return consumed


class _Logged(Task):
    """What is written about an answer once the connection has taken it."""

    header_size = 0  # bytes of the answer's status line and fields

    def build_response_header(self) -> bytes:
        header: bytes = super().build_response_header()
        self.header_size = len(header)
        return header

    def service(self) -> None:
        before = self.channel.written
        is_last = True
        try:
            super().service()
        except ClientDisconnected:
            raise
        except Exception:
            is_last = self.wrote_header  # else waitress answers 500, by another task
            raise
        finally:
            if is_last:
                self._log(self.channel.written - before - self.header_size)

    def _log(self, size: int) -> None:
        asked = self.channel.requests[0]
        line, referer, agent = "-", "", ""
        # Of a request that was refused nothing is repeated: it may be a secret in the wrong place.
        if not asked.error:
            target = escaped(_without_query(asked.request_uri))
            line = f"{asked.command[:LONGEST_METHOD]} {target} HTTP/{asked.version}"
            referer = _without_query(asked.headers.get("REFERER", ""))
            agent = asked.headers.get("USER_AGENT", "")
        logger.info(
            '%s - - [%s] "%s" %s %d "%s" "%s" %.1f %s',
            self._address(),
            time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            line,
            self.status[:3],
            max(0, size),
            escaped(referer),
            escaped(agent),
            (time.monotonic() - asked.came) * 1000,
            next((value for name, value in self.response_headers if name == "X-Request-Id"), "-"),
        )

    def _address(self) -> str:
        """Return the address of who asks: behind the trusted proxy, what that says."""
        environ: dict[str, Any] = getattr(self, "environ", None) or {}
        return escaped(environ.get("REMOTE_ADDR", self.channel.addr[0]))


class LoggedTask(_Logged, AnswerTask):
    """The application's answer."""


class LoggedRefusal(_Logged, RefusalTask):
    """The answer to a request that the application does not see."""


class LoggedChannel(StrictChannel):
    """A connection whose answers are logged."""

    parser_class = TimedParser
    task_class = LoggedTask
    error_task_class = LoggedRefusal
    written = 0  # bytes of all its answers

    def write_soon(self, data: Any) -> int:
        size: int = super().write_soon(data)
        self.written += size
        return size
