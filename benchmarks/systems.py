"""The systems under test: each with its server and its database, and how it is started."""

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

from benchmarks.data import Filled
from tests.support.databases import ROOT, database, execute, migrate
from tests.support.proxies import free_port, nginx
from tests.support.pserve import PSERVE
from todo.server import DEFAULTS

# Processes of a server that has several: one for each core.
CORES = sorted(os.sched_getaffinity(0))
WORKERS = len(CORES)
BIN = Path(sys.executable).parent

PEERS = "benchmarks.peers"
FLASK = f"{PEERS}.flask_tutorial"
DJANGO = f"{PEERS}.django_rest"
FASTAPI = f"{PEERS}.fastapi_sqlalchemy"
FLOOR = f"{PEERS}.floor"

START_SECONDS = 30

# All of the project is on; limits are counted, but set above the load.
TODO_ENVIRON = {
    "TODO_ALLOW_HTTP": "true",
    "TODO_LIMIT_WRITES": "1000000",
    "TODO_PUBLIC_URL": "",
}


@dataclass(frozen=True)
class System:
    """A system on a server: commands to start its instances, each on a port of its own.

    Several instances, or one with `behind_nginx`, stand behind nginx with our file.
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
    """Return the command that keeps to one core, as deploy/todo@.service does."""
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
        # A thread has its connection; between two runs it shall not lose it.
        *("--blocking-threads-idle-timeout=600", "--no-access-log", "--log-level=warning"),
        application,
    )


ONE_CORE = f"waitress, {DEFAULTS['threads']} threads, one core"
GUNICORN = f"nginx, gunicorn gthread, {WORKERS} x 4 threads"
OWN = "benchmarks.own_data"
OURS, DRF = "todo", "Django REST framework"
SYSTEMS = (
    System("floor", "bare floor", ONE_CORE, FLOOR, (on_waitress(f"{FLOOR}:application"),)),
    System("todo", OURS, ONE_CORE, OWN, (on_pserve(-1),)),
    System("todo-sqlite", f"{OURS} on SQLite", ONE_CORE, OWN, (on_pserve(-1),), sqlite=True),
    System("flask", "Flask", ONE_CORE, FLASK, (on_waitress(f"{FLASK}:create_app()"),)),
    System("drf", DRF, ONE_CORE, DJANGO, (on_waitress(f"{DJANGO}:application"),)),
    System(
        "floor-best",
        "bare floor",
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
    """A system that runs: the port for requests, and the processes that use CPU for them."""

    system: System
    port: int
    pids: tuple[int, ...]
    accounts: list[Filled]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(system: System, postgresql: str, sqlite: Path, folder: Path) -> Iterator[Running]:
    """Run a system on a new database, until the block ends.

    `postgresql` is the URL of a server, `sqlite` and `folder` are for files.
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
            # nginx uses the same for all, so its CPU is not counted.
            port = stack.enter_context(nginx(own, (ports[0], ports[-1]))).port
        yield Running(system, port, pids, accounts)


def fill(system: System, environ: dict[str, str]) -> list[Filled]:
    """Fill the system's database, and return the accounts that are in it."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.data", system.data],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return [Filled.parse(line) for line in result.stdout.splitlines()]


@contextmanager
def serving(
    system: System, command: tuple[str, ...], environ: dict[str, str], folder: Path
) -> Iterator[tuple[int, int]]:
    """Run a command on a free port, and yield the port and the process id."""
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
            # Ctrl-C is for the benchmark alone, which then ends all processes of each system.
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
    """End the process and all that it has started."""
    try:
        process.terminate()
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
