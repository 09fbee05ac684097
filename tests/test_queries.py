"""How many queries a request costs."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.databases import statements
from tests.support.factories import Login, make_task


@pytest.fixture(params=[0, 600], ids=["unlimited", "limited"])
def counted(request: pytest.FixtureRequest, app: Any) -> Iterator[list[str]]:
    """What a write costs for its limit."""
    settings = app.registry["settings"]
    before = settings.limit_writes
    settings.limit_writes = request.param
    yield ["INSERT"] if request.param else []
    settings.limit_writes = before


def test_who_asks_is_one_query(
    app: Any, as_alice: Client, alice: Login, dbsession: Session, counted: list[str]
) -> None:
    task = f"{alice.tasks_url}/{make_task(dbsession, alice)}"
    with statements(app.registry["engine"]) as run:

        def ask(method: str, url: str, **fields: Any) -> list[str]:
            """Return the first words of what was run, without what finds out who asks."""
            run.clear()
            assert as_alice.send_json(method, url, fields).status_int < 300
            assert ["FROM accounts JOIN tokens" in statement for statement in run].count(True) == 1
            assert "FROM accounts JOIN tokens" in run.pop(0)
            return [statement.split()[0] for statement in run]

        assert ask("GET", "/api/v1/whoami") == []
        assert ask("GET", alice.url) == []
        assert ask("GET", task) == ["SELECT"]
        for query in ("", "?sort=-due_date", "?due=overdue", "?search=water", "?limit=1&sort=name"):
            assert ask("GET", f"{alice.tasks_url}{query}") == ["SELECT"]
        assert ask("GET", f"{alice.tasks_url}?count=true") == ["SELECT"] * 2
        assert ask("GET", f"{alice.url}/counts") == ["SELECT"]
        # The tasks, the trash, and whether one was restored between the two.
        assert ask("GET", f"{alice.url}/export") == ["SELECT"] * 3
        assert ask("GET", f"{task}/history?limit=1") == ["SELECT"] * 2
        # Where the page ends, and the page; nothing where there is nothing new.
        assert ask("GET", f"{alice.url}/changes?limit=1") == ["SELECT"] * 2
        assert ask("GET", f"{alice.url}/changes?since=2") == []
        # The limit; the revision, the task, the journal.
        created = ["UPDATE", "INSERT", "INSERT"]
        assert ask("POST", alice.tasks_url, name="Tea") == counted + created
        tasks = [{"name": "Milk"}, {"name": "Tea", "note": "green", "due_date": "2030-02-01"}] * 50
        # SQLite promises no order of what RETURNING returns, so it is asked for each id alone.
        inserts = 1 if app.registry["engine"].dialect.name == "postgresql" else 100
        created = ["UPDATE", *["INSERT"] * inserts, "INSERT"]
        assert ask("POST", alice.tasks_url, tasks=tasks) == counted + created
        changed = ["SELECT", "UPDATE", "UPDATE", "INSERT"]
        assert ask("PATCH", task, name="Tea") == counted + changed
        assert ask("PATCH", task, name="Tea") == [*counted, "SELECT"]
        # The task; the revision, the journal, and out of the one table into the other.
        moved = ["SELECT", "UPDATE", "INSERT", "INSERT", "DELETE"]
        assert ask("DELETE", task) == counted + moved
        trashed = task.replace("/tasks/", "/trash/")
        assert ask("GET", alice.trash_url) == ["SELECT"]
        assert ask("POST", f"{trashed}/restore") == [*counted, *moved]
        ask("DELETE", task)
        # What was recorded of it goes, too.
        purged = ["SELECT", "UPDATE", "UPDATE", "INSERT", "DELETE"]
        assert ask("DELETE", trashed) == counted + purged
        assert ask("DELETE", alice.trash_url) == [*counted, "SELECT"]
        ask("DELETE", f"{alice.tasks_url}?completed=false")
        assert ask("DELETE", alice.trash_url) == counted + purged


def test_a_key_costs_two_queries_and_a_replay_one(
    app: Any, as_alice: Client, alice: Login, counted: list[str]
) -> None:
    with statements(app.registry["engine"]) as run:
        for cost in (["SELECT", "UPDATE", "INSERT", "INSERT", "INSERT"], ["SELECT"]):
            run.clear()
            answer = as_alice.post_json(
                alice.tasks_url, {"name": "Tea"}, headers={"Idempotency-Key": "one"}
            )
            assert answer.status_int == 201
            assert "FROM accounts JOIN tokens" in run.pop(0)
            assert [each.split()[0] for each in run] == counted + cost


@pytest.mark.parametrize("path", ["/tasks", "/changes?since=1"])
def test_an_unchanged_list_is_one_query(
    app: Any, as_alice: Client, alice: Login, path: str
) -> None:
    etag = as_alice.get(alice.url + path).headers["ETag"]
    with statements(app.registry["engine"]) as run:
        answer = as_alice.get(alice.url + path, headers={"If-None-Match": etag})
    assert answer.status_int == 304
    assert len(run) == 1
    assert "tasks" not in run[0]
