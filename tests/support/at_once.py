"""Actions that begin at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(action: Callable[[int], T], times: int) -> list[T]:
    """Run the action with 0, 1, 2, … at the same moment."""
    barrier = threading.Barrier(times)

    def run(number: int) -> T:
        barrier.wait()
        return action(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
