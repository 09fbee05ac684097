"""One cluster for all tests, and a report of counts."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster import Cluster, running_cluster
from tests.support.fixtures import Capture
from tests.support.report import reporter
from tests.torture import LONG


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def report(request: pytest.FixtureRequest, capsys: Capture) -> Callable[[str], None]:
    """Return a function that prints a line; in a short run, pytest shows it only on failure."""
    return reporter(request, "cluster", capsys, shown=LONG)
