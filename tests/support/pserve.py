"""The service as a user runs it: `pserve` with an ini file, in a separate process."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any

from tests.support.databases import ROOT

PUBLIC_URL = "https://todo.example.com"  # required by production.ini

# The same, with the host that requests to a Server name.
LOCAL_PUBLIC_URL = "https://127.0.0.1"

ANY_PORT = "http_port=0"  # the argument that makes pserve listen on a free port

PSERVE = str(Path(sys.executable).with_name("pserve"))


@dataclass(frozen=True)
class Server:
    """A running service."""

    host: str
    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def request(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, Message, Any]:
        """Send a request on a new connection; return status, headers and JSON."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body.encode(), headers or {})
            response = connection.getresponse()
            content = response.read()
            return response.status, response.headers, json.loads(content) if content else None
        finally:
            connection.close()

    def send(
        self,
        method: str,
        path: str,
        fields: dict[str, Any] | None = None,
        token: str = "",
        **headers: str,
    ) -> tuple[int, Message, Any]:
        """Send fields as JSON, with the token if given; return status, headers and JSON."""
        headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.request(method, path, json.dumps(fields or {}), headers)


@contextmanager
def pserve(
    ini: str,
    stderr: IO[str] | None = None,
    /,
    *,
    port: str = ANY_PORT,
    folder: str = str(ROOT),
    **environ: str,
) -> Iterator[Server]:
    """Run pserve on a free port until the block ends; its log goes to `stderr`."""
    process = subprocess.Popen(
        [PSERVE, ini, port],
        cwd=folder,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("todo listens on "):
                host, _, port = line.split()[-1].removeprefix("http://").rpartition(":")
                break
        else:
            raise AssertionError(f"pserve {ini} did not start")
        yield Server(host, int(port), process)
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def two_processes(stderr: IO[str] | None = None, /, **environ: str) -> Iterator[list[Server]]:
    """Run the service as two processes."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        starting = [pserve("development.ini", stderr, **environ) for _ in range(2)]
        yield list(pool.map(stack.enter_context, starting))


def pserve_refuses(ini: str, port: str = ANY_PORT, **environ: str) -> str:
    """Run pserve, check that it fails to start, and return its standard error."""
    result = subprocess.run(
        [PSERVE, ini, port],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1, result
    return result.stderr
