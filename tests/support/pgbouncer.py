"""A real pgbouncer with the shipped configuration, adapted to a test's server and port."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from tests.support.databases import PostgreSQL, execute
from tests.support.proxies import DEPLOY, free_port
from todo.models.engine import POSTGRESQL_SETTINGS, READ_ONLY_SETTING

READER = "todo_reading"  # the role of all_databases() whose transactions are read-only


@contextmanager
def pgbouncer(
    server: PostgreSQL, databases: str, connections: int, options: str = ""
) -> Iterator[str]:
    """Run pgbouncer in front of the server; yield its host and port.

    `databases` replaces the section of that name. `connections` is the size of each pool.
    """
    port = free_port()
    ini = (DEPLOY / "pgbouncer.ini").read_text()
    _, main = ini.split("[pgbouncer]")
    main = re.sub(r"listen_port = .*", f"listen_port = {port}", main)
    main = re.sub(r"auth_type = .*", "auth_type = trust", main)
    main = re.sub(r"default_pool_size = .*", f"default_pool_size = {connections}", main)
    # pgbouncer refuses to run as root, and another user cannot read pytest's folders.
    user = server.user if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="todo-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        users = Path(folder, "userlist.txt")
        users.write_text(f'"todo" ""\n"{READER}" ""\n')
        main = re.sub(r"auth_file = .*", f"auth_file = {users}", main)
        file = Path(folder, "pgbouncer.ini")
        file.write_text(f"[databases]\n{databases}\n[pgbouncer]{main}\n{options}")
        program = shutil.which("pgbouncer") or "pgbouncer"
        process = subprocess.Popen([program, file], stderr=subprocess.DEVNULL, user=user)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def all_databases(server: PostgreSQL) -> Iterator[str]:
    """Run pgbouncer in front of all databases of the server; yield the server's URL through it.

    Roles, not databases, have the settings, because tests create databases.
    """
    roles = {"todo": POSTGRESQL_SETTINGS, READER: POSTGRESQL_SETTINGS | READ_ONLY_SETTING}
    for role, settings in roles.items():
        execute(server.url, f"CREATE ROLE {role} LOGIN SUPERUSER")
        for name, value in settings.items():
            execute(server.url, f"ALTER ROLE {role} SET {name} = '{value}'")
    databases = f"* = host={make_url(server.url).query['host']}"
    # Test helpers connect as without pgbouncer: they send the settings, which the roles have.
    options = "ignore_startup_parameters = options"
    with pgbouncer(server, databases, connections=20, options=options) as address:
        url = f"postgresql+psycopg2://todo:x@{address}/postgres"
        wait_until_ready(url)
        yield url


def wait_until_ready(url: str) -> None:
    """Wait until the database answers through pgbouncer."""
    deadline = time.monotonic() + 10
    while True:
        try:
            execute(url, "SELECT 1")
            return
        except DBAPIError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
