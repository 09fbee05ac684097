"""The request log: one line for each answer, with its statements, and without names."""

import logging
import re
import shutil
from contextlib import closing
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import pytest
from pyramid.request import Request
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from webtest import TestApp

from tests.http.test_trace import PARENT, TRACE, VALID
from tests.support.client import Client, User, log_in
from tests.support.extra_routes import TEST_VIEW
from tests.support.fixtures import Logs, SetTestView
from todo.auth.identity import AccountRow
from todo.models import Token
from todo.models.statements import measured

REQUESTS = "todo.requests"

pytestmark = pytest.mark.unjournalled


@pytest.fixture
def log(caplog: Logs) -> Logs:
    caplog.set_level(logging.INFO, REQUESTS)
    return caplog


def lines(log: Logs) -> list[Any]:
    """Return the values of each line of the request log, and forget them."""
    found = [record.msg for record in log.records if record.name == REQUESTS]
    log.clear()
    return found


def test_line_describes_answer(real_alice: User, log: Logs) -> None:
    alice = real_alice
    answer = alice.get(alice.tasks_url, {"search": "whisper"}, headers={"traceparent": VALID})
    [line] = lines(log)
    assert line.pop("milliseconds") >= line.pop("sql_milliseconds") > 0
    assert line == {
        "message": "request",
        "request_id": answer.headers["X-Request-Id"],
        "trace_id": TRACE,
        "parent_id": PARENT,
        "method": "GET",
        "route": "tasks",
        "status": 200,
        "account": alice.id,
        "sql_count": 2,
        "bytes": len(answer.body),
    }


def test_line_has_no_text_of_the_client(client: Client, alice: User, log: Logs) -> None:
    odd = TestApp(client.app, lint=False)
    headers = {"traceparent": "secret"}
    odd.request("/secret-path?secret=1", method="SECRET", headers=headers, status=404)
    log_in(client, "alice", "secret password")
    client.get("/api/v1/accounts/alice/tasks?search=secret", headers={"User-Agent": "secret"})
    found = lines(log)
    assert [line["status"] for line in found] == [404, 401, 401]
    assert [line["method"] for line in found] == ["other", "POST", "GET"]
    assert [line["route"] for line in found] == [None, "login", "tasks"]
    assert [line["account"] for line in found] == [None] * 3
    assert [line["parent_id"] for line in found] == [None] * 3
    assert "secret" not in str([*map(str, found)])
    assert "alice" not in str([*map(str, found)])


def test_login_names_the_account_that_it_logged_in(client: Client, alice: User, log: Logs) -> None:
    log_in(client)
    assert [line["account"] for line in lines(log)] == [alice.id]


def test_probes_are_logged_at_debug_only(client: Client, log: Logs) -> None:
    for path in ("/healthz", "/readyz", "/api/v1"):
        client.get(path)
    assert [line["route"] for line in lines(log)] == ["info"]
    log.set_level(logging.DEBUG, REQUESTS)
    client.get("/healthz")
    assert [line["route"] for line in lines(log)] == ["healthz"]


def test_request_log_can_be_switched_off(client: Client, log: Logs) -> None:
    log.set_level(logging.WARNING, REQUESTS)
    client.get("/api/v1")
    assert lines(log) == []


def test_retried_request_logs_once_with_the_statements_of_all_attempts(
    client: Client, set_test_view: SetTestView, log: Logs
) -> None:
    ids = []

    def view(request: Request) -> None:
        ids.append((request.request_id, request.trace))
        request.db.execute(text("SELECT 1"))
        if len(ids) < 3:
            raise StaleDataError("lost")

    set_test_view(view)
    answer = client.post(TEST_VIEW)
    [line] = lines(log)
    assert len(ids) == 3
    assert set(ids) == {(answer.headers["X-Request-Id"], (line["trace_id"], None))}
    assert line["status"] == 200
    assert line["sql_count"] >= 3


def test_request_that_fails_at_every_attempt_logs_once(
    client: Client, set_test_view: SetTestView, log: Logs
) -> None:
    def view(_request: Request) -> None:
        raise StaleDataError("lost")

    set_test_view(view)
    assert client.post(TEST_VIEW).status_int == 409
    assert [line["status"] for line in lines(log)] == [409]


def test_error_line_has_ids_of_request_and_trace(
    client: Client, set_test_view: SetTestView, caplog: Logs
) -> None:
    def view(_request: Request) -> None:
        raise RuntimeError("planted")

    set_test_view(view)
    answer = client.get(TEST_VIEW, headers={"traceparent": VALID})
    request_id = answer.headers["X-Request-Id"]
    ids = f"request_id={request_id} trace_id={TRACE} parent_id={PARENT}: "
    assert caplog.messages[0].startswith(f"{ids}GET of the route test-view failed")
    caplog.clear()
    client.get(TEST_VIEW, headers={"traceparent": VALID.upper()})
    assert re.match("[0-9a-f]{16}: GET of the route test-view failed", caplog.messages[0])


@pytest.mark.parametrize(
    "error", [RuntimeError("planted"), DBAPIError("", {}, Exception("planted"))]
)
def test_error_line_names_nobody(
    alice: User, caplog: Logs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(AccountRow, "zone", property(fail))
    assert alice.get(alice.tasks_url).status_int == 500
    [line] = caplog.messages
    assert "GET of the route tasks failed" in line
    assert "alice" not in line


@pytest.mark.parametrize("name", [REQUESTS, "todo.audit"])
def test_log_whose_file_cannot_be_opened_fails_no_request(
    client: Client, alice: User, caplog: Logs, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    logger = logging.getLogger(name)
    caplog.set_level(logging.INFO, name)
    with closing(WatchedFileHandler(folder / "todo.log")) as handler:
        logger.addHandler(handler)
        try:
            shutil.rmtree(folder)
            assert log_in(client).status_int == 200
            assert log_in(client, password="wrong password").status_int == 401
        finally:
            logger.removeHandler(handler)
    lost = [line for line in caplog.messages if line.startswith(f"cannot write to the log {name}:")]
    assert len(lost) == 2
    assert all("request_id=" in line for line in lost)


def test_failed_statement_is_counted_once(db: Session) -> None:
    db.execute(select(Token.id))
    before = measured()
    with pytest.raises(DBAPIError, match="nowhere"):
        db.execute(text("SELECT * FROM nowhere"))
    after = measured()
    assert after.statements - before.statements == 1
    assert after.seconds > before.seconds
