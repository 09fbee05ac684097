"""The command `todo-admin`, on its own and beside a running service."""

import io
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from select import select as select_ready
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from tests.client import Client
from tests.databases import ROOT, database
from tests.factories import PASSWORD, Login, make_account
from tests.pserve import Server
from tests.test_concurrency import call
from todo import clock, models
from todo.models import Account, LimitCount, ReleasedUsername, Token
from todo.models.token import Kind, Scope
from todo.scripts import admin
from todo.services import purge

TODO_ADMIN = str(Path(sys.executable).with_name("todo-admin"))
ACCOUNTS = "/api/v1/accounts"
NEW_PASSWORD = "battery staple horse"
DAY = timedelta(days=1)

TodoAdmin = Callable[..., str]


def run(url: str, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as its user does. It never shows the password."""
    result = subprocess.run(
        [TODO_ADMIN, *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert not password or password not in result.stdout + result.stderr
    return result


def done(url: str, *arguments: str, password: str = "") -> str:
    result = run(url, *arguments, password=password)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.fixture
def todo_admin(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> TodoAdmin:
    """The same in this process: the function returns what it prints."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(ROOT)

    def todo_admin(*arguments: str, password: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
        admin.main(list(arguments))
        return capsys.readouterr().out

    return todo_admin


def refused(todo_admin: TodoAdmin, *arguments: str, password: str = "") -> str:
    """Return the one line that says why the command is refused."""
    with pytest.raises(SystemExit) as stop:
        todo_admin(*arguments, password=password)
    line = str(stop.value)
    assert line.startswith("todo: "), line
    assert "\n" not in line
    return line.removeprefix("todo: ")


@pytest.fixture
def alice(committing_session: Session) -> Login:
    return make_account(committing_session, "alice")


@pytest.fixture
def bob(committing_session: Session) -> Login:
    return make_account(committing_session, "bob")


def log_in(server: Server, username: str, password: str) -> tuple[int, Any]:
    fields = {"username": username, "password": password}
    return call(server, "POST", f"{ACCOUNTS}/login", fields)


def read(session: Session, column: Any) -> list[Any]:
    """Return what all rows have there now. Leaves no transaction, for which SQLite would wait."""
    session.rollback()
    values = list(session.scalars(select(column)))
    session.rollback()
    return values


def add_token(session: Session, login: Login, ends: timedelta = DAY, **values: Any) -> int:
    token, _ = Token.issue(login.id, clock.now() + ends, **values)
    session.add(token)
    session.commit()
    return token.id


def test_a_created_account_logs_in(server: Server, database_url: str) -> None:
    said = done(database_url, "create", "Carol", "carol@example.com", password=PASSWORD)
    assert said == "Carol is registered.\n"
    assert log_in(server, "carol", PASSWORD)[0] == 200


def test_a_disabled_account_is_out_until_enabled(
    server: Server, database_url: str, alice: Login, bob: Login
) -> None:
    assert call(server, "GET", alice.url, {}, alice.token)[0] == 200
    said = done(database_url, "disable", "ALICE")
    assert said == "alice is disabled; 1 session or token ended.\n"
    assert call(server, "GET", alice.url, {}, alice.token)[0] == 401
    status, answer = log_in(server, "alice", PASSWORD)
    assert (status, answer["code"]) == (403, "account_disabled")
    assert call(server, "GET", bob.url, {}, bob.token)[0] == 200
    assert done(database_url, "enable", "alice") == "alice is enabled.\n"
    assert log_in(server, "alice", PASSWORD)[0] == 200
    assert call(server, "GET", alice.url, {}, alice.token)[0] == 401, "what ended stays ended"


def test_a_reset_password_logs_in_and_the_old_one_does_not(
    server: Server, database_url: str, alice: Login, bob: Login
) -> None:
    said = done(database_url, "reset-password", "alice", password=NEW_PASSWORD)
    assert said == "alice has a new password; 1 session or token ended.\n"
    assert call(server, "GET", alice.url, {}, alice.token)[0] == 401
    assert call(server, "GET", bob.url, {}, bob.token)[0] == 200
    assert log_in(server, "alice", PASSWORD)[0] == 401
    assert log_in(server, "alice", NEW_PASSWORD)[0] == 200


def test_a_revoked_token_is_none(
    server: Server, database_url: str, alice: Login, bob: Login
) -> None:
    assert "session" in done(database_url, "tokens", "alice")
    said = done(database_url, "revoke", "alice", "--all")
    assert said == "alice: 1 session or token ended.\n"
    assert call(server, "GET", alice.url, {}, alice.token)[0] == 401
    assert call(server, "GET", bob.url, {}, bob.token)[0] == 200
    assert done(database_url, "tokens", "alice") == "alice has no sessions or tokens.\n"


# The command in a terminal of its own, so that Ctrl-C means it.
IN_TERMINAL = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"


def type_at_terminal(url: str, *arguments: str, answers: list[str]) -> tuple[int, str]:
    """Run the command in a terminal; return its status and all that the terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, TODO_ADMIN, *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stdin=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while select_ready([ours], [], [], 20)[0]:
            shown += os.read(ours, 1024)
            if answers and shown.endswith((b"Password: ", b"again: ")):
                os.write(ours, answers.pop(0).encode() + b"\n")
        raise AssertionError(f"the command waits for more: {shown!r}")
    except OSError:  # the other end is closed
        return process.wait(timeout=20), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_terminal_asks_twice_and_shows_nothing(database_url: str) -> None:
    create = ("create", "carol", "carol@example.com")
    status, shown = type_at_terminal(database_url, *create, answers=[PASSWORD, NEW_PASSWORD])
    assert status == 1
    assert "todo: password2: The two passwords differ." in shown
    status, shown = type_at_terminal(database_url, *create, answers=[PASSWORD, PASSWORD])
    assert status == 0
    assert shown.splitlines() == ["Password: ", "The same password again: ", "carol is registered."]


def test_stopped_at_the_prompt(database_url: str) -> None:
    create = ("create", "carol", "carol@example.com")
    for key in ("\x03", "\x04"):
        status, shown = type_at_terminal(database_url, *create, answers=[key])
        assert status == 1
        assert shown.endswith("todo: stopped\r\n")


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
    committing_app: Any,
    committing_session: Session,
    alice: Login,
    username: str,
    email: str,
    password: str,
    said: str,
) -> None:
    gone = ReleasedUsername(
        account_id=0, username_lower="given-up", expiration_date=clock.now() + DAY
    )
    committing_session.add(gone)
    committing_session.commit()
    fields = {"username": username, "email": email, "password": password}
    answer = Client(committing_app).post_json(ACCOUNTS, fields).json["detail"]
    assert refused(todo_admin, "create", username, email, password=password) == answer
    assert said in answer
    assert len(read(committing_session, Account.id)) == 1


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "password: This must have at least 8 characters."),
        ("password1", "password: This is among the passwords that attackers try first."),
        ("I am Alice!", "password: This must not hold the username or the e-mail address."),
    ],
)
def test_a_reset_takes_no_bad_password(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login, password: str, said: str
) -> None:
    before = read(committing_session, Account.password_hash)
    assert refused(todo_admin, "reset-password", "alice", password=password) == said
    assert read(committing_session, Account.password_hash) == before
    assert len(read(committing_session, Token.id)) == 1


def test_a_password_that_is_no_text(todo_admin: TodoAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    def todo_admin_with_bytes(*arguments: str, password: str) -> None:
        stdin = io.TextIOWrapper(io.BytesIO(b"\xff" * 20), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        admin.main(list(arguments))

    said = refused(todo_admin_with_bytes, "create", "carol", "carol@example.com")  # type: ignore[arg-type]
    assert said == "the password is no text; it must be in UTF-8"


def test_the_service_is_not_kept_waiting_while_somebody_types(
    todo_admin: TodoAdmin,
    committing_session: Session,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write_meanwhile(*_args: str) -> dict[str, str]:
        committing_session.execute(update(Account).values(email="new@example.com"))
        committing_session.commit()
        return {"password": NEW_PASSWORD}

    monkeypatch.setattr(admin, "_ask_password", write_meanwhile)
    todo_admin("reset-password", "alice")
    assert read(committing_session, Account.email) == ["new@example.com"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("disable", "nobody"),
        ("enable", "nobody"),
        ("reset-password", "nobody"),
        ("tokens", "nobody"),
        ("revoke", "nobody", "--all"),
        ("disable", "no\0body"),
        ("disable", "nob\udcffdy"),
    ],
)
def test_an_account_that_is_none(todo_admin: TodoAdmin, arguments: tuple[str, ...]) -> None:
    said = refused(todo_admin, *arguments)
    assert said == f"there is no account {arguments[1]!a}; give the name of one"


def test_disabling_again_changes_nothing(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login
) -> None:
    todo_admin("disable", "alice")
    before = read(committing_session, Account.disabled_date)
    todo_admin("disable", "alice")
    assert read(committing_session, Account.disabled_date) == before != [None]


@pytest.mark.parametrize("command", [("disable", "alice"), ("revoke", "alice", "--all")])
def test_a_login_at_the_same_moment_does_not_outlive_it(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login, command: tuple[str, ...]
) -> None:
    # What a login does last.
    committing_session.execute(update(Account).values(password_hash=Account.password_hash))
    token, _ = Token.issue(alice.id, clock.now() + DAY)
    committing_session.add(token)
    committing_session.flush()
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(todo_admin, *command)
        time.sleep(0.5)
        committing_session.commit()
        assert "2 sessions and tokens ended" in ending.result()
    assert len(read(committing_session, Token.id)) == 0


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
    assert refused(todo_admin, "revoke", "alice", ids[alice.id], wrong) == (
        f"alice has no session or token {wrong}, so nothing was revoked; "
        "todo-admin tokens alice lists them"
    )
    assert len(read(committing_session, Token.id)) == 2


def test_exit_status(database_url: str) -> None:
    refusal = run(database_url, "tokens", "nobody")
    assert (refusal.returncode, refusal.stdout) == (1, "")
    assert refusal.stderr.count("\n") == 1
    wrong = run(database_url, "create", "carol")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "EMAIL" in wrong.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["create", "carol"],
        ["create", "carol", "carol@example.com", PASSWORD],
        ["create", "carol", "carol@example.com", "--password", PASSWORD],
        ["reset-password", "alice", PASSWORD],
        ["revoke", "alice"],
        ["revoke", "alice", "one"],
        ["revoke", "alice", "1", "--all"],
        ["destroy", "alice"],
    ],
)
def test_wrong_command_line(todo_admin: TodoAdmin, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        todo_admin(*arguments)
    assert stop.value.code == 2


def test_help_teaches_with_examples_that_are_right(
    todo_admin: TodoAdmin, capsys: pytest.CaptureFixture[str]
) -> None:
    def help_of(*arguments: str) -> str:
        with pytest.raises(SystemExit) as stop:
            todo_admin(*arguments, "--help")
        assert stop.value.code == 0
        return capsys.readouterr().out

    overview = help_of()
    commands = re.findall(r"^    ([a-z-]+) +[a-z]", overview, re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        examples = re.findall(
            rf"^  todo-admin ({command}\b[^<\n]*)", help_of(command), re.MULTILINE
        )
        assert examples, command
        for example in examples:
            admin._parser().parse_args(shlex.split(example))


def test_purge_deletes_what_expired_and_nothing_else(
    todo_admin: TodoAdmin,
    committing_session: Session,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = clock.now()
    kept = add_token(committing_session, alice, kind=Kind.API, name="kept")
    committing_session.execute(update(Token).values(last_used_date=now - 8 * DAY))
    for _ in range(5):
        add_token(committing_session, alice, ends=-DAY)
    for name, ends in (("old", now - DAY), ("new", now + DAY)):
        committing_session.add(
            ReleasedUsername(account_id=0, username_lower=name, expiration_date=ends)
        )
        for subject in ("a", "b"):
            committing_session.add(
                LimitCount(name=name, subject=subject, count=1, expiration_date=ends)
            )
    committing_session.commit()
    monkeypatch.setattr(purge, "BATCH", 2)
    commits = []

    def note(session: Session) -> None:
        commits.append(session)

    event.listen(Session, "after_commit", note)
    try:
        said = todo_admin("purge")
    finally:
        event.remove(Session, "after_commit", note)
    assert said.splitlines() == [
        "expired sessions and tokens: 5 deleted",
        "idle sessions: 1 deleted",
        "limit counts: 2 deleted",
        "released usernames: 1 deleted",
    ]
    assert len(commits) == 3 + 1 + 1 + 1 + 1, "one a batch, and the last one"
    assert read(committing_session, Token.id) == [kept]
    assert set(read(committing_session, LimitCount.name)) == {"new"}
    assert read(committing_session, ReleasedUsername.username_lower) == ["new"]


def test_purge_knows_the_setting_of_idle_sessions(
    todo_admin: TodoAdmin,
    committing_session: Session,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    committing_session.execute(update(Token).values(last_used_date=clock.now() - 8 * DAY))
    committing_session.commit()
    monkeypatch.setenv("TODO_SESSION_IDLE_DAYS", "9")
    assert "idle sessions: 0 deleted" in todo_admin("purge")
    assert len(read(committing_session, Token.id)) == 1


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)  # SQLite locks no rows
def test_purge_waits_for_nobody(
    todo_admin: TodoAdmin, committing_session: Session, alice: Login
) -> None:
    for _ in range(3):
        add_token(committing_session, alice, ends=-DAY)
    expired = select(Token).where(Token.expiration_date < clock.now()).limit(1).with_for_update()
    committing_session.execute(expired)
    assert "tokens: 2 deleted" in todo_admin("purge")
    assert len(read(committing_session, Token.id)) == 2
    assert "tokens: 1 deleted" in todo_admin("purge")


def test_a_database_that_cannot_answer(
    todo_admin: TodoAdmin,
    committing_session: Session,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "LOCK_TIMEOUT", 1)
    committing_session.execute(update(Account).values(email="x@example.com"))
    said = refused(todo_admin, "disable", "alice")
    assert said.startswith(("the database cannot answer: ", "cannot open the database: "))


def test_a_database_that_is_not_migrated(
    todo_admin: TodoAdmin, database_server: str | Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(database_server) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        said = refused(todo_admin, "purge")
    expected = "the database is not set up; run: alembic -c development.ini upgrade head"
    assert said == expected


def test_the_database_of_the_ini_file(
    todo_admin: TodoAdmin,
    database_url: str,
    alice: Login,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    ini = tmp_path / "own.ini"
    url = database_url.replace("%", "%%")
    ini.write_text(f"[app:main]\nuse = egg:todo\nsqlalchemy.url = {url}\n")
    assert "alice is enabled" in todo_admin("-c", str(ini), "enable", "alice")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file; "),
        ("", "it must have a section [app:main], and % is written %% in it; "),
        ("postgresql://u:a-secret@h/d\n", "it must have a section [app:main], and % is written"),
        (
            "[app:main]\nuse = egg:todo\nsqlalchemy.url = postgresql://u:%40a-secret@h/d\n",
            "it must have a section [app:main], and % is written %% in it; ",
        ),
    ],
)
def test_an_ini_file_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, said: str
) -> None:
    ini = tmp_path / "own.ini"
    if content is not None:
        ini.write_text(content)
    with pytest.raises(SystemExit) as stop:
        admin.main(["-c", str(ini), "purge"])
    assert str(stop.value).startswith(f"todo: cannot read {ini}: {said}")
    assert "a-secret" not in str(stop.value)


def test_a_setting_that_is_wrong(todo_admin: TodoAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://u:a-secret@h/d")
    said = refused(todo_admin, "purge")
    assert said == "the setting DATABASE_URL must begin with sqlite:// or postgresql://"
