"""Clients generated from the OpenAPI document alone, used against the service."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.contract import DOCUMENT_PATH
from tests.support.factories import PASSWORD
from tests.support.pserve import Server

FOLDER = Path(__file__).parent
BIN = Path(sys.executable).parent
NODE_BIN = FOLDER / "node_modules" / ".bin"

# No generator may report to its makers.
ENVIRON = os.environ | {
    "DO_NOT_TRACK": "1",
    "PATH": f"{NODE_BIN}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "REDOCLY_TELEMETRY": "off",
}

TASKS: list[dict[str, Any]] = [
    {"name": "a day", "due_date": "2030-02-01"},
    {"name": "a time", "due_date": "2030-02-01T09:30:00+02:00", "note": "two\nbottles"},
    {"name": "no date", "completed": True},
    {"name": "İstanbul 🥛", "note": ""},
]


def run(folder: Path, *command: str | Path) -> None:
    subprocess.run(command, cwd=folder, env=ENVIRON, check=True)


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled programs in TypeScript and their generated clients."""
    folder = tmp_path_factory.mktemp("typescript")
    for path in (*FOLDER.glob("*.ts"), FOLDER / "tsconfig.json", FOLDER / "package.json"):
        shutil.copy(path, folder)
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    generated = folder / "generated"
    run(
        folder, "openapi-typescript", DOCUMENT_PATH, "--output", generated / "openapi-typescript.ts"
    )
    run(
        folder,
        "openapi-ts",
        "--input",
        DOCUMENT_PATH,
        "--output",
        generated / "hey-api",
        "--silent",
    )
    run(folder, "tsc")
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the generated package `todo_client`."""
    folder = tmp_path_factory.mktemp("python")
    output = folder / "todo_client"
    generate = ("openapi-python-client", "generate", "--fail-on-warning", "--meta", "none")
    run(folder, *generate, "--path", DOCUMENT_PATH, "--output-path", output)
    shutil.copy(FOLDER / "openapi_python_client.py", folder / "program.py")
    return folder


@pytest.fixture(params=["openapi_fetch", "hey_api", "openapi_python_client"])
def program(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A program that takes the walk of the tutorial as alice, and writes back bob's tasks."""
    if request.param == "openapi_python_client":
        python = request.getfixturevalue("python")
        return lambda url: run(python, sys.executable, "program.py", url)
    typescript = request.getfixturevalue("typescript")
    return lambda url: run(typescript, "node", f"built/{request.param}.js", url)


# The database makes no difference to a client.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_generated_client_takes_walk_of_tutorial(
    server: Server, program: Callable[[str], None]
) -> None:
    fields = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
    _, _, registered = server.send("POST", "/api/v1/accounts", fields)
    tasks, token = "/api/v1/accounts/bob/tasks", registered["token"]
    status, _, _ = server.send("POST", tasks, {"tasks": TASKS}, token)
    assert status == 201
    _, _, before = server.send("GET", tasks, token=token)
    program(server.url)
    _, _, after = server.send("GET", tasks, token=token)
    assert len(before["tasks"]) == len(TASKS)
    assert after == before, "writing back what was read changes nothing"


@pytest.mark.parametrize(
    "command",
    [
        ("spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint"),
        ("redocly", "lint", "--extends", "recommended", "--format", "json"),
    ],
)
def test_document_has_no_lint_warnings(command: tuple[str, ...]) -> None:
    result = subprocess.run(
        [*command, DOCUMENT_PATH],
        cwd=FOLDER,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    if command[0] == "redocly":
        totals = json.loads(result.stdout)["totals"]
        assert (totals["errors"], totals["warnings"]) == (0, 0), result.stdout
