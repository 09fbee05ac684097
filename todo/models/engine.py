"""The engines: one for writes, and one that the database keeps read-only."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Dialect, Engine, event, make_url, text
from sqlalchemy.orm import Session
from transaction import TransactionManager
from zope.sqlalchemy import mark_changed

from todo.models import pools, sqlite, statements
from todo.models.faults import count_lock_timeout, renew_read_only
from todo.models.journalled import refuse_unrecorded
from todo.settings import SETTINGS

READING_URL = SETTINGS["reading_url"].name

# A session with a transaction for writes, or a read-only connection. Both execute statements.
Database = Session | Connection

# Per engine. The sum exceeds the default number of threads in todo/server.py.
POOL_SIZE = 8  # connections that stay open
POOL_OVERFLOW = 24  # additional connections under load
POOL_TIMEOUT = 2  # seconds to wait for a free connection
LOCK_TIMEOUT = 5  # seconds to wait for another transaction

# Every connection to PostgreSQL needs these; behind pgbouncer, the database must set them. The time
# zone is UTC because instants near year 1 or 9999 overflow in other zones.
POSTGRESQL_SETTINGS = {
    "TimeZone": "UTC",
    "lock_timeout": f"{LOCK_TIMEOUT}s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
READ_ONLY_SETTING = {"default_transaction_read_only": "on"}

# Without these, a request would wait for two hours for a machine that vanished without closing its
# connections (PostgreSQL documentation, section 34.1.2).
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}


def create_engine(
    url: str, *, reads_only: bool = False, pooled: bool = False, prepares: bool = False
) -> Engine:
    """Return an engine for SQLite or PostgreSQL, with durable commits.

    `reads_only`: the database refuses writes, and each statement is its own transaction, which
    saves three round trips. `pooled`: connections go through pgbouncer, which does not pass
    settings on. `prepares`: PostgreSQL keeps the plans of hot statements.
    """
    # Rows contain password hashes and token digests.
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_is_above_debug)
    # Parameters contain passwords and tokens, so keep them out of logs and errors.
    name = pools.READING if reads_only else pools.WRITING
    options: dict[str, Any] = {
        "hide_parameters": True,
        "poolclass": pools.MeasuredPool,
        "pool_logging_name": name,
        "pool_timeout": POOL_TIMEOUT,
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_use_lifo": True,
    }
    if make_url(url).get_backend_name() == "postgresql":
        connect_args = _postgresql_arguments(reads_only=reads_only, pooled=pooled)
        if reads_only:
            options["isolation_level"] = "AUTOCOMMIT"
            url = _primary_url(url)
        # A bulk change sends a hundred updates per round trip.
        options["executemany_mode"] = "values_plus_batch"
    else:
        connect_args = {"timeout": LOCK_TIMEOUT}
    if reads_only:
        options["pool_reset_on_return"] = None  # in autocommit, nothing to roll back
    engine = sqlalchemy.create_engine(url, connect_args=connect_args, **options)
    pools.listen(engine, name)
    event.listen(engine, "handle_error", renew_read_only)
    event.listen(engine, "handle_error", count_lock_timeout)
    is_sqlite = engine.dialect.name == "sqlite"
    statements.listen(engine, prepares=prepares and not (pooled or is_sqlite))
    if not reads_only:
        event.listen(engine, "before_execute", refuse_unrecorded)
    if is_sqlite:
        sqlite.listen(engine, reads_only=reads_only, timeout=LOCK_TIMEOUT)
    return engine


def _postgresql_arguments(*, reads_only: bool, pooled: bool) -> dict[str, Any]:
    """Return the arguments of a connection for libpq."""
    if pooled:
        return dict(KEEPALIVE)
    settings = POSTGRESQL_SETTINGS | (READ_ONLY_SETTING if reads_only else {})
    return KEEPALIVE | {"options": " ".join(f"-c {name}={settings[name]}" for name in settings)}


def _primary_url(url: str) -> str:
    """Return the URL with target_session_attrs=primary instead of read-write.

    libpq would take the read-only connections for those of a standby, and refuse them.
    """
    parsed = make_url(url)
    if parsed.query.get("target_session_attrs") == "read-write":
        parsed = parsed.update_query_dict({"target_session_attrs": "primary"})
    return parsed.render_as_string(hide_password=False)


def check_connections(writing: Engine, reading: Engine) -> None:
    """Raise SystemExit if connections to PostgreSQL lack a setting.

    Behind pgbouncer, the database and its pools must have the settings, and both pools must lead to
    the same database.
    """
    if writing.dialect.name != "postgresql":
        if writing.url != reading.url:
            raise SystemExit(f"todo: the setting {READING_URL} is for PostgreSQL behind pgbouncer")
        return
    databases = {_check_settings(engine) for engine in (writing, reading)}
    pool = f"{READING_URL} must lead to a pool in pgbouncer"
    if len(databases) > 1:
        raise SystemExit(f"todo: {pool} for the same database")
    with reading.connect() as connection:
        if connection.scalar(text("SHOW default_transaction_read_only")) != "on":
            raise SystemExit(
                f"todo: {pool} with connect_query = 'SET default_transaction_read_only = on'"
            )


def _check_settings(engine: Engine) -> tuple[Any, ...]:
    """Return the identity of the database. Raise SystemExit if connections lack a setting."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, setting FROM pg_settings"))
        found = {row.name: row.setting for row in rows}
        database = connection.execute(
            text(
                "SELECT current_database(), oid, pg_postmaster_start_time() FROM pg_database "
                "WHERE datname = current_database()"
            )
        ).one()
    for name, value in POSTGRESQL_SETTINGS.items():
        # The defaults: 0 means no timeout, and the time zone is that of the machine.
        if found[name] == "0" or (name == "TimeZone" and found[name] not in ("UTC", "Etc/UTC")):
            raise SystemExit(
                f"todo: connections to the database lack the setting {name}; run: "
                f"ALTER DATABASE {database[0]} SET {name} = '{value}', and reconnect pgbouncer"
            )
    return tuple(database)


def _is_above_debug(record: logging.LogRecord) -> bool:
    """Return whether the record is above DEBUG, the level at which SQLAlchemy logs rows."""
    return record.levelno > logging.DEBUG


def dialect_of(db: Database) -> Dialect:
    """Return the SQL dialect of the database."""
    return db.dialect if isinstance(db, Connection) else db.get_bind().dialect


def get_tm_session(engine: Engine, manager: TransactionManager) -> Session:
    """Return a session that joins the manager's transaction.

    Mark it as changed immediately: otherwise zope.sqlalchemy rolls back writes by Core and text().
    Its register() is avoided, because it listens to seven events of each session, which adds a
    tenth to the cost of a write.
    """
    session = Session(engine, expire_on_commit=False)
    mark_changed(session, manager)
    return session


@contextmanager
def separate_transaction(bind: Engine | Connection) -> Iterator[Session]:
    """Yield a session in a separate transaction, and commit it at the end of the block."""
    with Session(bind, expire_on_commit=False) as session, session.begin():
        yield session
