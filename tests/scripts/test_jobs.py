"""`todo-admin jobs` runs the jobs without the service until a signal ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.conftest import TodoAdmin
from tests.support.databases import ROOT
from todo.jobs import JOBS

STARTED = f"todo runs the jobs {', '.join(job.name for job in JOBS)} until SIGTERM or SIGINT\n"


@contextmanager
def running(url: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command until the end of the block."""
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environ = os.environ | environ | {"DATABASE_URL": url}
    program = [str(Path(sys.executable).with_name("todo-admin")), "jobs"]
    with subprocess.Popen(program, cwd=ROOT, env=environ, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_jobs_run_until_signal(database_url: str, stop_signal: signal.Signals) -> None:
    with running(database_url, TODO_JOBS="false") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == STARTED
        process.send_signal(stop_signal)
        began = time.monotonic()
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("folder", ["missing", "file", "relative"])
def test_jobs_without_usable_backup_folder_are_refused(
    todo_admin: TodoAdmin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(
        "TODO_BACKUP_DIR", folder if folder == "relative" else f"{tmp_path}/{folder}"
    )
    assert "BACKUP_DIR" in todo_admin.refused("jobs").upper()
