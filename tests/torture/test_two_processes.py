"""Two processes that write to one database for a while: everybody gets a turn, nothing is lost."""

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
RATE = 50  # writes a second, of both together
THREADS = 4  # for each process


class Pace:
    """The times of the writes, handed out to many threads: as many begin at once as there are."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._begin = time.monotonic()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def turns(self) -> Iterator[int]:
        """Wait for the time of the next write, until the end."""
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
    """A client that creates tasks, and counts up the number in one task's note."""

    def __init__(self, server: Server, login: Login, path: str) -> None:
        self._server, self._login, self._path = server, login, path
        self.counts = Counter[str]()
        self.slowest = 0.0

    def run(self, pace: Pace) -> None:
        with closing(Caller(self._server, self._login)) as caller:
            for number in pace.turns():
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
            self.counts["tried again"] += 1

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


def test_every_write_is_done_once(
    servers: list[Server],
    shared_url: str,
    new_account: Callable[[], Login],
    report: Callable[[str], None],
) -> None:
    login = new_account()
    fields = {"name": "Number", "note": "0"}
    path = call(servers[0], login, "POST", login.tasks_url, fields).headers["Location"]
    workers = [Worker(server, login, path) for server in servers for _ in range(THREADS)]
    pace = Pace(len(workers))
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: worker.run(pace), workers))
    elapsed = pace.elapsed()
    counts = sum((worker.counts for worker in workers), Counter[str]())
    number, *created = all_tasks(servers[0], login)
    assert number["note"] == str(counts["incremented"])
    assert len(created) == counts["created"]
    with session_on(shared_url) as session:
        journal.check(session)
    writes = counts["created"] + counts["incremented"]
    report(
        f"{writes} writes in {elapsed:.1f} s, {writes / elapsed:.1f} a second: "
        f"{counts['created']} created, {counts['incremented']} increments "
        f"({counts['tried again']} tried again after 412); "
        f"the slowest took {max(worker.slowest for worker in workers):.2f} s"
    )
