"""`todo-admin backup` and `restore`: all as it was at one moment, or one line that says why."""

import os
import resource
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin, add_token
from tests.support.client import Client, log_in
from tests.support.databases import database, empty, listening, migrate, session_on, stored
from tests.support.factories import PASSWORD, Login, make_account, make_key, make_task, make_trashed
from tests.support.fixtures import Patch
from tests.support.running import dispose
from todo import clock, main
from todo.models import Base, LimitCount, ReleasedUsername, engine, sqlite
from todo.models.engine import create_engine
from todo.models.migration import MIGRATION, check_migrated
from todo.models.token import TokenKind
from todo.services import backup

TABLES = Base.metadata.sorted_tables

# What is asked of the file is the same on both databases.
ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def other_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database of each kind, beside the one of the test."""
    folder = tmp_path_factory.mktemp("other")
    server = folder if request.param == "sqlite" else request.getfixturevalue("postgresql")
    with database(server) as url:
        migrate(url)
        yield url


@pytest.fixture
def other_url(other_database: str) -> str:
    empty(other_database)
    return other_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the backup is written; nothing else is in the folder."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "todo.backup"


@pytest.fixture
def written(todo_admin: TodoAdmin, alice: Login, path: Path) -> Path:
    """A backup with an account and its token, of a database that is empty again."""
    todo_admin("backup", str(path))
    empty(os.environ["DATABASE_URL"])
    return path


def rows_of(url: str) -> dict[str, list[Any]]:
    """Return all rows of each table, and the last ids."""
    with session_on(url) as session:
        counts = session.execute(select(LimitCount.__table__).order_by(LimitCount.name))
        found = stored(session) | {"limit_counts": list(counts)}
        found["last ids"] = [
            backup._last_id(session.connection(), table)
            for table in TABLES
            if table.autoincrement_column is not None
        ]
    return found


@contextmanager
def before(beginning: str, act: Callable[[Any], None]) -> Iterator[None]:
    """Act once, before the first statement that begins so; `act` gets its connection."""
    done: list[str] = []

    def listen(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(beginning) and not done:
            done.append(statement)
            act(connection)

    with listening(Engine, "before_cursor_execute", listen):
        yield
    assert done


def fill(session: Session, alice: Login) -> None:
    """Store rows of every kind, and give ids to some that are gone again."""
    carol = make_account(session, "Carol", timezone="Europe/Berlin", disabled_date=clock.now())
    add_token(session, alice, kind=TokenKind.API, name="scrípt", ends=-DAY)
    for name in ("Crème brûlée", "日本", "😀 \\x00 '%s' \n", "x" * 255):
        make_task(session, alice, name=name, note=name * 30, completed=len(name) > 2)
    make_task(session, carol, due_date=clock.now())
    make_task(session, alice, due_date=clock.now().date())
    make_trashed(session, alice, name="Crème brûlée", note="x" * 10_000, due_date=clock.now())
    session.add(LimitCount(name="writes", subject="1", count=3, expiration_date=clock.now()))
    make_key(session, alice, "ké%y", clock.now())
    for name in ("given-up", "too"):
        gone = ReleasedUsername(account_id=9, username_lower=name, expiration_date=clock.now())
        session.add(gone)
    session.commit()
    make_account(session, "gone")
    make_task(session, alice)
    session.delete(gone)
    session.execute(text("DELETE FROM accounts WHERE username = 'gone'"))
    session.execute(text("DELETE FROM tasks WHERE id = (SELECT max(id) FROM tasks)"))
    session.commit()


def test_a_restored_service_is_the_same(
    todo_admin: TodoAdmin,
    database_url: str,
    other_url: str,
    committed: Session,
    alice: Login,
    path: Path,
    monkeypatch: Patch,
) -> None:
    fill(committed, alice)
    monkeypatch.setattr(backup, "BATCH_SIZE", 2)
    original = rows_of(database_url)
    said = todo_admin("backup", str(path))
    counts = (
        "accounts: 2, limit counts: 1, released usernames: 1, changes: 11, idempotency keys: 1, "
        "tasks: 6, tokens: 3, trash: 1"
    )
    assert said == f"{path} is written: {counts}.\n"

    monkeypatch.setenv("DATABASE_URL", other_url)
    assert todo_admin("restore", str(path)) == f"{path} is restored: {counts}.\n"
    assert rows_of(other_url) == original
    assert original["last ids"] == [3, 2, 8, 4]

    app = main({}, **{"sqlalchemy.url": other_url})
    client = Client(app, alice.token)
    found = client.get(f"{alice.tasks_url}?search=creme+bru&fields=id").json["tasks"]
    assert [task["id"] for task in found] == [1]
    [trashed] = client.get(alice.trash_url).json["tasks"]
    assert client.post(f"{alice.trash_url}/{trashed['id']}/restore").status_int == 200
    assert len(client.get(f"{alice.tasks_url}?search=creme+bru").json["tasks"]) == 2
    assert client.post_json(alice.tasks_url, {"name": "Tea"}).json["task"]["id"] == 9
    assert log_in(client).status_int == 200
    bob = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
    assert client.post_json("/api/v1/accounts", bob).json["profile"]["id"] == 4
    dispose(app)


def test_what_is_written_meanwhile_is_all_there_or_not_at_all(
    todo_admin: TodoAdmin, database_url: str, committed: Session, path: Path
) -> None:
    def register(_connection: Any) -> None:
        make_task(committed, make_account(committed, "bob"))

    make_task(committed, make_account(committed, "alice"))
    with before("SELECT tasks.", register):
        said = todo_admin("backup", str(path))
    assert "accounts: 1," in said
    assert "tasks: 1, tokens: 1, trash: 0." in said
    assert [len(rows_of(database_url)[name]) for name in ("accounts", "tasks", "tokens")] == [2] * 3


@ONE_DATABASE
def test_a_database_with_a_log_of_writes(
    todo_admin: TodoAdmin, database_server: Path, migrated_url: str, path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", True)
    with database(database_server, template=migrated_url) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        todo_admin("create", "carol", "carol@example.com", password=PASSWORD)
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert "accounts: 1," in todo_admin("backup", str(path))
        assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_no_limit_of_time_ends_it(
    todo_admin: TodoAdmin, database_url: str, alice: Login, path: Path
) -> None:
    shown = []

    def show(connection: Any) -> None:
        with connection.connection.cursor() as cursor:
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SHOW {limit}")
                shown.append(cursor.fetchone()[0])

    with before("SELECT tokens.", show):
        todo_admin("backup", str(path))
    empty(database_url)
    with before("INSERT INTO tokens", show):
        todo_admin("restore", str(path))
    assert shown == ["0", "0"] * 2


@ONE_DATABASE
def test_nobody_else_may_read_it(todo_admin: TodoAdmin, path: Path) -> None:
    usual = os.umask(0)
    try:
        todo_admin("backup", str(path))
    finally:
        os.umask(usual)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


@ONE_DATABASE
def test_it_overwrites_only_when_asked(todo_admin: TodoAdmin, alice: Login, path: Path) -> None:
    path.write_text("what matters")
    said = todo_admin.refused("backup", str(path))
    assert said == f"'{path}' is there already; choose another name, or add --overwrite"
    assert path.read_text() == "what matters"
    assert "accounts: 1," in todo_admin("backup", "--overwrite", str(path))
    assert path.read_bytes().startswith(b"SQLite format 3\0")


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_it_never_overwrites_the_database_itself(
    todo_admin: TodoAdmin, alice: Login, database_url: str
) -> None:
    path = database_url.removeprefix("sqlite:///")
    said = todo_admin.refused("backup", "--overwrite", path)
    assert said == f"'{path}' is the database itself; choose another name"
    assert len(rows_of(database_url)["accounts"]) == 1


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
@ONE_DATABASE
def test_who_is_ended_leaves_nothing(
    todo_admin: TodoAdmin, alice: Login, path: Path, ending: signal.Signals
) -> None:
    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "CREATE TABLE accounts" in statement:
            os.kill(os.getpid(), ending)

    before = signal.getsignal(ending)
    with listening(Engine, "before_cursor_execute", end):
        assert todo_admin.refused("backup", str(path)) == "stopped"
    assert list(path.parent.glob("*")) + list(path.parent.glob(".todo*")) == []
    assert signal.getsignal(ending) == before


@ONE_DATABASE
def test_a_backup_is_not_served_from(todo_admin: TodoAdmin, alice: Login, path: Path) -> None:
    todo_admin("backup", str(path))
    engine = create_engine(f"sqlite:///{path}")
    with pytest.raises(SystemExit, match="the database is a backup; make a new one"):
        check_migrated(engine, "x.ini")
    engine.dispose()


@ONE_DATABASE
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none/todo.backup", "No such file or directory"),
        ("file/todo.backup", "Not a directory"),
        ("n" * 300, "File name too long"),
        ("", "is there already"),
    ],
)
def test_a_place_where_it_cannot_be(
    todo_admin: TodoAdmin, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "file").write_text("")
    there = sorted(tmp_path.rglob("*"))
    assert said in todo_admin.refused("backup", str(tmp_path / name))
    assert sorted(tmp_path.rglob("*")) == there


def test_a_full_disk_leaves_nothing(
    todo_admin: TodoAdmin, committed: Session, alice: Login, path: Path
) -> None:
    for number in range(20):
        make_task(committed, alice, note=f"{number} " * 2000)
    path.write_text("the last backup")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, usual[1]))
    try:
        said = todo_admin.refused("backup", "--overwrite", str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert said.startswith(f"cannot back up to '{path}': ")
    assert said.endswith("; nothing was written")
    assert os.listdir(path.parent) == [path.name]
    assert path.read_text() == "the last backup"


def changed_by(statement: str) -> Callable[[Path], None]:
    """Return what changes the rows of a backup."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
            connection.commit()

    return change


def break_a_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


OLD_VERSION = "UPDATE alembic_version SET version_num = '0000'"
NO_TEXT = "UPDATE accounts SET email = CAST(x'ff7365637265740a' AS TEXT)"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "No such file or directory"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
        (lambda path: path.write_text(""), "is no backup; take a file that"),
        (lambda path: path.write_text("a text" * 5000), "file is not a database"),
        (lambda path: os.truncate(path, path.stat().st_size - 4096), "is damaged"),
        (lambda path: os.truncate(path, 5000), "is damaged"),
        (break_a_page, "is damaged"),
        (
            changed_by(OLD_VERSION),
            f"of migration 0000, and this todo is at {MIGRATION}; restore",
        ),
        # What only the database itself notices, when all but the last table is restored.
        (changed_by(NO_TEXT), "is damaged"),
        (a_pipe, "it is a pipe"),
        (changed_by("UPDATE tokens SET account_id = 99"), "oreign key constraint"),
        (changed_by("UPDATE tokens SET creation_date = 'yesterday'"), "isoformat"),
    ],
)
def test_a_file_that_is_no_backup(
    todo_admin: TodoAdmin, database_url: str, written: Path, spoil: Callable[[Path], Any], said: str
) -> None:
    spoil(written)
    refusal = todo_admin.refused("restore", str(written))
    assert said in refusal.replace("FOREIGN KEY", "foreign key")
    assert f"'{written}'" in refusal
    assert "secret" not in refusal
    assert all(rows_of(database_url)[table.name] == [] for table in TABLES)


@ONE_DATABASE
def test_the_database_s_own_file_is_no_backup(todo_admin: TodoAdmin, database_url: str) -> None:
    said = todo_admin.refused("restore", database_url.removeprefix("sqlite:///"))
    assert "is no backup; take a file that todo-admin backup has written" in said


def test_a_database_with_rows_is_not_restored_into(
    todo_admin: TodoAdmin, database_url: str, committed: Session, written: Path
) -> None:
    committed.add(LimitCount(name="writes", subject="1", count=3, expiration_date=clock.now()))
    committed.commit()
    there = rows_of(database_url)
    said = todo_admin.refused("restore", str(written))
    assert said.startswith("the database is not empty, there are limit counts; make a new one")
    assert rows_of(database_url) == there


def test_ids_given_before_the_restore_are_not_given_again(
    todo_admin: TodoAdmin, database_url: str, committed: Session, written: Path
) -> None:
    for _ in range(3):
        make_account(committed)
    committed.execute(text("DELETE FROM accounts"))
    committed.commit()
    todo_admin("restore", str(written))
    assert rows_of(database_url)["last ids"] == [3, 0, 0, 3]


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_nobody_writes_while_it_is_restored(
    todo_admin: TodoAdmin, committed: Session, written: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    committed.execute(text("DELETE FROM tokens"))  # a writer that has not committed
    assert "lock timeout" in todo_admin.refused("restore", str(written))
