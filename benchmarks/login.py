"""Measure logins under load, on SQLite and on PostgreSQL, for about a minute.

1. How long does listing tasks take during a flood of fifty logins per second, most of them wrong,
   for ten seconds?
2. Does timing reveal which users exist? A hundred logins each, alternating, of a known user with a
   wrong password and of an unknown user.
"""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.databases import database, migrate, postgresql_server
from tests.support.pserve import Server, pserve

FLOOD_RATE = 50  # logins per second
FLOOD_SECONDS = 10
PAUSE = 0.02  # seconds between two list requests
PAIRS = 100
ACCOUNTS = "/api/v1/accounts"
PASSWORD = "correct horse battery"
# Keep the limits on, but above the load.
LIMITS = {
    f"TODO_LIMIT_{name}": "0"
    for name in (
        *("LOGIN_ACCOUNT_ADDRESS", "LOGIN_ACCOUNT_ADDRESS_DAY", "LOGIN_ADDRESS", "LOGIN_ACCOUNT"),
        *("LOGINS_ACCOUNT", "LOGINS_ADDRESS"),
    )
}


def call(server: Server, method: str, path: str, fields: Any = None, token: str = "") -> Any:
    """Send a request. Return the status, the body and the latency in ms."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    if not token:
        del headers["Authorization"]
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    begun = time.perf_counter()
    try:
        connection.request(method, path, json.dumps(fields) if fields else None, headers)
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body), 1000 * (time.perf_counter() - begun)
    finally:
        connection.close()


def log_in(server: Server, username: str, password: str) -> tuple[int, float]:
    fields = {"username": username, "password": password}
    status, _, took = call(server, "POST", f"{ACCOUNTS}/login", fields)
    return status, took


def flood(server: Server) -> Counter[int]:
    """Log in at the rate of the flood, and count the statuses."""
    begun = time.perf_counter()

    def attempt(number: int) -> int:
        time.sleep(max(0.0, begun + number / FLOOD_RATE - time.perf_counter()))
        return log_in(server, "alice", PASSWORD if number % 10 == 0 else "wrong password")[0]

    with ThreadPoolExecutor(FLOOD_RATE * 4) as pool:
        return Counter(pool.map(attempt, range(FLOOD_RATE * FLOOD_SECONDS)))


def lists(server: Server, token: str, stop: threading.Event) -> list[float]:
    """List tasks until `stop` is set, and return the latencies in ms."""
    times = []
    while not stop.is_set():
        status, _, took = call(server, "GET", f"{ACCOUNTS}/alice/tasks", token=token)
        if status != 200:
            raise SystemExit(f"the list request got {status}")
        times.append(took)
        time.sleep(PAUSE)
    return times


def percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def measure(name: str, server: Server) -> None:
    """Measure and print the results for one database."""
    account = {"username": "alice", "email": "alice@example.com", "password": PASSWORD}
    _, registered, _ = call(server, "POST", ACCOUNTS, account)
    # Use an API token, because the logins of the flood end the oldest sessions.
    fields = {"name": "bench", "scope": "read"}
    _, created, _ = call(server, "POST", f"{ACCOUNTS}/alice/tokens", fields, registered["token"])
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        listed = pool.submit(lists, server, created["token"], stop)
        statuses = flood(server)
        stop.set()
        times = listed.result()
    print(f"{name}: a flood of {FLOOD_RATE} logins per second for {FLOOD_SECONDS} s")
    print(f"  answers to the logins: {dict(sorted(statuses.items()))}")
    print(
        f"  {len(times)} concurrent list requests: p50 {percentile(times, 50):.0f} ms, "
        f"p99 {percentile(times, 99):.0f} ms (limit 1000)"
    )
    known, unknown = [], []
    for _ in range(PAIRS):
        known.append(log_in(server, "alice", "wrong password")[1])
        unknown.append(log_in(server, "nobody", "wrong password")[1])
    medians = statistics.median(known), statistics.median(unknown)
    print(
        f"  {PAIRS} logins each, median: known user {medians[0]:.2f} ms, unknown user "
        f"{medians[1]:.2f} ms, difference {abs(medians[0] - medians[1]):.2f} ms (limit 5)"
    )


def main() -> None:
    """Measure on both databases."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, place in (
            ("SQLite", folder),
            ("PostgreSQL", stack.enter_context(postgresql_server())),
        ):
            url = stack.enter_context(database(place))
            migrate(url)
            with pserve("development.ini", DATABASE_URL=url, **LIMITS) as server:
                measure(name, server)


if __name__ == "__main__":
    main()
