"""Kill each part of the cluster under load: no acknowledged write is lost or done twice."""

import os
import signal
import time
from collections.abc import Callable
from random import Random

import pytest

from tests.cluster.load import Load, new_load, running
from tests.support.cluster import HEALTHY_TIMEOUT, NODES, Cluster, wait_until
from tests.torture import LONG, SEED

TIMES = 3 if LONG else 1
LONGEST_GAP = 30  # seconds without an acknowledged write
CUT_OFF = 35  # seconds, longer than another machine needs to become the leader
BEFORE, AFTER = 3, 5  # seconds of load around a failure


def kill_postgresql(cluster: Cluster, _number: int) -> None:
    os.kill(cluster.postmaster(cluster.leader()), signal.SIGKILL)


def kill_patroni(cluster: Cluster, _number: int) -> None:
    leader = cluster.leader()
    os.kill(cluster.process(f"patroni{leader.removeprefix('pg')}"), signal.SIGKILL)


def kill_machine(cluster: Cluster, _number: int) -> None:
    """The machine stays off until another one is the leader."""
    before = cluster.leader()
    with cluster.switched_off(before):
        time.sleep(CUT_OFF)
        assert cluster.leader() != before


def kill_standby(cluster: Cluster, _number: int) -> None:
    for pid in cluster.machine(cluster.standby()):
        os.kill(pid, signal.SIGKILL)


def kill_node(cluster: Cluster, number: int) -> None:
    os.kill(cluster.process(NODES[number % len(NODES)]), signal.SIGKILL)


def kill_pgbouncer(cluster: Cluster, _number: int) -> None:
    os.kill(cluster.process("pgbouncer"), signal.SIGKILL)


def cut_leader_off(cluster: Cluster, _number: int) -> None:
    before = cluster.leader()
    with cluster.cut_off(before):
        time.sleep(CUT_OFF)
        assert cluster.leader() != before


def cut_leader_off_from_etcd(cluster: Cluster, _number: int) -> None:
    """The PostgreSQL of the old leader still believes that it is one."""
    before = cluster.leader()
    with cluster.cut_off(before, postgresql=False):
        time.sleep(CUT_OFF)
        assert cluster.leader() != before


def switch_over(cluster: Cluster, _number: int) -> None:
    candidate = cluster.switch_over()
    assert cluster.leader() == candidate


def restart_nodes(cluster: Cluster, _number: int) -> None:
    for name in NODES:
        cluster.restart_node(name)


FAILURES = (
    kill_postgresql,
    kill_patroni,
    kill_machine,
    kill_standby,
    kill_node,
    kill_pgbouncer,
    cut_leader_off,
    cut_leader_off_from_etcd,
    switch_over,
    restart_nodes,
)
PLANNED = (switch_over, restart_nodes)  # these leave no request without an answer


@pytest.fixture(scope="module")
def load(cluster: Cluster) -> Load:
    return new_load(cluster.front, Random(SEED))


@pytest.mark.parametrize("fail", FAILURES)
def test_failure_loses_no_acknowledged_write(
    cluster: Cluster,
    load: Load,
    fail: Callable[[Cluster, int], None],
    report: Callable[[str], None],
) -> None:
    gaps = []
    load.counts.clear()
    load.failures.clear()
    for number in range(TIMES):
        wait_until(cluster.is_healthy, HEALTHY_TIMEOUT)
        with running(load):
            time.sleep(BEFORE)
            began = time.monotonic()
            fail(cluster, number)
            time.sleep(AFTER)
            wait_until(cluster.is_healthy, HEALTHY_TIMEOUT)
        # Every writer has ended with an acknowledged write, so no gap is cut short.
        gaps.append(load.longest_gap(began))
        load.check()
    counts = load.counts
    report(
        f"{fail.__name__}: {TIMES} times, gap at most {max(gaps):.1f} s, "
        f"{counts['acknowledged']} writes acknowledged, {counts['replayed']} replayed, "
        f"{counts['503']} answers 503, {counts['closed']} connections closed, "
        f"{counts['reads']} reads; failures: {load.failures}"
    )
    assert not load.failures
    assert not (fail in PLANNED and counts["closed"])
    if LONG:  # a machine that does other work as well takes longer
        assert max(gaps) <= LONGEST_GAP
