"""Logs contain no secrets, even at level DEBUG, and with JSON each line is an object."""

import http.client
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyramid.request import Request
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.databases import ROOT
from tests.support.extra_routes import TEST_VIEW
from tests.support.fixtures import Logs, SetClock
from tests.support.pserve import pserve
from tests.support.running import dispose
from todo import clock, configure
from todo.models import Account, Token
from todo.models.token import new_token

ACCOUNTS = "/api/v1/accounts"
LOGIN = f"{ACCOUNTS}/login"
JSON = "application/json"

PASSWORD = "1st secret password"
WRONG = "2nd secret, but wrong"
NEW = "3rd secret password"
DATABASE_PASSWORD = "4th-secret-of-the-database"

LOGGERS = ("", "sqlalchemy.engine", "sqlalchemy.pool", "waitress", "todo")


Send = Callable[[str, str, str, dict[str, str]], tuple[int, Any]]


def send_secrets(send: Send) -> list[str]:
    """Send valid and invalid requests that contain secrets; return the issued tokens."""
    tokens: list[str] = []

    def send_json(status: int, method: str, path: str, token: str = "", **fields: str) -> None:
        headers = {"Content-Type": JSON}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answered, body = send(method, path, json.dumps(fields), headers)
        assert answered == status, body
        if isinstance(body.get("token"), str):
            tokens.append(body["token"])

    def send_raw(status: int, path: str, body: str, **headers: str) -> None:
        answered, _ = send("POST", path, body, {"Content-Type": JSON} | headers)
        assert answered == status

    own = f"{ACCOUNTS}/carol"
    carol = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    send_json(201, "POST", ACCOUNTS, **carol, password2=PASSWORD)
    send_json(409, "POST", ACCOUNTS, **carol)
    send_json(400, "POST", ACCOUNTS, **carol, password2=WRONG)
    send_json(401, "POST", LOGIN, username="carol", password=WRONG)
    send_json(401, "POST", LOGIN, username=WRONG, password=WRONG)
    send_json(
        400, "POST", f"{LOGIN}?password={DATABASE_PASSWORD}", username="carol", password=PASSWORD
    )
    send_json(200, "POST", LOGIN, username="carol", password=PASSWORD)
    login = tokens[-1]
    send_json(
        201, "POST", f"{own}/tokens", login, name="n", scope="write", current_password=PASSWORD
    )
    api = tokens[-1]
    send_json(403, "PUT", own, api, password=NEW, current_password=PASSWORD)
    send_json(201, "POST", f"{own}/tasks", api, name="Milk")
    send_json(200, "GET", f"{own}/tasks", api)
    send_json(400, "POST", f"{own}/tasks", api, password=PASSWORD)
    send_json(200, "GET", f"{own}/tokens", login)
    send_json(200, "PUT", own, login, password=NEW, current_password=PASSWORD)
    send_json(401, "GET", own, api)
    send_json(403, "GET", f"{ACCOUNTS}/bob", tokens[-1])
    send_raw(400, LOGIN, f'{{"password": "{NEW}"')
    send_raw(400, LOGIN, f'{{"{NEW}": 1, "password": "{NEW}"}}')
    send_raw(415, LOGIN, NEW, **{"Content-Type": f"text/plain; x={NEW}"})
    send_raw(200, f"{ACCOUNTS}/logout", "", Cookie=f"todo_session={tokens[-1]}")
    send_json(200, "POST", LOGIN, username="carol", password=NEW)
    assert len(set(tokens)) == 5
    return tokens


def secrets_of(session: Session, tokens: list[str]) -> dict[str, str]:
    """Return the secrets that no log may contain, and the kind of each."""
    secrets = dict.fromkeys((PASSWORD, WRONG, NEW, DATABASE_PASSWORD), "a password")
    secrets |= dict.fromkeys(tokens, "a token")
    for password_hash in session.scalars(select(Account.password_hash)):
        secrets[password_hash] = "a password hash"
    secrets["$argon2id$"] = "some password hash"
    for digest in session.scalars(select(Token.digest)):
        secrets |= {digest.hex(): "a digest", repr(digest)[2:-1]: "a digest"}
    return secrets


def assert_no_secret(log: str, secrets: dict[str, str]) -> None:
    """Fail if the log contains a secret, or lacks SQL statements or DEBUG records."""
    assert "INSERT INTO accounts" in log, "SQL statements must be logged"
    assert "being returned to pool" in log, "DEBUG records must be logged"
    assert [kind for secret, kind in secrets.items() if secret in log] == []


@pytest.fixture
def debug_logs(caplog: Logs) -> Logs:
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.fixture
def url(database_url: str) -> str:
    """The database URL. A PostgreSQL URL without a password gets a secret one."""
    parsed = make_url(database_url)
    if parsed.get_backend_name() == "sqlite" or parsed.password:
        return database_url
    return parsed.set(password=DATABASE_PASSWORD).render_as_string(hide_password=False)


@pytest.fixture
def app_with_test_view(debug_logs: Logs, url: str) -> Iterator[Any]:
    config = configure({"sqlalchemy.url": url, "todo.secure_cookies": "false"})
    config.include("tests.support.extra_routes")
    app = config.make_wsgi_app()
    yield app
    dispose(app)


def fail(_request: Request) -> None:
    raise RuntimeError("planted")


def violate_check_constraint(request: Request) -> None:
    """Cause an error in which PostgreSQL shows the whole refused row."""
    account = request.db.scalars(select(Account)).first()
    row = {"username": "a", "username_lower": "B", "email": "e", "date_joined": clock.now()}
    request.db.execute(
        insert(Account).execution_options(recorded=True),
        row | {"password_hash": account.password_hash},
    )


def violate_unique_constraint(request: Request) -> None:
    """Cause an error in which PostgreSQL shows the existing value."""
    token = request.db.scalars(select(Token).order_by(Token.id.desc())).first()
    copy, _ = new_token(token.account_id, token.expiration_date)
    request.db.execute(insert(Token).values(copy | {"digest": token.digest}))


def query_missing_table(request: Request) -> None:
    statement = text("SELECT * FROM nowhere WHERE password = :password")
    request.db.execute(statement, {"password": PASSWORD})


def test_application_log_contains_no_secrets(
    app_with_test_view: Any, debug_logs: Logs, committed: Session, set_clock: SetClock
) -> None:
    client = Client(app_with_test_view)

    def send(method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, Any]:
        client.cookiejar.clear()
        response = client.request(path, method=method, body=body.encode(), headers=headers)
        return response.status_int, response.json

    tokens = send_secrets(send)
    set_clock(timedelta(minutes=11))
    headers = {"Content-Type": JSON, "Authorization": f"Bearer {tokens[-1]}"}
    for password, status in ((WRONG, 403), (NEW, 200)):
        fields = json.dumps({"email": f"c{status}@example.com", "current_password": password})
        assert send("PUT", f"{ACCOUNTS}/carol", fields, headers)[0] == status
    statuses = []
    for view in (fail, violate_check_constraint, violate_unique_constraint, query_missing_table):
        app_with_test_view.registry["test_view"] = view
        statuses.append(client.post(TEST_VIEW, {"password": NEW}).status_int)
    # SQLite reports a missing table as an operational error, which is a 503.
    assert statuses in ([500, 409, 409, 503], [500, 409, 409, 500])
    assert "RuntimeError: planted" in debug_logs.text
    assert_no_secret(debug_logs.text, secrets_of(committed, tokens))


DEBUG_LOGGING = """
[logger_sqlalchemy]
level = DEBUG
handlers =
qualname = sqlalchemy
"""


@pytest.fixture
def debug_ini(tmp_path: Path) -> Path:
    text = (ROOT / "development.ini").read_text()
    text = text.replace("level = WARNING", "level = DEBUG")
    text = text.replace("keys = root, todo,", "keys = root, sqlalchemy, todo,")
    ini = tmp_path / "debug.ini"
    ini.write_text(text + DEBUG_LOGGING)
    return ini


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_pserve_log_contains_no_secrets(
    debug_ini: Path, url: str, committed: Session, log_format: str
) -> None:
    log = debug_ini.with_suffix(".log")
    environ = {"DATABASE_URL": url, "TODO_LOG_FORMAT": log_format}
    with log.open("w") as stderr, pserve(str(debug_ini), stderr, **environ) as server:

        def send(method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, Any]:
            status, _, answer = server.request(method, path, body, headers)
            return status, answer

        tokens = send_secrets(send)
    written = log.read_text()
    assert_no_secret(written, secrets_of(committed, tokens))
    if log_format == "json":
        lines = json_lines(written)
        unescaped = "\n".join(str(value) for line in lines for value in line.values())
        assert_no_secret(unescaped, secrets_of(committed, tokens))
        of_requests = [line for line in lines if line["logger"] == "todo.requests"]
        audited = [line for line in lines if line["logger"] == "todo.audit"]
        assert len(of_requests) > len(audited) > 10
        assert_ids(lines)
    else:
        assert " INFO [todo.audit] event=login.succeeded outcome=success " in written


def json_lines(log: str) -> list[dict[str, Any]]:
    """Return the lines of the log since the settings were read.

    One line is pserve's own, which no formatter reaches.
    """
    lines = log.splitlines()
    while not lines[0].startswith("{"):  # DEBUG records of libraries that are being imported
        del lines[0]
    own = [line for line in lines if line.startswith("Starting server in PID ")]
    assert len(own) <= 1
    return [json.loads(line) for line in lines if line not in own]


def assert_ids(lines: list[dict[str, Any]]) -> None:
    """Fail unless lines that belong to a request have its ids, and those of jobs the job."""
    of_sql = [line for line in lines if "INSERT INTO accounts" in line["message"]]
    assert of_sql
    for line in of_sql:
        assert {"request_id", "trace_id", "parent_id"} <= line.keys()
    of_jobs = [line for line in lines if line["thread"].startswith("job-")]
    assert all(line["job"] == line["thread"].removeprefix("job-") for line in of_jobs)
    assert of_jobs


def test_json_log_of_production_with_audit_in_a_file_of_its_own(
    tmp_path: Path, database_url: str, committed: Session
) -> None:
    audit = tmp_path / "audit.log"
    text = (ROOT / "production.ini").read_text()
    text = text.replace("keys = root, todo,", "keys = root, audit, todo,")
    text = text.replace("keys = console", "keys = console, audit")
    text = text.replace(
        "level = WARNING\nhandlers =\nqualname = todo.requests",
        "level = INFO\nhandlers =\nqualname = todo.requests",
    )
    ini, log = tmp_path / "own.ini", tmp_path / "errors.log"
    [documented] = re.findall(
        "```ini\n(.*?)```", (ROOT / "docs" / "logs.md").read_text(), re.DOTALL
    )
    ini.write_text(text + documented.replace("/var/log/todo/audit.log", str(audit)))
    environ = {"DATABASE_URL": database_url, "TODO_LOG_FORMAT": "json"}
    environ |= {"TODO_PUBLIC_URL": "", "TODO_ALLOW_HTTP": "true"}
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    headers = {"Content-Type": JSON, "traceparent": f"00-{trace}-{parent}-01"}
    with log.open("w") as stderr, pserve(str(ini), stderr, **environ) as server:
        body = json.dumps({"username": "nobody\n", "password": WRONG})
        status, fields, _ = server.request("POST", LOGIN, body, headers)
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        connection.putrequest("GET", "/api/v1")
        for name in ("traceparent", "Traceparent"):
            connection.putheader(name, headers["traceparent"])
        connection.endheaders()
        connection.getresponse().read()
        connection.close()
    assert status == 401
    [warning, request, twice] = json_lines(log.read_text())
    [refused] = [json.loads(line) for line in audit.read_text().splitlines()]
    assert "todo.allow_http is true" in warning["message"]
    ids = {"request_id": fields["X-Request-Id"], "trace_id": trace, "parent_id": parent}
    assert ids.items() <= request.items()
    assert ids.items() <= refused.items()
    assert (request["route"], request["status"]) == ("login", 401)
    assert (refused["event"], refused["address"]) == ("login.failed", "127.0.0.1")
    assert (twice["trace_id"] != trace, twice["parent_id"]) == (True, None)
