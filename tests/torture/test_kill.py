"""Though the service is killed: nothing acknowledged is lost, and nothing is done twice."""

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
from tests.torture.calls import BROKEN, Caller, all_tasks
from tests.torture.conftest import store_account
from tests.torture.writers import State, Writer, fits
from todo.models import Account

KILLS = 20 if LONG else 2
LIFE = 2.0 if LONG else 0.4  # seconds at most until the connections are lost
LOST = 0.08  # seconds at most from there until the service is killed, for some writes to be done
WRITERS = ("north", "east", "south", "west")
READERS = 2
LISTS = (
    "limit=200",
    "sort=-modification_date",
    "sort=-id&fields=id,revision",
    "completed=false&search=north",
)


class Highest:
    """The highest revision that anybody was shown."""

    def __init__(self) -> None:
        self.revision = 0
        self._lock = threading.Lock()

    def show(self, *revisions: int) -> None:
        with self._lock:
            self.revision = max(self.revision, *revisions)


def test_nothing_acknowledged_is_lost(
    own_url: str, tmp_path: Path, report: Callable[[str], None]
) -> None:
    report(f"TORTURE_SEED={SEED}")
    random = Random(SEED)
    login = store_account(own_url)
    writers = [Writer(word, login, Random(random.random())) for word in WRITERS]
    highest = Highest()
    counts = Counter[str]()
    with (tmp_path / "log").open("w") as log:
        for _ in range(KILLS):
            with pserve("development.ini", log, DATABASE_URL=own_url) as server:
                settle_all(server, login, writers, counts)
                live_and_die(server, login, writers, highest, counts, random)
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


def live_and_die(
    server: Server,
    login: Login,
    writers: list[Writer],
    highest: Highest,
    counts: Counter[str],
    random: Random,
) -> None:
    """Let all write and read until their connections are lost, and the service is killed."""
    lost = threading.Event()
    with ThreadPoolExecutor(len(writers) + READERS) as pool:
        lives = [pool.submit(write, server, login, each, highest, lost) for each in writers]
        lives += [
            pool.submit(read, server, login, number, highest, lost) for number in range(READERS)
        ]
        time.sleep(random.uniform(0.1, LIFE))
        lost.set()
        time.sleep(random.uniform(0, LOST))
        server.process.kill()
        for life in lives:
            counts += life.result()
    counts["kills"] += 1


def write(
    server: Server, login: Login, writer: Writer, highest: Highest, lost: threading.Event
) -> Counter[str]:
    """Write, one after the other, until an answer is lost: whether it is done, nobody knows."""
    counts = Counter[str]()
    with closing(Caller(server, login)) as caller:
        while True:
            writer.pending = writer.next_write()
            try:
                answer = writer.pending.send(caller)
            except BROKEN:
                assert lost.is_set(), "the service has gone by itself"
                return counts
            if lost.is_set():
                return counts
            if answer.status == 503:
                writer.pending = None
                counts["refused"] += 1
            else:
                writer.done(writer.pending, answer)
                counts["acknowledged"] += 1
                if etag := answer.headers["ETag"]:
                    highest.show(int(etag.strip('"')))


def read(
    server: Server, login: Login, number: int, highest: Highest, lost: threading.Event
) -> Counter[str]:
    """Read lists until the connection breaks: none shows less than anybody has seen before it."""
    reads = number
    with closing(Caller(server, login)) as caller:
        while True:
            seen = highest.revision
            try:
                answer = caller.send("GET", f"{login.tasks_url}?{LISTS[reads % len(LISTS)]}")
            except BROKEN:
                assert lost.is_set(), "the service has gone by itself"
                return Counter(reads=reads - number)
            assert answer.status == 200, answer
            body = answer.json
            assert body["revision"] >= seen
            highest.show(body["revision"], *(task["revision"] for task in body["tasks"]))
            reads += 1


def settle_all(server: Server, login: Login, writers: list[Writer], counts: Counter[str]) -> None:
    """Assert that each writer finds what it wrote, and send again what was not answered."""
    shown = shown_by_word(server, login)
    with closing(Caller(server, login)) as caller:
        for writer in writers:
            settle(caller, writer, shown[writer.word], counts)
    shown = shown_by_word(server, login)
    for writer in writers:
        assert fits(writer.state, shown[writer.word]), "a retry has changed something else"


def settle(caller: Caller, writer: Writer, shown: State, counts: Counter[str]) -> None:
    if writer.last is not None:
        write, answer = writer.last
        again = write.send(caller)
        assert (again.status, again.body, again.replayed) == (answer.status, answer.body, True)
        counts["replayed"] += 1
    write_unknown = writer.pending
    if write_unknown is None:
        assert fits(writer.state, shown), "what was acknowledged is not there"
        return
    done = fits(write_unknown.after, shown)
    assert done or fits(writer.state, shown), "what was acknowledged is not there"
    counts["done" if done else "not done"] += 1
    first = write_unknown.send(caller)
    assert first.replayed == done
    again = write_unknown.send(caller)
    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    counts["replayed"] += 1 + done
    writer.done(write_unknown, first)


def shown_by_word(server: Server, login: Login) -> dict[str, State]:
    """Return the tasks that the service shows, by their writers' words."""
    shown: dict[str, State] = {word: {} for word in WRITERS}
    for task in all_tasks(server, login):
        of_writer = shown[task["name"].partition(" ")[0]]
        assert task["name"] not in of_writer, "a task was created twice"
        of_writer[task["name"]] = task
    return shown
