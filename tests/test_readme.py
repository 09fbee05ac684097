"""The README's walk, word for word, against a service that pserve runs."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from sqlalchemy.orm import Session

from tests.support.databases import ROOT, database
from tests.support.factories import make_account, make_task
from tests.support.pserve import PUBLIC_URL, Server, pserve
from todo import settings
from todo.http.operations import operations
from todo.scripts.admin import _parser as admin_parser

README = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:6543"
END = "--- end of block ---"

# What differs from run to run: instants with their microseconds, and tokens.
VARIABLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z|[\w-]{43}")


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the code blocks as pairs of language and content."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def constant(value: Any) -> Any:
    """Return the value with its variable parts made alike."""
    if isinstance(value, dict):
        return {name: constant(item) for name, item in value.items()}
    if isinstance(value, list):
        return [constant(item) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub("*", value)
    return value


# As the README has them: what is to try out on SQLite, what is for earnest use on PostgreSQL.
# What a request does, other tests try on both databases.
SERVICES = pytest.mark.parametrize(
    ("database_server", "running_service"),
    [("sqlite", "development.ini"), ("postgresql", "production.ini")],
    indirect=True,
)


@pytest.fixture(scope="module")
def running_service(request: pytest.FixtureRequest, committed_url: str) -> Iterator[Server]:
    """The process of `service`: ask for that one."""
    with pserve(request.param, DATABASE_URL=committed_url, TODO_PUBLIC_URL=PUBLIC_URL) as server:
        yield server


@pytest.fixture
def service(running_service: Server, database_url: str) -> Server:
    return running_service


def run(command: list[str], script: str, server: Server) -> str:
    result = subprocess.run(
        command,
        input=script.replace(ADDRESS, server.url),
        env=os.environ | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result
    return result.stdout


@SERVICES
def test_walk(service: Server) -> None:
    walk = [block for block in blocks(section("A walk")) if block[0] != "python"]
    script = "".join(
        content + f"\necho; echo '{END}'\n" for language, content in walk if language == "sh"
    )
    outputs = iter(run(["bash", "-euo", "pipefail"], script, service).split(END))
    answered = 0
    for (language, _), (following, expected) in zip(walk, [*walk[1:], ("", "")], strict=True):
        if language != "sh":
            continue
        output = next(outputs).strip()
        if following == "json":
            assert constant(json.loads(output)) == constant(json.loads(expected))
            answered += 1
        else:
            assert output == ""
    assert answered == 13


# What the requests do, other tests try on both databases.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_sync(server: Server, committed: Session) -> None:
    login = make_account(committed, "alice")
    make_task(committed, login, name="Milk")
    page = blocks((ROOT / "docs" / "sync.md").read_text())
    script = f"ACCOUNT={ADDRESS}{login.url}\nTASKS=$ACCOUNT/tasks\nTOKEN={login.token}\n"
    script += "".join(
        content + f"\necho; echo '{END}'\n" for language, content in page if language == "sh"
    )
    outputs = iter(run(["bash", "-euo", "pipefail"], script, server).split(END))
    said = [output for output in outputs if output.strip()]
    expected = [content for language, content in page if language == "json"]
    for output, content in zip(said, expected, strict=True):
        assert constant(json.loads(output)) == constant(json.loads(content))


@SERVICES
def test_walk_in_python(service: Server) -> None:
    [script] = [content for language, content in blocks(section("A walk")) if language == "python"]
    assert run([sys.executable, "-"], script, service) == "Milk is completed: True\n"


@pytest.mark.parametrize(
    ("database_server", "title"),
    [("sqlite", "By hand"), ("postgresql", "On PostgreSQL")],
    indirect=["database_server"],
)
def test_by_hand(title: str, database_server: str | Path) -> None:
    [(_, content)] = blocks(section(title))
    alembic, serve = (line for line in content.splitlines() if line.startswith(("alemb", "pserv")))
    exported = dict(re.findall(r"^export (\w+)=(.*)$", content, re.MULTILINE))
    with database(database_server) as url:
        bin_folder = Path(sys.executable).parent
        exported["DATABASE_URL"] = url
        subprocess.run(
            [bin_folder / "alembic", *alembic.split()[1:]],
            cwd=ROOT,
            env=os.environ | exported,
            check=True,
        )
        with pserve(serve.split()[1], **exported) as server, urlopen(server.url) as response:
            assert response.status == 200


def run_commands(content: str, url: str, folder: Path) -> list[str]:
    """Run each command on the database, its backups in the folder; return those of todo-admin."""
    export, *commands = content.splitlines()
    assert export.startswith("export DATABASE_URL=")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        # One shell for each: the first command would read the lines of the others, too.
        subprocess.run(
            ["bash", "-c", command.replace("/var/backups", str(folder))],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "PATH": path},
            input="correct horse battery\n",
            text=True,
            timeout=30,
            check=True,
        )
    return [command.split()[3] for command in commands if command.startswith("todo-admin")]


# What each command does, tests/scripts tries on both databases.
@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_looking_after_it(database_server: str, database_url: str, tmp_path: Path) -> None:
    [(_, care)] = blocks(section("Looking after it"))
    [(_, backup), (_, restore)] = blocks(section("Backup and restore"))
    run = run_commands(care + backup.partition("\n")[2], database_url, tmp_path)
    with database(database_server) as new_url:
        run += run_commands(restore, new_url, tmp_path)
    described = set(re.findall(r"^    ([a-z-]+) +\S", admin_parser().format_help(), re.MULTILINE))
    assert set(run) == described


def test_table_names_every_operation(app: Any) -> None:
    table = section("What there is")
    for operation in operations(app.registry):
        if operation.name:
            for method in set(operation.methods) - {"HEAD"}:
                row = rf"`{method}\b[^|]*{re.escape(operation.path)}` \|"
                assert re.search(row, table), operation


def test_settings_are_described() -> None:
    table = section("Settings")
    for setting in settings.SETTINGS.values():
        assert f"| `{setting.name}` | `{setting.variable}` |" in table


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z-]+)", "".join(c for _, c in blocks(README)))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
