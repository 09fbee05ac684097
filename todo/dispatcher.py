"""Which thread works on what was asked: few at once, and more where these take long."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident, local
from typing import Any

from waitress.task import ThreadedTaskDispatcher

PATIENCE = 0.03  # seconds, after which who works gives up its place where others wait

_thread = local()  # of a dispatcher's thread, the dispatcher


@contextmanager
def resting() -> Iterator[None]:
    """Let another thread work meanwhile: the calling one waits, or needs no GIL."""
    dispatcher: Dispatcher | None = getattr(_thread, "dispatcher", None)
    if dispatcher is None:
        yield
        return
    counted = dispatcher.stop_counting()
    try:
        yield
    finally:
        if counted:
            dispatcher.start_counting()


class Dispatcher(ThreadedTaskDispatcher):
    """The threads of a process, and the requests that wait for one.

    One thread runs at a time (the GIL). The more of them work at once, the longer each waits for
    its turn whenever the database has answered, and those that ask it often are late. But those
    that work may all be waiting for a lock: where others wait, who takes long does not count.
    """

    def __init__(self, at_once: int) -> None:
        super().__init__()
        self.at_once = at_once
        self.working: dict[int, float] = {}  # threads that count; since they began, or rested

    def handler_thread(self, thread_no: int) -> None:
        """Work on one request after the other, until it is told to end."""
        _thread.dispatcher = self
        while (task := self._next_task(thread_no)) is not None:
            try:
                task.service()
            except BaseException:
                self.logger.exception("A thread failed at %r", task)

    def _next_task(self, thread_no: int) -> Any:
        """Wait for a request that this thread may work on; None ends the thread."""
        with self.lock:
            self.working.pop(get_ident(), None)
            while not self.stop_count:
                if self._most_to_begin() > 0:
                    self.working[get_ident()] = time.monotonic()
                    return self.queue.popleft()
                self.queue_cv.wait()
            self.stop_count -= 1
            self.threads.discard(thread_no)
            self.thread_exit_cv.notify()
            return None

    def _most_to_begin(self) -> int:
        """Return how many of the requests that wait may be begun now; none if it is negative."""
        return min(len(self.queue), self.at_once - len(self.working))

    def add_task(self, task: Any) -> None:
        """Take a request. A thread that has ended one looks for the next itself."""
        with self.lock:
            self.queue.append(task)
            if self._most_to_begin() > 0:
                self.queue_cv.notify()

    def stop_counting(self) -> bool:
        """Let another thread work instead of the calling one, and tell whether that had counted."""
        with self.lock:
            counted = self.working.pop(get_ident(), None) is not None
            if self._most_to_begin() > 0:
                self.queue_cv.notify()
            return counted

    def start_counting(self) -> None:
        """Count the calling thread, though another may have its place."""
        with self.lock:
            self.working[get_ident()] = time.monotonic()

    def relieve(self) -> bool:
        """Where requests wait, free the places of those that take long; tell whether any wait."""
        with self.lock:
            since = time.monotonic() - PATIENCE
            if self.queue:
                self.working = {who: begin for who, begin in self.working.items() if begin > since}
                self.queue_cv.notify(max(0, self._most_to_begin()))
            return bool(self.queue)
