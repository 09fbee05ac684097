"""The command line of `todo-admin`: arguments, help, ini file, database and terminal."""

import os
import pty
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from select import select as select_ready

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin
from tests.support.databases import ROOT, all_rows, database
from tests.support.factories import PASSWORD, Login, change_accounts, make_key, make_trashed
from tests.support.fixtures import Capture, Patch
from tests.support.pserve import Server
from todo import clock
from todo.models import Change, LimitCount, ReleasedUsername, Token, TrashedTask, engine
from todo.models.journalled import RECORDED
from todo.scripts import admin


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
        ["purge", "--force", "now"],
    ],
)
def test_invalid_command_line_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        admin.main(arguments)
    assert stop.value.code == 2


def test_help_examples_are_valid_commands(capsys: Capture) -> None:
    def help_of(*arguments: str) -> str:
        with pytest.raises(SystemExit) as stop:
            admin.main([*arguments, "--help"])
        assert stop.value.code == 0
        return capsys.readouterr().out

    overview = help_of()
    commands = re.findall(r"^    ([a-z-]+) +[a-z]", overview, re.MULTILINE)
    assert len(commands) == 12
    for command in commands:
        examples = re.findall(
            rf"^  todo-admin ({command}\b[^<|\n]*)", help_of(command), re.MULTILINE
        )
        assert examples, command
        for example in examples:
            admin._parser().parse_args(shlex.split(example))


def test_command_on_locked_database_is_refused(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    change_accounts(committed, email="x@example.com")
    message = todo_admin.refused("disable", "alice")
    assert message.startswith(("database error: ", "cannot open the database: "))


def test_command_on_unmigrated_database_is_refused(
    todo_admin: TodoAdmin, database_server: str | Path, monkeypatch: Patch
) -> None:
    with database(database_server) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        message = todo_admin.refused("purge")
    expected = "the database is not set up; run: alembic -c development.ini upgrade head"
    assert message == expected


def test_command_uses_database_of_ini_file(
    todo_admin: TodoAdmin, database_url: str, alice: Login, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    ini = tmp_path / "own.ini"
    url = database_url.replace("%", "%%")
    ini.write_text(f"[app:main]\nuse = egg:todo\nsqlalchemy.url = {url}\n")
    assert "alice is enabled" in todo_admin("-c", str(ini), "enable", "alice")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; "),
        ("", "it needs a section [app:main], and each % must be written as %%; "),
        (
            "postgresql://u:a-secret@h/d\n",
            "it needs a section [app:main], and each % must be written",
        ),
        (
            "[app:main]\nuse = egg:todo\nsqlalchemy.url = postgresql://u:%40a-secret@h/d\n",
            "it needs a section [app:main], and each % must be written as %%; ",
        ),
    ],
)
def test_unreadable_ini_file_is_refused(
    monkeypatch: Patch, tmp_path: Path, content: str | None, message: str
) -> None:
    ini = tmp_path / "own.ini"
    if content is not None:
        ini.write_text(content)
    with pytest.raises(SystemExit) as stop:
        admin.main(["-c", str(ini), "purge"])
    assert str(stop.value).startswith(f"todo: cannot read {ini}: {message}")
    assert "a-secret" not in str(stop.value)


# The database is not used.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_invalid_setting_is_refused(todo_admin: TodoAdmin, monkeypatch: Patch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://u:a-secret@h/d")
    message = todo_admin.refused("purge")
    assert message == "the setting DATABASE_URL must begin with sqlite:// or postgresql://"


TODO_ADMIN = str(Path(sys.executable).with_name("todo-admin"))
ACCOUNTS = "/api/v1/accounts"

# For tests that do not depend on the kind of database.
ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


def run(url: str, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with a password on standard input; fail if it prints the password."""
    result = subprocess.run(
        [TODO_ADMIN, *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not password or password not in result.stdout + result.stderr
    return result


def run_ok(url: str, *arguments: str, password: str = "") -> str:
    result = run(url, *arguments, password=password)
    assert result.returncode == 0
    assert {line.split()[3] for line in result.stderr.splitlines()} <= {"[todo.audit]"}
    return result.stdout


def test_commands_take_effect_in_running_service(server: Server, database_url: str) -> None:
    create = ("create", "Carol", "carol@example.com")
    assert run_ok(database_url, *create, password=PASSWORD) == "Carol is registered.\n"
    fields = {"username": "carol", "password": PASSWORD}
    status, _, answer = server.send("POST", f"{ACCOUNTS}/login", fields)
    assert status == 200
    token = answer["token"]
    assert server.send("GET", f"{ACCOUNTS}/carol", {}, token)[0] == 200
    output = run_ok(database_url, "disable", "CAROL")
    assert output == "Carol is disabled; 1 session or token ended.\n"
    assert server.send("GET", f"{ACCOUNTS}/carol", {}, token)[0] == 401
    status, _, answer = server.send("POST", f"{ACCOUNTS}/login", fields)
    assert (status, answer["code"]) == (403, "account_disabled")


def add_rows_of_every_age(session: Session, login: Login) -> None:
    """Store rows of everything that the purge deletes, from two years ago."""
    then = clock.now() - 730 * DAY
    make_key(session, login, "old", then)
    make_trashed(session, login)
    session.add(ReleasedUsername(account_id=0, username_lower="old", expiration_date=then))
    session.add(LimitCount(name="old", subject="", count=1, expiration_date=then))
    session.execute(update(Token).values(last_used_date=then, expiration_date=then))
    session.execute(update(TrashedTask).values(deletion_date=then), execution_options=RECORDED)
    session.execute(update(Change).values(date=then))
    session.commit()


def test_purge_after_clock_jump_deletes_only_with_force(
    database_url: str, committed: Session, alice: Login
) -> None:
    run_ok(database_url, "purge")
    add_rows_of_every_age(committed, alice)
    last_purge = update(LimitCount).where(LimitCount.name == "purge")
    committed.execute(last_purge.values(expiration_date=clock.now() - DAY - timedelta(minutes=1)))
    committed.commit()
    before = all_rows(committed)
    for _ in range(2):
        committed.rollback()
        refused = run(database_url, "purge")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("todo: nothing is purged until 2")
        assert refused.stderr.count("\n") == 1
        assert all_rows(committed) == before
    committed.rollback()
    deleted = run_ok(database_url, "purge", "--force")
    assert re.findall(r": ([1-9])\d* deleted", deleted) == ["1", "1", "1", "1", "1", "3"]
    assert "changes: 0 deleted" in run_ok(database_url, "purge")


@ONE_DATABASE
def test_failure_exits_with_1_and_misuse_with_2(database_url: str) -> None:
    failed = run(database_url, "tokens", "nobody")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1
    misused = run(database_url, "create", "carol")
    assert (misused.returncode, misused.stdout) == (2, "")
    assert "EMAIL" in misused.stderr


# Make the terminal the controlling one, so that Ctrl-C reaches the command. Reset SIGINT: a shell
# starts background jobs, and so perhaps this suite, with SIGINT ignored.
IN_TERMINAL = """
import os, signal, sys
os.login_tty(0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def type_at_terminal(url: str, *arguments: str, answers: list[str]) -> tuple[int, str]:
    """Run the command in a terminal; return its exit status and everything shown."""
    parent_end, child_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, TODO_ADMIN, *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        stdin=child_end,
    )
    os.close(child_end)
    shown = b""
    try:
        while select_ready([parent_end], [], [], 20)[0]:
            shown += os.read(parent_end, 1024)
            if answers and shown.endswith((b"Password: ", b"password: ")):
                os.write(parent_end, answers.pop(0).encode() + b"\n")
        raise AssertionError(f"the command still waits for input: {shown!r}")
    except OSError:  # the other end is closed
        return process.wait(timeout=20), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(parent_end)


@ONE_DATABASE
def test_password_prompt_asks_twice_and_echoes_nothing(database_url: str) -> None:
    create = ("create", "carol", "carol@example.com")
    status, shown = type_at_terminal(database_url, *create, answers=[PASSWORD, "another horse"])
    assert status == 1
    assert "todo: password2: The two passwords differ." in shown
    status, shown = type_at_terminal(database_url, *create, answers=[PASSWORD, PASSWORD])
    assert status == 0
    first, second, audited, done = shown.splitlines()
    assert [first, second, done] == ["Password: ", "Repeat the password: ", "carol is registered."]
    assert "event=account.registered outcome=success" in audited


@ONE_DATABASE
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("backup", "standard output is a terminal; redirect it: todo-admin backup - > "),
        ("restore", "standard input is a terminal; redirect it: todo-admin restore - < "),
    ],
)
def test_backup_and_restore_refuse_terminal(database_url: str, command: str, message: str) -> None:
    status, shown = type_at_terminal(database_url, command, "-", answers=[])
    assert (status, shown) == (1, f"todo: {message}todo.backup\r\n")


@ONE_DATABASE
def test_ctrl_c_and_ctrl_d_stop_prompt(database_url: str) -> None:
    create = ("create", "carol", "carol@example.com")
    for key in ("\x03", "\x04"):
        status, shown = type_at_terminal(database_url, *create, answers=[key])
        assert status == 1
        assert shown.endswith("todo: stopped\r\n")
