"""The `todo-admin` commands for accounts, login sessions and tokens."""

import io
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin, add_token, read_column
from tests.support.client import Client
from tests.support.databases import ROOT
from tests.support.factories import (
    PASSWORD,
    Login,
    change_accounts,
    make_key,
    make_task,
    make_token,
)
from tests.support.fixtures import Logs, Patch
from tests.support.running import running_app
from todo import clock
from todo.models import Account, Invitation, LimitCount, ReleasedUsername, Token
from todo.models.token import Scope, TokenKind
from todo.scripts import admin

ACCOUNTS = "/api/v1/accounts"
NEW_PASSWORD = "battery staple horse"

ProfileStatus = Callable[[Login], int]
LogIn = Callable[[str, str], tuple[int, Any]]


def test_created_account_can_log_in(todo_admin: TodoAdmin, log_in: LogIn) -> None:
    output = todo_admin("create", "Carol", "carol@example.com", password=PASSWORD)
    assert output == "Carol is registered.\n"
    assert log_in("carol", PASSWORD) == (200, None)


def test_invite_prints_link_for_one_registration(
    todo_admin: TodoAdmin, database_url: str, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("TODO_REGISTRATION", "invite")
    monkeypatch.setenv("TODO_PUBLIC_URL", "https://example.com/todo")
    link = todo_admin("invite")
    pattern = r"https://example\.com/todo/#/register/([\w-]{43})\n"
    match = re.fullmatch(pattern, link)
    assert match, link
    fields = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    with running_app(database_url) as app:
        client = Client(app)
        answer = client.post(f"/todo{ACCOUNTS}", fields)
        assert (answer.status_int, answer.json["code"]) == (403, "invitation_required")
        assert client.post(f"/todo{ACCOUNTS}", fields | {"invitation": match[1]}).status_int == 201


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_invite_is_refused_if_service_needs_no_invitation(
    todo_admin: TodoAdmin, monkeypatch: Patch, committed: Session, mode: str
) -> None:
    monkeypatch.setenv("TODO_REGISTRATION", mode)
    assert todo_admin.refused("invite").startswith(f"todo.registration is {mode}, so")
    assert read_column(committed, Invitation.digest) == []


def test_invite_without_public_url_is_refused(todo_admin: TodoAdmin, monkeypatch: Patch) -> None:
    monkeypatch.setenv("TODO_REGISTRATION", "invite")
    assert todo_admin.refused("invite").startswith("set todo.public_url")


def test_disabled_account_is_locked_out_until_enabled(
    todo_admin: TodoAdmin, profile_status: ProfileStatus, log_in: LogIn, alice: Login, bob: Login
) -> None:
    assert profile_status(alice) == 200
    assert todo_admin("disable", "ALICE") == "alice is disabled; 1 session or token ended.\n"
    assert (profile_status(alice), profile_status(bob)) == (401, 200)
    assert log_in("alice", PASSWORD) == (403, "account_disabled")
    assert todo_admin("enable", "alice") == "alice is enabled.\n"
    assert log_in("alice", PASSWORD) == (200, None)
    assert profile_status(alice) == 401, "ended sessions stay ended"


def test_reset_password_replaces_old_one(
    todo_admin: TodoAdmin, profile_status: ProfileStatus, log_in: LogIn, alice: Login, bob: Login
) -> None:
    output = todo_admin("reset-password", "alice", password=NEW_PASSWORD)
    assert output == "alice has a new password; 1 session or token ended.\n"
    assert (profile_status(alice), profile_status(bob)) == (401, 200)
    assert log_in("alice", PASSWORD) == (401, "bad_credentials")
    assert log_in("alice", NEW_PASSWORD) == (200, None)


@pytest.mark.parametrize(
    ("username", "email", "password", "message"),
    [
        ("Alice", "a@example.com", PASSWORD, "was until recently. Choose another one."),
        ("given-up", "a@example.com", PASSWORD, "was until recently. Choose another one."),
        ("logout", "a@example.com", PASSWORD, "username: This name is reserved."),
        ("a b", "a@example.com", PASSWORD, "username: This must contain only the letters"),
        ("", "a@example.com", PASSWORD, "username: This must not be empty."),
        ("carol", "carol", PASSWORD, "email: "),
        ("carol", "carol@example.com", "short", "password: This must have at least 8 characters."),
        ("carol", "carol@example.com", "", "password: This must have at least 8 characters."),
        ("carol", "carol@example.com", "password1", "password: This is among the passwords"),
        (
            "carol",
            "carol@example.com",
            "I am Carol!",
            "password: This must not contain the username",
        ),
        ("-", "-", "-", "username: "),
    ],
)
def test_create_refuses_same_input_as_registration(
    todo_admin: TodoAdmin,
    real_app: Any,
    committed: Session,
    alice: Login,
    username: str,
    email: str,
    password: str,
    message: str,
) -> None:
    released = ReleasedUsername(
        account_id=0, username_lower="given-up", expiration_date=clock.now() + DAY
    )
    committed.add(released)
    committed.commit()
    fields = {"username": username, "email": email, "password": password}
    detail = Client(real_app).post_json(ACCOUNTS, fields).json["detail"]
    assert todo_admin.refused("create", username, email, password=password) == detail
    assert message in detail
    assert len(read_column(committed, Account.id)) == 1


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("short", "password: This must have at least 8 characters."),
        ("password1", "password: This is among the passwords that attackers try first."),
        ("I am Alice!", "password: This must not contain the username or the e-mail address."),
    ],
)
def test_reset_to_weak_password_is_refused(
    todo_admin: TodoAdmin, committed: Session, alice: Login, password: str, message: str
) -> None:
    before = read_column(committed, Account.password_hash)
    assert todo_admin.refused("reset-password", "alice", password=password) == message
    assert read_column(committed, Account.password_hash) == before
    assert len(read_column(committed, Token.id)) == 1


def test_password_in_invalid_utf8_is_refused(todo_admin: TodoAdmin) -> None:
    message = todo_admin.refused("create", "carol", "carol@example.com", password="\udcff" * 20)
    assert message == "the password is not valid UTF-8"


def test_password_prompt_holds_no_lock(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    def write_during_prompt(*_args: str) -> dict[str, str]:
        change_accounts(committed, email="new@example.com")
        committed.commit()
        return {"password": NEW_PASSWORD}

    monkeypatch.setattr(admin, "_ask_password", write_during_prompt)
    todo_admin("reset-password", "alice")
    assert read_column(committed, Account.email) == ["new@example.com"]


@pytest.mark.parametrize(
    "arguments",
    [
        *(("disable", "nobody"), ("enable", "nobody"), ("reset-password", "nobody")),
        *(("tokens", "nobody"), ("revoke", "nobody", "--all"), ("disable", "no\0body")),
        ("disable", "nob\udcffdy"),
    ],
)
def test_command_for_unknown_account_is_refused(
    todo_admin: TodoAdmin, arguments: tuple[str, ...]
) -> None:
    message = todo_admin.refused(*arguments)
    assert message == f"there is no account {arguments[1]!a}; check the username"


def test_second_disable_keeps_first_date(
    todo_admin: TodoAdmin, committed: Session, alice: Login
) -> None:
    todo_admin("disable", "alice")
    before = read_column(committed, Account.disabled_date)
    todo_admin("disable", "alice")
    assert read_column(committed, Account.disabled_date) == before != [None]


@pytest.mark.parametrize("command", [("disable", "alice"), ("revoke", "alice", "--all")])
def test_disable_and_revoke_end_concurrent_login(
    todo_admin: TodoAdmin, committed: Session, alice: Login, command: tuple[str, ...]
) -> None:
    # The last statements of a login.
    change_accounts(committed, password_hash=Account.password_hash)
    make_token(committed, alice.id)
    with ThreadPoolExecutor(1) as pool:
        command_run = pool.submit(todo_admin, *command)
        time.sleep(0.5)
        committed.commit()
        assert "2 sessions and tokens ended" in command_run.result()
    assert len(read_column(committed, Token.id)) == 0


def test_revoke_all_ends_all_tokens_of_account(
    todo_admin: TodoAdmin, profile_status: ProfileStatus, alice: Login, bob: Login
) -> None:
    assert "session" in todo_admin("tokens", "alice")
    output = todo_admin("revoke", "alice", "--all")
    assert output == "alice: 1 session or token ended.\n"
    assert (profile_status(alice), profile_status(bob)) == (401, 200)
    assert todo_admin("tokens", "alice") == "alice has no sessions or tokens.\n"


def test_revoke_by_id_ends_only_named_tokens(
    todo_admin: TodoAdmin, committed: Session, alice: Login, bob: Login
) -> None:
    first, second, third = (add_token(committed, alice) for _ in range(3))
    output = todo_admin("revoke", "alice", str(first), str(third), str(first))
    assert output == "alice: 2 sessions and tokens ended.\n"
    remaining = committed.scalars(select(Token.id).where(Token.account_id == alice.id)).all()
    assert first not in remaining
    assert third not in remaining
    assert second in remaining


@pytest.mark.parametrize("wrong", ["0", "99999999999999999999999", "bob's"])
def test_revoke_of_foreign_or_unknown_id_is_refused(
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
    assert len(read_column(committed, Token.id)) == 2


def test_tokens_table_has_no_secrets(
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


def test_tokens_table_replaces_unencodable_characters(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    add_token(committed, alice, kind=TokenKind.API, name="\u00fc\u2603")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    todo_admin("tokens", "alice")
    stdout.seek(0)
    assert " \u00fc? " in stdout.read()


def test_usage_lists_largest_account_first(
    todo_admin: TodoAdmin, alice: Login, bob: Login, committed: Session
) -> None:
    make_task(committed, bob, name="Milk", note="é" * 10_000)
    make_key(committed, alice, "one", clock.now(), body=b"x" * 500_000)
    lines = [line.split() for line in todo_admin("usage").splitlines()]
    assert lines == [
        ["USERNAME", "TASKS", "(MB)", "JOURNAL", "(MB)", "KEYS", "(MB)"],
        ["alice", "0.0", "0.0", "0.5"],
        ["bob", "0.0", "0.0", "0.0"],
    ]


def test_reset_password_forgets_failed_logins(
    todo_admin: TodoAdmin, log_in: LogIn, alice: Login, bob: Login, committed: Session
) -> None:
    for username in ("alice", "bob"):
        assert [log_in(username, "wrong password")[0] for _ in range(11)] == [401] * 10 + [429]
    names = {"login-account", "login-account-address", "login-account-address-day"}
    of_alice = select(LimitCount.name).where(LimitCount.subject.contains("alice"))
    assert set(committed.scalars(of_alice)) == names
    committed.rollback()
    todo_admin("reset-password", "Alice", password=NEW_PASSWORD)
    assert set(committed.scalars(of_alice)) == set()
    committed.rollback()
    assert log_in("alice", NEW_PASSWORD) == (200, None)
    assert log_in("bob", PASSWORD)[0] == 429, "those of others are kept"


def test_commands_are_audited_after_their_commit(
    todo_admin: TodoAdmin, committed: Session, alice: Login, caplog: Logs, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("TODO_REGISTRATION", "invite")
    monkeypatch.setenv("TODO_PUBLIC_URL", "https://example.com")
    caplog.set_level(logging.INFO, "todo.audit")
    token_id = add_token(committed, alice)
    todo_admin("invite")
    todo_admin("create", "Carol", "carol@example.com", password=PASSWORD)
    carol = read_column(committed, Account.id)[-1]
    todo_admin("revoke", "alice", str(token_id))
    todo_admin("revoke", "alice", "--all")
    todo_admin("reset-password", "alice", password=NEW_PASSWORD)
    todo_admin("disable", "alice")
    todo_admin("enable", "alice")
    todo_admin.refused("revoke", "alice", "999")
    todo_admin.refused("create", "Carol", "carol@example.com", password=PASSWORD)
    records: list[Any] = [each for each in caplog.records if each.name == "todo.audit"]
    lines = [each.msg for each in records]
    assert [(each["event"], each["account"], each.get("target")) for each in lines] == [
        ("invitation.created", None, None),
        ("account.registered", carol, None),
        ("token.revoked", alice.id, token_id),
        ("token.revoked", alice.id, "all"),
        ("password.changed", alice.id, None),
        ("account.disabled", alice.id, None),
        ("account.enabled", alice.id, None),
    ]
    assert {(each["by"], each["outcome"]) for each in lines} == {("todo-admin", "success")}


def test_command_that_cannot_write_the_audit_log_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    text = (ROOT / "development.ini").read_text()
    ini = tmp_path / "own.ini"
    ini.write_text(
        text.replace("class = StreamHandler", "class = FileHandler").replace(
            "args = (sys.stderr,)", f"args = ({str(tmp_path / 'missing' / 'log')!r},)"
        )
    )
    program = [str(Path(sys.executable).with_name("todo-admin")), "-c", str(ini), "invite"]
    environ = os.environ | {"DATABASE_URL": database_url}
    result = subprocess.run(
        program, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("todo: cannot open the log file ")
    assert result.stderr.count("\n") == 1
