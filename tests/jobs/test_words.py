"""The purge erases the words of deleted tasks from the file of SQLite."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.databases import database, session_on
from tests.support.factories import make_account, make_tasks
from tests.support.running import running_app
from todo.jobs import words
from todo.jobs.purge import purge_expired
from todo.models.engine import create_engine

SECRET = "zanzibarcoffee"

pytestmark = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


@pytest.fixture
def user(database_server: str | Path, migrated_url: str) -> Iterator[User]:
    """A user with so many tasks that the index has several parts."""
    with database(database_server, template=migrated_url) as url, running_app(url) as app:
        with session_on(url) as session:
            login = make_account(session)
            for batch in range(40):
                make_tasks(session, login, [{"name": f"Task {batch}x{n}"} for n in range(100)])
        yield User(app, login)


def file_of(user: User) -> Path:
    return Path(str(user.app.registry["engine"].url.database))


def purge(user: User) -> None:
    with Session(user.app.registry["engine"]) as session:
        purge_expired(session, user.app.registry["settings"], lambda _: None)


def merge(user: User) -> int:
    """Merge the indexes, and return the number of transactions."""
    ended = 0
    with Session(user.app.registry["engine"]) as session:

        def end_batch() -> None:
            nonlocal ended
            session.commit()
            ended += 1

        words.erase_deleted_words(session, end_batch)
    return ended


def found(user: User) -> bool:
    """Return whether the file has the word, or a part of it, as FTS5 compresses common starts."""
    return bool(re.search(rb"anzibarcoff|ribarcoffee", file_of(user).read_bytes()))


@pytest.mark.parametrize("close", [False, True])
def test_words_of_erased_tasks_are_not_in_the_file(user: User, close: bool) -> None:
    changed = user.post_json(user.tasks_url, {"name": "Tea", "note": f"{SECRET}s"}).location
    user.send_json("PATCH", changed, {"note": "harmless"})
    deleted = user.post_json(user.tasks_url, {"name": SECRET, "note": f"more {SECRET}"}).location
    for number in range(100):
        user.post_json(user.tasks_url, {"name": f"Later {number}"})
    assert found(user)
    if close:
        assert user.delete(user.url).status_int == 204
    else:
        for url in (deleted, changed, user.trash_url):
            assert user.delete(url).status_int == 200
    purge(user)
    assert not found(user)
    if not close:
        assert len(user.get(f"{user.tasks_url}?search=task&limit=200").json["tasks"]) == 200
        assert user.get(f"{user.tasks_url}?search={SECRET}").json["tasks"] == []


def test_merge_of_a_merged_index_changes_nothing(user: User) -> None:
    purge(user)
    assert merge(user) == 0


def test_merge_is_split_into_short_transactions(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "PAGES", 1)
    assert merge(user) > 5
    assert merge(user) == 0


def test_deleted_values_are_overwritten(user: User) -> None:
    engine = create_engine(str(user.app.registry["engine"].url))
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA secure_delete")) == 1
    engine.dispose()
