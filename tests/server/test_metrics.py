"""`GET /metrics`, served by real processes on an address of its own."""

import http.client
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram, Metric

from tests.scripts.test_jobs import running as running_jobs
from tests.server.conftest import ini_with, wait_until
from tests.support.databases import ROOT
from tests.support.metrics import samples, scrape, scraped
from tests.support.proxies import free_port
from tests.support.pserve import Server, pserve, pserve_refuses
from todo import metrics
from todo.models.migration import MIGRATION

ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
LISTEN = "TODO_METRICS_LISTEN"
HEALTHZ = {"route": "healthz", "method": "GET", "status": "200"}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def service(port: int, database_url: str) -> Iterator[Server]:
    environ = {"DATABASE_URL": database_url, LISTEN: f"127.0.0.1:{port}", "TODO_JOBS": "false"}
    with pserve("development.ini", **environ) as server:
        yield server


def healthy(server: Server, times: int) -> None:
    for _ in range(times):
        assert server.request("GET", "/healthz")[0] == 200


def test_service_serves_its_metrics(service: Server, port: int, database_url: str) -> None:
    healthy(service, 3)
    assert scraped(port, "todo_requests_total", **HEALTHZ) == 3
    build = {"migration": MIGRATION, "database": database_url.partition(":")[0].partition("+")[0]}
    found = [dict(labels) for name, labels in samples(scrape(port)) if name == "todo_build_info"]
    assert [labels.items() >= build.items() for labels in found] == [True]


@ONE_DATABASE
def test_metrics_have_a_port_of_their_own(service: Server, port: int) -> None:
    with closing(http.client.HTTPConnection(service.host, service.port, timeout=20)) as public:
        for path in ("/metrics", "/metrics/", "/api/v1/metrics"):
            public.request("GET", path)
            response = public.getresponse()
            assert (response.status, b"todo_" in response.read()) == (404, False), path
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as other:
        for path in ("/", "/metrics/", "/healthz", "/favicon.ico", "/api/v1"):
            other.request("GET", path)
            response = other.getresponse()
            assert (response.status, response.read()) == (404, b"Only /metrics is here.\n"), path
        other.request("POST", "/metrics", "x")
        response = other.getresponse()
        assert (response.status, b"todo_" in response.read()) == (405, False)


@pytest.fixture
def many_open_files() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], 2000), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@ONE_DATABASE
@pytest.mark.usefixtures("many_open_files")
def test_metrics_are_served_beyond_1024_open_files(
    port: int, tmp_path: Path, database_url: str
) -> None:
    ini = ini_with(tmp_path, "connection_limit = 1200")
    environ = {"DATABASE_URL": database_url, LISTEN: f"127.0.0.1:{port}"}
    with pserve(ini, **environ) as server, ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(socket.create_connection((server.host, server.port)))
        descriptors = Path(f"/proc/{server.process.pid}/fd")
        wait_until(lambda: len(os.listdir(descriptors)) > 1050)
        assert "todo_build_info" in scrape(port)


def full_name(family: Metric) -> str:
    return family.name + ("_total" if family.type == "counter" else "")


def test_documentation_lists_every_metric_with_its_labels() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    found = re.findall(r"^\| `(todo_\w+)(?:\{([\w,]+)\})?` \|", page, re.MULTILINE)
    listed = {name: labels.split(",") if labels else [] for name, labels in found}
    collectors = {
        full_name(family): each
        for each in vars(metrics).values()
        if isinstance(each, Counter | Gauge | Histogram)
        for family in each.describe()
    }
    assert listed.keys() == collectors.keys()
    for name, labels in listed.items():
        if labels:  # others than its own raise ValueError
            collectors[name].labels(**dict.fromkeys(labels, "test"))
            collectors[name].remove(*["test"] * len(labels))
        else:
            assert all(family.samples for family in collectors[name].collect()), name


@ONE_DATABASE
def test_all_metrics_have_names_of_prometheus_and_no_timestamps_of_creation(
    service: Server, port: int
) -> None:
    healthy(service, 1)
    text = scrape(port)
    served = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert served == {full_name(family) for family in metrics.REGISTRY.collect()}
    assert "_created" not in text


def test_processes_with_one_folder_add_up(port: int, tmp_path: Path, database_url: str) -> None:
    environ = {
        "DATABASE_URL": database_url,
        LISTEN: f"127.0.0.1:{port}",
        FOLDER: str(tmp_path),
        "TODO_JOBS": "false",
    }
    with pserve("development.ini", **environ) as first:
        with pserve("development.ini", **environ) as second:
            healthy(first, 2)
            healthy(second, 3)
            for _ in range(8):  # either process answers
                assert scraped(port, "todo_requests_total", **HEALTHZ) == 5
                assert (
                    scraped(port, "todo_request_seconds_count", route="healthz", method="GET") == 5
                )
            both = scraped(port, "todo_pool_connections", pool="writing", state="idle")
            second.process.send_signal(signal.SIGTERM)
            second.process.wait(timeout=20)
            live = {path.name for path in tmp_path.glob("gauge_live*")}
            assert live
            assert all(name.endswith(f"_{first.process.pid}.db") for name in live)
        assert scraped(port, "todo_requests_total", **HEALTHZ) == 5, "a sum never decreases"
        alone = scraped(port, "todo_pool_connections", pool="writing", state="idle")
        assert both is not None
        assert alone is not None
        assert alone < both


@ONE_DATABASE
def test_gauges_of_killed_process_are_removed_at_next_start(
    port: int, tmp_path: Path, database_url: str
) -> None:
    environ = {
        "DATABASE_URL": database_url,
        LISTEN: f"127.0.0.1:{port}",
        FOLDER: str(tmp_path),
        "TODO_JOBS": "false",
    }
    with pserve("development.ini", **environ) as killed:
        healthy(killed, 1)
        killed.process.kill()
        killed.process.wait(timeout=20)
    left = f"_{killed.process.pid}.db"
    assert any(path.name.endswith(left) for path in tmp_path.glob("gauge_live*"))
    with pserve("development.ini", **environ):
        assert not any(path.name.endswith(left) for path in tmp_path.glob("gauge_live*"))
        assert scraped(port, "todo_requests_total", **HEALTHZ) == 1


@ONE_DATABASE
def test_process_without_metrics_leaves_no_files(
    port: int, tmp_path: Path, database_url: str
) -> None:
    shared = {FOLDER: str(tmp_path)}
    with pserve("development.ini", DATABASE_URL=database_url, **shared) as server:
        healthy(server, 1)
    assert list(tmp_path.iterdir()) == []
    listen = {LISTEN: f"127.0.0.1:{port}", "DATABASE_URL": f"{database_url}-missing"}
    assert "not set up" in pserve_refuses("development.ini", **shared, **listen)
    assert list(tmp_path.iterdir()) == []


def test_jobs_command_serves_metrics(port: int, database_url: str) -> None:
    with running_jobs(database_url, **{LISTEN: f"127.0.0.1:{port}"}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until = time.monotonic() + 20
        runs = {"name": "webhooks", "result": "success"}
        while not scraped(port, "todo_job_runs_total", **runs):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert scraped(port, "todo_job_last_success_timestamp_seconds", name="webhooks")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == ("", "")


@ONE_DATABASE
def test_port_of_other_process_is_refused(service: Server, port: int, database_url: str) -> None:
    assert service.process.poll() is None
    listen = f"127.0.0.1:{port}"
    refusal = pserve_refuses("development.ini", DATABASE_URL=database_url, **{LISTEN: listen})
    assert refusal.startswith("todo: the setting todo.metrics_listen: cannot listen on 127.0.0.1 ")
    assert f"set {FOLDER} for all processes" in refusal
    assert refusal.count("\n") == 1
    with running_jobs(database_url, **{LISTEN: listen}) as jobs:
        output, error = jobs.communicate(timeout=20)
        assert (output, error, jobs.returncode) == ("", refusal, 1)


@ONE_DATABASE
def test_port_of_service_itself_is_refused(port: int, tmp_path: Path, database_url: str) -> None:
    for environ in ({}, {FOLDER: str(tmp_path)}):
        environ |= {"DATABASE_URL": database_url, LISTEN: f"127.0.0.1:{port}"}
        refusal = pserve_refuses("development.ini", f"http_port={port}", **environ)
        assert refusal == (
            f"todo: the setting todo.metrics_listen must have another port than http_port {port}\n"
        )


@ONE_DATABASE
@pytest.mark.parametrize("address", ["8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]"])
def test_public_address_is_refused_in_production(database_url: str, address: str) -> None:
    environ = {"DATABASE_URL": database_url, "TODO_ALLOW_HTTP": "true", LISTEN: f"{address}:9464"}
    refusal = pserve_refuses("production.ini", **environ)
    assert refusal.startswith("todo: the setting todo.metrics_listen must be an address of this ")
    assert refusal.count("\n") == 1


@ONE_DATABASE
@pytest.mark.parametrize("folder", ["", "missing", "file"])
def test_unusable_folder_is_refused(
    port: int, tmp_path: Path, database_url: str, folder: str
) -> None:
    (tmp_path / "file").touch()
    name = f"{tmp_path}/{folder}" if folder else ""
    environ = {"DATABASE_URL": database_url, LISTEN: f"127.0.0.1:{port}", FOLDER: name}
    refusal = pserve_refuses("development.ini", **environ)
    assert refusal.startswith(f"todo: {FOLDER}: cannot write to the folder {name!r}: ")
    assert refusal.count("\n") == 1


@ONE_DATABASE
def test_metrics_are_served_over_ipv6(port: int, database_url: str) -> None:
    environ = {"DATABASE_URL": database_url, LISTEN: f"[::1]:{port}"}
    with pserve("development.ini", **environ):
        assert "todo_build_info" in scrape(port, "[::1]")
