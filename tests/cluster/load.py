"""Clients that write and read through the proxy while parts of the cluster fail."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.support.factories import Login
from tests.support.pserve import Server
from tests.torture.calls import CONNECTION_ERRORS, Answer, Caller, all_tasks, call
from tests.torture.writers import State, Writer, matches

WRITERS, READERS = 6, 2
MAX_RETRY_WAIT = 0.5  # seconds: a client would wait for Retry-After, but a gap must be measured
TIMEOUT = 90  # seconds: longer than the proxy waits for a node


@dataclass
class Load:
    """Writers, each with an account, and what their answers were."""

    server: Server
    writers: list[Writer]
    logins: list[Login]
    counts: Counter[str] = field(default_factory=Counter)
    acknowledged: list[float] = field(default_factory=list)  # times, time.monotonic()
    failures: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def longest_gap(self, since: float) -> float:
        """Return the longest time without an acknowledged write since a moment, in seconds."""
        times = [since, *sorted(at for at in self.acknowledged if at > since), time.monotonic()]
        return max(after - before for before, after in itertools.pairwise(times))

    def check(self) -> None:
        """Check that exactly the acknowledged writes are stored, each once."""
        for writer, login in zip(self.writers, self.logins, strict=True):
            shown: State = {}
            for task in all_tasks(self.server, login):
                assert task["name"] not in shown, "a task has been created twice"
                shown[task["name"]] = task
            assert matches(writer.state, shown), "an acknowledged write is lost"


def register(server: Server, number: int) -> Login:
    """Register an account."""
    name = f"writer{number}"
    fields = {
        "username": name,
        "email": f"{name}@example.com",
        "password": "correct horse battery",
        "password2": "correct horse battery",
    }
    answer = call(server, None, "POST", "/api/v1/accounts", fields)
    assert answer.status == 201, answer
    return Login(0, name, answer.json["token"])


def new_load(server: Server, random: Random) -> Load:
    """Register the writers' accounts."""
    logins = [register(server, random.randrange(10**9)) for _ in range(WRITERS)]
    writers = [Writer("task", login, Random(random.random())) for login in logins]
    return Load(server, writers, logins)


@contextmanager
def running(load: Load) -> Iterator[None]:
    """Write and read during the block; at its end, finish the writes that have no answer yet."""
    load.stopping.clear()
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        clients: list[Future[None]] = [pool.submit(_write, load, writer) for writer in load.writers]
        clients += [pool.submit(_read, load, login) for login in load.logins[:READERS]]
        try:
            yield
        finally:
            load.stopping.set()
            for client in clients:
                client.result()


def _write(load: Load, writer: Writer) -> None:
    with closing(Caller(load.server, writer.login, timeout=TIMEOUT)) as caller:
        while not load.stopping.is_set():
            writer.pending = writer.next_write()
            writer.acknowledge(writer.pending, _send_until_done(load, caller, writer))
            load.counts["acknowledged"] += 1
            load.acknowledged.append(time.monotonic())


def _send_until_done(load: Load, caller: Caller, writer: Writer) -> Answer:
    """Repeat the pending write with its key until it is acknowledged."""
    assert writer.pending is not None
    answers = list[str]()
    while True:
        try:
            answer = writer.pending.send(caller)
        except CONNECTION_ERRORS:
            load.counts["closed"] += 1
            caller.close()
            answers.append("")
            time.sleep(MAX_RETRY_WAIT)
            continue
        if answer.status in (200, 201):
            load.counts["replayed"] += answer.replayed
            if answer.replayed and answers and all("changed nothing" in each for each in answers):
                load.failures.append("an answer denied a change that was stored")
            return answer
        _record(load, answer)
        answers.append(answer.body.decode())
        time.sleep(MAX_RETRY_WAIT)


def _read(load: Load, login: Login) -> None:
    """Read a list; it must not be older than one that was read before."""
    revision = 0
    with closing(Caller(load.server, login, timeout=TIMEOUT)) as caller:
        while not load.stopping.is_set():
            try:
                answer = caller.send("GET", f"{login.tasks_url}?limit=50")
            except CONNECTION_ERRORS:
                load.counts["closed"] += 1
                caller.close()
                continue
            if answer.status != 200:
                _record(load, answer)
                time.sleep(MAX_RETRY_WAIT)
                continue
            load.counts["reads"] += 1
            if answer.json["revision"] < revision:
                load.failures.append("a read was older than one before it")
            revision = answer.json["revision"]
            time.sleep(0.02)


def _record(load: Load, answer: Answer) -> None:
    load.counts["503"] += 1
    if answer.status != 503 or "Retry-After" not in answer.headers:
        load.failures.append(f"{answer.status}: {answer.body[:300]!r}")
