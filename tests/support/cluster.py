"""The cluster of deploy/cluster, and the failures that tests inflict on it."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.databases import ROOT
from tests.support.pserve import Server

RUN = ROOT / "deploy" / "cluster" / "run"
FRONT = ("127.0.0.10", 8080)
NODES = ("node1", "node2")
STANDBY = "Quorum Standby"  # a role of Patroni: one whose confirmations count
START_TIMEOUT = 120  # seconds
HEALTHY_TIMEOUT = 120
UNLIMITED = {
    "TODO_LIMIT_REGISTRATIONS": "0",
    "TODO_LIMIT_READS": "0",
    "TODO_LIMIT_WRITES": "0",
    "TODO_LIMIT_WRITE_MEGABYTES": "0",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `environ` names its folder; `front` is the proxy before its nodes."""

    environ: dict[str, str]
    front: Server

    @property
    def folder(self) -> Path:
        return Path(self.environ["CLUSTER_FOLDER"])

    def run(self, *command: str) -> str:
        """Run a command in the cluster's environment and return its output."""
        done = subprocess.run(
            [RUN, *command],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def variable(self, name: str) -> str:
        """Return a variable of the cluster's environment, such as DATABASE_URL."""
        return self.run("printenv", name).strip()

    def supervise(self, *arguments: str) -> str:
        return self.run("supervisorctl", "-c", "supervisord.conf", *arguments)

    def members(self) -> list[dict[str, Any]]:
        """Return the members of the database cluster, as patronictl lists them."""
        listed: list[dict[str, Any]] = json.loads(self.run("patronictl", "list", "-f", "json"))
        return listed

    def leader(self) -> str:
        """Return the name of the leader, such as pg1."""
        [leader] = [each["Member"] for each in self.members() if each["Role"] == "Leader"]
        return str(leader)

    def standby(self) -> str:
        """Return the name of a synchronous standby."""
        return next(each["Member"] for each in self.members() if each["Role"] == STANDBY)

    def switch_over(self) -> str:
        """Make a standby the leader as planned; return its name."""
        leader, standby = self.leader(), self.standby()
        self.run("patronictl", "switchover", "--leader", leader, "--candidate", standby, "--force")
        return standby

    def postmaster(self, machine: str) -> int:
        """Return the process id of the machine's PostgreSQL."""
        return int((self.folder / machine / "postmaster.pid").read_text().split()[0])

    def process(self, name: str) -> int:
        """Return the id of a supervised process, such as patroni1 or pgbouncer."""
        group = name.rstrip("0123456789")
        return int(self.supervise("pid", name if group == name else f"{group}:{name}"))

    def machine(self, name: str, *, postgresql: bool = True) -> list[int]:
        """Return the ids of the processes that run on a database machine."""
        number = name.removeprefix("pg")
        pids = [self.process(f"etcd{number}"), self.process(f"patroni{number}")]
        return pids + _with_children(self.postmaster(name)) * postgresql

    @contextmanager
    def cut_off(self, machine: str, *, postgresql: bool = True) -> Iterator[None]:
        """Stop the processes of a machine during the block; without `postgresql`, not PostgreSQL.

        As on a machine without a network, its connections stay open and nothing answers.
        """
        stopped = self.machine(machine, postgresql=postgresql)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def switched_off(self, machine: str) -> Iterator[None]:
        """Kill the processes of a machine, and each that is started again during the block."""
        on = threading.Event()

        def keep_off() -> None:
            while not on.is_set():
                for pid in _processes_of(machine, self.environ["CLUSTER_FOLDER"]):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                on.wait(0.2)

        with ThreadPoolExecutor(1) as pool:
            killing = pool.submit(keep_off)
            try:
                yield
            finally:
                on.set()
                killing.result()

    def restart_node(self, name: str) -> None:
        """Restart a node as for an update, and wait until it serves again."""
        self.supervise("restart", f"node:{name}")
        address = f"127.0.0.2{name.removeprefix('node')}"
        wait_until(lambda: _is_ready(f"http://{address}:6543/readyz"), START_TIMEOUT)

    def is_healthy(self) -> bool:
        """Return whether a leader has two synchronous standbys, and all nodes serve."""
        members = self.members()
        roles = sorted(each["Role"] for each in members)
        running = all(
            each["State"] in ("running", "streaming") and each.get("Replay Lag", 0) in (0, "")
            for each in members
        )
        nodes = [f"http://127.0.0.2{name.removeprefix('node')}:6543/readyz" for name in NODES]
        return (
            roles == ["Leader", STANDBY, STANDBY]
            and running
            and all(_is_ready(url) for url in nodes)
        )


def wait_until(condition: Callable[[], Any], timeout: float) -> None:
    """Wait until the condition holds; it may fail with an error in the meantime."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            if condition():
                return
        except (AssertionError, ValueError, OSError, subprocess.TimeoutExpired):
            pass
        assert time.monotonic() < deadline, f"{condition} does not hold after {timeout} seconds"
        time.sleep(0.5)


def _is_ready(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=5) as response:
        return bool(response.status == 200)


def _processes_of(machine: str, folder: str) -> Iterator[int]:
    """Yield the process ids of etcd, Patroni and PostgreSQL of a machine."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        patroni = f"PATRONI_NAME={machine}".encode() in environ
        etcd = f"etcd{machine.removeprefix('pg')}".encode() in command
        if f"CLUSTER_FOLDER={folder}".encode() in environ and (patroni or etcd):
            yield int(process.name)


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run deploy/cluster/run in a new folder until the block ends."""
    with tempfile.TemporaryDirectory(prefix="todo-cluster-", ignore_cleanup_errors=True) as folder:
        environ = os.environ | UNLIMITED | {"CLUSTER_FOLDER": folder}
        process = subprocess.Popen(
            [RUN], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("todo runs as a cluster on"):
                    break
            else:
                raise AssertionError("".join(lines))
            cluster = Cluster(environ, Server(*FRONT, process))
            wait_until(cluster.is_healthy, HEALTHY_TIMEOUT)
            yield cluster
        finally:
            process.terminate()
            process.communicate(timeout=120)
