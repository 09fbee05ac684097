"""JSON lines: one line of JSON for each record, whatever it contains."""

import json
import logging
import sys
from typing import Any

import pytest

from todo.http.logs import JsonLines, Values


def line_of(message: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
    """Return the members of the record's line, and check that it is one line of ASCII."""
    logger = logging.getLogger("todo.example")
    options = {"exc_info": None, "extra": None, "thread": "MainThread"} | options
    record = logger.makeRecord(
        logger.name,
        logging.WARNING,
        __file__,
        1,
        message,
        arguments,
        options["exc_info"],
        extra=options["extra"],
    )
    record.created, record.threadName = 1893456000.0625, options["thread"]
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.splitlines() == [line]
    members: dict[str, Any] = json.loads(line)
    return members


def test_line_has_time_level_logger_message_and_thread() -> None:
    assert line_of("%d tasks", 3) == {
        "time": "2030-01-01T00:00:00.062Z",
        "level": "WARNING",
        "logger": "todo.example",
        "message": "3 tasks",
        "thread": "MainThread",
    }


@pytest.mark.parametrize(
    "text",
    ["two\nlines\r\n", "nul \0", "\ud800 alone", "\u2028 \x85 \x1b[2J", 'quote " \\', "é 😀"],
)
def test_any_text_stays_on_one_line(text: str) -> None:
    assert line_of("%s", text)["message"] == text
    assert line_of(text, extra={"more": text})["more"] == text


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    line = line_of("%r", b"\xff\n", extra={"raw": b"\xff", "nothing": None, "object": object})
    assert line["message"] == r"b'\xff\n'"
    assert (line["raw"], line["nothing"], line["object"]) == ("_w==", None, "object")


def test_traceback_is_one_member() -> None:
    try:
        raise RuntimeError("planted\nhere")
    except RuntimeError:
        line = line_of("failed", exc_info=sys.exc_info())
    assert line["message"] == "failed"
    assert line["traceback"].startswith("Traceback (most recent call last):\n")
    assert line["traceback"].endswith("RuntimeError: planted\nhere")


def test_line_of_job_names_the_job() -> None:
    line = line_of("done", thread="job-purge")
    assert (line["job"], line["thread"]) == ("purge", "job-purge")
    assert "request_id" not in line


def test_values_are_members_in_json_and_pairs_in_text() -> None:
    values = Values("request", {"route": "task", "account": None, "fields": ["email", "url"]})
    assert str(values) == "route=task account=- fields=email,url"
    line = line_of(values)
    assert (line["message"], line["account"]) == ("request", None)
    assert line["fields"] == ["email", "url"]
