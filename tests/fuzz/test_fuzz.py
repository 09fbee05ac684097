"""Run Schemathesis on all operations, with JSON and forms, logged in and anonymously.

FUZZ_SECONDS limits the duration of each run. Without it, the runs are short.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import current_document
from tests.support.databases import ROOT
from tests.support.forms import with_forms
from tests.support.pserve import Server

FOLDER = Path(__file__).parent
# These phases generate nearly the same data each time. `make fuzz` runs the random ones, too.
SHORT_PHASES = ["--phases", "examples,coverage"]


# One run suffices for the short test: PostgreSQL refuses more than SQLite, and the logged-in client
# also tests registration and login, the only operations open to anonymous clients.
RUNS = [pytest.param("postgresql", True, id="PostgreSQL")]
if "FUZZ_SECONDS" in os.environ:
    RUNS += [
        pytest.param("sqlite", True, id="SQLite"),
        pytest.param("postgresql", False, id="PostgreSQL, anonymous"),
    ]


@pytest.mark.parametrize(("database_server", "logged_in"), RUNS, indirect=["database_server"])
def test_fuzzed_api_input_satisfies_contract(
    server: Server, logged_in: bool, tmp_path: Path
) -> None:
    seconds = os.environ.get("FUZZ_SECONDS")
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(with_forms(current_document())))
    environ = os.environ | {
        "FUZZ_URL": server.url,
        "PYTHONPATH": str(FOLDER),
        # Keep Hypothesis's Unicode tables: computing them takes more than a second.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
    }
    if logged_in:
        environ["SCHEMATHESIS_HOOKS"] = "hooks"
    result = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", FOLDER / "schemathesis.toml"),
            *("run", described, "--url", server.url),
            # Without this, it warns about the 401 responses that anonymous clients should get.
            *("--checks", "all", "--continue-on-failure", "--warnings", "off"),
            # Bulk deletion keeps the caller's token and tasks that do not match, and this check
            # would report them. tests/functional checks that deleted objects are gone.
            *("--exclude-checks", "use_after_free"),
            *(["--max-time", seconds] if seconds else SHORT_PHASES),
        ],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
