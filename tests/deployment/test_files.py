"""The files of deploy/, checked by the programs that read them."""

import re
import sys
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


def test_backup_service_keeps_newest_14_backups(tmp_path: Path) -> None:
    unit = (DEPLOY / "todo-backup.service").read_text()
    [command] = re.findall("^ExecStartPost=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    names = [f"2030-01-{day:02}.backup" for day in range(1, 17)]
    for name in [*names, "other"]:
        (tmp_path / name).touch()
    run("sh", "-c", command.replace("/var/lib/todo", str(tmp_path)))
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], "other"}
    run("sh", "-c", command.replace("/var/lib/todo", str(tmp_path)))
    assert len(list(tmp_path.glob("*.backup"))) == 14
