"""The application in the process of the tests, as it starts on a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from todo import main


@contextmanager
def running_app(url: str) -> Iterator[Any]:
    """Yield the application; in the end it must have given all connections back."""
    app = main({}, **{"sqlalchemy.url": url, "todo.secure_cookies": "false"})
    pool = app.registry["engine"].pool
    yield app
    assert pool.checkedout() == 0, "a request has kept its connection"
    assert app.registry["reading_engine"].pool.checkedout() == 0, "as above"
    dispose(app)


def dispose(app: Any) -> None:
    """Close the connections of the application."""
    for name in ("engine", "reading_engine"):
        app.registry[name].dispose()
