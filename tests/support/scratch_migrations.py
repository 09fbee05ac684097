"""Migrations that exist only during a test, after those of alembic/versions."""

import os
from argparse import Namespace
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from alembic import command

from tests.support.databases import ROOT, database_url_set_to
from todo.models.migration import MIGRATION

TEMPLATE = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down}"
{mark}

def upgrade():
    {upgrade}

def downgrade():
    {downgrade}
"""


def number(steps: int) -> str:
    """Return the number of the migration that many steps after the newest one."""
    return f"{int(MIGRATION) + steps:04}"


def write_migration(folder: Path, steps: int, oldest_code: str, change: tuple[str, str]) -> None:
    """Write the script that is so many steps after the newest; it has no mark if that is empty.

    The change is the body of upgrade() and of downgrade().
    """
    script = TEMPLATE.format(
        revision=number(steps),
        down=number(steps - 1),
        mark=f'oldest_code = "{oldest_code}"' if oldest_code else "",
        upgrade=change[0],
        downgrade=change[1],
    )
    (folder / f"{number(steps)}_scratch.py").write_text(script)


def scratch_config(folder: Path, *x_arguments: str) -> Config:
    """Return Alembic's configuration with the scripts of the folder as well."""
    config = Config(ROOT / "development.ini", cmd_opts=Namespace(x=list(x_arguments)))
    versions = ROOT / "alembic" / "versions"
    config.set_main_option("version_locations", f"{versions}{os.pathsep}{folder}")
    return config


def run_migrations(url: str, config: Config, revision: str = "head") -> None:
    """Upgrade the database to "head" or "+1", or downgrade it to another revision."""
    with database_url_set_to(url):
        step = command.upgrade if revision in ("head", "+1") else command.downgrade
        step(config, revision)


def reflect(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata


def breaking_changes(before: MetaData, connection: Connection) -> list[str]:
    """Return the differences from the schema before that code of that time cannot live with.

    Alembic says how to go back, so what a migration has added is "removed". It does not see CHECK
    constraints, triggers or rows.
    """
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return [
        str(each) for each in compare_metadata(context, before) if not _is_addition(each, before)
    ]


def _is_addition(difference: tuple[object, ...] | list[object], before: MetaData) -> bool:
    match difference:
        case ("remove_table", _):
            return True
        case ("remove_index", index):
            return index.table.name not in before.tables or not index.unique  # type: ignore[attr-defined]
        case ("remove_column", _, _, column):
            return column.nullable or column.server_default is not None  # type: ignore[attr-defined]
        case ("remove_constraint" | "remove_fk", constraint):
            known = before.tables.get(constraint.table.name)  # type: ignore[attr-defined]
            return known is None or not set(constraint.columns.keys()) <= set(known.c.keys())  # type: ignore[attr-defined]
    return False
