"""Services that serve the routes of tests/support/extra_routes.py, in separate processes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.databases import ROOT
from tests.support.pserve import LOCAL_PUBLIC_URL, Server, pserve

APP = "use = egg:todo\n"  # the first line of [app:main]

# For tests that start a service: the database makes no difference to them.
ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


def ini_with(folder: Path, line: str) -> str:
    """Return a copy of development.ini whose port is replaced by the line."""
    ini = folder / "own.ini"
    text = (ROOT / "development.ini").read_text()
    ini.write_text(text.replace("http_port = 6543", line, 1))
    return str(ini)


@pytest.fixture(scope="module")
def ini_with_extra_routes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that copies an ini file and adds tests/support/extra_routes.py."""

    def copy(ini: str) -> str:
        file = tmp_path_factory.mktemp("ini") / ini
        text = (ROOT / ini).read_text()
        routes = f"{APP}pyramid.includes = tests.support.extra_routes\n"
        file.write_text(text.replace(APP, routes, 1))
        return str(file)

    return copy


@pytest.fixture(scope="module")
def production_ini(ini_with_extra_routes: Callable[[str], str]) -> str:
    return ini_with_extra_routes("production.ini")


@contextmanager
def serving(ini: str, url: str, **environ: str) -> Iterator[Server]:
    environ |= {"DATABASE_URL": url, "PYTHONPATH": str(ROOT), "TODO_PUBLIC_URL": LOCAL_PUBLIC_URL}
    with pserve(ini, **environ) as server:
        yield server


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
