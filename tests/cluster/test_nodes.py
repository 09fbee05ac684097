"""Nodes of the cluster: their metrics and logs, and one that finds the leader by itself."""

import json
import time

import pytest

from tests.cluster.load import register
from tests.support.cluster import HEALTHY_TIMEOUT, Cluster, wait_until
from tests.support.metrics import scrape
from tests.support.pserve import pserve
from tests.torture.calls import call

DATABASES = "&".join(f"host=127.0.0.1{number}:5432" for number in (1, 2, 3))
SWITCH_TIMEOUT = 30  # seconds


def test_nodes_serve_metrics_and_write_json_lines(cluster: Cluster) -> None:
    for number in (1, 2):
        text = scrape(9464, host=f"127.0.0.2{number}")
        assert 'todo_requests_total{method="GET",route="readyz",status="200"}' in text
        lines = (cluster.folder / "log" / f"node{number}.log").read_text().splitlines()
        logged = [json.loads(line) for line in lines if line.startswith("{")]
        assert {"time", "level", "logger", "message"} <= logged[0].keys()


@pytest.mark.parametrize("attributes", ["read-write", "primary"])
def test_service_without_proxy_and_pgbouncer_follows_the_leader(
    cluster: Cluster, attributes: str
) -> None:
    wait_until(cluster.is_healthy, HEALTHY_TIMEOUT)
    password = cluster.variable("TODO_DATABASE_PASSWORD")
    url = f"postgresql://todo:{password}@/todo?{DATABASES}&target_session_attrs={attributes}"
    with pserve("development.ini", DATABASE_URL=url) as service:
        login = register(service, time.monotonic_ns())
        cluster.switch_over()

        def write() -> bool:
            return call(service, login, "POST", login.tasks_url, {"name": "Tea"}).status == 201

        wait_until(write, SWITCH_TIMEOUT)
        read = call(service, login, "GET", login.tasks_url)
        assert [task["name"] for task in read.json["tasks"]] == ["Tea"]
