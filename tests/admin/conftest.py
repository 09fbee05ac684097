"""The command `todo-admin` in the tests' own process, on a database of theirs."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.databases import ROOT
from tests.support.factories import Login, make_account
from todo.auth.passwords import MIN_CHARACTERS
from todo.scripts import admin


class TodoAdmin:
    """Runs the command where DATABASE_URL names the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *arguments: str, password: str = "") -> str:
        """Return what it prints, which is never the password."""
        typed = f"{password}\n".encode(errors="surrogateescape")
        stdin = io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8")
        self.monkeypatch.setattr(sys, "stdin", stdin)
        admin.main(list(arguments))
        printed = self.capsys.readouterr()
        assert printed.err == ""
        assert not password or password not in printed.out
        return printed.out

    def refused(self, *arguments: str, password: str = "") -> str:
        """Return the one line that says why it is refused."""
        with pytest.raises(SystemExit) as stop:
            self(*arguments, password=password)
        line = str(stop.value)
        assert line.startswith("todo: "), line
        assert "\n" not in line
        # A shorter one is in many a line.
        assert len(password) < MIN_CHARACTERS or password not in line
        return line.removeprefix("todo: ")


@pytest.fixture
def todo_admin(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> TodoAdmin:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(ROOT)
    return TodoAdmin(monkeypatch, capsys)


@pytest.fixture
def alice(committing_session: Session) -> Login:
    return make_account(committing_session, "alice")


@pytest.fixture
def bob(committing_session: Session) -> Login:
    return make_account(committing_session, "bob")


@pytest.fixture
def ask(committing_app: Any) -> Callable[[Login], int]:
    """Ask the service for the account, with its token; return the status."""
    return lambda login: Client(committing_app, login.token).get(login.url).status_int


@pytest.fixture
def log_in(committing_app: Any) -> Callable[..., tuple[int, Any]]:
    """Log in to the service; return the status and the code of the problem, or None."""

    def log_in(username: str, password: str) -> tuple[int, Any]:
        fields = {"username": username, "password": password}
        response = Client(committing_app).post_json("/api/v1/accounts/login", fields)
        return response.status_int, response.json.get("code")

    return log_in
