"""The load: one job on one system, by wrk, and the CPU time that it takes."""

import http.client
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg2

from benchmarks.data import FIELDS, TASKS, Filled
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
    "unchanged": "list, unchanged: 304",
}


def jobs_of(running: Running) -> list[str]:
    """Return the jobs that the system knows. Only this project answers 304."""
    return [job for job in JOBS if job != "unchanged" or running.system.data == OWN]


# --- before and after: are the answers right?


def ask(
    running: Running, method: str, path: str, fields: Any = None, **headers: str
) -> tuple[int, Any, str]:
    """Return the status, the JSON and the ETag of one answer."""
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
    """Return the JSON of one answer; stop (SystemExit) if it has another status."""
    got, body, _ = ask(running, method, path, **options)
    if got != status:
        wrong(running, f"{method} {path} answers {got}, not {status}: {body}")
    return body


def expect_task(running: Running, body: Any, **values: Any) -> Any:
    """Return the task of an answer; stop (SystemExit) if it has not these values."""
    task = body.get("task", body)
    if not task.keys() >= FIELDS or any(task[key] != values[key] for key in values):
        wrong(running, f"this is not the task that it should be: {task}")
    if (task["completion_date"] is not None) != task["completed"]:
        wrong(running, f"completed and completion_date differ: {task}")
    return task


def wrong(running: Running, what: str) -> NoReturn:
    raise SystemExit(f"{running.system.name} ({running.system.label}): {what}")


def verify(running: Running) -> list[str]:
    """Stop (SystemExit) unless each job has the right answer; return the ETags of all lists."""
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
    """See that somebody gets all that is theirs, and nothing else."""
    account, other = running.accounts[0], running.accounts[1]
    bearer = {"Authorization": f"Bearer {account.token}"}
    body = expect(running, 200, "GET", account.path, **bearer)
    tasks = body if isinstance(body, list) else body["tasks"]
    if len(tasks) != TASKS or [task["id"] for task in tasks] != account.ids:
        wrong(running, f"the list has not the {TASKS} tasks that it should have")
    for task in tasks:
        expect_task(running, task, completed=False)
    body = expect(running, 200, "GET", f"{account.path}/{account.ids[0]}", **bearer)
    expect_task(running, body, **tasks[0])
    expect(running, 404, "GET", f"{account.path}/{other.ids[0]}", **bearer)
    expect(running, 401, "GET", account.path, Authorization="Bearer " + "0" * 40)


def verify_writes(running: Running) -> None:
    """See that a task is created, completed and opened again, and that a fault is refused."""
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
        wrong(running, f"a task without a name is answered by {status}")


# --- the measurement


@dataclass(frozen=True)
class Run:
    """One run: requests a second; milliseconds of an answer; milliseconds of CPU per request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    database: float  # CPU of PostgreSQL
    completed: int  # tasks completed by now, all runs together

    @property
    def all_cpu(self) -> float:
        """The server's CPU and PostgreSQL's; SQLite is a part of the server."""
        return self.cpu + self.database


@dataclass(frozen=True)
class Target:
    """The server and the database under load."""

    running: Running
    accounts: Path  # the file that jobs.lua reads
    postgresql: int  # the process


def write_accounts(accounts: list[Filled], etags: list[str], file: Path) -> None:
    """Write the file that jobs.lua reads."""
    lines = []
    for account, etag in zip(accounts, etags, strict=True):
        ids = " ".join(map(str, account.ids))
        lines.append(f"{account.token} {account.path} {etag} {ids}\n")
    file.write_text("".join(lines))


def postgresql_pid(url: str) -> int:
    """Return the id of the server's process, of which all its others descend."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        return parents()[connection.info.backend_pid]
    finally:
        connection.close()


def stat(pid: int | str) -> list[str]:
    """Return what the kernel knows of a process, from its state on: proc_pid_stat(5)."""
    # A name may have spaces and brackets.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def parents() -> dict[int, int]:
    """Return the parent of each process."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = int(stat(entry)[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
    return found


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for each in found:  # which grows meanwhile
        found.extend(children.get(each, []))
    return found


def cpu(pids: tuple[int, ...]) -> dict[int, float]:
    """Return the milliseconds of CPU that processes and all that descend from them have used."""
    used = {}
    for each in (each for pid in pids for each in family(pid)):
        try:
            fields = stat(each)
        except (FileNotFoundError, ProcessLookupError):
            continue
        used[each] = 1000 * (int(fields[11]) + int(fields[12])) / TICK
    return used


def used_since(before: dict[int, float], pids: tuple[int, ...]) -> float:
    """Return the milliseconds that they have used since, without those that have ended."""
    return sum(used - before.get(each, 0) for each, used in cpu(pids).items())


def drive(target: Target, job: str, completed: int, seconds: int) -> Run:
    """Run wrk, and return what it has seen. Any error stops the benchmark (SystemExit)."""
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
        wrong(running, f"{job}: wrk has failed:\n{result.stdout}{result.stderr}")
    seen = json.loads(found[0])
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        wrong(
            running,
            f"{job}: of {seen['requests']} requests {seen['refused']} had an error for an answer, "
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
