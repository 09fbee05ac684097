"""The files of deploy/, checked by the programs that read them."""

import os
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.proxies import DEPLOY, free_port, haproxy_file, nginx_file, run

PORTS = (6543, 6544)


def test_nginx_file_is_valid(tmp_path: Path, certificate: Path) -> None:
    run("nginx", "-t", "-c", nginx_file(tmp_path, PORTS, free_port(), certificate))


def test_haproxy_file_is_valid(tmp_path: Path, certificate: Path) -> None:
    run("haproxy", "-c", "-f", haproxy_file(tmp_path, PORTS, free_port(), certificate))


@pytest.mark.parametrize("unit", ["todo@.service", "todo-backup.service", "todo-backup.timer"])
def test_systemd_unit_is_valid(tmp_path: Path, unit: str) -> None:
    for file in DEPLOY.glob("todo*"):
        text = file.read_text().replace("/srv/todo/.venv/bin", str(Path(sys.executable).parent))
        text = text.replace("User=todo", "User=root")
        (tmp_path / file.name).write_text(text)
    output = run("systemd-analyze", "verify", "--man=no", tmp_path / unit)
    # systemd-analyze only warns of unknown keys and values.
    assert str(tmp_path) not in output, output


@pytest.mark.parametrize("clock_was", [timedelta(0), timedelta(days=400)])
def test_backup_service_keeps_new_backup_and_13_others(
    tmp_path: Path, clock_was: timedelta
) -> None:
    unit = (DEPLOY / "todo-backup.service").read_text()
    [command] = re.findall("^ExecStartPost=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    now = datetime.now()  # noqa: DTZ005
    new, others = f"{now:%F}.backup", []
    for days in range(20, 0, -1):
        written = now + clock_was - timedelta(days=days)
        others.append(f"{written:%F}.backup")
        (tmp_path / others[-1]).touch()
        os.utime(tmp_path / others[-1], (written.timestamp(), written.timestamp()))
    for name in (new, "before-upgrade.backup"):
        (tmp_path / name).touch()
    for _ in range(2):
        run("sh", "-c", command.replace("%%", "%").replace("/var/lib/todo", str(tmp_path)))
        found = {path.name for path in tmp_path.iterdir()}
        assert found == {new, *others[-13:], "before-upgrade.backup"}
