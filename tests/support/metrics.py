"""Reading metrics: those of the test process, and those that a service serves."""

import urllib.request
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from todo.metrics import REGISTRY


def value(name: str, /, **labels: str) -> float:
    """Return the value of the sample in the test process, 0 before it is first counted."""
    return REGISTRY.get_sample_value(name, labels) or 0


def increase_of(name: str, /, **labels: str) -> Callable[[], float]:
    """Return a function that returns by how much the sample has increased since this call."""
    before = value(name, **labels)
    return lambda: value(name, **labels) - before


def scrape(port: int, host: str = "127.0.0.1") -> str:
    """Return the metrics that a service serves."""
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=20) as response:
        text: str = response.read().decode()
    return text


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the values of all samples by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(port: int, name: str, /, **labels: str) -> float | None:
    """Return the value of the sample that a service serves, or None if it has none."""
    return samples(scrape(port)).get((name, frozenset(labels.items())))
