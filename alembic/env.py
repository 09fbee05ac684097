"""Run the migrations on the database of DATABASE_URL or, without it, of the ini file."""

import logging.config
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pyramid.paster import get_appsettings
from sqlalchemy import Connection, column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError

from alembic import context

from todo import settings
from todo.models import Base
from todo.models.engine import create_engine
from todo.models.journalled import RECORDED
from todo.models.json import JSONList, JSONText
from todo.models.meta import DueAsNull, UTCDateTime, ZeroAsNull
from todo.models.migration import COMPATIBILITY, unusable_database
from todo.models.sqlite import check_folder

MIGRATION_LOCK = 0x746F646F  # an advisory lock of PostgreSQL: "todo" in ASCII
SQLITE_TIMEOUT = 60 * 60 * 1000  # milliseconds to wait for another migration


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Render custom types as their SQL types, because migrations must not change with the code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, ZeroAsNull):
        return "sa.Integer()"
    if kind == "type" and isinstance(item, DueAsNull):
        return "sa.String(10)"
    if kind == "type" and isinstance(item, JSONText | JSONList):
        return "sa.Text()"
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Exclude the tables and indexes that exist only in migrations."""
    if name == COMPATIBILITY.name:
        return False
    words = ("task_words", "ix_tasks_words", "trash_words", "ix_trash_words", "task_labels")
    return not (kind in ("table", "index") and name and name.startswith(words))


@contextmanager
def preserve_id_counters(connection: Connection) -> Iterator[None]:
    """Preserve SQLite's id counters: a recreated table would reuse the ids of deleted rows."""
    counters = table("sqlite_sequence", column("name"), column("seq"))
    if connection.dialect.name != "sqlite" or not inspect(connection).has_table(counters.name):
        yield
        return
    before = connection.execute(select(counters)).all()
    yield
    for name, seq in before:
        behind = (counters.c.name == name, counters.c.seq < seq)
        connection.execute(counters.update().where(*behind).values(seq=seq))


def wait_for_other_migrations(connection: Connection) -> None:
    """Take PostgreSQL's lock for migrations until the end of the transaction."""
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    # While a change of a table waits for a lock, requests to the table wait, too.
    connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")


def store_oldest_code(ctx: Any, step: Any, heads: Collection[str], run_args: Any) -> None:
    """Store the oldest migration whose code works with the schema, after each step."""
    if not inspect(ctx.connection).has_table(COMPATIBILITY.name):
        return  # a migration before 0021
    history = context.script.iterate_revisions(tuple(heads), "base")
    # A migration that says nothing breaks the code of all earlier ones.
    oldest_code = max(getattr(each.module, "oldest_code", each.revision) for each in history)
    ctx.connection.execute(COMPATIBILITY.delete())
    ctx.connection.execute(COMPATIBILITY.insert().values(oldest_code=oldest_code))


def is_rolling() -> bool:
    """Return whether the command has `-x rolling`. Raise SystemExit for any other -x."""
    arguments = context.get_x_argument()
    for unknown in set(arguments) - {"rolling"}:
        # Ignored, a misspelled "rolling" would break the running instances.
        raise SystemExit(f"todo: alembic takes -x rolling, not -x {unknown}; nothing was changed")
    return bool(arguments)


@contextmanager
def only_rolling(connection: Connection) -> Iterator[None]:
    """With `-x rolling`, raise SystemExit if code of the migration before would stop working."""
    rolling = is_rolling()
    before = context.get_context().get_current_revision()
    yield
    if before is None or not rolling:
        return
    after = context.get_context().get_current_revision() or ""
    oldest_code = select(COMPATIBILITY.c.oldest_code)
    if after < before or connection.execute(oldest_code).scalar_one() > before:
        raise SystemExit(
            f"todo: running code of migration {before} does not work after {after or 'base'}, so "
            "nothing was changed; stop all instances, and run alembic without -x rolling"
        )


def migrate(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        include_name=include_name,
        compare_type=True,
        compare_server_default=True,
        transactional_ddl=True,
        on_version_apply=store_oldest_code,
        # No render_as_batch: on SQLite, a batch recreates the table without the triggers for words.
        # ADD COLUMN and DROP COLUMN work without a batch.
    )
    with context.begin_transaction(), preserve_id_counters(connection):
        if connection.dialect.name == "postgresql":
            # The timeout is meant for requests; a migration may take longer.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            wait_for_other_migrations(connection)
        with only_rolling(connection):
            context.run_migrations()


def main() -> None:
    ini = context.config.config_file_name
    if ini is None:
        raise SystemExit("todo: pass an ini file: alembic -c development.ini upgrade head")
    logging.config.fileConfig(ini, disable_existing_loggers=False)
    read = settings.read(get_appsettings(ini))
    engine = create_engine(read.database_url, pooled=read.is_pooled)
    check_folder(engine)
    try:
        connected = engine.connect()
    except DBAPIError as error:
        raise unusable_database(error) from None
    # A migration changes how fields are stored, not their values.
    with connected.execution_options(**RECORDED) as connection:
        if connection.dialect.name == "sqlite":
            # Recreating a table drops the old one. With foreign keys on, that deletes the rows that
            # refer to it. The pragma works only outside a transaction.
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute(f"PRAGMA busy_timeout = {SQLITE_TIMEOUT}")
        migrate(connection)
    engine.dispose()


main()
