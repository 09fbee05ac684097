"""Kill the service repeatedly: no acknowledged write is lost, and none is executed twice."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

from tests.support import journal
from tests.support.databases import session_on
from tests.support.factories import Login
from tests.support.pserve import Server, pserve
from tests.torture import LONG, SEED
from tests.torture.calls import CONNECTION_ERRORS, Caller, all_tasks
from tests.torture.conftest import store_account
from tests.torture.writers import State, Writer, matches
from todo.models import Account

KILLS = 20 if LONG else 2
MAX_RUNTIME = 2.0 if LONG else 0.4  # seconds until writers ignore their next response and stop
MAX_KILL_DELAY = 0.08  # seconds from then to the kill, so that some of these writes complete
WRITERS = ("north", "east", "south", "west")
READERS = 2
LISTS = (
    "limit=200",
    "sort=-modification_date",
    "sort=-id&fields=id,revision",
    "completed=false&search=north",
)


class HighestRevision:
    """The highest revision in any response so far."""

    def __init__(self) -> None:
        self.revision = 0
        self._lock = threading.Lock()

    def record(self, *revisions: int) -> None:
        with self._lock:
            self.revision = max(self.revision, *revisions)


def test_killed_service_keeps_acknowledged_writes(
    own_url: str, tmp_path: Path, report: Callable[[str], None]
) -> None:
    report(f"TORTURE_SEED={SEED}")
    random = Random(SEED)
    login = store_account(own_url)
    writers = [Writer(word, login, Random(random.random())) for word in WRITERS]
    highest = HighestRevision()
    counts = Counter[str]()
    with (tmp_path / "log").open("w") as log:
        for _ in range(KILLS):
            with pserve("development.ini", log, DATABASE_URL=own_url) as server:
                settle_all(server, login, writers, counts)
                run_until_killed(server, login, writers, highest, counts, random)
        with pserve("development.ini", log, DATABASE_URL=own_url) as server:
            settle_all(server, login, writers, counts)
    with session_on(own_url) as session:
        journal.check(session)
        revision = session.get_one(Account, login.id).revision
    assert highest.revision <= revision
    report(
        f"{counts['kills']} kills, {counts['acknowledged']} writes acknowledged, "
        f"{counts['refused']} refused, {counts['done'] + counts['not done']} unknown "
        f"({counts['done']} done, {counts['not done']} not done), "
        f"{counts['replayed']} retries replayed, {counts['reads']} reads, revision {revision}"
    )


def run_until_killed(
    server: Server,
    login: Login,
    writers: list[Writer],
    highest: HighestRevision,
    counts: Counter[str],
    random: Random,
) -> None:
    """Run all writers and readers for a random time, then kill the service."""
    lost = threading.Event()
    with ThreadPoolExecutor(len(writers) + READERS) as pool:
        clients = [pool.submit(write, server, login, each, highest, lost) for each in writers]
        clients += [
            pool.submit(read, server, login, number, highest, lost) for number in range(READERS)
        ]
        time.sleep(random.uniform(0.1, MAX_RUNTIME))
        lost.set()
        time.sleep(random.uniform(0, MAX_KILL_DELAY))
        server.process.kill()
        for client in clients:
            counts += client.result()
    counts["kills"] += 1


def write(
    server: Server, login: Login, writer: Writer, highest: HighestRevision, lost: threading.Event
) -> Counter[str]:
    """Send writes until a response is lost or ignored; that write stays pending."""
    counts = Counter[str]()
    with closing(Caller(server, login)) as caller:
        while True:
            writer.pending = writer.next_write()
            try:
                answer = writer.pending.send(caller)
            except CONNECTION_ERRORS:
                assert lost.is_set(), "the service ended before it was killed"
                return counts
            if lost.is_set():
                return counts
            if answer.status == 503:
                writer.pending = None
                counts["refused"] += 1
            else:
                writer.acknowledge(writer.pending, answer)
                counts["acknowledged"] += 1
                if etag := answer.headers["ETag"]:
                    highest.record(int(etag.strip('"')))


def read(
    server: Server, login: Login, number: int, highest: HighestRevision, lost: threading.Event
) -> Counter[str]:
    """Read lists until the connection is lost.

    Each list must include the highest revision that any client had received before the request.
    """
    reads = number
    with closing(Caller(server, login)) as caller:
        while True:
            minimum = highest.revision
            try:
                answer = caller.send("GET", f"{login.tasks_url}?{LISTS[reads % len(LISTS)]}")
            except CONNECTION_ERRORS:
                assert lost.is_set(), "the service ended before it was killed"
                return Counter(reads=reads - number)
            assert answer.status == 200, answer
            body = answer.json
            assert body["revision"] >= minimum
            highest.record(body["revision"], *(task["revision"] for task in body["tasks"]))
            reads += 1


def settle_all(server: Server, login: Login, writers: list[Writer], counts: Counter[str]) -> None:
    """Check every writer's tasks, and retry the writes without a response."""
    shown = shown_by_word(server, login)
    with closing(Caller(server, login)) as caller:
        for writer in writers:
            settle(caller, writer, shown[writer.word], counts)
    shown = shown_by_word(server, login)
    for writer in writers:
        assert matches(writer.state, shown[writer.word]), "a retry has changed other tasks"


def settle(caller: Caller, writer: Writer, shown: State, counts: Counter[str]) -> None:
    """Check the writer's tasks, and that repeated writes are replayed, not executed again."""
    if writer.last is not None:
        write, answer = writer.last
        again = write.send(caller)
        assert (again.status, again.body, again.replayed) == (answer.status, answer.body, True)
        counts["replayed"] += 1
    pending = writer.pending
    if pending is None:
        assert matches(writer.state, shown), "an acknowledged write is lost"
        return
    done = matches(pending.after, shown)
    assert done or matches(writer.state, shown), "an acknowledged write is lost"
    counts["done" if done else "not done"] += 1
    first = pending.send(caller)
    assert first.replayed == done
    again = pending.send(caller)
    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    counts["replayed"] += 1 + done
    writer.acknowledge(pending, first)


def shown_by_word(server: Server, login: Login) -> dict[str, State]:
    """Return the stored tasks by the word of their writer."""
    shown: dict[str, State] = {word: {} for word in WRITERS}
    for task in all_tasks(server, login):
        of_writer = shown[task["name"].partition(" ")[0]]
        assert task["name"] not in of_writer, "a task has been created twice"
        of_writer[task["name"]] = task
    return shown
