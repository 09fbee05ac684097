"""The shipped proxies, and the environment of the instances behind them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.support.databases import database, migrate
from tests.support.proxies import HOST, Edit, Proxy, haproxy, make_certificate, nginx

PROXIES: dict[str, Callable[..., AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
}

ENVIRON = {
    "TODO_LIMIT_REGISTRATIONS": "0",
    "TODO_LIMIT_READS": "0",
    "TODO_LIMIT_WRITES": "0",
    "TODO_PUBLIC_URL": f"https://{HOST}",
    "TODO_TRUSTED_PROXY": "127.0.0.1",
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One database for all tests, because they test the proxies."""
    with database(tmp_path_factory.mktemp("sqlite")) as url:
        migrate(url)
        yield url


@pytest.fixture(params=PROXIES)
def proxy_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def start_proxy(
    certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Proxy]]:
    """Return a function that starts a named proxy in front of two ports.

    It can replace a text of the shipped configuration.

    The proxies stop at the end of the test session.
    """
    with ExitStack() as stack:

        def start(name: str, instances: tuple[int, int], edit: Edit = ("", "")) -> Proxy:
            folder = tmp_path_factory.mktemp(name)
            return stack.enter_context(PROXIES[name](folder, instances, certificate, edit))

        yield start
