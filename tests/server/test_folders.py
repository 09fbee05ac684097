"""The folders of the project and of SQLite's database, and the permissions of its files."""

import os
import shutil
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.databases import ROOT, migrate
from tests.support.factories import PASSWORD
from tests.support.fixtures import Patch
from tests.support.pserve import pserve
from tests.support.running import running_app
from todo.models import sqlite
from todo.models.engine import create_engine

BIN = Path(sys.executable).parent
COMMANDS = {
    "alembic": ["-c", "development.ini", "upgrade", "head"],
    "todo-admin": ["purge"],
    "pserve": ["development.ini", "http_port=0"],
}


def run(
    *command: str | Path, folder: Path = ROOT, umask: int = -1, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder."""
    return subprocess.run(
        command,
        cwd=folder,
        umask=umask,
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


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_sqlite_database_is_created_private(tmp_path: Path, umask: int) -> None:
    """Only alembic creates it; the other commands refuse a missing database."""
    url = f"sqlite:///{tmp_path}/todo.sqlite"
    for name in ("todo-admin", "pserve"):
        run(BIN / name, *COMMANDS[name], umask=umask, DATABASE_URL=url)
        assert modes(tmp_path) == {}
    run(BIN / "alembic", *COMMANDS["alembic"], umask=umask, DATABASE_URL=url)
    assert modes(tmp_path)["todo.sqlite"] == 0o600
    assert set(modes(tmp_path).values()) == {0o600}


@pytest.mark.parametrize("wal_is_safe", [True, False], ids=["wal", "journal"])
def test_sqlite_files_of_running_service_are_private(
    tmp_path: Path, monkeypatch: Patch, wal_is_safe: bool
) -> None:
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", wal_is_safe)
    before = os.umask(0)
    try:
        migrate(f"sqlite:///{tmp_path}/todo.sqlite")
        with running_app(f"sqlite:///{tmp_path}/todo.sqlite") as app:
            fields = {"username": "alice", "email": "alice@example.com", "password": PASSWORD}
            assert Client(app).post("/api/v1/accounts", fields).status_int == 201
            created = modes(tmp_path)
    finally:
        os.umask(before)
    ends = {"-wal", "-shm"} if wal_is_safe else {"-journal"}
    assert created.keys() >= {"todo.sqlite", *(f"todo.sqlite{end}" for end in ends)}
    assert set(created.values()) == {0o600}


@pytest.mark.parametrize("mode", [0o660, 0o644, 0o640])
def test_mode_of_existing_sqlite_database_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "todo.sqlite"
    path.touch()
    path.chmod(mode)
    for name in ("alembic", "todo-admin"):
        assert run(BIN / name, *COMMANDS[name], DATABASE_URL=f"sqlite:///{path}").returncode == 0
    assert set(modes(tmp_path).values()) == {mode}


def test_sqlite_database_behind_dangling_link_is_created_private(tmp_path: Path) -> None:
    link, path = tmp_path / "todo.sqlite", tmp_path / "volume"
    link.symlink_to(path)
    run(BIN / "alembic", *COMMANDS["alembic"], DATABASE_URL=f"sqlite:///{link}")
    assert modes(tmp_path)["volume"] == 0o600
    assert link.is_symlink()


def test_locks_of_process_survive_another_connection(tmp_path: Path) -> None:
    """Closing any descriptor of a file releases the process's locks on it."""
    url = f"sqlite:///{tmp_path}/todo.sqlite"
    migrate(url)
    engine = create_engine(url)
    with engine.begin(), closing(create_engine(url, reads_only=True).raw_connection()):
        waiting = "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0).execute('BEGIN IMMEDIATE')"
        other = run(sys.executable, "-c", waiting, tmp_path / "todo.sqlite")
        assert "database is locked" in other.stderr
    engine.dispose()


def test_sqlite_database_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    expected = "todo: cannot open the database: unable to open database file\n"
    assert set(refusals(f"sqlite:///{tmp_path}").values()) == {expected}


def test_migration_without_database_server_is_refused() -> None:
    url = "postgresql://todo:a-secret@127.0.0.1:1/todo"
    for error in refusals(url).values():
        assert error.startswith("todo: cannot open the database: connection to server at ")
        assert "a-secret" not in error
