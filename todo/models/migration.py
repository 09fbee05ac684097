"""Checks of the database at startup: its migration, its encoding, and that it is not a backup."""

import os

import sqlalchemy
from sqlalchemy import Connection, Engine, select, table, text
from sqlalchemy.exc import DBAPIError

from todo.models.sqlite import check_folder

# The newest migration in alembic/versions.
MIGRATION = "0020"

# The application id of a backup: "todo" in ASCII (https://www.sqlite.org/fileformat.html). A backup
# is also a SQLite database, but without indexes and triggers.
BACKUP_ID = 0x746F646F


def check_migrated(engine: Engine, ini: str) -> None:
    """Raise SystemExit, with a one-line reason, if the database does not fit this code."""
    upgrade = f"run: alembic -c {ini} upgrade head"
    found, encoding = _read_version(engine)
    if found is None:
        raise SystemExit(f"todo: the database is not set up; {upgrade}")
    if encoding != "UTF8":
        raise SystemExit(
            f"todo: the encoding of the database is {encoding} instead of UTF8; "
            "create a new database: createdb --encoding=UTF8 --template=template0 todo"
        )
    if found < MIGRATION:
        raise SystemExit(f"todo: the database is at migration {found}, not {MIGRATION}; {upgrade}")
    if found > MIGRATION:
        raise SystemExit(
            f"todo: the database is at migration {found}, newer than this code ({MIGRATION}); run "
            f"the newer todo, or downgrade with it: alembic -c {ini} downgrade {MIGRATION}"
        )


def unusable_database(error: DBAPIError) -> SystemExit:
    """Return the exception for a database that cannot be opened, with the error's first line."""
    reason = str(error.orig).strip().partition("\n")[0]
    return SystemExit(f"todo: cannot open the database: {reason}")


def stored_migration(connection: Connection) -> str | None:
    """Return the migration of the database."""
    version = table("alembic_version", sqlalchemy.column("version_num"))
    return connection.scalar(select(version.c.version_num))


def is_undefined_table(error: DBAPIError) -> bool:
    """Return whether the cause of the error is a missing table."""
    undefined_table = "42P01"  # PostgreSQL's documentation, appendix A
    return getattr(error.orig, "pgcode", "") == undefined_table or str(error.orig).startswith(
        "no such table"
    )


def _read_version(engine: Engine) -> tuple[str | None, str]:
    """Return the migration of the database, or None, and its encoding."""
    sqlite = engine.dialect.name == "sqlite"
    if sqlite and engine.url.database and not os.path.exists(engine.url.database):
        check_folder(engine)
        return None, ""  # connecting would create the file
    try:
        with engine.connect() as connection:
            if sqlite and connection.scalar(text("PRAGMA application_id")) == BACKUP_ID:
                raise SystemExit(
                    "todo: the database is a backup; set up a new database, and run todo-admin "
                    "restore"
                )
            encoding = "UTF8" if sqlite else connection.scalar(text("SHOW server_encoding"))
            return stored_migration(connection), str(encoding)
    except DBAPIError as error:
        if is_undefined_table(error):
            return None, ""
        raise unusable_database(error) from None
