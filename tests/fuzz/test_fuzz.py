"""Schemathesis against the document, over all operations, logged in and not.

FUZZ_SECONDS is what one run may last; without it the run is a short one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import ROOT
from tests.support.pserve import Server

FOLDER = Path(__file__).parent
# The phases whose data is nearly the same each time; the others, which search, are for `make fuzz`.
SHORT = ["--phases", "examples,coverage"]


# PostgreSQL is the database that refuses more, and somebody anonymous reaches registration and
# login alone, which who is logged in asks for, too: a short run needs no other.
RUNS = [pytest.param("postgresql", True, id="PostgreSQL")]
if "FUZZ_SECONDS" in os.environ:
    RUNS += [
        pytest.param("sqlite", True, id="SQLite"),
        pytest.param("postgresql", False, id="PostgreSQL, anonymous"),
    ]


@pytest.mark.parametrize(("database_server", "logged_in"), RUNS, indirect=["database_server"])
def test_no_input_breaks_the_contract(server: Server, logged_in: bool, tmp_path: Path) -> None:
    seconds = os.environ.get("FUZZ_SECONDS")
    environ = os.environ | {
        "FUZZ_URL": server.url,
        "PYTHONPATH": str(FOLDER),
        # Its tables of Unicode, which it takes more than a second to compute, stay here.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
    }
    if logged_in:
        environ["SCHEMATHESIS_HOOKS"] = "hooks"
    result = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", FOLDER / "schemathesis.toml"),
            *("run", f"{server.url}/api/v1/openapi.json"),
            # It warns that many answers are 401, which for somebody anonymous is right.
            *("--checks", "all", "--continue-on-failure", "--warnings", "off"),
            # A list is deleted but for the token that asks, or the tasks that do not match: to find
            # one of these is no fault. tests/functional sees that what is deleted is gone.
            *("--exclude-checks", "use_after_free"),
            *(["--max-time", seconds] if seconds else SHORT),
        ],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
