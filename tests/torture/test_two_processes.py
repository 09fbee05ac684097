"""Two processes write to one database concurrently: no write fails or is lost."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.support import journal
from tests.support.databases import session_on
from tests.support.factories import Login
from tests.support.pserve import Server
from tests.torture import LONG
from tests.torture.calls import Answer, Caller, all_tasks, call

SECONDS = 60 if LONG else 2
RATE = 50  # writes per second, both processes together
THREADS = 4  # per process


class Schedule:
    """Start times for the writes. Writes start in batches of one per thread."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._begin = time.monotonic()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def turns(self) -> Iterator[int]:
        """Yield the number of each write when it is due, until the time is up."""
        while True:
            with self._lock:
                number = next(self._numbers)
            if number >= SECONDS * RATE or self.elapsed() >= SECONDS:
                return
            first = number - number % self._threads
            time.sleep(max(0, first / RATE - self.elapsed()))
            yield number

    def elapsed(self) -> float:
        return time.monotonic() - self._begin


class Worker:
    """A client that alternately creates tasks and increments the number in one task's note."""

    def __init__(self, server: Server, login: Login, path: str) -> None:
        self._server, self._login, self._path = server, login, path
        self.counts = Counter[str]()
        self.slowest = 0.0

    def run(self, schedule: Schedule) -> None:
        with closing(Caller(self._server, self._login)) as caller:
            for number in schedule.turns():
                if number % 2:
                    self._increment(caller)
                else:
                    fields = {"name": f"Task {number}"}
                    answer = self._write(caller, "POST", self._login.tasks_url, fields)
                    assert answer.status == 201, answer
                    self.counts["created"] += 1

    def _increment(self, caller: Caller) -> None:
        while True:
            shown = caller.send("GET", self._path)
            assert shown.status == 200, shown
            fields = {"note": str(int(shown.json["task"]["note"]) + 1)}
            headers = {"If-Match": shown.headers["ETag"]}
            answer = self._write(caller, "PATCH", self._path, fields, headers)
            if answer.status != 412:
                assert answer.status == 200, answer
                self.counts["incremented"] += 1
                return
            self.counts["retries"] += 1

    def _write(
        self,
        caller: Caller,
        method: str,
        path: str,
        fields: dict[str, str],
        headers: dict[str, str] | None = None,
    ) -> Answer:
        begin = time.monotonic()
        answer = caller.send(method, path, fields, headers)
        self.slowest = max(self.slowest, time.monotonic() - begin)
        return answer


def test_concurrent_writes_through_two_processes_apply_once(
    servers: list[Server],
    shared_url: str,
    new_account: Callable[[], Login],
    report: Callable[[str], None],
) -> None:
    login = new_account()
    fields = {"name": "Number", "note": "0"}
    path = call(servers[0], login, "POST", login.tasks_url, fields).headers["Location"]
    workers = [Worker(server, login, path) for server in servers for _ in range(THREADS)]
    schedule = Schedule(len(workers))
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: worker.run(schedule), workers))
    elapsed = schedule.elapsed()
    counts = sum((worker.counts for worker in workers), Counter[str]())
    number, *created = all_tasks(servers[0], login)
    assert number["note"] == str(counts["incremented"])
    assert len(created) == counts["created"]
    with session_on(shared_url) as session:
        journal.check(session)
    writes = counts["created"] + counts["incremented"]
    report(
        f"{writes} writes in {elapsed:.1f} s, {writes / elapsed:.1f} per second: "
        f"{counts['created']} created, {counts['incremented']} increments "
        f"({counts['retries']} retries after 412); "
        f"the slowest took {max(worker.slowest for worker in workers):.2f} s"
    )
