"""The application in the process of the tests, and actions that begin at the same moment."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from todo import main


@contextmanager
def running_app(url: str) -> Iterator[Any]:
    """Yield the application; in the end it must have given all connections back."""
    app = main({}, **{"sqlalchemy.url": url, "todo.secure_cookies": "false"})
    yield app
    check_connections(app)
    dispose(app)


def check_connections(app: Any) -> None:
    for name in ("engine", "reading_engine"):
        assert app.registry[name].pool.checkedout() == 0, "a request has kept its connection"


def dispose(app: Any) -> None:
    """Close the connections of the application."""
    for name in ("engine", "reading_engine"):
        app.registry[name].dispose()


T = TypeVar("T")


def at_once(action: Callable[[int], T], times: int) -> list[T]:
    """Run the action with 0, 1, 2, … at the same moment."""
    barrier = threading.Barrier(times)

    def run(number: int) -> T:
        barrier.wait()
        return action(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
