"""The sizes of the tables are measured without a count of their rows."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url, text
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.databases import statements
from tests.support.factories import make_task
from tests.support.metrics import value
from todo.jobs.sizes import measure_sizes
from todo.models import Base

ROWS, BYTES = "todo_table_rows", "todo_table_bytes"


def measure(app: Any, *, serves: bool = True) -> None:
    address = (ip_address("127.0.0.1"), 9464) if serves else None
    settings = replace(app.registry["settings"], metrics_listen=address)
    measure_sizes(app.registry["engine"], settings, lambda _seconds: None)


def test_rows_and_bytes_are_measured(real_app: Any, real_alice: User, committed: Session) -> None:
    for _ in range(3):
        make_task(committed, real_alice)
    committed.commit()
    engine: Engine = committed.get_bind().engine
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    measure(real_app)
    rows = {name: value(ROWS, kind=name) for name in Base.metadata.tables}
    assert rows.items() >= {"accounts": 1, "tasks": 3, "trash": 0, "lists": 0}.items()
    if engine.dialect.name == "sqlite":
        file = Path(str(make_url(str(engine.url)).database))
        assert value(BYTES, kind="database") == file.stat().st_size
    else:
        assert value(ROWS, kind="task_labels") == 0
        assert 0 < value(BYTES, kind="tasks") < value(BYTES, kind="database")
    committed.execute(text("DELETE FROM tasks"))
    committed.commit()
    if engine.dialect.name == "sqlite":
        measure(real_app)
        assert value(ROWS, kind="tasks") == 0


def test_no_table_is_read_whole(real_app: Any) -> None:
    engine = real_app.registry["engine"]
    with statements(engine) as executed:
        measure(real_app)
    assert "count(" not in str(executed).lower()
    if engine.dialect.name == "postgresql":
        assert len(executed) == 2
        return
    with engine.connect() as connection:
        ends = [statement for statement in executed if statement.startswith("SELECT")]
        assert len(ends) == len(Base.metadata.tables)
        for statement in ends:
            plan = str(connection.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all())
            assert (plan.count("SEARCH"), "SCAN " in plan.replace("SCAN CONSTANT", "")) == (
                2,
                False,
            )


def test_nothing_is_measured_unless_metrics_are_served(real_app: Any) -> None:
    with statements(real_app.registry["engine"]) as executed:
        measure(real_app, serves=False)
    assert executed == []
