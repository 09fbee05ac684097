"""How `todo-admin` is called: arguments, help, ini file, database and terminal."""

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from select import select as select_ready

import pytest
from sqlalchemy.orm import Session

from tests.scripts.conftest import TodoAdmin
from tests.support.databases import ROOT, database
from tests.support.factories import PASSWORD, Login, change_accounts
from tests.support.fixtures import Capture, Patch
from tests.support.pserve import Server
from todo.models import engine
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
    ],
)
def test_wrong_command_line(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        admin.main(arguments)
    assert stop.value.code == 2


def test_help_teaches_with_examples_that_are_right(capsys: Capture) -> None:
    def help_of(*arguments: str) -> str:
        with pytest.raises(SystemExit) as stop:
            admin.main([*arguments, "--help"])
        assert stop.value.code == 0
        return capsys.readouterr().out

    overview = help_of()
    commands = re.findall(r"^    ([a-z-]+) +[a-z]", overview, re.MULTILINE)
    assert len(commands) == 9
    for command in commands:
        examples = re.findall(
            rf"^  todo-admin ({command}\b[^<\n]*)", help_of(command), re.MULTILINE
        )
        assert examples, command
        for example in examples:
            admin._parser().parse_args(shlex.split(example))


def test_a_database_that_cannot_answer(
    todo_admin: TodoAdmin, committed: Session, alice: Login, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    change_accounts(committed, email="x@example.com")
    said = todo_admin.refused("disable", "alice")
    assert said.startswith(("the database cannot answer: ", "cannot open the database: "))


def test_a_database_that_is_not_migrated(
    todo_admin: TodoAdmin, database_server: str | Path, monkeypatch: Patch
) -> None:
    with database(database_server) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        said = todo_admin.refused("purge")
    expected = "the database is not set up; run: alembic -c development.ini upgrade head"
    assert said == expected


def test_the_database_of_the_ini_file(
    todo_admin: TodoAdmin, database_url: str, alice: Login, tmp_path: Path, monkeypatch: Patch
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
    monkeypatch: Patch, tmp_path: Path, content: str | None, said: str
) -> None:
    ini = tmp_path / "own.ini"
    if content is not None:
        ini.write_text(content)
    with pytest.raises(SystemExit) as stop:
        admin.main(["-c", str(ini), "purge"])
    assert str(stop.value).startswith(f"todo: cannot read {ini}: {said}")
    assert "a-secret" not in str(stop.value)


# Nothing is asked of the database.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_a_setting_that_is_wrong(todo_admin: TodoAdmin, monkeypatch: Patch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://u:a-secret@h/d")
    said = todo_admin.refused("purge")
    assert said == "the setting DATABASE_URL must begin with sqlite:// or postgresql://"


TODO_ADMIN = str(Path(sys.executable).with_name("todo-admin"))
ACCOUNTS = "/api/v1/accounts"

# The database has no part in this.
ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


def run(url: str, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with a password to read. It never shows the password."""
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


def test_beside_a_running_service(server: Server, database_url: str) -> None:
    create = ("create", "Carol", "carol@example.com")
    assert done(database_url, *create, password=PASSWORD) == "Carol is registered.\n"
    fields = {"username": "carol", "password": PASSWORD}
    status, _, answer = server.send("POST", f"{ACCOUNTS}/login", fields)
    assert status == 200
    token = answer["token"]
    assert server.send("GET", f"{ACCOUNTS}/carol", {}, token)[0] == 200
    said = done(database_url, "disable", "CAROL")
    assert said == "Carol is disabled; 1 session or token ended.\n"
    assert server.send("GET", f"{ACCOUNTS}/carol", {}, token)[0] == 401
    status, _, answer = server.send("POST", f"{ACCOUNTS}/login", fields)
    assert (status, answer["code"]) == (403, "account_disabled")


@ONE_DATABASE
def test_exit_status(database_url: str) -> None:
    refusal = run(database_url, "tokens", "nobody")
    assert (refusal.returncode, refusal.stdout) == (1, "")
    assert refusal.stderr.count("\n") == 1
    wrong = run(database_url, "create", "carol")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "EMAIL" in wrong.stderr


# The command in a terminal of its own, so that Ctrl-C means it. Where the suite runs in the
# background of a shell, it was told to ignore that.
IN_TERMINAL = """
import os, signal, sys
os.login_tty(0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


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


@ONE_DATABASE
def test_a_terminal_asks_twice_and_shows_nothing(database_url: str) -> None:
    create = ("create", "carol", "carol@example.com")
    status, shown = type_at_terminal(database_url, *create, answers=[PASSWORD, "another horse"])
    assert status == 1
    assert "todo: password2: The two passwords differ." in shown
    status, shown = type_at_terminal(database_url, *create, answers=[PASSWORD, PASSWORD])
    assert status == 0
    assert shown.splitlines() == ["Password: ", "The same password again: ", "carol is registered."]


@ONE_DATABASE
def test_stopped_at_the_prompt(database_url: str) -> None:
    create = ("create", "carol", "carol@example.com")
    for key in ("\x03", "\x04"):
        status, shown = type_at_terminal(database_url, *create, answers=[key])
        assert status == 1
        assert shown.endswith("todo: stopped\r\n")
