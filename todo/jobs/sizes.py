"""The sizes of the tables, for the metrics: every five minutes, and at the cost of a few reads.

Each process measures for itself. Neither database counts rows: a count reads the whole table, and
on SQLite, a read that takes long may block commits.
"""

from sqlalchemy import Connection, Engine, bindparam, text

from todo.jobs.runner import Pause
from todo.metrics import TABLE_BYTES, TABLE_ROWS
from todo.models import Base
from todo.models.label import TASK_LABELS
from todo.settings import Settings

DATABASE = "database"  # the kind that is the whole database

# `reltuples` is -1 until PostgreSQL has analyzed the table for the first time.
_POSTGRESQL = text(
    "SELECT relname, reltuples, pg_total_relation_size(oid) AS bytes FROM pg_class "
    "WHERE relkind = 'r' AND relname IN :names AND pg_table_is_visible(oid)"
).bindparams(bindparam("names", expanding=True))


def measure_sizes(engine: Engine, settings: Settings, _pause: Pause) -> None:
    """Measure the tables and the database, unless no metrics are served."""
    if settings.metrics_listen is None:
        return
    measure = {"postgresql": _measure_postgresql, "sqlite": _measure_sqlite}[engine.dialect.name]
    with engine.connect() as connection:
        measure(connection)


def _measure_postgresql(connection: Connection) -> None:
    names = [*Base.metadata.tables, TASK_LABELS.name]
    for row in connection.execute(_POSTGRESQL, {"names": names}):
        TABLE_ROWS.labels(row.relname).set(max(0, row.reltuples))
        TABLE_BYTES.labels(row.relname).set(row.bytes)
    size = connection.scalar(text("SELECT pg_database_size(current_database())"))
    TABLE_BYTES.labels(DATABASE).set(size or 0)


def _measure_sqlite(connection: Connection) -> None:
    """Take the range of the row numbers for their count: the two ends of a tree are found fast."""
    for name in Base.metadata.tables:
        low, high = connection.execute(
            text(f"SELECT (SELECT min(rowid) FROM {name}), (SELECT max(rowid) FROM {name})")  # noqa: S608
        ).one()
        TABLE_ROWS.labels(name).set(0 if high is None else high - low + 1)
    pages, page_size = (
        connection.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_count", "page_size")
    )
    TABLE_BYTES.labels(DATABASE).set(pages * page_size)
