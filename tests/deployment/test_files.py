"""The files of deploy/, checked by the programs that read them."""

import os
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.proxies import DEPLOY, free_port, haproxy_file, nginx_file, run
from todo import configure
from todo.http.operations import operations
from todo.models.engine import POSTGRESQL_SETTINGS

PORTS = (6543, 6544)
CLUSTER = DEPLOY / "cluster"
# Profiles have no path of their own below the account.
KEYED_BUT_NOT_REPEATED = {"edit profile"}


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


def test_patroni_unit_is_valid(tmp_path: Path) -> None:
    text = (CLUSTER / "patroni.service").read_text()
    text = text.replace("/opt/patroni/bin/patroni", sys.executable).replace("=postgres", "=root")
    (tmp_path / "patroni.service").write_text(text)
    output = run("systemd-analyze", "verify", "--man=no", tmp_path / "patroni.service")
    assert str(tmp_path) not in output, output


@pytest.mark.parametrize("name", ["haproxy-http.cfg", "haproxy-postgresql.cfg"])
def test_haproxy_files_of_cluster_are_valid(name: str) -> None:
    run("haproxy", "-c", "-f", CLUSTER / name)


def test_database_of_cluster_has_the_settings_that_the_service_needs() -> None:
    script = (CLUSTER / "create-database").read_text()
    found = dict(re.findall("^ALTER DATABASE todo SET (\\w+) = '(\\w+)';$", script, re.MULTILINE))
    assert found == {name.lower(): value for name, value in POSTGRESQL_SETTINGS.items()}


@pytest.mark.parametrize("file", [DEPLOY / "haproxy.cfg", CLUSTER / "haproxy-http.cfg"])
def test_proxy_repeats_only_writes_whose_key_keeps_them_from_running_twice(file: Path) -> None:
    [keyed] = re.findall("acl keyed_path path_reg (.*)$", file.read_text(), re.MULTILINE)
    config = configure({"sqlalchemy.url": "sqlite:////nowhere/todo.sqlite"})
    config.commit()
    for operation in operations(config.registry):
        writes = not set(operation.methods) <= {"GET", "HEAD", "OPTIONS"}
        repeats = re.search(keyed, operation.pattern.replace("{", "").replace("}", ""))
        if writes and operation.options.get("idempotency_key"):
            assert repeats or operation.name in KEYED_BUT_NOT_REPEATED, operation
        elif writes:
            assert not repeats, operation


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
