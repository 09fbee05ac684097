"""A SQLite database is copied in steps between which others write."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.fixtures import Patch
from todo.services import sqlite_copy
from todo.services.sqlite_copy import copy_database

ROWS = 1000


def connect(path: Path) -> sqlite3.Connection:
    """Connect to the database, and fail at once if it is locked."""
    return sqlite3.connect(path, timeout=0, isolation_level=None)


@pytest.fixture
def original(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database of some hundred pages."""
    with closing(connect(tmp_path / "original")) as connection:
        connection.execute("PRAGMA journal_mode = PERSIST")
        connection.execute("CREATE TABLE notes (number INTEGER, text TEXT)")
        rows = [(0, str(number) * 500) for number in range(ROWS)]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO notes VALUES (?, ?)", rows)
        connection.execute("COMMIT")
        yield connection


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "copy")) as connection:
        yield connection


class Writer:
    """Gives all rows a new number at the first pauses."""

    def __init__(self, path: Path, most: float) -> None:
        self.path, self.most = path, most
        self.writes = 0

    def __call__(self, _seconds: float) -> None:
        if self.writes < self.most:
            self.writes += 1
            with closing(connect(self.path)) as connection:
                connection.execute("UPDATE notes SET number = ?", (self.writes,))


def numbers(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    query = "SELECT number, count(*) FROM notes GROUP BY number"
    return connection.execute(query).fetchall()


@pytest.mark.parametrize("most", [0, 1, 3, math.inf])
def test_copy_is_of_a_single_moment_and_never_locks_a_writer_between_steps(
    original: sqlite3.Connection,
    copy: sqlite3.Connection,
    tmp_path: Path,
    monkeypatch: Patch,
    most: float,
) -> None:
    monkeypatch.setattr(sqlite_copy, "FIRST_STEP", 10)
    write = Writer(tmp_path / "original", most)
    copy_database(original, copy, write)
    assert write.writes == most or write.writes > 3
    assert numbers(copy) == [(write.writes, ROWS)]
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_copy_that_every_write_interrupts_is_given_up(
    original: sqlite3.Connection, copy: sqlite3.Connection, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sqlite_copy, "FIRST_STEP", 10)
    monkeypatch.setattr(sqlite_copy, "STEP_SECONDS", 0)  # no step may be longer than the first
    write = Writer(tmp_path / "original", math.inf)
    with pytest.raises(ValueError, match="too large to be copied between two writes"):
        copy_database(original, copy, write)
    assert write.writes < 3 * sqlite_copy.ATTEMPTS


def test_copy_waits_while_another_holds_the_lock(
    original: sqlite3.Connection, copy: sqlite3.Connection, tmp_path: Path
) -> None:
    with closing(connect(tmp_path / "original")) as other:
        other.execute("BEGIN EXCLUSIVE")
        pauses = []

        def release(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.execute("COMMIT")

        copy_database(original, copy, release)
    assert numbers(copy) == [(0, ROWS)]
    assert len(pauses) >= 3


def test_database_with_wal_is_copied_in_one_step(
    original: sqlite3.Connection, copy: sqlite3.Connection
) -> None:
    original.execute("PRAGMA journal_mode = WAL")
    pauses: list[float] = []
    copy_database(original, copy, pauses.append)
    assert numbers(copy) == [(0, ROWS)]
    assert pauses == []
