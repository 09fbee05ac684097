"""How `todo-admin` is called: its arguments, its help, its ini file and its database."""

import re
import shlex
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.admin.conftest import TodoAdmin
from tests.support.databases import database
from tests.support.factories import PASSWORD, Login
from todo.models import Account, engine
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


def test_help_teaches_with_examples_that_are_right(capsys: pytest.CaptureFixture[str]) -> None:
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
    todo_admin: TodoAdmin,
    committing_session: Session,
    alice: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    committing_session.execute(
        update(Account).execution_options(recorded=True).values(email="x@example.com")
    )
    said = todo_admin.refused("disable", "alice")
    assert said.startswith(("the database cannot answer: ", "cannot open the database: "))


def test_a_database_that_is_not_migrated(
    todo_admin: TodoAdmin, database_server: str | Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(database_server) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        said = todo_admin.refused("purge")
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


# Nothing is asked of the database.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_a_setting_that_is_wrong(todo_admin: TodoAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://u:a-secret@h/d")
    said = todo_admin.refused("purge")
    assert said == "the setting DATABASE_URL must begin with sqlite:// or postgresql://"
