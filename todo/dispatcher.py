"""Which thread works on what was asked: few at once, and more where these wait."""

import time
from itertools import islice
from typing import Any

from waitress.task import ThreadedTaskDispatcher

# More at once serve no more: docs/performance.md.
AT_ONCE = 4

PATIENCE = 0.03  # seconds


class Dispatcher(ThreadedTaskDispatcher):
    """The threads of a process, and the requests that wait for one.

    One thread runs at a time (the GIL). The more work at once, the longer each waits for its turn
    whenever the database has answered, and those that ask it often are late. But those that work
    may all be waiting for a lock, or for a password: so nobody waits for them for long.
    """

    def add_task(self, task: Any) -> None:
        """Take a request. Those that work look for one themselves before they rest."""
        task.came = time.monotonic()
        with self.lock:
            self.queue.append(task)
            if self.active_count < AT_ONCE:
                self.queue_cv.notify()

    def relieve(self) -> bool:
        """Give each that has waited for long a thread, and tell whether any waits."""
        with self.lock:
            since = time.monotonic() - PATIENCE
            late = sum(task.came < since for task in islice(self.queue, len(self.threads)))
            if late:
                self.queue_cv.notify(late)
            return bool(self.queue)
