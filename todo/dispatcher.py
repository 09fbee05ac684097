"""Which thread works on what was asked: few at once, and more where these wait."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from waitress.task import ThreadedTaskDispatcher

PATIENCE = 0.03  # seconds

_thread = threading.local()  # of a dispatcher's thread, the dispatcher


@contextmanager
def resting() -> Iterator[None]:
    """Let another thread work instead of the calling one meanwhile: it waits, or needs no GIL."""
    dispatcher: Dispatcher | None = getattr(_thread, "dispatcher", None)
    if dispatcher is None:
        yield
        return
    dispatcher.count_working(-1)
    try:
        yield
    finally:
        dispatcher.count_working(1)


class Dispatcher(ThreadedTaskDispatcher):
    """The threads of a process, and the requests that wait for one.

    One thread runs at a time (the GIL). The more work at once, the longer each waits for its turn
    whenever the database has answered, and those that ask it often are late. But those that work
    may all be waiting for a lock: so nobody waits for them for long.
    """

    def __init__(self, at_once: int) -> None:
        super().__init__()
        self.at_once = at_once

    def handler_thread(self, thread_no: int) -> None:
        """Work, until there is no more for this thread to do."""
        _thread.dispatcher = self
        super().handler_thread(thread_no)

    def add_task(self, task: Any) -> None:
        """Take a request. Those that work look for one themselves before they rest."""
        task.came = time.monotonic()
        with self.lock:
            self.queue.append(task)
            if self.active_count < self.at_once:
                self.queue_cv.notify()

    def count_working(self, change: int) -> None:
        """Let one thread more count as working, or one less, whose place somebody else may have."""
        with self.lock:
            self.active_count += change
            if self.queue and self.active_count < self.at_once:
                self.queue_cv.notify()

    def relieve(self) -> bool:
        """Give each that has waited for long a thread, and tell whether any waits."""
        with self.lock:
            since = time.monotonic() - PATIENCE
            late = sum(task.came < since for task in islice(self.queue, len(self.threads)))
            if late:
                self.queue_cv.notify(late)
            return bool(self.queue)
