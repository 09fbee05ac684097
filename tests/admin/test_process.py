"""The command as its user runs it: in a process and a terminal of its own, beside a service."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from select import select as select_ready

import pytest

from tests.support.databases import ROOT
from tests.support.factories import PASSWORD
from tests.support.pserve import Server
from tests.test_concurrency import call

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
    status, answer = call(server, "POST", f"{ACCOUNTS}/login", fields)
    assert status == 200
    token = answer["token"]
    assert call(server, "GET", f"{ACCOUNTS}/carol", {}, token)[0] == 200
    said = done(database_url, "disable", "CAROL")
    assert said == "Carol is disabled; 1 session or token ended.\n"
    assert call(server, "GET", f"{ACCOUNTS}/carol", {}, token)[0] == 401
    status, answer = call(server, "POST", f"{ACCOUNTS}/login", fields)
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
