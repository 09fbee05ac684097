"""The load: wrk runs one job on one system; the kernel reports the CPU time."""

import http.client
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg2

from benchmarks.data import FIELDS, TASKS, StoredAccount
from benchmarks.systems import OWN, Running

CONNECTIONS = 8
SCRIPT = Path(__file__).with_name("jobs.lua")
TICK = os.sysconf("SC_CLK_TCK")

JOBS = {
    "list": "list of 50",
    "one": "one task",
    "create": "create",
    "complete": "complete",
    "mix": "mix 80/20",
    "unchanged": "unchanged list (304)",
}


def jobs_of(running: Running) -> list[str]:
    """Return the jobs that the system supports. Only this project answers 304."""
    return [job for job in JOBS if job != "unchanged" or running.system.data == OWN]


# --- verification, before and after the measurement


def ask(
    running: Running, method: str, path: str, fields: Any = None, **headers: str
) -> tuple[int, Any, str]:
    """Send a request. Return the status, the JSON and the ETag of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    try:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        is_json = "json" in response.getheader("Content-Type", "") and content
        return (
            response.status,
            json.loads(content) if is_json else None,
            response.getheader("ETag", "-"),
        )
    finally:
        connection.close()


def expect(running: Running, status: int, method: str, path: str, **options: Any) -> Any:
    """Send a request and return the JSON of the answer. Raise SystemExit for another status."""
    got, body, _ = ask(running, method, path, **options)
    if got != status:
        wrong(running, f"{method} {path} answers {got}, not {status}: {body}")
    return body


def expect_task(running: Running, body: Any, **values: Any) -> Any:
    """Return the task of an answer. Raise SystemExit unless it has these values."""
    task = body.get("task", body)
    if not task.keys() >= FIELDS or any(task[key] != values[key] for key in values):
        wrong(running, f"wrong task: {task}")
    if (task["completion_date"] is not None) != task["completed"]:
        wrong(running, f"completed and completion_date disagree: {task}")
    return task


def wrong(running: Running, what: str) -> NoReturn:
    raise SystemExit(f"{running.system.name} ({running.system.label}): {what}")


def verify(running: Running) -> list[str]:
    """Return the ETags of all lists. Raise SystemExit if the answer to any job is wrong."""
    verify_reads(running)
    verify_writes(running)
    etags = []
    for each in running.accounts:
        options = {"Authorization": f"Bearer {each.token}"}
        etags.append(ask(running, "GET", each.path, **options)[2])
        if "unchanged" in jobs_of(running):
            expect(running, 304, "GET", each.path, If_None_Match=etags[-1], **options)
    return etags


def verify_reads(running: Running) -> None:
    """Check that an account sees all of its tasks, and no others."""
    account, other = running.accounts[0], running.accounts[1]
    bearer = {"Authorization": f"Bearer {account.token}"}
    body = expect(running, 200, "GET", account.path, **bearer)
    tasks = body if isinstance(body, list) else body["tasks"]
    if len(tasks) != TASKS or [task["id"] for task in tasks] != account.ids:
        wrong(running, f"the list does not have the {TASKS} tasks of the account")
    for task in tasks:
        expect_task(running, task, completed=False)
    body = expect(running, 200, "GET", f"{account.path}/{account.ids[0]}", **bearer)
    expect_task(running, body, **tasks[0])
    expect(running, 404, "GET", f"{account.path}/{other.ids[0]}", **bearer)
    expect(running, 401, "GET", account.path, Authorization="Bearer " + "0" * 40)


def verify_writes(running: Running) -> None:
    """Check that a task can be created, completed and reopened, and that bad input is refused."""
    account = running.accounts[-1]
    bearer = {"Authorization": f"Bearer {account.token}"}
    fields = {"name": "Water the plants", "note": None, "due_date": "2030-02-01T09:30:00Z"}
    body = expect(running, 201, "POST", account.path, fields=fields, **bearer)
    created = expect_task(running, body, name=fields["name"], note=None, completed=False)
    path = f"{account.path}/{created['id']}"
    for completed in (True, False):
        body = expect(running, 200, "PATCH", path, fields={"completed": completed}, **bearer)
        expect_task(running, body, completed=completed)
        shown = expect_task(running, expect(running, 200, "GET", path, **bearer))
        expect_task(running, body, **shown)
    status, _, _ = ask(running, "POST", account.path, fields={**fields, "name": ""}, **bearer)
    if status not in (400, 422):
        wrong(running, f"a task without a name gets {status}")


# --- the measurement


@dataclass(frozen=True)
class Run:
    """One run: requests per second, latency in ms, and CPU time per request in ms."""

    rate: float
    p50: float
    p99: float
    cpu: float
    database: float  # CPU time of PostgreSQL
    completed: int  # "complete" requests so far, in all runs


@dataclass(frozen=True)
class Target:
    """A server and a database under load."""

    running: Running
    accounts: Path  # the file that jobs.lua reads
    postgresql: int  # process id


def write_accounts(accounts: list[StoredAccount], etags: list[str], file: Path) -> None:
    """Write the file that jobs.lua reads."""
    lines = []
    for account, etag in zip(accounts, etags, strict=True):
        ids = " ".join(map(str, account.ids))
        lines.append(f"{account.token} {account.path} {etag} {ids}\n")
    file.write_text("".join(lines))


def postgresql_pid(url: str) -> int:
    """Return the id of the main process of PostgreSQL, the parent of all others."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        return parents()[connection.info.backend_pid]
    finally:
        connection.close()


def stat(pid: int | str) -> list[str]:
    """Return the fields of a process after its name: proc_pid_stat(5)."""
    # The name can contain spaces and parentheses.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def parents() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = int(stat(entry)[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # the process has ended
    return found


def family(pid: int) -> list[int]:
    """Return a process and all of its descendants."""
    children: dict[int, list[int]] = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for each in found:  # grows during the loop
        found.extend(children.get(each, []))
    return found


def cpu(pids: tuple[int, ...]) -> dict[int, float]:
    """Return the CPU time in ms of each process and of each of its descendants."""
    used = {}
    for each in (each for pid in pids for each in family(pid)):
        try:
            fields = stat(each)
        except (FileNotFoundError, ProcessLookupError):
            continue
        used[each] = 1000 * (int(fields[11]) + int(fields[12])) / TICK
    return used


def used_since(before: dict[int, float], pids: tuple[int, ...]) -> float:
    """Return the CPU time in ms used since then, except by processes that ended."""
    return sum(used - before.get(each, 0) for each, used in cpu(pids).items())


def drive(target: Target, job: str, completed: int, seconds: int) -> Run:
    """Run wrk and return its measurements. Raise SystemExit if any request fails."""
    running = target.running
    command = [
        *("wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s"),
        *("--timeout=10s", f"--script={SCRIPT}", running.url),
        *("--", job, str(target.accounts), str(completed)),
    ]
    before = cpu(running.pids), cpu((target.postgresql,))
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 30, check=False
    )
    used = used_since(before[0], running.pids), used_since(before[1], (target.postgresql,))
    found = re.search(r"^\{.*\}$", result.stdout, re.MULTILINE)
    if result.returncode or not found:
        wrong(running, f"{job}: wrk failed:\n{result.stdout}{result.stderr}")
    seen = json.loads(found[0])
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        wrong(
            running,
            f"{job}: of {seen['requests']} requests, {seen['refused']} got an error, "
            f"and {seen['broken']} connections failed",
        )
    return Run(
        rate=seen["requests"] / seen["microseconds"] * 1e6,
        p50=seen["p50"] / 1000,
        p99=seen["p99"] / 1000,
        cpu=used[0] / seen["requests"],
        database=used[1] / seen["requests"],
        completed=seen["completed"],
    )
