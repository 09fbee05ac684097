"""Print what a long run has measured."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fixtures import Capture


def reporter(
    request: pytest.FixtureRequest,
    database_server: str | Path,
    capsys: Capture,
    *,
    shown: bool,
) -> Callable[[str], None]:
    """Return a function that prints a line; pytest shows it on failure only, unless `shown`."""
    name = "SQLite" if isinstance(database_server, Path) else "PostgreSQL"
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")

    def write(line: str) -> None:
        if shown and terminal is not None:
            with capsys.disabled():
                terminal.ensure_newline()
                terminal.write_line(f"{name}: {line}")
        else:
            sys.stdout.write(f"{name}: {line}\n")

    return write
