"""Prepared statements on PostgreSQL: few, of one row each, and none if the setting is off."""

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.support.client import Client
from tests.support.factories import make_account
from tests.support.running import running_app
from todo import clock
from todo.models.journalled import RECORDED
from todo.models.limit import LIMIT_COUNTS
from todo.models.prepared import PREPARED

pytestmark = pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)

AWKWARD = "100% %s %(name)s :name $1 \\ ' é"


def prepared_statements(engine: Engine) -> list[str]:
    """Return the prepared statements of a pooled connection."""
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT statement FROM pg_prepared_statements")))


def send_requests(client: Client, url: str) -> None:
    """Send requests of every kind, for one task and for several."""
    for count in (1, 2, 3):
        tasks = [{"name": AWKWARD, "due_date": "2030-02-01"}] * count
        assert client.post_json(url, {"tasks": tasks}).json["tasks"][0]["name"] == AWKWARD
        created = client.post_json(url, {"name": "Milk"}).headers["Location"]
        assert client.patch_json(created, {"completed": True}).json["task"]["completed"]
        assert client.get(created).json["task"]["completed"]
        assert client.get(f"{url}?sort=name&due=any").json["tasks"]
        assert client.patch_json(f"{url}?completed=false", {"note": str(count)}).status_int == 200
        assert client.delete(created).status_int == 200
    assert len(client.get(url).json["tasks"]) == 6


def test_frequent_single_row_statements_are_prepared_once(
    database_url: str, committed: Session
) -> None:
    alice = make_account(committed)
    with running_app(database_url) as app:
        send_requests(Client(app, alice.token), alice.tasks_url)
        reading = prepared_statements(app.registry["reading_engine"])
        writing = prepared_statements(app.registry["engine"])
    assert [each.split()[1] for each in sorted(reading)] == ["todo_0", "todo_1", "todo_2"]
    assert len(writing) == len(set(writing))
    assert not [each for each in writing if "), (" in each], "a multi-row statement was prepared"
    # Select the identity and the task; raise the revision, record the change, insert the task,
    # update it in two ways.
    assert len(writing) <= 7


def test_no_statement_is_prepared_if_setting_is_off(
    database_url: str, committed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = make_account(committed)
    monkeypatch.setenv("TODO_PREPARED_STATEMENTS", "false")
    with running_app(database_url) as app:
        send_requests(Client(app, alice.token), alice.tasks_url)
        for engine in ("engine", "reading_engine"):
            assert prepared_statements(app.registry[engine]) == []


def test_prepared_statement_raises_sqlalchemy_error(real_app: Any) -> None:
    row = {"name": "n", "subject": "secret", "count": 3, "expiration_date": clock.now()}
    insert = LIMIT_COUNTS.insert().execution_options(**PREPARED, **RECORDED)
    with real_app.registry["engine"].connect() as connection:
        connection.execute(insert, row)
        with pytest.raises(IntegrityError) as caught:
            connection.execute(insert, row)
        assert str(caught.value.statement).startswith("INSERT INTO limit_counts")
        assert "parameters hidden" in str(caught.value)
        connection.rollback()
        connection.execute(insert, row)
        connection.rollback()
