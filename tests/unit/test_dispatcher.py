"""How many requests are worked on at once."""

import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from todo.dispatcher import AT_ONCE, PATIENCE, Dispatcher, resting

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
    dispatcher = Dispatcher()
    dispatcher.set_thread_count(THREADS)
    wait_for(lambda: dispatcher.active_count == 0)
    yield dispatcher
    dispatcher.shutdown()


def test_few_work_at_once_and_others_follow(dispatcher: Dispatcher) -> None:
    tasks = [Task() for _ in range(2 * AT_ONCE)]
    for task in tasks:
        dispatcher.add_task(task)
        wait_for(lambda: dispatcher.active_count == AT_ONCE or not dispatcher.queue)
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
    wait_for(lambda: dispatcher.active_count == 0)


def test_nobody_waits_long_for_those_that_wait(dispatcher: Dispatcher) -> None:
    tasks = [Task() for _ in range(THREADS + 1)]
    for task in tasks:
        dispatcher.add_task(task)
        wait_for(lambda: dispatcher.active_count == AT_ONCE or not dispatcher.queue)
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
    wait_for(lambda: dispatcher.active_count == 0)


def test_outside_of_a_server_nobody_rests() -> None:
    with resting():
        pass
