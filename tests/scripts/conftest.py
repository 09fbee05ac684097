"""Fixtures that run `todo-admin` in the test process, and helpers that read its database."""

import io
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.client import log_in as client_log_in
from tests.support.databases import ROOT
from tests.support.factories import Login, make_account, make_token
from tests.support.fixtures import Capture, Patch
from todo import clock
from todo.auth.passwords import MIN_CHARACTERS
from todo.scripts import admin

DAY = timedelta(days=1)


def read_column(session: Session, column: Any) -> list[Any]:
    """Return the committed values of a column, and leave no transaction that blocks SQLite."""
    session.rollback()
    values = list(session.scalars(select(column)))
    session.rollback()
    return values


def add_token(session: Session, login: Login, ends: timedelta = DAY, **values: Any) -> int:
    token_id, _ = make_token(session, login.id, expiration_date=clock.now() + ends, **values)
    session.commit()
    return token_id


class TodoAdmin:
    """Runs the command on the database that DATABASE_URL names."""

    def __init__(self, monkeypatch: Patch, capsys: Capture) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *arguments: str, password: str = "") -> str:
        """Run the command and return its output; fail if it prints the password."""
        typed = f"{password}\n".encode(errors="surrogateescape")
        stdin = io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8")
        self.monkeypatch.setattr(sys, "stdin", stdin)
        admin.main(list(arguments))
        printed = self.capsys.readouterr()
        assert printed.err == ""
        assert not password or password not in printed.out
        return printed.out

    def refused(self, *arguments: str, password: str = "") -> str:
        """Run a command that must fail, and return its one-line error without the prefix."""
        with pytest.raises(SystemExit) as stop:
            self(*arguments, password=password)
        line = str(stop.value)
        assert line.startswith("todo: "), line
        assert "\n" not in line
        # A shorter password may occur in the message by chance.
        assert len(password) < MIN_CHARACTERS or password not in line
        return line.removeprefix("todo: ")


@pytest.fixture
def todo_admin(database_url: str, monkeypatch: Patch, capsys: Capture) -> TodoAdmin:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(ROOT)
    # The ini file's handlers would replace those of pytest for all tests that follow.
    monkeypatch.setattr("plaster_pastedeploy.fileConfig", lambda *_args, **_options: None)
    return TodoAdmin(monkeypatch, capsys)


@pytest.fixture
def alice(committed: Session) -> Login:
    return make_account(committed, "alice")


@pytest.fixture
def bob(committed: Session) -> Login:
    return make_account(committed, "bob")


@pytest.fixture
def profile_status(real_app: Any) -> Callable[[Login], int]:
    """Request the account with its token; return the status."""
    return lambda login: Client(real_app, login.token).get(login.url).status_int


@pytest.fixture
def log_in(real_app: Any) -> Callable[..., tuple[int, Any]]:
    """Log in to the service; return the status and the error code, or None."""

    def log_in(username: str, password: str) -> tuple[int, Any]:
        response = client_log_in(Client(real_app), username, password)
        return response.status_int, response.json.get("code")

    return log_in
