"""Query plans and their costs, as the database reports them."""

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

from tests.support.databases import database, event_listener
from tests.support.running import running_app

T = TypeVar("T")

PAGE_QUERIES = re.compile(
    "SELECT.*(tasks|task_words|trash).*LIMIT"
    # The sizes of a page of changes, and the page; not the query for the oldest change.
    r"|SELECT changes\.(account_id|revision, changes\.size)",
    re.DOTALL,
)

# The subquery of every page: the archived lists.
INNER = r"(?:SEARCH|SCAN) lists"

STEPS_PER_TICK = 10  # instructions of SQLite's virtual machine per progress callback


@contextmanager
def large_app(
    server: str | Path, template: str, fill: Callable[[Session], T]
) -> Iterator[tuple[Any, T]]:
    """Fill a new database with `fill`; yield an application on it and the result of `fill`."""
    with database(server, template=template) as url, running_app(url) as app:
        engine = app.registry["engine"]
        with Session(engine) as session:
            filled = fill(session)
            session.commit()
        if engine.dialect.name == "postgresql":  # SQLite plans without statistics
            with engine.begin() as connection:
                connection.execute(text("ANALYZE"))
        yield app, filled


@dataclass(frozen=True)
class Query:
    """A statement and its parameters as passed to the driver."""

    statement: str
    parameters: Any

    def run(self, connection: Connection, prefix: str = "") -> list[Any]:
        """Run the query directly on the driver, prefixed by `prefix`; return its rows."""
        cursor: Any = connection.connection.cursor()
        try:
            cursor.execute(f"{prefix} {self.statement}", self.parameters)
            return list(cursor.fetchall())
        finally:
            cursor.close()


@dataclass
class Plan:
    """The parts of a plan that determine its cost."""

    indexes: list[str] = field(default_factory=list)  # in plan order
    scans: list[str] = field(default_factory=list)  # tables or whole indexes
    sorts: int = 0
    # PostgreSQL only. Rows read include those that filters removed.
    rows_read: int = 0
    rows_sorted: int = 0
    steps: int = 0  # SQLite only: instructions of its virtual machine, several per row

    def __str__(self) -> str:
        parts = [*self.indexes, *(f"**scan of {table}**" for table in self.scans)]
        return ", ".join([*parts, *(["sort"] if self.sorts else [])])


@contextmanager
def page_queries(
    database: Engine | Connection, pattern: re.Pattern[str] = PAGE_QUERIES
) -> Iterator[list[Query]]:
    """Record the queries run during the block that match the pattern; by default, page queries."""
    queries: list[Query] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if pattern.match(statement):
            values = parameters[0] if isinstance(parameters, list) else parameters
            queries.append(Query(statement, values))

    with event_listener(database.engine, "before_cursor_execute", record):
        yield queries


def explain(connection: Connection, query: Query) -> Plan:
    """Return the plan of the query, which is executed to measure its cost."""
    if connection.dialect.name == "sqlite":
        plan = _sqlite_plan([row[3] for row in query.run(connection, "EXPLAIN QUERY PLAN")])
        plan.steps = _sqlite_steps(connection, query)
        return plan
    ((found,),) = query.run(connection, "EXPLAIN (ANALYZE, FORMAT JSON)")
    plan = Plan()
    _add_postgresql_node(plan, (json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
    return plan


def _sqlite_plan(lines: list[str]) -> Plan:
    """Parse the output of EXPLAIN QUERY PLAN (https://sqlite.org/eqp.html)."""
    plan = Plan()
    derived = {"both", "anon_1", "anon_2", "anon_3"}  # aliases of subqueries
    for line in lines:
        if re.match(INNER, line):
            continue
        plan.sorts += line.startswith("USE TEMP B-TREE FOR ORDER BY")
        if " VIRTUAL TABLE INDEX " in line:
            plan.indexes.append(line.split()[1])
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
    # A true result would abort the query.
    driver.set_progress_handler(lambda: next(ticks) < 0, STEPS_PER_TICK)
    query.run(connection)
    driver.set_progress_handler(None, 0)
    return next(ticks) * STEPS_PER_TICK


def _add_postgresql_node(plan: Plan, node: dict[str, Any]) -> None:
    kind = node["Node Type"]
    if node.get("Alias", "").startswith("lists"):
        return
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
