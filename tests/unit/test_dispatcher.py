"""How many requests are worked on at once."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, text

from todo.dispatcher import PATIENCE, Dispatcher, resting
from todo.models import create_engine

AT_ONCE = 4
THREADS = AT_ONCE + 3


class Task:
    """A request that waits, as for a lock, until it may end."""

    def __init__(self) -> None:
        self.has_begun = Event()
        self.may_end = Event()
        self.has_ended = Event()

    def service(self) -> None:
        self.has_begun.set()
        assert self.may_end.wait(10)
        self.has_ended.set()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(AT_ONCE)
    dispatcher.set_thread_count(THREADS)
    yield dispatcher
    dispatcher.shutdown()


def test_few_work_at_once_and_others_follow(dispatcher: Dispatcher) -> None:
    tasks = [Task() for _ in range(2 * AT_ONCE)]
    for task in tasks:
        dispatcher.add_task(task)
        wait_for(lambda: len(dispatcher.working) == AT_ONCE or not dispatcher.queue)
    first, then = tasks[:AT_ONCE], tasks[AT_ONCE:]
    assert all(task.has_begun.wait(10) for task in first)
    time.sleep(0.05)  # for a thread that should not have been woken
    assert not any(task.has_begun.is_set() for task in then)
    for task in first:
        task.may_end.set()
    assert all(task.has_begun.wait(10) for task in then)
    for task in then:
        task.may_end.set()
    assert all(task.has_ended.wait(10) for task in tasks)
    wait_for(lambda: not dispatcher.working)


def test_nobody_waits_long_for_those_that_wait(dispatcher: Dispatcher) -> None:
    tasks = [Task() for _ in range(THREADS + 1)]
    for task in tasks:
        dispatcher.add_task(task)
        wait_for(lambda: len(dispatcher.working) == AT_ONCE or not dispatcher.queue)
    assert dispatcher.relieve()
    time.sleep(2 * PATIENCE)
    assert dispatcher.relieve()
    assert all(task.has_begun.wait(10) for task in tasks[:THREADS])
    assert not tasks[-1].has_begun.is_set()
    for task in tasks:
        task.may_end.set()
    assert all(task.has_ended.wait(10) for task in tasks)
    assert not dispatcher.relieve()


def test_who_rests_does_not_count(dispatcher: Dispatcher) -> None:
    class Resting(Task):
        def service(self) -> None:
            with resting():
                super().service()

    at_rest: list[Task] = [Resting() for _ in range(2)]
    tasks = [Task() for _ in range(AT_ONCE)]
    for task in at_rest + tasks:
        dispatcher.add_task(task)
        assert task.has_begun.wait(10)
    for task in at_rest + tasks:
        task.may_end.set()
    assert all(task.has_ended.wait(10) for task in at_rest + tasks)
    wait_for(lambda: not dispatcher.working)


def test_who_comes_back_from_a_rest_leaves_no_more_at_work(dispatcher: Dispatcher) -> None:
    class Resting(Task):
        def service(self) -> None:
            with resting():
                super().service()
            assert went_on.wait(10)

    went_on = Event()
    rested, *tasks = [Resting(), *(Task() for _ in range(2 * AT_ONCE))]
    dispatcher.add_task(rested)
    assert rested.has_begun.wait(10)
    for task in tasks:
        dispatcher.add_task(task)
    assert all(task.has_begun.wait(10) for task in tasks[:AT_ONCE])
    rested.may_end.set()
    wait_for(lambda: len(dispatcher.working) == AT_ONCE + 1)
    tasks[0].may_end.set()
    assert tasks[0].has_ended.wait(10)
    wait_for(lambda: len(dispatcher.working) == AT_ONCE)
    assert not tasks[AT_ONCE].has_begun.is_set()
    went_on.set()
    assert tasks[AT_ONCE].has_begun.wait(10)
    for task in tasks:
        task.may_end.set()
    assert all(task.has_ended.wait(10) for task in tasks)


class Write(Task):
    """A request that writes to SQLite."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def service(self) -> None:
        self.has_begun.set()
        with self.engine.begin() as connection:
            connection.execute(text("INSERT INTO written VALUES (1)"))
        self.has_ended.set()


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/todo.sqlite")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE written (number INTEGER)"))
        connection.execute(text("INSERT INTO written VALUES (0)"))
    yield engine
    engine.dispose()


def see_that_others_are_served(dispatcher: Dispatcher, write: Write) -> None:
    """Let the one request that is worked on at once be the write, which has to wait."""
    dispatcher.add_task(write)
    assert write.has_begun.wait(10)
    other = Task()
    other.may_end.set()
    dispatcher.add_task(other)
    assert other.has_ended.wait(4)
    assert not write.has_ended.is_set()


def test_who_waits_for_a_turn_to_write_lets_another_work(sqlite_engine: Engine) -> None:
    dispatcher = Dispatcher(at_once=1)
    dispatcher.set_thread_count(2)
    write = Write(sqlite_engine)
    with sqlite_engine.begin():
        see_that_others_are_served(dispatcher, write)
    assert write.has_ended.wait(10)
    dispatcher.shutdown()


@pytest.mark.usefixtures("without_wal")
def test_who_commits_lets_another_work(sqlite_engine: Engine) -> None:
    dispatcher = Dispatcher(at_once=1)
    dispatcher.set_thread_count(2)
    write = Write(sqlite_engine)
    reader = sqlite3.connect(sqlite_engine.url.database or "")
    reading = reader.execute("SELECT number FROM written UNION ALL SELECT 1")
    assert reading.fetchone() == (0,)  # a COMMIT waits until it has read all
    see_that_others_are_served(dispatcher, write)
    reading.close()
    reader.close()
    assert write.has_ended.wait(10)
    dispatcher.shutdown()


def test_outside_of_a_server_nobody_rests() -> None:
    with resting():
        pass
