"""How a database carries out a query, as it says itself."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from tests.support.databases import database, listening
from tests.support.running import running_app

T = TypeVar("T")

PAGES = re.compile(
    "SELECT.*(tasks|task_words|trash).*LIMIT"
    # Where a page of changes ends, and the page; not what looks for the oldest.
    r"|SELECT changes\.(account_id|revision\s+FROM)",
    re.DOTALL,
)

STEPS = 10  # of SQLite's virtual machine, that are counted at once


@contextmanager
def large_app(
    server: str | Path, template: str, fill: Callable[[Session], T]
) -> Iterator[tuple[Any, T]]:
    """Yield an application, and what `fill` says of its database, which it has filled."""
    with database(server, template=template) as url, running_app(url) as app:
        engine = app.registry["engine"]
        with Session(engine) as session:
            filled = fill(session)
            session.commit()
        if engine.dialect.name == "postgresql":  # SQLite chooses without knowing the data
            with engine.begin() as connection:
                connection.execute(text("ANALYZE"))
        yield app, filled


@dataclass(frozen=True)
class Query:
    """A statement as the driver got it, with its parameters."""

    statement: str
    parameters: Any

    def run(self, connection: Connection, before: str = "") -> list[Any]:
        """Run it, after the words `before` and past SQLAlchemy, and return its rows."""
        cursor: Any = connection.connection.cursor()
        try:
            cursor.execute(f"{before} {self.statement}", self.parameters)
            return list(cursor.fetchall())
        finally:
            cursor.close()


@dataclass
class Plan:
    """What of a plan can make it slow."""

    indexes: list[str] = field(default_factory=list)  # in the order of the plan
    scans: list[str] = field(default_factory=list)  # tables, or indexes from end to end
    sorts: int = 0
    # PostgreSQL alone: rows of tables and indexes, also those that did not fit; and rows sorted.
    rows_read: int = 0
    rows_sorted: int = 0
    steps: int = 0  # SQLite alone: instructions of its virtual machine, some for each row

    def __str__(self) -> str:
        parts = [*self.indexes, *(f"**scan of {table}**" for table in self.scans)]
        return ", ".join([*parts, *(["sort"] if self.sorts else [])])


@contextmanager
def page_queries(
    database: Engine | Connection, which: re.Pattern[str] = PAGES
) -> Iterator[list[Query]]:
    """Yield the list of the queries of pages, or of others, that are run meanwhile."""
    run: list[Query] = []

    def record(_connection: Any, _cursor: Any, said: str, parameters: Any, *_: Any) -> None:
        if which.match(said):
            run.append(Query(said, parameters[0] if isinstance(parameters, list) else parameters))

    with listening(database.engine, "before_cursor_execute", record):
        yield run


def explain(connection: Connection, query: Query) -> Plan:
    """Return the plan of the query, and carry it out to count what it costs."""
    if connection.dialect.name == "sqlite":
        plan = _sqlite_plan([row[3] for row in query.run(connection, "EXPLAIN QUERY PLAN")])
        plan.steps = _sqlite_steps(connection, query)
        return plan
    ((found,),) = query.run(connection, "EXPLAIN (ANALYZE, FORMAT JSON)")
    plan = Plan()
    _add_postgresql_node(plan, (json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
    return plan


def _sqlite_plan(lines: list[str]) -> Plan:
    """Return the plan that these lines tell: https://sqlite.org/eqp.html."""
    plan = Plan()
    derived = {"both", "anon_1", "anon_2", "anon_3"}  # rows of a subquery, not of a table
    for line in lines:
        plan.sorts += line.startswith("USE TEMP B-TREE FOR ORDER BY")
        if " VIRTUAL TABLE INDEX " in line:
            plan.indexes.append("task_words")
        elif found := re.search(r"USING (?:COVERING )?INDEX (\w+)", line):
            plan.indexes.append(found[1])
        elif "USING INTEGER PRIMARY KEY" in line:
            plan.indexes.append("primary key")
        if line.startswith("SCAN ") and "VIRTUAL" not in line and line.split()[1] not in derived:
            plan.scans.append(line.split()[1])
    return plan


def _sqlite_steps(connection: Connection, query: Query) -> int:
    ticks = itertools.count()
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: next(ticks) < 0, STEPS)  # a true value would stop it
    query.run(connection)
    driver.set_progress_handler(None, 0)
    return next(ticks) * STEPS


def _add_postgresql_node(plan: Plan, node: dict[str, Any]) -> None:
    kind = node["Node Type"]
    if "Index Name" in node:
        plan.indexes.append(node["Index Name"])
    if kind == "Seq Scan":
        plan.scans.append(node["Relation Name"])
    if "Sort" in kind:
        plan.sorts += 1
        plan.rows_sorted = max(plan.rows_sorted, int(node["Plans"][0]["Actual Rows"]))
    if "Scan" in kind and kind != "Subquery Scan":
        read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        read += node.get("Rows Removed by Index Recheck", 0)
        plan.rows_read += int(read * node["Actual Loops"])
    for inner in node.get("Plans", []):
        _add_postgresql_node(plan, inner)
