"""The folders of the project and of SQLite's database: unusual names, missing, not writable."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import ROOT
from tests.support.pserve import pserve

BIN = Path(sys.executable).parent
COMMANDS = {
    "alembic": ["-c", "development.ini", "upgrade", "head"],
    "todo-admin": ["purge"],
    "pserve": ["development.ini", "http_port=0"],
}


def run(
    *command: str | Path, folder: Path = ROOT, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder."""
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def refusals(url: str, *prefix: str) -> dict[str, str]:
    """Run each command on the database; check that it fails; return the errors by command."""
    errors = {}
    for name, arguments in COMMANDS.items():
        result = run(*prefix, BIN / name, *arguments, DATABASE_URL=url)
        assert (result.returncode, result.stdout) == (1, ""), result
        assert result.stderr.count("\n") == 1, result.stderr
        errors[name] = result.stderr
    return errors


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the name of the parameter, and what runs the service in it."""
    folder = tmp_path / request.param
    folder.mkdir(parents=True)
    for name in ("development.ini", "setup.py", "Makefile"):
        shutil.copy(ROOT / name, folder)
    (folder / "alembic").symlink_to(ROOT / "alembic")
    return folder


@pytest.mark.parametrize("project", ["jalapeño/a b#c&d=e;f/q?x"], indirect=True)
def test_project_in_folder_with_unusual_name_works(project: Path) -> None:
    for name in ("alembic", "todo-admin"):
        result = run(BIN / name, *COMMANDS[name], folder=project)
        assert result.returncode == 0, result
    assert (project / "todo.sqlite").exists()
    with pserve("development.ini", folder=str(project)) as server:
        fields = {"username": "alice", "email": "alice@example.com", "password": "correct horse"}
        assert server.send("POST", "/api/v1/accounts", fields)[0] == 201
    assert {path.name for path in project.parent.iterdir()} == {project.name}


@pytest.mark.parametrize("project", ["100% todo", "a%20b"], indirect=True)
def test_project_in_folder_with_percent_sign_is_refused(project: Path) -> None:
    refused = run(BIN / "todo-admin", "purge", folder=project)
    assert refused.stderr.startswith("todo: cannot read development.ini: its path has a %, which ")
    refused = run("make", "serve", folder=project)
    assert "PasteDeploy cannot read ini files in a path with a %: rename" in refused.stderr
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("name", ["none", "file"])
def test_sqlite_in_missing_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / name
    for error in refusals(f"sqlite:///{folder}/todo.sqlite").values():
        assert error.startswith(
            f"todo: the database cannot be created: there is no folder '{folder}'; create it"
        )


def test_sqlite_in_unwritable_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    # root may write everywhere, unless it gives that up.
    prefix = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]
    for error in refusals(f"sqlite:///{tmp_path}/todo.sqlite", *prefix).values():
        assert error.startswith(
            f"todo: SQLite cannot create files in the folder '{tmp_path}'; let this user write"
        )


def test_sqlite_database_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    expected = "todo: cannot open the database: unable to open database file\n"
    assert set(refusals(f"sqlite:///{tmp_path}").values()) == {expected}


def test_migration_without_database_server_is_refused() -> None:
    url = "postgresql://todo:a-secret@127.0.0.1:1/todo"
    for error in refusals(url).values():
        assert error.startswith("todo: cannot open the database: connection to server at ")
        assert "a-secret" not in error
