"""What `todo-admin` shows of tokens and sessions, and how it ends them."""

import io
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.admin.conftest import TodoAdmin
from tests.admin.rows import add_token, read
from tests.support.factories import Login
from todo.models import Token
from todo.models.token import Kind, Scope

Ask = Callable[[Login], int]


def test_revoke_all(todo_admin: TodoAdmin, ask: Ask, alice: Login, bob: Login) -> None:
    assert "session" in todo_admin("tokens", "alice")
    said = todo_admin("revoke", "alice", "--all")
    assert said == "alice: 1 session or token ended.\n"
    assert (ask(alice), ask(bob)) == (401, 200)
    assert todo_admin("tokens", "alice") == "alice has no sessions or tokens.\n"


def test_revoke_by_id(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login, bob: Login
) -> None:
    first, second, third = (add_token(committing_session, alice) for _ in range(3))
    said = todo_admin("revoke", "alice", str(first), str(third), str(first))
    assert said == "alice: 2 sessions and tokens ended.\n"
    left = committing_session.scalars(select(Token.id).where(Token.account_id == alice.id)).all()
    assert first not in left
    assert third not in left
    assert second in left


@pytest.mark.parametrize("wrong", ["0", "99999999999999999999999", "bob's"])
def test_revoke_what_is_not_the_account_s(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login, bob: Login, wrong: str
) -> None:
    tokens = committing_session.scalars(select(Token)).all()
    ids = {token.account_id: str(token.id) for token in tokens}
    committing_session.rollback()
    wrong = ids[bob.id] if wrong == "bob's" else wrong
    assert todo_admin.refused("revoke", "alice", ids[alice.id], wrong) == (
        f"alice has no session or token {wrong}, so nothing was revoked; "
        "todo-admin tokens alice lists them"
    )
    assert len(read(committing_session, Token.id)) == 2


def test_tokens_are_a_table_without_secrets(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login, bob: Login
) -> None:
    add_token(committing_session, alice, kind=Kind.API, scope=Scope.READ, name="backup \u00fc")
    add_token(committing_session, alice, client="curl\x1b[2J\n8.1")
    table = todo_admin("tokens", "alice")
    head, *rows = table.splitlines()
    titles = ["ID", "KIND", "NAME", "SCOPE", "CREATED", "LAST USED", "EXPIRES", "CLIENT"]
    starts = [head.index(title) for title in titles]
    cells = [
        [row[i:j].strip() for i, j in zip(starts, [*starts[1:], None], strict=True)] for row in rows
    ]
    tokens = committing_session.scalars(select(Token).where(Token.account_id == alice.id)).all()
    assert [row[0] for row in cells] == [str(token.id) for token in tokens]
    assert [row[1:4] for row in cells] == [
        ["session", "-", "write"],
        ["api", "backup \u00fc", "read"],
        ["session", "-", "write"],
    ]
    assert [row[7] for row in cells] == ["-", "-", "curl?[2J?8.1"]
    expires = [f"{token.expiration_date:%Y-%m-%dT%H:%MZ}" for token in tokens]
    assert [row[6] for row in cells] == expires
    for token in tokens:
        assert token.digest.hex() not in table
    assert alice.token not in table


def test_a_table_where_the_terminal_lacks_characters(
    todo_admin: TodoAdmin,
    committing_session: Session,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_token(committing_session, alice, kind=Kind.API, name="\u00fc\u2603")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    todo_admin("tokens", "alice")
    stdout.seek(0)
    assert " \u00fc? " in stdout.read()
