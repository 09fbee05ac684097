"""The database: its engine, the session of a request, and whether it is migrated."""

import logging
import os
from typing import Any

import sqlalchemy
from pyramid.config import Configurator
from sqlalchemy import Connection, Engine, event, make_url, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from todo.http.request import SAFE_METHODS, Request
from todo.http.transactions import join_transaction
from todo.models import journal, sqlite
from todo.models.account import Account
from todo.models.change import Change
from todo.models.faults import renew_read_only
from todo.models.idempotency_key import IdempotencyKey
from todo.models.limit import LimitCount
from todo.models.meta import Base
from todo.models.released_username import ReleasedUsername
from todo.models.task import Task
from todo.models.token import Token
from todo.models.trash import TrashedTask

__all__ = [
    "MIGRATION",
    "Account",
    "Base",
    "Change",
    "IdempotencyKey",
    "LimitCount",
    "ReleasedUsername",
    "Task",
    "Token",
    "TrashedTask",
    "check_migrated",
    "create_engine",
    "journal",
    "sqlite",
    "stored_migration",
]

# The newest migration in alembic/versions.
MIGRATION = "0006"

# Of each engine, to write and to read: as many stay open as are often used at once; together they
# are as many as a process has threads (todo/server.py), and some.
POOL_SIZE = 8
POOL_OVERFLOW = 24
POOL_TIMEOUT = 2  # seconds to wait for a free connection
LOCK_TIMEOUT = 5  # seconds to wait for another transaction

# "todo" in ASCII, in the head of a backup (https://www.sqlite.org/fileformat.html), which is a
# database of SQLite, too, but without indexes and triggers.
BACKUP_ID = 0x746F646F


def _shows_no_row(record: logging.LogRecord) -> bool:
    """Tell whether SQLAlchemy may log this: at DEBUG it shows every row that it reads."""
    return record.levelno > logging.DEBUG


def create_engine(url: str) -> Engine:
    """Return an engine for SQLite or PostgreSQL that acknowledges only what is on disk."""
    return _create_engine(url, reads_only=False)


def create_reading_engine(url: str) -> Engine:
    """Return an engine for what only reads: the database refuses it to write.

    Each statement is a transaction of its own, which costs nothing.
    """
    return _create_engine(url, reads_only=True)


def _create_engine(url: str, *, reads_only: bool) -> Engine:
    # Rows hold password hashes and the digests of tokens.
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_shows_no_row)
    # Parameters hold passwords and tokens: they stay out of logs and errors.
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_timeout": POOL_TIMEOUT,
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_use_lifo": True,
    }
    if make_url(url).get_backend_name() == "postgresql":
        connect_args: dict[str, Any] = {
            "connect_timeout": 5,
            # An instant must come back in UTC: near year 1 or 9999 another zone overflows.
            "options": f"-c timezone=utc -c lock_timeout={LOCK_TIMEOUT}s -c statement_timeout=30s"
            " -c idle_in_transaction_session_timeout=60s"
            # What is prepared, todo/models/statements.py promises, has one plan for all values.
            " -c plan_cache_mode=force_generic_plan",
        }
        if reads_only:
            connect_args["options"] += " -c default_transaction_read_only=on"
            options["isolation_level"] = "AUTOCOMMIT"
    else:
        connect_args = {"timeout": LOCK_TIMEOUT}
    if reads_only:
        options["pool_reset_on_return"] = None  # there is no transaction to be rolled back
    engine = sqlalchemy.create_engine(url, connect_args=connect_args, **options)
    event.listen(engine, "handle_error", renew_read_only)
    if engine.dialect.name == "sqlite":
        sqlite.listen(engine, reads_only=reads_only, timeout=LOCK_TIMEOUT)
    return engine


def _connection(request: Request) -> Connection:
    """The connection of the request, for statements; of one that writes, its session's."""
    if request.method in SAFE_METHODS:
        return request.reading_connection
    return request.dbsession.connection()


def _reading_connection(request: Request) -> Connection:
    """The connection of a request that only reads."""
    connection: Connection = request.registry["reading_engine"].connect()
    request.add_finished_callback(lambda _request: connection.close())
    return connection


def _dbsession(request: Request) -> Session:
    """The session of the request, for objects; what it writes is committed at the request's end."""
    if request.method in SAFE_METHODS:
        reading = Session(request.reading_connection)
        # What would be written fails then, and does not get lost without a word.
        request.add_response_callback(lambda _request, _response: reading.flush())
        return reading
    session = Session(request.registry["engine"], expire_on_commit=False)
    join_transaction(request, session)
    return session


def check_migrated(engine: Engine, ini: str) -> None:
    """Stop the start with one line if the database is not the one this code is written for."""
    upgrade = f"run: alembic -c {ini} upgrade head"
    found, encoding = _read_version(engine)
    if found is None:
        raise SystemExit(f"todo: the database is not set up; {upgrade}")
    if encoding != "UTF8":
        raise SystemExit(
            f"todo: the database stores text as {encoding}, which lacks most characters; "
            "make a new one: createdb --encoding=UTF8 --template=template0 todo"
        )
    if found < MIGRATION:
        raise SystemExit(f"todo: the database is at migration {found}, not {MIGRATION}; {upgrade}")
    if found > MIGRATION:
        raise SystemExit(
            f"todo: the database is at migration {found}, newer than this code ({MIGRATION}); run "
            f"the newer todo, or with it first: alembic -c {ini} downgrade {MIGRATION}"
        )


def stored_migration(connection: Connection) -> str | None:
    """Return the migration that the database is at."""
    version = table("alembic_version", sqlalchemy.column("version_num"))
    return connection.scalar(select(version.c.version_num))


def is_undefined_table(error: DBAPIError) -> bool:
    """Tell whether the database does not know the table."""
    undefined_table = "42P01"  # PostgreSQL's documentation, appendix A
    return getattr(error.orig, "pgcode", "") == undefined_table or str(error.orig).startswith(
        "no such table"
    )


def _read_version(engine: Engine) -> tuple[str | None, str]:
    """Return the migration the database is at, or None, and the encoding of its text."""
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and engine.url.database and not os.path.exists(engine.url.database):
        return None, ""  # to connect would make the file
    try:
        with engine.connect() as connection:
            if sqlite and connection.scalar(text("PRAGMA application_id")) == BACKUP_ID:
                raise SystemExit(
                    "todo: the database is a backup; make a new one, and run todo-admin restore"
                )
            encoding = "UTF8" if sqlite else connection.scalar(text("SHOW server_encoding"))
            return stored_migration(connection), str(encoding)
    except DBAPIError as error:
        if is_undefined_table(error):
            return None, ""
        reason = str(error.orig).strip().partition("\n")[0]
        raise SystemExit(f"todo: cannot open the database: {reason}") from None


def includeme(config: Configurator) -> None:
    url = config.get_settings()["sqlalchemy.url"]
    config.registry["engine"] = create_engine(url)
    config.registry["reading_engine"] = create_reading_engine(url)
    config.add_request_method(_connection, "connection", property=True)
    config.add_request_method(_reading_connection, "reading_connection", reify=True)
    config.add_request_method(_dbsession, "dbsession", reify=True)
