"""The service as a user runs it: `pserve` with an ini file, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import ROOT

PUBLIC_URL = "https://todo.example.com"  # which production.ini needs

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


@contextmanager
def pserve(ini: str, **environ: str) -> Iterator[Server]:
    """Run pserve on a free port until the block ends."""
    process = subprocess.Popen(
        [PSERVE, ini, "http_port=0"],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
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


def pserve_refuses(ini: str, *arguments: str, **environ: str) -> str:
    """Run pserve where it should not start, and return what it prints to standard error."""
    result = subprocess.run(
        [PSERVE, ini, "http_port=0", *arguments],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1, result
    return result.stderr
