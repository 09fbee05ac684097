"""`todo-admin backup` and `restore`: a complete snapshot, or a one-line error."""

import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import time as local_time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.scripts.conftest import DAY, TodoAdmin, add_token
from tests.support.client import Client, log_in
from tests.support.databases import (
    ROOT,
    all_rows,
    database,
    delete_all_rows,
    event_listener,
    migrate,
    session_on,
)
from tests.support.factories import (
    PASSWORD,
    Login,
    make_account,
    make_filter,
    make_key,
    make_list,
    make_reminder,
    make_task,
    make_trashed,
    make_webhook,
)
from tests.support.fixtures import Patch
from tests.support.running import dispose
from todo import clock, main
from todo.models import Base, Invitation, LimitCount, ReleasedUsername, engine, sqlite
from todo.models.engine import create_engine
from todo.models.migration import MIGRATION, check_migrated
from todo.models.token import TokenKind
from todo.services import backup

TABLES = Base.metadata.sorted_tables

# For tests that do not depend on the kind of database.
ONE_DATABASE = pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def other_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A second migrated database, of each kind."""
    folder = tmp_path_factory.mktemp("other")
    server = folder if request.param == "sqlite" else request.getfixturevalue("postgresql")
    with database(server) as url:
        migrate(url)
        yield url


@pytest.fixture
def other_url(other_database: str) -> str:
    delete_all_rows(other_database)
    return other_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the backup, in an empty folder."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "todo.backup"


@pytest.fixture
def backup_file(todo_admin: TodoAdmin, alice: Login, path: Path) -> Path:
    """A backup of an account and its token; the database is emptied afterwards."""
    todo_admin("backup", str(path))
    delete_all_rows(os.environ["DATABASE_URL"])
    return path


def rows_of(url: str) -> dict[str, list[Any]]:
    """Return the rows of each table, and the last id that each has given."""
    with session_on(url) as session:
        counts = session.execute(select(LimitCount.__table__).order_by(LimitCount.name))
        found = all_rows(session) | {"limit_counts": list(counts)}
        found["last ids"] = [
            backup._last_id(session.connection(), table)
            for table in TABLES
            if table.autoincrement_column is not None
        ]
    return found


@contextmanager
def before_statement(prefix: str, act: Callable[[Any], None]) -> Iterator[None]:
    """Call `act` with the connection before the first statement that starts with `prefix`."""
    done: list[str] = []

    def listen(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(prefix) and not done:
            done.append(statement)
            act(connection)

    with event_listener(Engine, "before_cursor_execute", listen):
        yield
    assert done


def fill(session: Session, alice: Login) -> None:
    """Store rows of every kind, and delete the last ones so that their ids are used up."""
    carol = make_account(session, "Carol", timezone="Europe/Berlin", disabled_date=clock.now())
    add_token(session, alice, kind=TokenKind.API, name="scrípt", ends=-DAY)
    for name in ("Crème brûlée", "日本", "😀 \\x00 '%s' \n", "x" * 255):
        make_task(session, alice, name=name, note=name * 30, completed=len(name) > 2)
    list_id = make_list(session, alice, name="Crème", note="x", color="#ff0000", archived=True)
    parent = make_task(session, alice, list_id=list_id, priority=9)
    child = make_task(session, alice, list_id=list_id, parent_id=parent)
    make_task(session, alice, list_id=list_id, parent_id=child, completed=True)
    make_task(session, carol, due_date=clock.now())
    make_task(session, alice, due_date=clock.now().date())
    recurring = {
        "due_date": clock.now(),
        "recurrence": "FREQ=DAILY",
        "recurrence_time": local_time(2, 30),
    }
    series = make_task(session, alice, recurrence_from="completion", **recurring)
    make_task(session, alice, occurrence_of=series, completed=True, due_date=clock.now())
    make_trashed(session, alice, occurrence_of=series, **recurring)
    make_trashed(session, alice, name="Crème brûlée", note="x" * 10_000, due_date=clock.now())
    make_filter(session, alice, name="Crème", query="search=crème&sort=-priority")
    make_reminder(session, alice, task_id=1, due_at=clock.now())
    paused = {"disabled_date": clock.now(), "disabled_reason": "paused"}
    make_webhook(session, alice, events=["task.*"], attempts=2, **paused)
    session.add(Invitation(digest=b"x" * 32, expiration_date=clock.now()))
    session.add(LimitCount(name="writes", subject="1", count=3, expiration_date=clock.now()))
    make_key(session, alice, "ké%y", clock.now())
    for name in ("given-up", "too"):
        released = ReleasedUsername(account_id=9, username_lower=name, expiration_date=clock.now())
        session.add(released)
    session.commit()
    make_account(session, "gone")
    make_task(session, alice)
    session.delete(released)
    session.execute(text("DELETE FROM accounts WHERE username = 'gone'"))
    session.execute(text("DELETE FROM tasks WHERE id = (SELECT max(id) FROM tasks)"))
    session.commit()


def test_restored_database_equals_original(
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
    output = todo_admin("backup", str(path))
    counts = (
        "accounts: 2, invitations: 1, limit counts: 1, released usernames: 1, changes: 21, "
        "filters: 1, idempotency keys: 1, lists: 1, reminders: 1, tokens: 3, trash: 2, "
        "webhooks: 1, tasks: 11"
    )
    assert output == f"{path} is written: {counts}.\n"

    monkeypatch.setenv("DATABASE_URL", other_url)
    assert todo_admin("restore", str(path)) == f"{path} is restored: {counts}.\n"
    assert rows_of(other_url) == original
    assert original["last ids"] == [3, 2, 1, 1, 1, 4, 1, 14]

    app = main({}, **{"sqlalchemy.url": other_url})
    client = Client(app, alice.token)
    found = client.get(f"{alice.tasks_url}?search=creme+bru&fields=id").json["tasks"]
    assert [task["id"] for task in found] == [1]
    [trashed] = client.get(f"{alice.trash_url}?search=creme").json["tasks"]
    assert client.post(f"{alice.trash_url}/{trashed['id']}/restore").status_int == 200
    assert len(client.get(f"{alice.tasks_url}?search=creme+bru").json["tasks"]) == 2
    assert client.post_json(alice.tasks_url, {"name": "Tea"}).json["task"]["id"] == 15
    assert log_in(client).status_int == 200
    bob = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
    assert client.post_json("/api/v1/accounts", bob).json["profile"]["id"] == 4
    dispose(app)


def todo_admin_process(url: str, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Start `todo-admin` on the database."""
    program = [str(Path(sys.executable).with_name("todo-admin")), *arguments]
    options: dict[str, Any] = {"env": os.environ | {"DATABASE_URL": url}, **streams}
    return subprocess.Popen(program, cwd=ROOT, stderr=subprocess.PIPE, **options)


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: Patch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_backup_is_piped_to_restore(
    database_url: str, other_url: str, committed: Session, alice: Login, temporary_files: Path
) -> None:
    fill(committed, alice)
    committed.close()
    original = rows_of(database_url)
    pipe = {"stdout": subprocess.PIPE}
    with (
        todo_admin_process(database_url, "backup", "-", **pipe) as source,
        todo_admin_process(other_url, "restore", "-", stdin=source.stdout, **pipe) as target,
    ):
        restored, error = target.communicate(timeout=120)
        assert source.communicate(timeout=120) == (b"", b"")
    assert (source.returncode, target.returncode, error) == (0, 0, b"")
    assert restored.startswith(b"standard input is restored: accounts: 2, ")
    assert rows_of(other_url) == original
    assert list(temporary_files.iterdir()) == []


@ONE_DATABASE
def test_backup_to_full_or_closed_output_is_refused(
    database_url: str, alice: Login, temporary_files: Path
) -> None:
    reading, closed = os.pipe()
    os.close(reading)
    with open(closed, "wb") as pipe, open("/dev/full", "wb") as full:
        for output, reason in ((pipe, "Broken pipe"), (full, "No space left on device")):
            with todo_admin_process(database_url, "backup", "-", stdout=output) as process:
                error = process.communicate(timeout=120)[1].decode()
            assert process.returncode == 1
            assert error == f"todo: cannot write the backup to standard output: {reason}\n"
    assert list(temporary_files.iterdir()) == []


@ONE_DATABASE
@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is not a backup"), (b"a text" * 5000, "file is not a database")]
)
def test_restore_of_invalid_input_is_refused(
    database_url: str, temporary_files: Path, content: bytes, message: str
) -> None:
    with todo_admin_process(database_url, "restore", "-", stdin=subprocess.PIPE) as process:
        error = process.communicate(content, timeout=120)[1].decode()
    assert process.returncode == 1
    assert "standard input" in error
    assert message in error
    assert error.count("\n") == 1
    assert list(temporary_files.iterdir()) == []


@ONE_DATABASE
def test_interrupted_restore_from_input_leaves_no_file(
    database_url: str, temporary_files: Path
) -> None:
    with todo_admin_process(database_url, "restore", "-", stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not list(temporary_files.glob("*/standard-input")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.terminate()
        assert process.communicate(timeout=20)[1] == b"todo: stopped\n"
    assert list(temporary_files.iterdir()) == []


def test_backup_during_write_is_snapshot(
    todo_admin: TodoAdmin, database_url: str, committed: Session, path: Path
) -> None:
    def register(_connection: Any) -> None:
        make_task(committed, make_account(committed, "bob"))

    make_task(committed, make_account(committed, "alice"))
    with before_statement("SELECT tasks.", register):
        output = todo_admin("backup", str(path))
    assert "accounts: 1," in output
    assert "tokens: 1, trash: 0, webhooks: 0, tasks: 1." in output
    assert [len(rows_of(database_url)[name]) for name in ("accounts", "tasks", "tokens")] == [2] * 3


@ONE_DATABASE
def test_backup_of_wal_database_includes_committed_rows(
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
def test_backup_and_restore_have_no_timeout(
    todo_admin: TodoAdmin, database_url: str, alice: Login, path: Path
) -> None:
    shown = []

    def show(connection: Any) -> None:
        with connection.connection.cursor() as cursor:
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SHOW {limit}")
                shown.append(cursor.fetchone()[0])

    with before_statement("SELECT tokens.", show):
        todo_admin("backup", str(path))
    delete_all_rows(database_url)
    with before_statement("INSERT INTO tokens", show):
        todo_admin("restore", str(path))
    assert shown == ["0", "0"] * 2


@ONE_DATABASE
def test_backup_is_readable_by_owner_only(todo_admin: TodoAdmin, path: Path) -> None:
    old_umask = os.umask(0)
    try:
        todo_admin("backup", str(path))
    finally:
        os.umask(old_umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


@ONE_DATABASE
def test_backup_overwrites_only_with_option(
    todo_admin: TodoAdmin, alice: Login, path: Path
) -> None:
    path.write_text("important data")
    message = todo_admin.refused("backup", str(path))
    assert message == f"'{path}' already exists; choose another name or add --overwrite"
    assert path.read_text() == "important data"
    assert "accounts: 1," in todo_admin("backup", "--overwrite", str(path))
    assert path.read_bytes().startswith(b"SQLite format 3\0")


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_backup_never_overwrites_its_database(
    todo_admin: TodoAdmin, alice: Login, database_url: str
) -> None:
    path = database_url.removeprefix("sqlite:///")
    message = todo_admin.refused("backup", "--overwrite", path)
    assert message == f"'{path}' is the database itself; choose another name"
    assert len(rows_of(database_url)["accounts"]) == 1


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGHUP])
@ONE_DATABASE
def test_interrupted_backup_leaves_no_file(
    todo_admin: TodoAdmin, alice: Login, path: Path, signal_number: signal.Signals
) -> None:
    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "CREATE TABLE accounts" in statement:
            os.kill(os.getpid(), signal_number)

    old_handler = signal.getsignal(signal_number)
    with event_listener(Engine, "before_cursor_execute", end):
        assert todo_admin.refused("backup", str(path)) == "stopped"
    assert list(path.parent.glob("*")) + list(path.parent.glob(".todo*")) == []
    assert signal.getsignal(signal_number) == old_handler


@ONE_DATABASE
def test_service_refuses_backup_as_database(
    todo_admin: TodoAdmin, alice: Login, path: Path
) -> None:
    todo_admin("backup", str(path))
    engine = create_engine(f"sqlite:///{path}")
    with pytest.raises(SystemExit, match="the database is a backup; set up a new database"):
        check_migrated(engine, "x.ini")
    engine.dispose()


@ONE_DATABASE
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/todo.backup", "No such file or directory"),
        ("file/todo.backup", "Not a directory"),
        ("n" * 300, "File name too long"),
        ("", "already exists"),
    ],
)
def test_backup_to_unusable_path_is_refused(
    todo_admin: TodoAdmin, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    assert message in todo_admin.refused("backup", str(tmp_path / name))
    assert sorted(tmp_path.rglob("*")) == before


def test_backup_on_full_disk_keeps_previous_file(
    todo_admin: TodoAdmin, committed: Session, alice: Login, path: Path
) -> None:
    for number in range(20):
        make_task(committed, alice, note=f"{number} " * 2000)
    path.write_text("the last backup")
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old_limit[1]))
    try:
        message = todo_admin.refused("backup", "--overwrite", str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
    assert message.startswith(f"cannot back up to '{path}': ")
    assert message.endswith("; nothing was written")
    assert os.listdir(path.parent) == [path.name]
    assert path.read_text() == "the last backup"


def run_sql(statement: str) -> Callable[[Path], None]:
    """Return a function that runs the statement on a backup."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
            connection.commit()

    return change


def corrupt_last_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


OLD_MIGRATION = "UPDATE alembic_version SET version_num = '0000'"
INVALID_UTF8 = "UPDATE accounts SET email = CAST(x'ff7365637265740a' AS TEXT)"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "No such file or directory"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
        (lambda path: path.write_text(""), "is not a backup; choose a file that"),
        (lambda path: path.write_text("a text" * 5000), "file is not a database"),
        (lambda path: os.truncate(path, path.stat().st_size - 4096), "is damaged"),
        (lambda path: os.truncate(path, 5000), "is damaged"),
        (corrupt_last_page, "is damaged"),
        (
            run_sql(OLD_MIGRATION),
            f"of migration 0000, but this todo needs {MIGRATION}; restore",
        ),
        # Only the database detects this, once other rows are restored.
        (run_sql(INVALID_UTF8), "is damaged"),
        (replace_by_pipe, "it is a pipe"),
        (run_sql("UPDATE tokens SET account_id = 99"), "oreign key constraint"),
        (run_sql("UPDATE tokens SET creation_date = 'yesterday'"), "isoformat"),
    ],
)
def test_restore_of_invalid_file_is_refused(
    todo_admin: TodoAdmin,
    database_url: str,
    backup_file: Path,
    damage: Callable[[Path], Any],
    message: str,
) -> None:
    damage(backup_file)
    error = todo_admin.refused("restore", str(backup_file))
    assert message in error.replace("FOREIGN KEY", "foreign key")
    assert f"'{backup_file}'" in error
    assert "secret" not in error
    assert all(rows_of(database_url)[table.name] == [] for table in TABLES)


@ONE_DATABASE
def test_restore_of_database_file_is_refused(todo_admin: TodoAdmin, database_url: str) -> None:
    message = todo_admin.refused("restore", database_url.removeprefix("sqlite:///"))
    assert "is not a backup; choose a file that todo-admin backup has written" in message


def test_restore_into_database_with_rows_is_refused(
    todo_admin: TodoAdmin, database_url: str, committed: Session, backup_file: Path
) -> None:
    committed.add(LimitCount(name="writes", subject="1", count=3, expiration_date=clock.now()))
    committed.commit()
    before = rows_of(database_url)
    message = todo_admin.refused("restore", str(backup_file))
    assert message.startswith("the database is not empty: it has limit counts; create a new one")
    assert rows_of(database_url) == before


def test_restore_does_not_reuse_ids_of_database(
    todo_admin: TodoAdmin, database_url: str, committed: Session, backup_file: Path
) -> None:
    for _ in range(3):
        make_account(committed)
    committed.execute(text("DELETE FROM accounts"))
    committed.commit()
    todo_admin("restore", str(backup_file))
    assert rows_of(database_url)["last ids"] == [3, 0, 0, 0, 0, 3, 0, 0]


@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_restore_during_open_write_is_refused(
    todo_admin: TodoAdmin, committed: Session, backup_file: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", 1)
    monkeypatch.setitem(engine.POSTGRESQL_SETTINGS, "lock_timeout", "1s")
    committed.execute(text("DELETE FROM tokens"))  # an uncommitted write
    assert "lock timeout" in todo_admin.refused("restore", str(backup_file))
