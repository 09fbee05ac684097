"""Many reminders are due together: two processes fire each once, though one of them is killed."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.databases import ROOT, session_on
from tests.support.pserve import PSERVE
from tests.torture import LONG
from todo import clock
from todo.journal import writes
from todo.models.account import username_columns
from todo.models.reminder import REMINDERS
from todo.models.task import TASKS, Task, name_columns

COUNT = 10_000 if LONG else 200
LEAD = 75 if LONG else 3  # seconds until the first is due
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
# Numbers of accounts, and of seconds within which the reminders are due.
SHAPES = [(1, 0), (1, 60), (COUNT, 0), (COUNT, 60)] if LONG else [(20, 0)]
TIMEOUT = 240  # seconds


@contextmanager
def runner(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the jobs in a process, and kill it."""
    command = [str(Path(PSERVE).with_name("todo-admin")), "jobs"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": url})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def fill(session: Session, accounts: int, spread: int) -> None:
    """Store tasks with a reminder each, which are due in the next seconds."""
    start = clock.now() + timedelta(seconds=LEAD)
    for index in range(accounts):
        name = f"user{index}"
        columns = username_columns(name) | {"email": "", "password_hash": "", "timezone": "UTC"}
        account = writes.register(session, columns)
        mine = range(index, COUNT, accounts)
        for first in range(0, len(mine), 1000):
            numbers = mine[first : first + 1000]
            ats = [start + timedelta(seconds=spread * number / COUNT) for number in numbers]
            rows = [
                {"uid": str(number), "position": "1", "reminders": [{"at": f"{at:{FORMAT}}"}]}
                for number, at in zip(numbers, ats, strict=True)
            ]
            writes.create(session, Task, account.id, [row | name_columns("Milk") for row in rows])
        if index % 500 == 0:
            session.commit()
    session.commit()
    assert clock.now() < start


def count(session: Session, query: Any) -> int:
    found: int = session.scalar(query) or 0
    session.rollback()
    return found


@pytest.mark.parametrize(("accounts", "spread"), SHAPES)
def test_reminders_fire_once_while_a_runner_is_killed(
    own_url: str, report: Callable[[str], None], accounts: int, spread: int
) -> None:
    with session_on(own_url) as session:
        fill(session, accounts, spread)
        fired = select(func.count()).select_from(REMINDERS)
        begin = time.monotonic()
        with runner(own_url) as killed, runner(own_url):
            while count(session, fired) < COUNT // 4:
                assert time.monotonic() - begin < TIMEOUT
                time.sleep(0.2)
            killed.kill()
            while count(session, fired) < COUNT:
                assert time.monotonic() - begin < TIMEOUT
                time.sleep(0.2)
        times = session.execute(select(REMINDERS.c.at, REMINDERS.c.fired_date)).all()
        assert len(times) == COUNT
        assert count(session, select(func.count(TASKS.c.remind_at))) == 0
        journal.check_sizes(session)
    delays = sorted((fired - at).total_seconds() for at, fired in times)
    took = max(fired for _, fired in times) - max(at for at, _ in times)
    report(
        f"{COUNT} reminders of {accounts} accounts, due within {spread} s: the last fired "
        f"{took.total_seconds():.1f} s after its time; delays: median {delays[COUNT // 2]:.1f} s, "
        f"99 % {delays[COUNT * 99 // 100]:.1f} s, longest {delays[-1]:.1f} s"
    )
    assert delays[-1] < 60
