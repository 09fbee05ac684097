"""Log lines: JSON, the ids of the request, and messages that consist of named values."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pyramid.threadlocal import get_current_request
from pythonjsonlogger.json import JsonFormatter

from todo.http.request import Request

logger = logging.getLogger(__name__)

JOB_THREAD = "job-"  # how the names of the threads of jobs begin

# Attribute of the record -> member of the line.
_MEMBERS = {
    "asctime": "time",
    "levelname": "level",
    "name": "logger",
    "message": "message",
    "threadName": "thread",
}


class Values(dict[str, Any]):
    """A message of named values: members of a JSON line, and `name=value` in a text."""

    def __init__(self, message: str, values: Mapping[str, Any]) -> None:
        super().__init__(values, message=message)

    def __str__(self) -> str:
        """Return the values without the message, which is among them or says nothing more."""
        return " ".join(f"{name}={_shown(self[name])}" for name in self if name != "message")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "-" if value is None else str(value)


def write(destination: logging.Logger, level: int, values: Values) -> None:
    """Log the values. If the file of the log cannot be opened, log them as an error instead.

    WatchedFileHandler raises that error, which must not fail a request that has been committed.
    """
    try:
        destination.log(level, values)
    except OSError as error:
        with suppress(OSError):  # the same file
            logger.error("cannot write to the log %s: %s: %s", destination.name, error, values)


class JsonLines(JsonFormatter):
    """The formatter of todo.log_format = json: one line of ASCII for each record."""

    def __init__(self) -> None:
        super().__init__(list(_MEMBERS), rename_fields=_MEMBERS | {"exc_info": "traceback"})

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of the record (RFC 3339, in UTC, with milliseconds)."""
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Add what the line is about: a request or a job."""
        super().add_fields(log_data, record, message_dict)
        for name, value in _origin(record).items():
            log_data.setdefault(name, value)


def _origin(record: logging.LogRecord) -> dict[str, Any]:
    thread = record.threadName or ""
    if thread.startswith(JOB_THREAD):
        return {"job": thread.removeprefix(JOB_THREAD)}
    request = get_current_request()
    return request.log_ids if isinstance(request, Request) else {}


def use_format(log_format: str) -> None:
    """Let all handlers write in the format: `json`, or `text` as the ini file says."""
    if log_format == "json":
        formatter = JsonLines()
        for handler in _handlers():
            handler.setFormatter(formatter)


def _handlers() -> Iterator[logging.Handler]:
    """Yield the handlers of all loggers, and the one for an ini file without any."""
    if logging.lastResort is not None:
        yield logging.lastResort
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
