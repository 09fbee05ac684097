"""`todo-admin` on a newer schema than its own: only the jobs run, as parts of the service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.scripts.conftest import TodoAdmin
from tests.scripts.test_jobs import STARTED, running
from tests.support.databases import database, session_on
from tests.support.fixtures import Patch
from todo.models.migration import MIGRATION


@pytest.fixture
def newer_url(database_server: str | Path, migrated_url: str) -> Iterator[str]:
    """A database at a later migration, marked as working with this code."""
    with database(database_server, template=migrated_url) as url:
        with session_on(url) as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            session.commit()
        yield url


@pytest.mark.parametrize(
    "arguments",
    [
        *(["backup", "todo.backup"], ["restore", "todo.backup"], ["purge"], ["usage"]),
        *(["create", "alice", "alice@example.com"], ["tokens", "alice"], ["disable", "alice"]),
    ],
)
def test_commands_on_newer_schema_are_refused(
    todo_admin: TodoAdmin, newer_url: str, monkeypatch: Patch, arguments: list[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", newer_url)
    assert todo_admin.refused(*arguments) == (
        f"the database is at migration 9999, newer than this code ({MIGRATION}); run the newer "
        f"todo, or downgrade with it: alembic -c development.ini downgrade {MIGRATION}"
    )


def test_jobs_run_on_newer_schema(newer_url: str) -> None:
    with running(newer_url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == STARTED
        process.terminate()
        assert process.communicate(timeout=10)[0] == ""
        assert process.returncode == 0
