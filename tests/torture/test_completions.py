"""Many clients complete the same occurrence: it is completed once, and the task goes on once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tests.support import journal
from tests.support.databases import session_on
from tests.support.factories import Login, make_account, make_task
from tests.support.pserve import Server, pserve
from todo.models import Task

AT_ONCE = 20
DUE = date(2030, 2, 5)
NEXT = "2030-02-06"


def make_series(url: str) -> tuple[Login, str]:
    """Store a task that recurs daily, with a subtask; return its owner and path."""
    with session_on(url) as session:
        login = make_account(session)
        task_id = make_task(session, login, due_date=DUE, recurrence="FREQ=DAILY")
        make_task(session, login, parent_id=task_id)
        return login, f"{login.tasks_url}/{task_id}"


def check_completed_once(url: str, server: Server, login: Login, path: str) -> None:
    """Check that the task is at its second date, and that one occurrence is completed."""
    _, _, shown = server.send("GET", path, token=login.token)
    assert shown["task"]["due_date"] == NEXT
    query = f"{login.tasks_url}?occurrence_of={shown['task']['id']}"
    _, _, found = server.send("GET", query, token=login.token)
    [occurrence] = found["tasks"]
    assert (occurrence["due_date"], occurrence["subtasks"]["total"]) == (str(DUE), 1)
    with session_on(url) as session:
        assert session.query(Task).where(Task.account_id == login.id).count() == 4
        journal.check(session)


@pytest.mark.parametrize("bulk", [False, True])
def test_occurrence_named_by_many_is_completed_once(
    servers: list[Server], shared_url: str, bulk: bool
) -> None:
    login, path = make_series(shared_url)
    barrier = Barrier(AT_ONCE)
    url = f"{login.tasks_url}?id={path.rpartition('/')[2]}" if bulk else path

    def complete(number: int) -> Any:
        barrier.wait()
        fields = {"completed": True, "occurrence": str(DUE)}
        server = servers[number % len(servers)]
        status, headers, answer = server.send("PATCH", url, fields, token=login.token)
        assert status == 200, answer
        return headers["Link"], answer

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(complete, range(AT_ONCE)))
    assert sum(link is not None for link, _ in answers) == 1
    if not bulk:
        assert {answer["task"]["due_date"] for _, answer in answers} == {NEXT}
        assert len({answer["occurrence"]["id"] for _, answer in answers}) == 1
    check_completed_once(shared_url, servers[0], login, path)


def test_completion_repeated_after_a_kill_is_done_once(own_url: str, tmp_path: Path) -> None:
    """The service is killed after the commit, and the client never gets the first answer."""
    login, path = make_series(own_url)
    fields = {"completed": True}  # the key alone must do
    header = {"Idempotency-Key": "lost answer"}
    with (tmp_path / "log").open("w") as log:
        with pserve("development.ini", log, DATABASE_URL=own_url) as server:
            status, _, first = server.send("PATCH", path, fields, login.token, **header)
            server.process.kill()
        assert status == 200
        with pserve("development.ini", log, DATABASE_URL=own_url) as server:
            status, _, again = server.send("PATCH", path, fields, login.token, **header)
            assert (status, again) == (200, first)
            check_completed_once(own_url, server, login, path)
