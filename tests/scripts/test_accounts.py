"""What `todo-admin` does to accounts, and to their sessions and tokens."""

import io
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin, add_token, read
from tests.support.client import Client
from tests.support.factories import PASSWORD, Login, change_accounts, make_token
from tests.support.fixtures import Patch
from todo import clock
from todo.models import Account, ReleasedUsername, Token
from todo.models.token import Scope, TokenKind
from todo.scripts import admin

ACCOUNTS = "/api/v1/accounts"
NEW_PASSWORD = "battery staple horse"

Ask = Callable[[Login], int]
LogIn = Callable[[str, str], tuple[int, Any]]


def test_a_created_account_logs_in(todo_admin: TodoAdmin, log_in: LogIn) -> None:
    said = todo_admin("create", "Carol", "carol@example.com", password=PASSWORD)
    assert said == "Carol is registered.\n"
    assert log_in("carol", PASSWORD) == (200, None)


def test_a_disabled_account_is_out_until_enabled(
    todo_admin: TodoAdmin, ask: Ask, log_in: LogIn, alice: Login, bob: Login
) -> None:
    assert ask(alice) == 200
    assert todo_admin("disable", "ALICE") == "alice is disabled; 1 session or token ended.\n"
    assert (ask(alice), ask(bob)) == (401, 200)
    assert log_in("alice", PASSWORD) == (403, "account_disabled")
    assert todo_admin("enable", "alice") == "alice is enabled.\n"
    assert log_in("alice", PASSWORD) == (200, None)
    assert ask(alice) == 401, "what ended stays ended"


def test_a_reset_password_logs_in_and_the_old_one_does_not(
    todo_admin: TodoAdmin, ask: Ask, log_in: LogIn, alice: Login, bob: Login
) -> None:
    said = todo_admin("reset-password", "alice", password=NEW_PASSWORD)
    assert said == "alice has a new password; 1 session or token ended.\n"
    assert (ask(alice), ask(bob)) == (401, 200)
    assert log_in("alice", PASSWORD) == (401, "bad_credentials")
    assert log_in("alice", NEW_PASSWORD) == (200, None)


@pytest.mark.parametrize(
    ("username", "email", "password", "said"),
    [
        ("Alice", "a@example.com", PASSWORD, "had it not long ago."),
        ("given-up", "a@example.com", PASSWORD, "had it not long ago."),
        ("logout", "a@example.com", PASSWORD, "username: This name is reserved."),
        ("a b", "a@example.com", PASSWORD, "username: This must be made of the letters"),
        ("", "a@example.com", PASSWORD, "username: This must not be empty."),
        ("carol", "carol", PASSWORD, "email: "),
        ("carol", "carol@example.com", "short", "password: This must have at least 8 characters."),
        ("carol", "carol@example.com", "", "password: This must have at least 8 characters."),
        ("carol", "carol@example.com", "password1", "password: This is among the passwords"),
        ("carol", "carol@example.com", "I am Carol!", "password: This must not hold the username"),
        ("-", "-", "-", "username: "),
    ],
)
def test_what_a_registration_refuses_is_refused_in_its_words(
    todo_admin: TodoAdmin,
    real_app: Any,
    committed: Session,
    alice: Login,
    username: str,
    email: str,
    password: str,
    said: str,
) -> None:
    gone = ReleasedUsername(
        account_id=0, username_lower="given-up", expiration_date=clock.now() + DAY
    )
    committed.add(gone)
    committed.commit()
    fields = {"username": username, "email": email, "password": password}
    answer = Client(real_app).post_json(ACCOUNTS, fields).json["detail"]
    assert todo_admin.refused("create", username, email, password=password) == answer
    assert said in answer
    assert len(read(committed, Account.id)) == 1


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "password: This must have at least 8 characters."),
        ("password1", "password: This is among the passwords that attackers try first."),
        ("I am Alice!", "password: This must not hold the username or the e-mail address."),
    ],
)
def test_a_reset_takes_no_bad_password(
    todo_admin: TodoAdmin, committed: Session, alice: Login, password: str, said: str
) -> None:
    before = read(committed, Account.password_hash)
    assert todo_admin.refused("reset-password", "alice", password=password) == said
    assert read(committed, Account.password_hash) == before
    assert len(read(committed, Token.id)) == 1


def test_a_password_that_is_no_text(todo_admin: TodoAdmin) -> None:
    said = todo_admin.refused("create", "carol", "carol@example.com", password="\udcff" * 20)
    assert said == "the password is no text; it must be in UTF-8"


def test_the_service_is_not_kept_waiting_while_somebody_types(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    def write_meanwhile(*_args: str) -> dict[str, str]:
        change_accounts(committed, email="new@example.com")
        committed.commit()
        return {"password": NEW_PASSWORD}

    monkeypatch.setattr(admin, "_ask_password", write_meanwhile)
    todo_admin("reset-password", "alice")
    assert read(committed, Account.email) == ["new@example.com"]


@pytest.mark.parametrize(
    "arguments",
    [
        *(("disable", "nobody"), ("enable", "nobody"), ("reset-password", "nobody")),
        *(("tokens", "nobody"), ("revoke", "nobody", "--all"), ("disable", "no\0body")),
        ("disable", "nob\udcffdy"),
    ],
)
def test_an_account_that_is_none(todo_admin: TodoAdmin, arguments: tuple[str, ...]) -> None:
    said = todo_admin.refused(*arguments)
    assert said == f"there is no account {arguments[1]!a}; give the name of one"


def test_disabling_again_changes_nothing(
    todo_admin: TodoAdmin, committed: Session, alice: Login
) -> None:
    todo_admin("disable", "alice")
    before = read(committed, Account.disabled_date)
    todo_admin("disable", "alice")
    assert read(committed, Account.disabled_date) == before != [None]


@pytest.mark.parametrize("command", [("disable", "alice"), ("revoke", "alice", "--all")])
def test_a_login_at_the_same_moment_does_not_outlive_it(
    todo_admin: TodoAdmin, committed: Session, alice: Login, command: tuple[str, ...]
) -> None:
    # What a login does last.
    change_accounts(committed, password_hash=Account.password_hash)
    make_token(committed, alice.id)
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(todo_admin, *command)
        time.sleep(0.5)
        committed.commit()
        assert "2 sessions and tokens ended" in ending.result()
    assert len(read(committed, Token.id)) == 0


def test_revoke_all(todo_admin: TodoAdmin, ask: Ask, alice: Login, bob: Login) -> None:
    assert "session" in todo_admin("tokens", "alice")
    said = todo_admin("revoke", "alice", "--all")
    assert said == "alice: 1 session or token ended.\n"
    assert (ask(alice), ask(bob)) == (401, 200)
    assert todo_admin("tokens", "alice") == "alice has no sessions or tokens.\n"


def test_revoke_by_id(todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login) -> None:
    first, second, third = (add_token(committed, alice) for _ in range(3))
    said = todo_admin("revoke", "alice", str(first), str(third), str(first))
    assert said == "alice: 2 sessions and tokens ended.\n"
    left = committed.scalars(select(Token.id).where(Token.account_id == alice.id)).all()
    assert first not in left
    assert third not in left
    assert second in left


@pytest.mark.parametrize("wrong", ["0", "99999999999999999999999", "bob's"])
def test_revoke_what_is_not_the_account_s(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login, wrong: str
) -> None:
    tokens = committed.scalars(select(Token)).all()
    ids = {token.account_id: str(token.id) for token in tokens}
    committed.rollback()
    wrong = ids[bob.id] if wrong == "bob's" else wrong
    assert todo_admin.refused("revoke", "alice", ids[alice.id], wrong) == (
        f"alice has no session or token {wrong}, so nothing was revoked; "
        "todo-admin tokens alice lists them"
    )
    assert len(read(committed, Token.id)) == 2


def test_tokens_are_a_table_without_secrets(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login
) -> None:
    add_token(committed, alice, kind=TokenKind.API, scope=Scope.READ, name="backup \u00fc")
    add_token(committed, alice, client="curl\x1b[2J\n8.1")
    table = todo_admin("tokens", "alice")
    head, *rows = table.splitlines()
    titles = ["ID", "KIND", "NAME", "SCOPE", "CREATED", "LAST USED", "EXPIRES", "CLIENT"]
    starts = [head.index(title) for title in titles]
    cells = [
        [row[i:j].strip() for i, j in zip(starts, [*starts[1:], None], strict=True)] for row in rows
    ]
    tokens = committed.scalars(select(Token).where(Token.account_id == alice.id)).all()
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
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    add_token(committed, alice, kind=TokenKind.API, name="\u00fc\u2603")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    todo_admin("tokens", "alice")
    stdout.seek(0)
    assert " \u00fc? " in stdout.read()
