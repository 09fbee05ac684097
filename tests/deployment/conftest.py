"""Two instances of the service as production.ini runs them, and the shipped proxies in front."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.support.databases import database, migrate
from tests.support.proxies import HOST, Proxy, haproxy, make_certificate, nginx

PROXIES: dict[str, Callable[..., AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
}

ENVIRON = {
    "TODO_LIMIT_REGISTRATIONS": "0",
    "TODO_LIMIT_WRITES": "0",
    "TODO_PUBLIC_URL": f"https://{HOST}",
    "TODO_TRUSTED_PROXY": "127.0.0.1",
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One database for all tests. They are about what is in front of the service."""
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
) -> Iterator[Callable[[str, tuple[int, int]], Proxy]]:
    """Return what starts a proxy, by its name, in front of two ports; it ends with the tests."""
    with ExitStack() as stack:

        def start(name: str, instances: tuple[int, int]) -> Proxy:
            folder = tmp_path_factory.mktemp(name)
            return stack.enter_context(PROXIES[name](folder, instances, certificate))

        yield start
