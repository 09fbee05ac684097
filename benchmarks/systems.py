"""The systems under test: their servers, databases and start commands."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import StoredAccount
from tests.support.databases import ROOT, database, execute, migrate
from tests.support.proxies import free_port, nginx
from tests.support.pserve import PSERVE
from todo.server import DEFAULTS

# Multi-process servers run one process per core.
CORES = sorted(os.sched_getaffinity(0))
WORKERS = len(CORES)
BIN = Path(sys.executable).parent

PEERS = "benchmarks.peers"
FLASK = f"{PEERS}.flask_tutorial"
DJANGO = f"{PEERS}.django_rest"
FASTAPI = f"{PEERS}.fastapi_sqlalchemy"
FLOOR = f"{PEERS}.floor"

START_SECONDS = 30

# Keep all features on; limits are counted, but above the load.
TODO_ENVIRON = {
    "TODO_ALLOW_HTTP": "true",
    "TODO_LIMIT_READS": "0",
    "TODO_LIMIT_WRITES": "1000000",
    "TODO_LIMIT_WRITE_MEGABYTES": "0",
    "TODO_PUBLIC_URL": "",
}


@dataclass(frozen=True)
class System:
    """A system: the commands that start its instances, each on its own port.

    `behind_nginx` puts nginx with deploy/nginx.conf in front.
    """

    name: str
    title: str
    server: str
    data: str  # the module that fills its database
    commands: tuple[tuple[str, ...], ...]
    behind_nginx: bool = False
    sqlite: bool = False

    @property
    def label(self) -> str:
        return f"{self.title}: {self.server}"


def on_core(core: int, *command: str) -> tuple[str, ...]:
    """Return the command pinned to a core, as in deploy/todo@.service."""
    return ("taskset", "--cpu-list", str(CORES[core % WORKERS]), *command)


def on_pserve(core: int) -> tuple[str, ...]:
    return on_core(core, PSERVE, "production.ini", "http_port={port}")


def on_waitress(application: str) -> tuple[str, ...]:
    return on_core(-1, sys.executable, "-m", "benchmarks.on_waitress", application, "{port}")


def on_gunicorn(application: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "gunicorn"), "--worker-class=gthread", "--threads=4"),
        *(f"--workers={WORKERS}", "--bind=127.0.0.1:{port}", "--log-level=warning"),
        *("--no-control-socket", application),
    )


def on_uvicorn(application: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "uvicorn"), "--loop=uvloop", "--http=httptools", f"--workers={WORKERS}"),
        *("--host=127.0.0.1", "--port={port}", "--no-access-log", "--log-level=warning"),
        application,
    )


def on_granian(application: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "granian"), "--interface=wsgi", f"--workers={WORKERS}"),
        *("--blocking-threads=4", "--host=127.0.0.1", "--port={port}"),
        # An idle thread would end, with its database connection, between two runs.
        *("--blocking-threads-idle-timeout=600", "--no-access-log", "--log-level=warning"),
        application,
    )


ONE_CORE = f"waitress, {DEFAULTS['threads']} threads, one core"
GUNICORN = f"nginx, gunicorn gthread, {WORKERS} x 4 threads"
OWN = "benchmarks.own_data"
OURS, DRF = "todo", "Django REST framework"
SYSTEMS = (
    System("floor", "bare WSGI", ONE_CORE, FLOOR, (on_waitress(f"{FLOOR}:application"),)),
    System("todo", OURS, ONE_CORE, OWN, (on_pserve(-1),)),
    System("todo-sqlite", f"{OURS} on SQLite", ONE_CORE, OWN, (on_pserve(-1),), sqlite=True),
    System("flask", "Flask", ONE_CORE, FLASK, (on_waitress(f"{FLASK}:create_app()"),)),
    System("drf", DRF, ONE_CORE, DJANGO, (on_waitress(f"{DJANGO}:application"),)),
    System(
        "floor-best",
        "bare WSGI",
        f"nginx, granian, {WORKERS} x 4 threads",
        FLOOR,
        (on_granian(f"{FLOOR}:application"),),
        behind_nginx=True,
    ),
    System(
        "todo-best",
        OURS,
        "nginx, 2 instances of production.ini, each on a core",
        OWN,
        (on_pserve(0), on_pserve(1)),
        behind_nginx=True,
    ),
    System(
        "fastapi",
        "FastAPI",
        f"nginx, uvicorn, {WORKERS} processes",
        FASTAPI,
        (on_uvicorn(f"{FASTAPI}:app"),),
        behind_nginx=True,
    ),
    System(
        "flask-best",
        "Flask",
        GUNICORN,
        FLASK,
        (on_gunicorn(f"{FLASK}:create_app()"),),
        behind_nginx=True,
    ),
    System(
        "drf-best",
        DRF,
        GUNICORN,
        DJANGO,
        (on_gunicorn(f"{DJANGO}:application"),),
        behind_nginx=True,
    ),
)


@dataclass(frozen=True)
class Running:
    """A running system: its port and the processes whose CPU time counts."""

    system: System
    port: int
    pids: tuple[int, ...]
    accounts: list[StoredAccount]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(system: System, postgresql: str, sqlite: Path, folder: Path) -> Iterator[Running]:
    """Run a system on a new database for the duration of the block.

    `postgresql` is the URL of the server, `sqlite` the folder of SQLite databases, `folder` that of
    other files.
    """
    with ExitStack() as stack:
        url = stack.enter_context(database(sqlite if system.sqlite else postgresql))
        environ = {"DATABASE_URL": url}
        if system.data == OWN:
            migrate(url)
            environ |= TODO_ENVIRON
        accounts = fill(system, environ)
        if not system.sqlite:
            execute(url, "ANALYZE")
        served = [
            stack.enter_context(serving(system, command, environ, folder))
            for command in system.commands
        ]
        ports, pids = zip(*served, strict=True)
        port = ports[0]
        if system.behind_nginx:
            own = folder / system.name
            own.mkdir()
            # nginx costs every system the same, so its CPU time is not counted.
            port = stack.enter_context(nginx(own, (ports[0], ports[-1]))).port
        yield Running(system, port, pids, accounts)


def fill(system: System, environ: dict[str, str]) -> list[StoredAccount]:
    """Fill the database of the system and return its accounts."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.data", system.data],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return [StoredAccount.parse(line) for line in result.stdout.splitlines()]


@contextmanager
def serving(
    system: System, command: tuple[str, ...], environ: dict[str, str], folder: Path
) -> Iterator[tuple[int, int]]:
    """Run a command on a free port. Yield the port and the process id."""
    port = free_port()
    log = folder / f"{system.name}.{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=ROOT,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C must reach only the benchmark, which then stops all systems itself.
            start_new_session=True,
        )
    try:
        wait_for(port, process, log)
        yield port, process.pid
    finally:
        stop(process)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the port accepts connections."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args!r} did not start:\n{log.read_text()[-3000:]}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the process and everything that it started."""
    try:
        process.terminate()
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
