"""What is measured: each system with its server and its database, and how it is started."""

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
from tests.support.pserve import pserve

# Processes of a server that has several: one for each core.
WORKERS = len(os.sched_getaffinity(0))
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
WAITRESS_INI = "waitress.ini"
# As development.ini, but with no log.
TODO_INI = """
[app:main]
use = egg:todo

[server:main]
use = egg:todo
host = 127.0.0.1
http_port = 0

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(levelname)s %(message)s
"""


@dataclass(frozen=True)
class System:
    """A system on a server. Without a `command` it is this project, served by `pserve`."""

    name: str
    title: str
    server: str
    data: str  # the module that fills its database
    command: tuple[str, ...] = ()
    ini: str = ""
    sqlite: bool = False

    @property
    def label(self) -> str:
        return f"{self.title}: {self.server}"


def on_waitress(application: str) -> tuple[str, ...]:
    return (str(BIN / "python"), "-m", "benchmarks.on_waitress", application, "{port}")


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


FOUR = "waitress, 4 threads"
GUNICORN = f"gunicorn gthread, {WORKERS} x 4 threads"
OWN = "benchmarks.own_data"
SYSTEMS = (
    System("floor", "bare floor", FOUR, FLOOR, on_waitress(f"{FLOOR}:application")),
    System(
        "floor-core",
        "bare floor",
        f"{FOUR}, one core",
        FLOOR,
        (*on_waitress(f"{FLOOR}:application"), "one-core"),
    ),
    System("todo", "todo", "waitress, its own way: one core", OWN, ini=WAITRESS_INI),
    System("todo-plain", "todo", FOUR, OWN, on_waitress(f"{OWN}:application()")),
    System(
        "todo-sqlite", "todo on SQLite", "waitress, one core", OWN, ini=WAITRESS_INI, sqlite=True
    ),
    System("flask", "Flask", FOUR, FLASK, on_waitress(f"{FLASK}:create_app()")),
    System(
        "flask-core",
        "Flask",
        f"{FOUR}, one core",
        FLASK,
        (*on_waitress(f"{FLASK}:create_app()"), "one-core"),
    ),
    System("drf", "Django REST framework", FOUR, DJANGO, on_waitress(f"{DJANGO}:application")),
    System(
        "floor-best",
        "bare floor",
        f"granian, {WORKERS} x 4 threads",
        FLOOR,
        on_granian(f"{FLOOR}:application"),
    ),
    System("todo-best", "todo", "production.ini", OWN, ini="production.ini"),
    System(
        "fastapi", "FastAPI", f"uvicorn, {WORKERS} processes", FASTAPI, on_uvicorn(f"{FASTAPI}:app")
    ),
    System("flask-best", "Flask", GUNICORN, FLASK, on_gunicorn(f"{FLASK}:create_app()")),
    System(
        "drf-best", "Django REST framework", GUNICORN, DJANGO, on_gunicorn(f"{DJANGO}:application")
    ),
)


@dataclass(frozen=True)
class Running:
    """A system that runs."""

    system: System
    port: int
    pid: int
    accounts: list[Filled]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(system: System, postgresql: str, sqlite: Path, folder: Path) -> Iterator[Running]:
    """Run a system on a new database, until the block ends.

    `postgresql` is the URL of a server, `sqlite` and `folder` are for files.
    """
    with database(sqlite if system.sqlite else postgresql) as url:
        environ = {"DATABASE_URL": url}
        if system.data == OWN:
            migrate(url)
            environ |= TODO_ENVIRON
        accounts = fill(system, environ)
        if not system.sqlite:
            execute(url, "ANALYZE")
        if system.command:
            with serving(system, environ, folder) as (port, pid):
                yield Running(system, port, pid, accounts)
        else:
            with serving_todo(system, environ, folder) as (port, pid):
                yield Running(system, port, pid, accounts)


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
def serving_todo(
    system: System, environ: dict[str, str], folder: Path
) -> Iterator[tuple[int, int]]:
    """Run this project as its users do, and yield the port and the process id."""
    ini = system.ini
    if ini == WAITRESS_INI:
        ini = str(folder / WAITRESS_INI)
        Path(ini).write_text(TODO_INI)
    with ExitStack() as stack:
        log = stack.enter_context((folder / f"{system.name}.log").open("w+"))
        try:
            server = stack.enter_context(pserve(ini, log, **environ))
        except AssertionError as error:
            log.seek(0)
            raise SystemExit(f"{error}:\n{log.read()[-3000:]}") from None
        yield server.port, server.process.pid


@contextmanager
def serving(system: System, environ: dict[str, str], folder: Path) -> Iterator[tuple[int, int]]:
    """Run the command on a free port, and yield the port and the process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / f"{system.name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in system.command],
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
