"""The documentation: its commands run, its answers are right, its links lead somewhere."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.databases import ROOT, database
from tests.support.factories import make_account, make_task
from tests.support.pserve import LOCAL_PUBLIC_URL, Server, pserve
from todo import settings
from todo.http.operations import operations
from todo.recurrence.rule import format_rule, parse_rule
from todo.recurrence.text import describe
from todo.scripts.admin import _parser as admin_parser

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
ADDRESS = "http://127.0.0.1:6543"
END = "--- end of block ---"

# The parts of answers that differ between runs: tokens, and the present, which the pages show as
# 2030-01-01T08:00:00Z.
VARIABLE = re.compile(
    r"20(?!30-02)\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ|[\w-]{43}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


def section(page: str, title: str) -> str:
    """Return the text of a section of the page."""
    text = (ROOT / page).read_text()
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the code blocks as pairs of language and content."""
    return re.findall(r"^ *```(\w+)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the fragments of the headings, in the form that GitHub and GitLab give them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def constant(value: Any) -> Any:
    """Return the value with its variable parts replaced."""
    if isinstance(value, dict):
        return {name: constant(item) for name, item in value.items()}
    if isinstance(value, list):
        return [constant(item) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub("*", value)
    return value


# The two ways to run it that the documentation shows. Other tests run each request on both
# databases.
SERVICES = pytest.mark.parametrize(
    ("database_server", "running_service"),
    [("sqlite", "development.ini"), ("postgresql", "production.ini")],
    indirect=True,
)


@pytest.fixture(scope="module")
def running_service(request: pytest.FixtureRequest, committed_url: str) -> Iterator[Server]:
    """The process behind `service`; tests use that fixture."""
    with pserve(
        request.param, DATABASE_URL=committed_url, TODO_PUBLIC_URL=LOCAL_PUBLIC_URL
    ) as server:
        yield server


@pytest.fixture
def service(running_service: Server, database_url: str) -> Server:
    return running_service


def run(command: list[str], script: str, server: Server, cwd: Path | None = None) -> str:
    result = subprocess.run(
        command,
        input=script.replace(ADDRESS, server.url),
        cwd=cwd,
        env=os.environ | {"PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result
    return result.stdout


def run_shell_blocks(page: list[tuple[str, str]], server: Server, before: str = "") -> int:
    """Run the shell blocks in one shell, compare the JSON block after each, and count these."""
    script = before + "".join(
        content + f"\necho; echo '{END}'\n" for language, content in page if language == "sh"
    )
    outputs = iter(run(["bash", "-euo", "pipefail"], script, server).split(END))
    compared = 0
    for (language, _), (following, expected) in zip(page, [*page[1:], ("", "")], strict=True):
        if language != "sh":
            continue
        output = next(outputs).strip()
        if following == "json":
            assert constant(json.loads(output)) == constant(json.loads(expected))
            compared += 1
        else:
            assert output == ""
    return compared


# curl does not send a Secure cookie over http, so the quick start runs on development.ini alone.
@pytest.mark.parametrize(
    ("database_server", "running_service"), [("sqlite", "development.ini")], indirect=True
)
def test_quick_start_creates_a_task(service: Server, tmp_path: Path) -> None:
    [(_, commands), (_, curls), (_, answer)] = blocks(section("README.md", "Quick start"))
    assert [line.split()[:2] for line in commands.splitlines()] == [
        ["make", "serve"],
        ["make", "test"],
    ]
    script = curls.replace("curl ", "curl -sw '\\n' ")
    registered, created, listed = run(
        ["bash", "-euo", "pipefail"], script, service, tmp_path
    ).splitlines()
    assert json.loads(registered)["username"] == "alice"
    assert json.loads(listed)["tasks"] == [json.loads(created)["task"]]
    assert constant(json.loads(listed)) == constant(json.loads(answer))


@SERVICES
def test_tutorial_commands_get_the_printed_answers(service: Server) -> None:
    page = [block for block in blocks((DOCS / "tutorial.md").read_text()) if block[0] != "python"]
    assert run_shell_blocks(page, service) == 20


@SERVICES
def test_tutorial_python_program_runs(service: Server) -> None:
    page = blocks((DOCS / "tutorial.md").read_text())
    [script] = [content for language, content in page if language == "python"]
    assert run([sys.executable, "-"], script, service) == "Milk is completed: True\n"


# Other tests run each request on both databases.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "name", ["sync.md", "filters.md", "lists.md", "quick.md", "recurrence.md", "reminders.md"]
)
def test_page_commands_get_the_printed_answers(
    server: Server, committed: Session, name: str
) -> None:
    login = make_account(committed, "alice")
    make_task(committed, login, name="Milk")
    variables = f"ACCOUNT={ADDRESS}{login.url}\nTASKS=$ACCOUNT/tasks\nTOKEN={login.token}\n"
    page = blocks((DOCS / name).read_text())
    compared = run_shell_blocks(page, server, before=variables)
    assert compared == len([content for language, content in page if language == "json"]) > 0


def test_recurrence_page_has_the_texts_of_rules() -> None:
    rows = re.findall(r"^\| `(FREQ=\S+)` \| (.+) \|$", (DOCS / "recurrence.md").read_text(), re.M)
    assert len(rows) > 5
    for rule, text in rows:
        assert (format_rule(parse_rule(rule)), describe(parse_rule(rule))) == (rule, text)


@pytest.mark.parametrize(
    ("database_server", "title"),
    [("sqlite", "Try it without make"), ("postgresql", "Run on PostgreSQL")],
    indirect=["database_server"],
)
def test_deployment_commands_start_the_service(title: str, database_server: str | Path) -> None:
    [(_, content)] = blocks(section("docs/deployment.md", title))
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
        with pserve(serve.split()[1], **exported) as server:
            assert server.request("GET", "/readyz")[0] == 200


def run_commands(content: str, url: str, folder: Path) -> list[str]:
    """Run each command on the database, with backups in the folder; return those of todo-admin."""
    commands = [line.strip() for line in content.splitlines() if "DATABASE_URL=" not in line]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        # One shell per command: the first command would read the rest of a script from stdin.
        subprocess.run(
            ["bash", "-c", re.sub(r"(/var/backups/)?todo\.backup", f"{folder}/backup", command)],
            cwd=ROOT,
            env=os.environ
            | {"DATABASE_URL": url, "PATH": path, "TODO_PUBLIC_URL": LOCAL_PUBLIC_URL},
            input="correct horse battery\n",
            text=True,
            timeout=30,
            check=True,
        )
    return re.findall(r"^(?:\w+=\w+ )?todo-admin -c \S+ (\S+)", "\n".join(commands), re.MULTILINE)


# tests/scripts runs each command on both databases.
@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_admin_commands_are_complete_and_run(
    database_server: str, database_url: str, tmp_path: Path
) -> None:
    [(_, accounts)] = blocks(section("docs/command-line.md", "todo-admin"))
    [(_, backup)] = blocks(section("docs/backup.md", "Back up"))
    [(_, restore)] = blocks(section("docs/backup.md", "Restore"))
    documented = run_commands(accounts + backup, database_url, tmp_path)
    with database(database_server) as new_url:
        documented += run_commands(restore, new_url, tmp_path)
    existing = set(re.findall(r"^    ([a-z-]+) +\S", admin_parser().format_help(), re.MULTILINE))
    # This one runs until it is stopped: tests/scripts/test_jobs.py.
    assert {*documented, "jobs"} == existing
    table = section("docs/command-line.md", "todo-admin")
    assert set(re.findall(r"^\| `([a-z-]+)", table, re.MULTILINE)) == existing


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_move_to_postgresql_keeps_logins(
    database_url: str, committed: Session, postgresql: str, tmp_path: Path
) -> None:
    login = make_account(committed, "alice")
    committed.close()
    (_, back_up), (_, restore) = blocks((DOCS / "postgresql.md").read_text())
    run_commands(back_up, database_url, tmp_path)
    with database(postgresql) as new_url:
        run_commands(restore, new_url, tmp_path)
        with pserve(
            "production.ini", DATABASE_URL=new_url, TODO_PUBLIC_URL=LOCAL_PUBLIC_URL
        ) as server:
            assert server.send("GET", login.tasks_url, token=login.token)[0] == 200


def test_api_page_lists_every_operation(app: Any) -> None:
    table = section("docs/api.md", "Operations")
    for operation in operations(app.registry):
        if operation.name:
            for method in set(operation.methods) - {"HEAD"}:
                row = rf"`{method}\b[^|]*{re.escape(operation.path)}` \|"
                assert re.search(row, table), operation


def test_settings_page_describes_every_setting() -> None:
    page = (DOCS / "settings.md").read_text()
    for setting in settings.SETTINGS.values():
        assert f"| `{setting.name}` | `{setting.variable}` |" in page


def test_make_targets_are_documented_and_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    existing = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert named <= existing, page
    table = section("CONTRIBUTING.md", "The loop")
    assert set(re.findall(r"^\| `make ([a-z-]+)", table, re.MULTILINE)) == existing - {"help"}


def targets(page: Path) -> list[tuple[Path, str]]:
    """Return the files and fragments that the page links to, except web addresses."""
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text()))
    split = [link.partition("#") for link in links if not link.startswith("https://")]
    return [((page.parent / path if path else page).resolve(), name) for path, _, name in split]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for path, name in targets(page):
        assert path.exists(), path
        assert path.is_relative_to(ROOT)
        assert not name or name in anchors(path), f"{path}#{name}"


def test_pages_named_in_code_and_settings_exist() -> None:
    files = subprocess.run(
        ["git", "ls-files", "*.py", "*.ini", "*.mako", "deploy", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = 0
    for file in files:
        named = re.findall(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?", (ROOT / file).read_text())
        for path, name in named:
            found += 1
            assert not name or name in anchors(ROOT / path), f"{file}: {path}#{name}"
            assert (ROOT / path).exists(), f"{file}: {path}"
    assert found > 5


def test_index_lists_every_page() -> None:
    listed = {path for path, _ in targets(DOCS / "index.md")}
    assert set(DOCS.glob("*.md")) - {DOCS / "index.md"} <= listed
    decisions = DOCS / "decisions"
    listed = {path for path, _ in targets(decisions / "index.md")}
    assert set(decisions.glob("*.md")) - {decisions / "index.md"} == listed


def test_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
