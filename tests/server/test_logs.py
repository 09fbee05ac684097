"""What the log says, and never says, at its most talkative."""

import json
import logging
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
from tests.support.fixtures import Logs, Move
from tests.support.planted import PLANTED
from tests.support.pserve import pserve
from tests.support.running import dispose
from todo import clock, configure
from todo.models import Account, Token
from todo.models.token import new_token

ACCOUNTS = "/api/v1/accounts"
LOGIN = f"{ACCOUNTS}/login"
JSON = "application/json"

PASSWORD = "1st secret of hers"
WRONG = "2nd secret, which is none"
NEW = "3rd secret of hers"
DATABASE_PASSWORD = "4th-secret-of-the-database"

LOGGERS = ("", "sqlalchemy.engine", "sqlalchemy.pool", "waitress", "todo")


Send = Callable[[str, str, str, dict[str, str]], tuple[int, Any]]


def walk(send: Send) -> list[str]:
    """Do with secrets what users do, right and wrong; return the tokens that came of it."""
    tokens: list[str] = []

    def ask(status: int, method: str, path: str, token: str = "", **fields: str) -> None:
        headers = {"Content-Type": JSON}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answered, body = send(method, path, json.dumps(fields), headers)
        assert answered == status, body
        if isinstance(body.get("token"), str):
            tokens.append(body["token"])

    def ask_badly(status: int, path: str, body: str, **headers: str) -> None:
        answered, _ = send("POST", path, body, {"Content-Type": JSON} | headers)
        assert answered == status

    own = f"{ACCOUNTS}/carol"
    carol = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    ask(201, "POST", ACCOUNTS, **carol, password2=PASSWORD)
    ask(409, "POST", ACCOUNTS, **carol)
    ask(400, "POST", ACCOUNTS, **carol, password2=WRONG)
    ask(401, "POST", LOGIN, username="carol", password=WRONG)
    ask(401, "POST", LOGIN, username=WRONG, password=WRONG)
    ask(400, "POST", f"{LOGIN}?password={DATABASE_PASSWORD}", username="carol", password=PASSWORD)
    ask(200, "POST", LOGIN, username="carol", password=PASSWORD)
    login = tokens[-1]
    ask(201, "POST", f"{own}/tokens", login, name="n", scope="write", current_password=PASSWORD)
    api = tokens[-1]
    ask(403, "PUT", own, api, password=NEW, current_password=PASSWORD)
    ask(201, "POST", f"{own}/tasks", api, name="Milk")
    ask(200, "GET", f"{own}/tasks", api)
    ask(400, "POST", f"{own}/tasks", api, password=PASSWORD)
    ask(200, "GET", f"{own}/tokens", login)
    ask(200, "PUT", own, login, password=NEW, current_password=PASSWORD)
    ask(401, "GET", own, api)
    ask(403, "GET", f"{ACCOUNTS}/bob", tokens[-1])
    ask_badly(400, LOGIN, f'{{"password": "{NEW}"')
    ask_badly(400, LOGIN, f'{{"{NEW}": 1, "password": "{NEW}"}}')
    ask_badly(415, LOGIN, NEW, **{"Content-Type": f"text/plain; x={NEW}"})
    ask_badly(200, f"{ACCOUNTS}/logout", "", Cookie=f"todo_session={tokens[-1]}")
    ask(200, "POST", LOGIN, username="carol", password=NEW)
    assert len(set(tokens)) == 5
    return tokens


def secrets_of(session: Session, tokens: list[str]) -> dict[str, str]:
    """Return what no log may hold, by what it is."""
    secrets = dict.fromkeys((PASSWORD, WRONG, NEW, DATABASE_PASSWORD), "a password")
    secrets |= dict.fromkeys(tokens, "a token")
    for password_hash in session.scalars(select(Account.password_hash)):
        secrets[password_hash] = "a password hash"
    secrets["$argon2id$"] = "some password hash"
    for digest in session.scalars(select(Token.digest)):
        secrets |= {digest.hex(): "a digest", repr(digest)[2:-1]: "a digest"}
    return secrets


def check(log: str, secrets: dict[str, str]) -> None:
    """Fail if the log holds a secret, or if it is not talkative."""
    assert "INSERT INTO accounts" in log, "the statements are logged"
    assert "being returned to pool" in log, "and what is logged at DEBUG alone"
    assert [kind for secret, kind in secrets.items() if secret in log] == []


@pytest.fixture
def talkative(caplog: Logs) -> Logs:
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.fixture
def url(database_url: str) -> str:
    """The database's URL with a password, where the server does not ask for one anyway."""
    parsed = make_url(database_url)
    if parsed.get_backend_name() == "sqlite" or parsed.password:
        return database_url
    return parsed.set(password=DATABASE_PASSWORD).render_as_string(hide_password=False)


@pytest.fixture
def planted_app(talkative: Logs, url: str) -> Iterator[Any]:
    config = configure({"sqlalchemy.url": url, "todo.secure_cookies": "false"})
    config.include("tests.support.planted")
    app = config.make_wsgi_app()
    yield app
    dispose(app)


def fail(_request: Request) -> None:
    raise RuntimeError("planted")


def break_a_rule_of_a_column(request: Request) -> None:
    """PostgreSQL's error shows the whole row that it refuses."""
    account = request.db.scalars(select(Account)).first()
    row = {"username": "a", "username_lower": "B", "email": "e", "date_joined": clock.now()}
    request.db.execute(
        insert(Account).execution_options(recorded=True),
        row | {"password_hash": account.password_hash},
    )


def break_uniqueness(request: Request) -> None:
    """PostgreSQL's error shows the value that is there already."""
    token = request.db.scalars(select(Token).order_by(Token.id.desc())).first()
    copy, _ = new_token(token.account_id, token.expiration_date)
    request.db.execute(insert(Token).values(copy | {"digest": token.digest}))


def ask_what_is_not_there(request: Request) -> None:
    statement = text("SELECT * FROM nowhere WHERE password = :password")
    request.db.execute(statement, {"password": PASSWORD})


def test_no_secret_is_logged(
    planted_app: Any, talkative: Logs, committed: Session, set_clock: Move
) -> None:
    client = Client(planted_app)

    def send(method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, Any]:
        client.cookiejar.clear()
        response = client.request(path, method=method, body=body.encode(), headers=headers)
        return response.status_int, response.json

    tokens = walk(send)
    set_clock(timedelta(minutes=11))
    headers = {"Content-Type": JSON, "Authorization": f"Bearer {tokens[-1]}"}
    for password, status in ((WRONG, 403), (NEW, 200)):
        fields = json.dumps({"email": f"c{status}@example.com", "current_password": password})
        assert send("PUT", f"{ACCOUNTS}/carol", fields, headers)[0] == status
    statuses = []
    for view in (fail, break_a_rule_of_a_column, break_uniqueness, ask_what_is_not_there):
        planted_app.registry["planted"] = view
        statuses.append(client.post(PLANTED, {"password": NEW}).status_int)
    # Of a table that is not there, SQLite speaks as if it were out of order.
    assert statuses in ([500, 409, 409, 503], [500, 409, 409, 500])
    assert "RuntimeError: planted" in talkative.text
    check(talkative.text, secrets_of(committed, tokens))


TALKATIVE = """
[logger_sqlalchemy]
level = DEBUG
handlers =
qualname = sqlalchemy
"""


@pytest.fixture
def talkative_ini(tmp_path: Path) -> Path:
    text = (ROOT / "development.ini").read_text()
    text = text.replace("level = WARNING", "level = DEBUG")
    text = text.replace("keys = root, todo, queue", "keys = root, todo, queue, sqlalchemy")
    ini = tmp_path / "talkative.ini"
    ini.write_text(text + TALKATIVE)
    return ini


def test_no_secret_is_written_by_pserve(talkative_ini: Path, url: str, committed: Session) -> None:
    log = talkative_ini.with_suffix(".log")
    with log.open("w") as stderr, pserve(str(talkative_ini), stderr, DATABASE_URL=url) as server:

        def send(method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, Any]:
            status, _, answer = server.request(method, path, body, headers)
            return status, answer

        tokens = walk(send)
    check(log.read_text(), secrets_of(committed, tokens))
