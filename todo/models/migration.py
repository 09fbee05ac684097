"""The state of the database, which the start checks: its migration, encoding and settings."""

import os

import sqlalchemy
from sqlalchemy import Connection, Engine, select, table, text
from sqlalchemy.exc import DBAPIError

# The newest migration in alembic/versions.
MIGRATION = "0006"

# "todo" in ASCII, in the head of a backup (https://www.sqlite.org/fileformat.html), which is a
# database of SQLite, too, but without indexes and triggers.
BACKUP_ID = 0x746F646F


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
