"""The image and compose.yaml, run by Podman with the commands of docs/container.md."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.container.engine import (
    build_postgresql,
    clean_up,
    import_python,
    run,
    set_up,
    wait_until_healthy,
)
from tests.support.databases import ROOT
from tests.support.factories import PASSWORD
from tests.support.proxies import free_port
from tests.support.pserve import Server
from tests.test_documentation import blocks, section

STRICT = "--read-only --read-only-tmpfs=false"  # as Docker has it: nothing else is writable


@pytest.fixture(scope="session", autouse=True)
def images() -> Iterator[None]:
    """Build all images, in a folder that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="todo-container-"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in set_up(folder).items():
            patch.setenv(name, value)
        try:
            import_python(folder)
            run("podman", "build", "--tag", "todo", ROOT)
            build_postgresql(folder)
            yield
        finally:
            clean_up(folder)


def commands(title: str) -> list[str]:
    """Return the shell commands of the section of docs/container.md."""
    text = "".join(code for _, code in blocks(section("docs/container.md", title)))
    return text.replace("\\\n", " ").splitlines()


def execute(command: str, cwd: Path = ROOT) -> str:
    """Run a documented command of Docker by Podman."""
    for docker, podman in (
        ("docker compose cp todo:", "podman cp todo_todo_1:"),  # podman-compose has no cp
        ("docker compose run ", "podman-compose --in-pod=0 run --no-deps "),
        ("docker compose up ", "podman-compose --in-pod=0 up --no-deps --no-build "),
        ("docker compose ", "podman-compose --in-pod=0 "),
        ("docker ", "podman "),
    ):
        command = command.replace(docker, podman)
    return run(*shlex.split(command), cwd=cwd)


@contextmanager
def serving(container: str, port: int) -> Iterator[Server]:
    """Wait until the container is healthy; stop it at the end, and check its exit status."""
    wait_until_healthy(container)
    waiting = subprocess.Popen(["podman", "wait", container], stdout=subprocess.PIPE, text=True)
    yield Server("127.0.0.1", port, waiting)
    run("podman", "stop", "--time=30", container)
    assert waiting.communicate(timeout=10)[0] == "0\n", run("podman", "logs", container)


def register(server: Server) -> Callable[..., Any]:
    """Create an account with a task; return a function that lists its tasks."""
    profile = {"username": "alice", "email": "alice@example.com", "password": PASSWORD}
    status, _, registered = server.send("POST", "/api/v1/accounts", profile)
    assert status == 201
    tasks, token = "/api/v1/accounts/alice/tasks", registered["token"]
    assert server.send("POST", tasks, {"name": "Milk"}, token)[0] == 201

    def names(server: Server) -> list[str]:
        return [task["name"] for task in server.send("GET", tasks, token=token)[2]["tasks"]]

    return names


def test_image_serves_sqlite_from_read_only_root() -> None:
    build, migrate, start = commands("Without PostgreSQL")
    assert build == "docker build --tag todo ."
    execute(migrate)
    port = free_port()
    start = start.replace("--read-only", STRICT).replace(":6543:", f":{port}:")
    execute(start)
    with serving("todo", port) as server:
        names = register(server)
        assert server.request("GET", "/")[0] == 200
    changed = run("podman", "container", "diff", "todo").split()
    assert changed == ["C", "/etc"], "Podman's own resolv.conf"
    run("podman", "rm", "todo")
    execute(start)
    with serving("todo", port) as server:
        assert names(server) == ["Milk"]
    run("podman", "rm", "todo")


def test_image_has_only_what_it_needs() -> None:
    code = "import os; print(*sorted(os.listdir()), *sorted(os.listdir('alembic')))"
    listed = run("podman", "run", "--rm", "todo", "python3", "-c", code).splitlines()
    assert "alembic production.ini env.py script.py.mako versions" in listed
    files = ("alembic", "alembic/env.py", "production.ini")
    modes = run("podman", "run", "--rm", "todo", "stat", "--format=%a", *files).splitlines()
    assert modes[-3:] == ["755", "755", "644"], "whatever the umask of the clone"
    inspected = run("podman", "inspect", "--format={{.Config.User}} {{.Config.StopSignal}}", "todo")
    assert inspected.split() == ["10001:10001", "SIGTERM"]


def test_image_without_database_is_refused_in_one_line() -> None:
    refusal = run("podman", "run", "--rm", "--no-healthcheck", "todo", status=1)
    assert "todo: the setting sqlalchemy.url is missing: " in refusal


def test_health_check_fails_without_service() -> None:
    run("podman", "run", "--detach", "--name=idle", "todo", "sleep", "60")
    run("podman", "healthcheck", "run", "idle", status=1)
    run("podman", "rm", "--force", "--time=0", "idle")


def metrics(container: str) -> str:
    """Read the metrics from another container with the same network, as a Prometheus does."""
    url = "http://127.0.0.1:9464/metrics"
    code = f"import urllib.request; print(urllib.request.urlopen('{url}').read().decode())"
    beside = f"--network=container:{container}"
    return run("podman", "run", "--rm", "--no-healthcheck", beside, "todo", "python3", "-c", code)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder with compose.yaml, what it mounts, and .env, as the page writes it."""
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    shutil.copytree(ROOT / "deploy/container", tmp_path / "deploy/container")
    run("chmod", "-R", "go+rX", "deploy/container", cwd=tmp_path)
    write_env, start = commands("Try it")
    run("sh", "-c", write_env, cwd=tmp_path)
    assert start == "docker compose up"
    yield tmp_path
    execute("docker compose down --volumes", tmp_path)


def test_compose_without_password_is_refused(project: Path) -> None:
    (project / ".env").write_text("TODO_ALLOW_HTTP=true\n")
    refusal = run("podman-compose", "config", cwd=project, status=1)
    assert "write it into .env, as docs/container.md shows" in refusal
    (project / ".env").write_text("POSTGRES_PASSWORD=x\n")


def start_database(project: Path) -> None:
    execute("docker compose up --detach database", project)
    wait_until_healthy("todo_database_1")


def inspect(container: str, member: str) -> str:
    return run("podman", "inspect", f"--format={{{{{member}}}}}", container).strip()


def query(address: str, role: str, password: str, sql: str) -> Any:
    """Return the first row of the answer, as another container would get it."""
    connection = psycopg2.connect(host=address, user=role, password=password, dbname="todo")
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()
    finally:
        connection.close()


def test_compose_service_is_no_superuser(project: Path) -> None:
    (project / ".env").write_text("POSTGRES_PASSWORD=secret\n")
    start_database(project)
    address = inspect("todo_database_1", ".NetworkSettings.Networks.todo_default.IPAddress")
    role = "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'todo'"
    assert query(address, "todo", "secret", role) == (False, False, False)
    database = "SELECT datdba::regrole::text, encoding FROM pg_database WHERE datname = 'todo'"
    assert query(address, "todo", "secret", database) == ("todo", 6), "6 is UTF8"
    for name, password in (("todo", "wrong"), ("postgres", "secret"), ("postgres", "postgres")):
        with pytest.raises(psycopg2.OperationalError, match=f'failed for user "{name}"'):
            query(address, name, password, "SELECT 1")
    psql = "docker compose exec -T database psql --username=postgres"
    assert "is_superuser \n" in execute(f"{psql} --command='SHOW is_superuser'", project)


def test_compose_serves_backs_up_and_restores(project: Path) -> None:
    port = free_port()
    with (project / ".env").open("a") as file:
        file.write(f"TODO_PORT={port}\nTODO_METRICS_LISTEN=127.0.0.1:9464\n")
    start_database(project)
    execute("docker compose run --rm migrate", project)
    execute("docker compose up --detach todo", project)
    back_up, copy = commands("Back up")[:2]
    with serving("todo_todo_1", port) as server:
        for container, limit in (("todo_database_1", "512"), ("todo_todo_1", "256")):
            assert inspect(container, ".HostConfig.PidsLimit") == limit
            assert "NoNewPrivs:\t1" in run("podman", "exec", container, "cat", "/proc/1/status")
        names = register(server)
        assert "todo_requests_total{" in metrics("todo_todo_1")
        execute(back_up, project)
        execute(copy, project)
        assert "todo.backup" in os.listdir(project / "backups")
        migrate_running = commands("Update")[1]
        assert "-x rolling" in migrate_running
        execute(migrate_running, project)
        assert names(server) == ["Milk"]
    down, delete, migrate, restore, start = commands("Back up")[2:]
    execute(down, project)
    execute(delete, project)
    start_database(project)
    execute(migrate, project)
    execute(restore, project)
    execute(f"{start} todo", project)
    with serving("todo_todo_1", port) as server:
        assert names(server) == ["Milk"]
