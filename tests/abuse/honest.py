"""A well-behaved client, which measures how long it waits while others attack."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.factories import Login
from tests.support.pserve import Server
from tests.torture.calls import Caller

PAUSE = 0.15  # seconds; more often, it would reach the limit of writes


@dataclass
class Honest:
    """The answers to the client, and how long it waited for them."""

    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)  # seconds
    rest: float = 0  # megabytes of the service's memory before the attack
    peak: float = 0  # and at most during it

    def __str__(self) -> str:
        waits = sorted(self.waits)
        median, slowest = statistics.median(waits), waits[-1]
        p99 = waits[int(0.99 * (len(waits) - 1))]
        counts = ", ".join(
            f"{count} of {status}" for status, count in sorted(self.statuses.items())
        )
        return (
            f"others: {counts}; median {median:.3f} s, p99 {p99:.3f} s, slowest {slowest:.3f} s; "
            f"memory {self.peak - self.rest:+.0f} MB"
        )


@contextmanager
def honest_client(server: Server, login: Login) -> Iterator[Honest]:
    """Read and write one task in turn until the block ends."""
    found, stopping = Honest(rest=memory(server)), threading.Event()

    def work() -> None:
        with closing(Caller(server, login)) as caller:
            task = caller.send("POST", login.tasks_url, {"name": "Milk"}).json["task"]
            url = f"{login.tasks_url}/{task['id']}"
            while True:
                for method, fields in (("PATCH", {"name": str(time.time())}), ("GET", None)):
                    began = time.monotonic()
                    status = caller.send(method, url, fields).status
                    found.waits.append(time.monotonic() - began)
                    found.statuses[status] += 1
                found.peak = max(found.peak, memory(server))
                if stopping.wait(PAUSE):
                    return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join()


def memory(server: Server) -> float:
    """Return the resident memory of the service in megabytes (Linux only)."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1000
