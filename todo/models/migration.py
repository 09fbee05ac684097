"""Checks of the database at startup: its migration, its encoding, and that it is not a backup."""

import os
from typing import NamedTuple

from sqlalchemy import Connection, Engine, column, select, table, text
from sqlalchemy.exc import DBAPIError

from todo.models.sqlite import check_folder

# The newest migration in alembic/versions.
MIGRATION = "0021"

# Alembic's table, and one with the oldest migration whose code works with this schema. Both have
# one row, which alembic/env.py writes. They describe the schema, so they are not models.
VERSION = table("alembic_version", column("version_num"))
COMPATIBILITY = table("schema_compatibility", column("oldest_code"))

# The application id of a backup: "todo" in ASCII (https://www.sqlite.org/fileformat.html). A backup
# is also a SQLite database, but without indexes and triggers.
BACKUP_ID = 0x746F646F


class _Schema(NamedTuple):
    migration: str | None = None  # None: the database is not set up
    oldest_code: str | None = None  # None unless the migration is newer than this code
    encoding: str = ""


def check_migrated(engine: Engine, ini: str, *, accept_newer: bool = True) -> str:
    """Return the migration of the database.

    Raise SystemExit, with a one-line reason, if the database does not fit this code. A newer
    migration fits if it is accepted, and the database is marked as working with this code.
    """
    upgrade = f"run: alembic -c {ini} upgrade head"
    found, oldest_code, encoding = _read_schema(engine)
    if found is None:
        raise SystemExit(f"todo: the database is not set up; {upgrade}")
    if encoding != "UTF8":
        raise SystemExit(
            f"todo: the encoding of the database is {encoding} instead of UTF8; "
            "create a new database: createdb --encoding=UTF8 --template=template0 todo"
        )
    if found < MIGRATION:
        raise SystemExit(f"todo: the database is at migration {found}, not {MIGRATION}; {upgrade}")
    if found > MIGRATION and not (accept_newer and _includes_this_code(oldest_code)):
        needed = f" and only for code from {oldest_code} on" if accept_newer and oldest_code else ""
        raise SystemExit(
            f"todo: the database is at migration {found}, newer than this code ({MIGRATION})"
            f"{needed}; run the newer todo, or downgrade with it: alembic -c {ini} downgrade "
            f"{MIGRATION}"
        )
    return found


def works_with_this_code(connection: Connection) -> bool:
    """Return whether the database has this code's migration, or a newer one that it works with.

    Raise DBAPIError if the database is not set up.
    """
    found = stored_migration(connection)
    if found is None or found <= MIGRATION:
        return found == MIGRATION
    return _includes_this_code(_stored_oldest_code(connection))


def unusable_database(error: DBAPIError) -> SystemExit:
    """Return the exception for a database that cannot be opened, with the error's first line."""
    reason = str(error.orig).strip().partition("\n")[0]
    return SystemExit(f"todo: cannot open the database: {reason}")


def stored_migration(connection: Connection) -> str | None:
    """Return the migration of the database."""
    return connection.scalar(select(VERSION.c.version_num))


def is_undefined_table(error: DBAPIError) -> bool:
    """Return whether the cause of the error is a missing table."""
    undefined_table = "42P01"  # PostgreSQL's documentation, appendix A
    return getattr(error.orig, "pgcode", "") == undefined_table or str(error.orig).startswith(
        "no such table"
    )


def _stored_oldest_code(connection: Connection) -> str | None:
    """Return the oldest migration whose code works with this schema; it is stored since 0021."""
    return connection.scalar(select(COMPATIBILITY.c.oldest_code))


def _includes_this_code(oldest_code: str | None) -> bool:
    return oldest_code is not None and oldest_code <= MIGRATION


def _read_schema(engine: Engine) -> _Schema:
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and engine.url.database and not os.path.exists(engine.url.database):
        check_folder(engine)
        return _Schema()  # connecting would create the file
    try:
        with engine.connect() as connection:
            if sqlite and connection.scalar(text("PRAGMA application_id")) == BACKUP_ID:
                raise SystemExit(
                    "todo: the database is a backup; set up a new database, and run todo-admin "
                    "restore"
                )
            encoding = "UTF8" if sqlite else connection.scalar(text("SHOW server_encoding"))
            found = stored_migration(connection)
            is_newer = found is not None and found > MIGRATION
            oldest_code = _stored_oldest_code(connection) if is_newer else None
            return _Schema(found, oldest_code, str(encoding))
    except DBAPIError as error:
        if is_undefined_table(error):
            return _Schema()
        raise unusable_database(error) from None
