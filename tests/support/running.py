"""The application within the test process, and concurrent calls."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.support.databases import reading_url
from todo import main


@contextmanager
def running_app(url: str) -> Iterator[Any]:
    """Yield the application; at the end, check that it has returned all connections."""
    ini = {"sqlalchemy.url": url, "todo.reading_url": reading_url(url)}
    app = main({}, **ini, **{"todo.secure_cookies": "false"})
    yield app
    check_connections(app)
    dispose(app)


def check_connections(app: Any) -> None:
    for name in ("engine", "reading_engine"):
        assert app.registry[name].pool.checkedout() == 0, "a request leaked its connection"


def dispose(app: Any) -> None:
    """Close the application's database connections."""
    for name in ("engine", "reading_engine"):
        app.registry[name].dispose()


T = TypeVar("T")


def run_concurrently(action: Callable[[int], T], times: int) -> list[T]:
    """Call the action with 0, 1, ... times - 1 in concurrent threads; return the results."""
    barrier = threading.Barrier(times)

    def run(number: int) -> T:
        barrier.wait()
        return action(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
