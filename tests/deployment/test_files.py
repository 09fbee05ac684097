"""The files of deploy/, checked by the programs that read them."""

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
